package display

import (
	"cmp"
	"image"
)

// A Motion is how a photo moves in its frame while it is shown. It is slowly enlarged, or
// begins enlarged and ends whole. The point that stays is not in the middle, so that the
// photo also moves sideways. No part of the frame is ever without photo.
type Motion struct {
	X   float64 `json:"x"` // the point that stays: 0, 0 is the upper left corner
	Y   float64 `json:"y"`
	Out bool    `json:"out,omitempty"` // from enlarged to whole
}

// motionBy is by how much a photo is enlarged.
const motionBy = 0.1

// Factor returns by how much the photo is enlarged when a share of its time is over.
func (m Motion) Factor(share float64) float64 {
	if m.Out {
		share = 1 - share
	}
	return 1 + motionBy*share
}

// Motion returns the motion of a photo, the same on each display. Neither the lower edge
// stays nor the lower part: that would cut off heads.
func (m Media) Motion() Motion {
	h := m.hash()
	return Motion{X: float64(h & 1), Y: float64(h>>1&1) / 2, Out: h>>2&1 == 1}
}

// Drift returns by how many steps, from -2 to 2, what is around a slide's photos is moved
// right and down, so that its edges wear no line into a screen.
func (s *Slide) Drift() image.Point {
	if len(s.Media) == 0 {
		return image.Point{}
	}
	h := s.Media[0].hash() >> 8
	return image.Pt(int(h%5)-2, int(h/5%5)-2)
}

// hash returns a number that differs between items: FNV-1a with its bits mixed.
func (m Media) hash() uint32 {
	h := uint32(2166136261)
	for _, b := range []byte(cmp.Or(m.Item, m.File)) {
		h = (h ^ uint32(b)) * 16777619
	}
	h = (h ^ h>>16) * 0x45d9f3b
	return h ^ h>>15
}
