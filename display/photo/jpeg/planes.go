package jpeg

import (
	"image"
	"image/color"
)

// A colorSpace says what the components mean.
type colorSpace int

const (
	yCbCr colorSpace = iota
	rgb
	cmyk // inverted, as Adobe's programs write it: 255 is no ink
	yCCK // CMY of cmyk as YCbCr
)

// Planes is an image whose components are separate, each with its own size. It is
// used where no type of package image fits.
type Planes struct {
	rect  image.Rectangle
	space colorSpace
	plane []plane
}

type plane struct {
	pix    []byte
	stride int
	column []uint16 // of each x of the image
	v, max int      // row y of the image is y*v/max
}

// ColorModel implements image.Image.
func (*Planes) ColorModel() color.Model { return color.RGBAModel }

// Bounds implements image.Image.
func (p *Planes) Bounds() image.Rectangle { return p.rect }

// Inks reports whether the components were those of print, CMYK or YCCK.
func (p *Planes) Inks() bool { return p.space == cmyk || p.space == yCCK }

// At implements image.Image. ReadRow is much faster.
func (p *Planes) At(x, y int) color.Color {
	if !image.Pt(x, y).In(p.rect) {
		return color.RGBA{}
	}
	var line [1]uint32
	p.ReadRow(x, y, line[:])
	return color.RGBA{R: uint8(line[0] >> 16), G: uint8(line[0] >> 8), B: uint8(line[0]), A: 255}
}

// ReadRow sets line to the pixels from x, y on as 0xRRGGBB. They must be within the
// bounds.
func (p *Planes) ReadRow(x, y int, line []uint32) {
	var rows [4][]byte
	var columns [4][]uint16
	for i := range p.plane {
		q := &p.plane[i]
		rows[i], columns[i] = q.pix[y*q.v/q.max*q.stride:][:q.stride], q.column[x:][:len(line)]
	}
	at := func(c, i int) byte { return rows[c][columns[c][i]] }
	switch p.space {
	case rgb:
		for i := range line {
			line[i] = uint32(at(0, i))<<16 | uint32(at(1, i))<<8 | uint32(at(2, i))
		}
	case yCbCr:
		for i := range line {
			r, g, b := color.YCbCrToRGB(at(0, i), at(1, i), at(2, i))
			line[i] = uint32(r)<<16 | uint32(g)<<8 | uint32(b)
		}
	case cmyk:
		for i := range line {
			line[i] = ink(at(0, i), at(1, i), at(2, i), at(3, i))
		}
	case yCCK:
		for i := range line {
			r, g, b := color.YCbCrToRGB(at(0, i), at(1, i), at(2, i))
			line[i] = ink(^r, ^g, ^b, at(3, i))
		}
	}
}

// ink returns the color of what ink leaves of red, green, blue, and of all.
func ink(r, g, b, k byte) uint32 {
	part := func(c byte) uint32 { return (uint32(c)*uint32(k) + 127) / 255 }
	return part(r)<<16 | part(g)<<8 | part(b)
}

// space returns what the components mean, as libjpeg and browsers guess it.
func (f *frame) space() colorSpace {
	switch {
	case len(f.comps) == 4 && (!f.adobe || f.transform0):
		return cmyk
	case len(f.comps) == 4:
		return yCCK
	case f.jfif:
		return yCbCr
	case f.adobe && f.transform0, !f.adobe && f.comps[0].id == 'R' && f.comps[1].id == 'G' && f.comps[2].id == 'B':
		return rgb
	}
	return yCbCr
}

// ratios are the samplings of package image, by how many pixels share a chroma
// sample in both directions.
var ratios = [...]struct {
	size  image.Point
	ratio image.YCbCrSubsampleRatio
}{
	{image.Pt(1, 1), image.YCbCrSubsampleRatio444}, {image.Pt(2, 1), image.YCbCrSubsampleRatio422},
	{image.Pt(2, 2), image.YCbCrSubsampleRatio420}, {image.Pt(1, 2), image.YCbCrSubsampleRatio440},
	{image.Pt(4, 1), image.YCbCrSubsampleRatio411}, {image.Pt(4, 2), image.YCbCrSubsampleRatio410},
}

// image returns the decoded image.
func (f *frame) image() image.Image {
	rect := image.Rect(0, 0, ceil(f.w*f.n, 8), ceil(f.h*f.n, 8))
	c := f.comps
	if len(c) == 1 {
		return &image.Gray{Pix: c[0].pix, Stride: c[0].stride, Rect: rect}
	}
	space := f.space()
	if space == yCbCr {
		for _, r := range ratios {
			if f.shares(0, 1, 1) && f.shares(1, r.size.X, r.size.Y) && f.shares(2, r.size.X, r.size.Y) {
				return &image.YCbCr{Y: c[0].pix, Cb: c[1].pix, Cr: c[2].pix, YStride: c[0].stride, CStride: c[1].stride,
					SubsampleRatio: r.ratio, Rect: rect}
			}
		}
	}
	p := &Planes{rect: rect, space: space}
	for i := range c {
		q := plane{pix: c[i].pix, stride: c[i].stride, v: c[i].v * c[i].n, max: f.vmax * f.n, column: make([]uint16, rect.Dx())}
		for x := range q.column {
			q.column[x] = uint16(x * c[i].h * c[i].n / (f.hmax * f.n))
		}
		p.plane = append(p.plane, q)
	}
	return p
}

// shares reports whether x by y pixels share a sample of component i.
func (f *frame) shares(i, x, y int) bool {
	c := &f.comps[i]
	return c.h*c.n*x == f.hmax*f.n && c.v*c.n*y == f.vmax*f.n
}
