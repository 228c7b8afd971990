package photo

import (
	"image"
	"time"

	"pickerd/display/pixel"
)

// A Scene is a slide as it stands on a screen: one photo, or two side by side.
type Scene struct {
	Still  *pixel.Image // the whole screen with the first frames
	moving *Photo
	at     image.Rectangle // of moving
	frame  *pixel.Image    // the frame that is seen
}

// mostEnlarged keeps a tiny picture from being blown up to a blur.
const mostEnlarged = 4

// Compose fits photos to a screen. What they leave free is black with plain set,
// else the first one itself, blurred and darkened.
func Compose(w, h int, photos []*Photo, plain bool) *Scene {
	s := &Scene{Still: pixel.New(w, h)}
	places := places(w, h, photos)
	drawn := make([]*pixel.Image, len(photos))
	for i, p := range photos {
		drawn[i] = pixel.New(places[i].Dx(), places[i].Dy())
		p.Draw(drawn[i], 0)
	}
	if !plain && !covers(w, h, places) {
		backing(s.Still, drawn)
	}
	for i, m := range drawn {
		s.Still.Copy(m, places[i].Min)
		if photos[i].Animated() {
			s.moving, s.at = photos[i], places[i]
		}
	}
	return s
}

// places are where photos stand: each as large as fits into its share of the
// screen, with the same room between them and beside them.
func places(w, h int, photos []*Photo) []image.Rectangle {
	share := w / max(len(photos), 1)
	if len(photos) > 1 {
		share -= w / 100
	}
	var all []image.Rectangle
	spare := w
	for _, p := range photos {
		f := min(float64(share)/float64(p.W), float64(h)/float64(p.H), mostEnlarged)
		pw, ph := max(int(float64(p.W)*f+0.5), 1), max(int(float64(p.H)*f+0.5), 1)
		all = append(all, image.Rect(0, (h-ph)/2, pw, (h-ph)/2+ph))
		spare -= pw
	}
	x := 0
	for i := range all {
		x += spare / (len(all) + 1)
		all[i] = all[i].Add(image.Pt(x, 0))
		x += all[i].Dx()
	}
	return all
}

func covers(w, h int, places []image.Rectangle) bool {
	return len(places) == 1 && places[0].Dx() >= w && places[0].Dy() >= h
}

// Shares of a screen's size that a backing is blurred at, and how bright it is
// of 256.
const (
	blurred = 40
	dimmed  = 110
)

// backing fills a screen with what photos look like to somebody without glasses.
func backing(dst *pixel.Image, drawn []*pixel.Image) {
	small := pixel.New(max(dst.W/blurred, 2), max(dst.H/blurred, 2))
	for i, m := range drawn {
		part := small.Sub(image.Rect(i*small.W/len(drawn), 0, (i+1)*small.W/len(drawn), small.H))
		Scale(part, m, covering(m, dst.W/len(drawn), dst.H))
	}
	for range 3 {
		soften(small)
	}
	small.Dim(small.Bounds(), 0, 256-dimmed)
	Scale(dst, small, small.Bounds())
}

// covering is the part of m that has the shape of w by h.
func covering(m *pixel.Image, w, h int) image.Rectangle {
	if m.W*h > m.H*w {
		wide := max(m.H*w/h, 1)
		return image.Rect((m.W-wide)/2, 0, (m.W+wide)/2, m.H)
	}
	high := max(m.W*h/w, 1)
	return image.Rect(0, (m.H-high)/2, m.W, (m.H+high)/2)
}

// soften makes each pixel the mean of itself and those around it.
func soften(m *pixel.Image) {
	from := pixel.New(m.W, m.H)
	from.Copy(m, image.Point{})
	for y := range m.H {
		for x := range m.W {
			var r, g, b, n uint32
			for j := max(y-1, 0); j <= min(y+1, m.H-1); j++ {
				for _, p := range from.Row(j)[max(x-1, 0):min(x+2, m.W)] {
					r, g, b, n = r+p>>16&0xff, g+p>>8&0xff, b+p&0xff, n+1
				}
			}
			m.Row(y)[x] = r/n<<16 | g/n<<8 | b/n
		}
	}
}

// Animated reports whether there is something to be advanced.
func (s *Scene) Animated() bool { return s.moving != nil }

// Advance draws frame i of a moving photo, round and round, into Still. It
// returns what changed, and how long that is to be seen.
func (s *Scene) Advance(i int) (image.Rectangle, time.Duration) {
	i %= s.moving.Frames()
	if s.frame == nil {
		s.frame = pixel.New(s.at.Dx(), s.at.Dy())
	}
	s.moving.Draw(s.frame, i)
	s.Still.Copy(s.frame, s.at.Min)
	return s.at, s.moving.Delay(i)
}
