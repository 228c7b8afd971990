package pixel

// Zoom draws a part of src, enlarged by a factor of at least 1, into dst, which must have
// the size of src. The point x, y stays where it is: 0, 0 is the upper left corner, 1, 1
// the lower right one. Zoom interpolates linearly.
func Zoom(dst, src *Image, factor, x, y float64) {
	if dst.W == 0 || dst.H == 0 {
		return
	}
	const one = 1 << 16
	step := int(one / factor)
	x0, y0 := int(x*float64(src.W*(one-step))), int(y*float64(src.H*(one-step)))
	blend := func(row []uint32, y int) {
		at := y0 + y*step
		upper := at / one
		lower := min(upper+1, src.H-1)
		Blend(row, src.Row(upper), src.Row(lower), uint32(at%one)>>8)
	}
	// Two rows at once: their columns are the same.
	first, second, line := make([]uint32, src.W), make([]uint32, src.W), make([]uint64, src.W+1)
	for y := 0; y < dst.H; y += 2 {
		last := min(y+1, dst.H-1)
		blend(first, y)
		blend(second, last)
		interleave(line, first, second)
		stretch(dst.Row(y), dst.Row(last), line, uint(x0), uint(step))
	}
}

// interleave writes pairs of pixels above each other, and the last one twice.
func interleave(line []uint64, first, second []uint32) {
	line, second = line[:len(first)+1], second[:len(first)]
	for i := range first {
		line[i] = uint64(first[i]) | uint64(second[i])<<32
	}
	line[len(first)] = line[len(first)-1]
}

// stretch mixes pixels next to each other in line, from x, in parts of 65536 of a
// pixel, in steps of at most one pixel.
//
//go:noinline
func stretch(first, second []uint32, line []uint64, x, step uint) {
	next, second := line[1:], second[:len(first)]
	line = line[:len(next)]
	for i := range first {
		rb, g := mixPair(line[x>>16], next[x>>16], uint64(x>>8&0xff))
		first[i], second[i] = uint32(rb|g), uint32((rb|g)>>32)
		x += step
	}
}
