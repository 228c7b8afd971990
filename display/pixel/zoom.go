package pixel

// Zoom draws the middle of src, enlarged by a factor of at least 1, into dst, which
// must have the size of src. It interpolates linearly.
func Zoom(dst, src *Image, factor float64) {
	if dst.W == 0 || dst.H == 0 {
		return
	}
	const one = 1 << 16
	step := int(one / factor)
	x0, y0 := (src.W*one-src.W*step)/2, (src.H*one-src.H*step)/2
	line := make([]uint32, src.W+1)
	for y := range dst.H {
		at := y0 + y*step
		upper := at / one
		lower := min(upper+1, src.H-1)
		Blend(line[:src.W], src.Row(upper), src.Row(lower), uint32(at%one)>>8)
		line[src.W] = line[src.W-1]
		row, x := dst.Row(y), x0
		for i := range row {
			p := line[x/one : x/one+2]
			row[i] = Mix(p[0], p[1], uint32(x%one)>>8)
			x += step
		}
	}
}
