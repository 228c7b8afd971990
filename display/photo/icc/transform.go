// Package icc converts colors to sRGB as ICC profiles, and PNG's chunks cICP, gAMA
// and cHRM, say. Of profiles it knows those of a matrix and three curves, and those
// of gray with one curve. Profiles of tables, as printers have, count as absent.
package icc

import (
	"math"
	"sync"
)

// linear is a curve from coded values to linear light. Both are from 0 to 1.
type linear func(v float64) float64

// A matrix has a row for each of X, Y and Z, or of linear red, green and blue.
type matrix [3][3]float64

// A Transform converts colors to sRGB. A nil one leaves them unchanged.
type Transform struct {
	// Gray is set if it is for images of gray only.
	Gray bool

	in [3][256]int32 // linear light of red, green and blue, in parts of 1<<unit
	// mix is what each value of red, green and blue adds to linear sRGB.
	mix [3][256][3]int32
}

const (
	unit = 20
	// outBits is the size of the table that codes linear light for sRGB.
	outBits = 13
)

// encoded returns the table that codes linear light for sRGB (IEC 61966-2-1).
var encoded = sync.OnceValue(func() *[1<<outBits + 1]uint8 {
	var t [1<<outBits + 1]uint8
	for i := range t {
		v := float64(i) / (1 << outBits)
		if v <= 0.0031308 {
			v *= 12.92
		} else {
			v = 1.055*math.Pow(v, 1/2.4) - 0.055
		}
		t[i] = uint8(v*255 + 0.5)
	}
	return &t
})

// ofSRGB is the curve of sRGB.
func ofSRGB(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

// newTransform returns the transform of curves and a matrix to linear sRGB, or nil if
// no color changes by more than one step.
func newTransform(curves [3]linear, m matrix) *Transform {
	t := &Transform{}
	for c, f := range curves {
		for i := range t.in[c] {
			v := f(float64(i) / 255)
			t.in[c][i] = fixed(v)
			for k := range 3 {
				t.mix[c][i][k] = fixed(v * m[k][c])
			}
		}
	}
	if t.plain() {
		return nil
	}
	return t
}

// fixed returns v, from -100 to 100, in parts of 1<<unit. Three of them can be added.
func fixed(v float64) int32 {
	if math.IsNaN(v) {
		return 0
	}
	return int32(math.Round(min(max(v, -100), 100) * (1 << unit)))
}

// plain reports whether t changes none of a sample of colors by more than one step.
func (t *Transform) plain() bool {
	const step = 15
	for r := uint32(0); r < 256; r += step {
		for g := uint32(0); g < 256; g += step {
			for b := uint32(0); b < 256; b += step {
				row := [1]uint32{r<<16 | g<<8 | b}
				t.Convert(row[:])
				if far(row[0]>>16, r) || far(row[0]>>8&0xff, g) || far(row[0]&0xff, b) {
					return false
				}
			}
		}
	}
	return true
}

func far(a, b uint32) bool { return a > b+1 || b > a+1 }

// Convert converts a row of pixels, 0xRRGGBB, to sRGB.
func (t *Transform) Convert(row []uint32) {
	if t == nil {
		return
	}
	out := encoded()
	for i, p := range row {
		r, g, b := &t.mix[0][p>>16&0xff], &t.mix[1][p>>8&0xff], &t.mix[2][p&0xff]
		row[i] = code(out, r[0]+g[0]+b[0])<<16 | code(out, r[1]+g[1]+b[1])<<8 | code(out, r[2]+g[2]+b[2])
	}
}

// code returns the 8 bits of linear light.
func code(out *[1<<outBits + 1]uint8, v int32) uint32 {
	const shift = unit - outBits
	return uint32(out[min(max((v+1<<(shift-1))>>shift, 0), 1<<outBits)])
}

// Source returns the pixel that Convert makes a gray of sRGB, as exactly as 8 bits
// allow.
func (t *Transform) Source(gray uint8) uint32 {
	if t == nil {
		return uint32(gray) * 0x010101
	}
	want := fixed(ofSRGB(float64(gray) / 255))
	var p uint32
	for c := range t.in {
		best := 0
		for i, v := range t.in[c] {
			if abs(v-want) < abs(t.in[c][best]-want) {
				best = i
			}
		}
		p = p<<8 | uint32(best)
	}
	return p
}

func abs(v int32) int32 { return max(v, -v) }
