// Package pixel holds pictures as screens want them: one 32-bit word a pixel,
// 0x00RRGGBB, which is what most displays take as it is. It knows the formats
// that others take, and blends and turns pictures row by row. It allocates
// nothing while pictures move.
package pixel

import (
	"image"
	"image/color"
)

// An Image is rows of pixels. Its zero value is empty.
type Image struct {
	Pix    []uint32
	Stride int // pixels from one row to the next
	W, H   int
}

// New returns a black image.
func New(w, h int) *Image { return &Image{Pix: make([]uint32, w*h), Stride: w, W: w, H: h} }

// Row returns the pixels of row y.
func (m *Image) Row(y int) []uint32 { return m.Pix[y*m.Stride : y*m.Stride+m.W] }

// Sub is the part of an image that lies in r; they share pixels.
func (m *Image) Sub(r image.Rectangle) *Image {
	r = r.Intersect(image.Rect(0, 0, m.W, m.H))
	if r.Empty() {
		return &Image{}
	}
	return &Image{Pix: m.Pix[r.Min.Y*m.Stride+r.Min.X:], Stride: m.Stride, W: r.Dx(), H: r.Dy()}
}

// Fill paints a rectangle.
func (m *Image) Fill(r image.Rectangle, c uint32) {
	s := m.Sub(r)
	for y := range s.H {
		row := s.Row(y)
		for x := range row {
			row[x] = c
		}
	}
}

// Copy puts src's upper left corner at p.
func (m *Image) Copy(src *Image, p image.Point) {
	r := image.Rect(p.X, p.Y, p.X+src.W, p.Y+src.H).Intersect(image.Rect(0, 0, m.W, m.H))
	for y := r.Min.Y; y < r.Max.Y; y++ {
		copy(m.Row(y)[r.Min.X:r.Max.X], src.Row(y - p.Y)[r.Min.X-p.X:])
	}
}

// Dim mixes a rectangle with c: alpha 0 leaves it, 256 replaces it.
func (m *Image) Dim(r image.Rectangle, c uint32, alpha uint32) {
	s := m.Sub(r)
	for y := range s.H {
		row := s.Row(y)
		for x, p := range row {
			row[x] = Mix(p, c, alpha)
		}
	}
}

// Mix is a where t is 0, and b where it is 256.
func Mix(a, b, t uint32) uint32 {
	rb := (a&0xff00ff*(256-t) + b&0xff00ff*t) >> 8 & 0xff00ff
	g := (a&0xff00*(256-t) + b&0xff00*t) >> 8 & 0xff00
	return rb | g
}

// Blend mixes two rows, which must have dst's length: a where t is 0, b where
// it is 256.
func Blend(dst, a, b []uint32, t uint32) {
	a, b = a[:len(dst)], b[:len(dst)]
	u := 256 - t
	for i := range dst {
		p, q := a[i], b[i]
		dst[i] = (p&0xff00ff*u+q&0xff00ff*t)>>8&0xff00ff | (p>>8&0xff*u+q>>8&0xff*t)&0xff00
	}
}

// Bounds implements image.Image.
func (m *Image) Bounds() image.Rectangle { return image.Rect(0, 0, m.W, m.H) }

// ColorModel implements image.Image.
func (m *Image) ColorModel() color.Model { return color.RGBAModel }

// At implements image.Image.
func (m *Image) At(x, y int) color.Color {
	if !(image.Point{X: x, Y: y}).In(m.Bounds()) {
		return color.RGBA{}
	}
	p := m.Pix[y*m.Stride+x]
	return color.RGBA{R: uint8(p >> 16), G: uint8(p >> 8), B: uint8(p), A: 255}
}

// Opaque makes encoders write no alpha.
func (m *Image) Opaque() bool { return true }

// RotatedSize returns the size of a picture after a turn by so many degrees, which
// must be 0, 90, 180 or 270.
func RotatedSize(w, h, degrees int) (int, int) {
	if degrees%180 != 0 {
		return h, w
	}
	return w, h
}

// block is the edge of the squares that Rotate works in, so that what it writes
// stays in the processor's cache.
const block = 32

// Rotate draws src into dst, turned clockwise. dst must have the turned size.
func Rotate(dst, src *Image, degrees int) {
	switch degrees {
	case 0:
		dst.Copy(src, image.Point{})
		return
	case 180:
		for y := range src.H {
			from, to := src.Row(y), dst.Row(dst.H-1-y)
			for x, p := range from {
				to[len(to)-1-x] = p
			}
		}
		return
	}
	for top := 0; top < src.H; top += block {
		for left := 0; left < src.W; left += block {
			turnBlock(dst, src, degrees, image.Rect(left, top, min(left+block, src.W), min(top+block, src.H)))
		}
	}
}

func turnBlock(dst, src *Image, degrees int, r image.Rectangle) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := src.Row(y)
		at, step := r.Min.X*dst.Stride+dst.W-1-y, dst.Stride
		if degrees == 270 {
			at, step = (dst.H-1-r.Min.X)*dst.Stride+y, -dst.Stride
		}
		for _, p := range row[r.Min.X:r.Max.X] {
			dst.Pix[at] = p
			at += step
		}
	}
}
