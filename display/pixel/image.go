// Package pixel owns pictures in memory and their conversion to a display's format.
// A pixel is a 32-bit word, 0x00RRGGBB, which most displays take without
// conversion. Pictures are blended, rotated and converted row by row, without
// allocations.
package pixel

import (
	"encoding/binary"
	"image"
	"image/color"
	"unsafe"
)

// An Image is a picture. Its zero value is empty.
type Image struct {
	Pix    []uint32
	Stride int // pixels from one row to the next
	W, H   int
}

// New returns a black image.
func New(w, h int) *Image { return &Image{Pix: make([]uint32, w*h), Stride: w, W: w, H: h} }

// Row returns the pixels of row y.
func (m *Image) Row(y int) []uint32 { return m.Pix[y*m.Stride : y*m.Stride+m.W] }

// Sub returns the part of m within r. They share pixels.
func (m *Image) Sub(r image.Rectangle) *Image {
	r = r.Intersect(image.Rect(0, 0, m.W, m.H))
	if r.Empty() {
		return &Image{}
	}
	return &Image{Pix: m.Pix[r.Min.Y*m.Stride+r.Min.X:], Stride: m.Stride, W: r.Dx(), H: r.Dy()}
}

// Fill sets the pixels of a rectangle to c.
func (m *Image) Fill(r image.Rectangle, c uint32) {
	s := m.Sub(r)
	for y := range s.H {
		row := s.Row(y)
		for x := range row {
			row[x] = c
		}
	}
}

// Copy copies src to m, with its upper left corner at p.
func (m *Image) Copy(src *Image, p image.Point) {
	r := image.Rect(p.X, p.Y, p.X+src.W, p.Y+src.H).Intersect(image.Rect(0, 0, m.W, m.H))
	for y := r.Min.Y; y < r.Max.Y; y++ {
		copy(m.Row(y)[r.Min.X:r.Max.X], src.Row(y - p.Y)[r.Min.X-p.X:])
	}
}

// Dim mixes the pixels of a rectangle with c: alpha 0 leaves them, 256 replaces
// them.
func (m *Image) Dim(r image.Rectangle, c uint32, alpha uint32) {
	s := m.Sub(r)
	for y := range s.H {
		row := s.Row(y)
		dimPairs(pairs(row), uint64(c)<<32|uint64(c), uint64(alpha))
		for x := len(pairs(row)) * 2; x < len(row); x++ {
			row[x] = Mix(row[x], c, alpha)
		}
	}
}

// Mix returns a mix of two colors: a at t = 0, b at t = 256.
func Mix(a, b, t uint32) uint32 {
	rb := (a&0xff00ff*(256-t) + b&0xff00ff*t) >> 8 & 0xff00ff
	g := (a&0xff00*(256-t) + b&0xff00*t) >> 8 & 0xff00
	return rb | g
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

// Opaque reports true, so that encoders omit the alpha channel.
func (m *Image) Opaque() bool { return true }

// RGBA returns m in the form that encoders read fastest. It takes over m's pixels: m must
// not be used any more.
func (m *Image) RGBA() *image.RGBA {
	if len(m.Pix) == 0 {
		return &image.RGBA{}
	}
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(&m.Pix[0])), 4*len(m.Pix))
	for i, p := range m.Pix {
		binary.BigEndian.PutUint32(bytes[4*i:], p<<8|0xff)
	}
	return &image.RGBA{Pix: bytes, Stride: 4 * m.Stride, Rect: m.Bounds()}
}

// RotatedSize returns the size of a picture of w by h pixels after a rotation by 0,
// 90, 180 or 270 degrees.
func RotatedSize(w, h, degrees int) (int, int) {
	if degrees%180 != 0 {
		return h, w
	}
	return w, h
}

// block is the side of the squares that Rotate works on, so that its output stays in
// the processor's cache.
const block = 32

// Rotate draws src into dst, rotated clockwise by 0, 90, 180 or 270 degrees. dst must
// have the rotated size.
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
			rotateBlock(dst, src, degrees, image.Rect(left, top, min(left+block, src.W), min(top+block, src.H)))
		}
	}
}

func rotateBlock(dst, src *Image, degrees int, r image.Rectangle) {
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
