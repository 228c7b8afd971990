package photo

import (
	"image"
	"image/color"
	"math"

	"pickerd/display/photo/jpeg"
	"pickerd/display/pixel"
)

// Scale scales the part r of src to the size of dst. It uses a Catmull-Rom filter,
// widened for downscaling, and keeps only a few rows in memory. Behind transparent
// parts is Ground.
func Scale(dst *pixel.Image, src image.Image, r image.Rectangle) {
	upright.draw(dst, src, r, Ground)
}

// scaleRows scales the part r of src to w by h pixels, on a ground in its colors, for a
// function that takes each row, for clamp, until it returns false.
func scaleRows(w, h int, src image.Image, r image.Rectangle, ground uint32, take func(y int, sum []int32) bool) {
	r = r.Intersect(src.Bounds())
	if r.Empty() || w == 0 || h == 0 {
		return
	}
	across, down := filterWeights(r.Dx(), w), filterWeights(r.Dy(), h)
	read := rowReader(src, r, ground)
	line := make([]uint32, r.Dx())
	ring := make([][]int32, down.max)
	for i := range ring {
		ring[i] = make([]int32, 3*w)
	}
	sum := make([]int32, 3*w)
	have := 0 // rows read so far
	for y := range h {
		first, weights := down.at(y)
		for ; have < first+len(weights); have++ {
			if have < first {
				continue // happens only when scaling down a lot
			}
			read(have, line)
			across.row(ring[have%len(ring)], line)
		}
		clear(sum)
		at := func(i int) []int32 { return ring[(first+i)%len(ring)] }
		for ; len(weights) >= 2; first, weights = first+2, weights[2:] {
			add(sum, at(0), at(1), weights[0], weights[1])
		}
		if len(weights) == 1 {
			add(sum, at(0), at(0), weights[0], 0)
		}
		if !take(y, sum) {
			return
		}
	}
}

// weights are the filter's weights of source pixels for each target pixel, in parts
// of 1<<unit.
type weights struct {
	first []int
	begin []int // of w; one more than first
	w     []int32
	max   int // largest number of weights of a target pixel
}

const (
	unit = 14
	// fraction is the number of fractional bits between the two passes.
	fraction = 4
)

func (w *weights) at(i int) (first int, of []int32) {
	return w.first[i], w.w[w.begin[i]:w.begin[i+1]]
}

// filterWeights returns the weights for scaling n pixels to m.
func filterWeights(n, m int) *weights {
	scale := float64(n) / float64(m)
	wide := max(scale, 1)
	w := &weights{begin: []int{0}}
	var part []float64
	for i := range m {
		centre := (float64(i)+0.5)*scale - 0.5
		first, last := max(int(math.Ceil(centre-2*wide)), 0), min(int(math.Floor(centre+2*wide)), n-1)
		part = part[:0]
		total := 0.0
		for j := first; j <= last; j++ {
			v := catmullRom((float64(j) - centre) / wide)
			part = append(part, v)
			total += v
		}
		left := int32(1 << unit)
		middle := 0
		for k, v := range part {
			q := int32(math.Round(v / total * (1 << unit)))
			w.w = append(w.w, q)
			left -= q
			if v > part[middle] {
				middle = k
			}
		}
		w.w[w.begin[i]+middle] += left // rounding must not change a plain area
		w.first, w.begin = append(w.first, first), append(w.begin, len(w.w))
		w.max = max(w.max, len(part))
	}
	return w
}

// catmullRom is the Mitchell–Netravali cubic filter with B=0, C=1/2.
func catmullRom(x float64) float64 {
	switch x = math.Abs(x); {
	case x < 1:
		return (1.5*x-2.5)*x*x + 1
	case x < 2:
		return ((-0.5*x+2.5)*x-4)*x + 2
	}
	return 0
}

// row filters one row horizontally.
func (w *weights) row(dst []int32, src []uint32) {
	for i, first := range w.first {
		ws := w.w[w.begin[i]:w.begin[i+1]]
		from := src[first : first+len(ws)]
		var r, g, b int32
		for j, k := range ws {
			p := from[j]
			r += k * int32(p>>16&0xff)
			g += k * int32(p>>8&0xff)
			b += k * int32(p&0xff)
		}
		o := dst[3*i : 3*i+3]
		o[0], o[1], o[2] = r>>(unit-fraction), g>>(unit-fraction), b>>(unit-fraction)
	}
}

// add adds two rows with their weights. One at a time takes much longer.
func add(sum, a, b []int32, v, w int32) {
	a, b = a[:len(sum)], b[:len(sum)]
	for i := range sum {
		sum[i] += v*a[i] + w*b[i]
	}
}

func pack(dst []uint32, sum []int32) {
	sum = sum[:3*len(dst)]
	for i := range dst {
		s := sum[3*i : 3*i+3]
		dst[i] = clamp(s[0])<<16 | clamp(s[1])<<8 | clamp(s[2])
	}
}

func clamp(v int32) uint32 {
	v = (v + 1<<(unit+fraction-1)) >> (unit + fraction)
	return uint32(min(max(v, 0), 255))
}

// rowReader returns a function that reads row y of the part r of an image, on a
// ground where it is transparent.
func rowReader(src image.Image, r image.Rectangle, ground uint32) func(y int, line []uint32) {
	switch m := src.(type) {
	case *pixel.Image:
		return func(y int, line []uint32) { copy(line, m.Row(r.Min.Y + y)[r.Min.X:]) }
	case *image.YCbCr:
		return func(y int, line []uint32) { readYCbCr(m, r.Min.X, r.Min.Y+y, line) }
	case *lossy:
		return func(y int, line []uint32) { m.read(r.Min.X, r.Min.Y+y, ground, line) }
	case *image.Gray:
		return func(y int, line []uint32) {
			o := m.PixOffset(r.Min.X, r.Min.Y+y)
			for x := range line {
				line[x] = uint32(m.Pix[o+x]) * 0x010101
			}
		}
	case *image.RGBA:
		return func(y int, line []uint32) { readRGBA(m.Pix[m.PixOffset(r.Min.X, r.Min.Y+y):], ground, line) }
	case *image.NRGBA:
		return func(y int, line []uint32) { readNRGBA(m.Pix[m.PixOffset(r.Min.X, r.Min.Y+y):], ground, line) }
	case *jpeg.Planes:
		return func(y int, line []uint32) { m.ReadRow(r.Min.X, r.Min.Y+y, line) }
	case *image.Paletted:
		palette := make([]uint32, 256)
		for i, c := range m.Palette {
			r, g, b, a := c.RGBA()
			palette[i] = word(color.RGBA64{uint16(r), uint16(g), uint16(b), uint16(a)}, ground)
		}
		return func(y int, line []uint32) {
			o := m.PixOffset(r.Min.X, r.Min.Y+y)
			for x := range line {
				line[x] = palette[m.Pix[o+x]]
			}
		}
	case image.RGBA64Image: // every other type of package image
		return func(y int, line []uint32) {
			for x := range line {
				line[x] = word(m.RGBA64At(r.Min.X+x, r.Min.Y+y), ground)
			}
		}
	}
	return func(y int, line []uint32) {
		for x := range line {
			r, g, b, a := src.At(r.Min.X+x, r.Min.Y+y).RGBA()
			line[x] = word(color.RGBA64{uint16(r), uint16(g), uint16(b), uint16(a)}, ground)
		}
	}
}

// word returns a color on a ground.
func word(c color.RGBA64, ground uint32) uint32 {
	return blend(uint32(c.R>>8), uint32(c.G>>8), uint32(c.B>>8), uint32(c.A>>8), ground)
}

// blend returns a color, premultiplied by its opacity a, on a ground. All are at
// most 255.
func blend(r, g, b, a, ground uint32) uint32 {
	if a == 255 {
		return r<<16 | g<<8 | b
	}
	under := 255 - a
	return min(r+(ground>>16*under+127)/255, 255)<<16 | min(g+(ground>>8&0xff*under+127)/255, 255)<<8 | min(b+(ground&0xff*under+127)/255, 255)
}

// blendN is blend for a color that is not premultiplied.
func blendN(r, g, b, a, ground uint32) uint32 {
	if a == 255 {
		return r<<16 | g<<8 | b
	}
	under := 255 - a
	return (r*a+ground>>16*under+127)/255<<16 | (g*a+ground>>8&0xff*under+127)/255<<8 | (b*a+ground&0xff*under+127)/255
}

func readYCbCr(m *image.YCbCr, x0, y int, line []uint32) {
	luma := m.Y[m.YOffset(x0, y):][:len(line)]
	c := m.COffset(x0, y)
	if m.SubsampleRatio == image.YCbCrSubsampleRatio444 {
		cb, cr := m.Cb[c:][:len(luma)], m.Cr[c:][:len(luma)]
		for x, v := range luma {
			r, g, b := color.YCbCrToRGB(v, cb[x], cr[x])
			line[x] = uint32(r)<<16 | uint32(g)<<8 | uint32(b)
		}
		return
	}
	for x, v := range luma {
		c = m.COffset(x0+x, y)
		r, g, b := color.YCbCrToRGB(v, m.Cb[c], m.Cr[c])
		line[x] = uint32(r)<<16 | uint32(g)<<8 | uint32(b)
	}
}

func readRGBA(pix []uint8, ground uint32, line []uint32) {
	for x := range line {
		p := pix[4*x : 4*x+4]
		line[x] = blend(uint32(p[0]), uint32(p[1]), uint32(p[2]), uint32(p[3]), ground)
	}
}

func readNRGBA(pix []uint8, ground uint32, line []uint32) {
	for x := range line {
		p := pix[4*x : 4*x+4]
		line[x] = blendN(uint32(p[0]), uint32(p[1]), uint32(p[2]), uint32(p[3]), ground)
	}
}
