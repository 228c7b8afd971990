package jpeg

// Inverse discrete cosine transforms to 8, 4, 2 and 1 samples in each direction. The
// smaller ones use only the lowest frequencies, which is the best picture at that
// size (as libjpeg since version 7). Coefficients are dequantized, in rows.

// Fixed-point numbers have fixBits fractional bits, and passBits more are kept
// between columns and rows.
const (
	fixBits  = 13
	passBits = 2
)

// transform writes the samples of block b of n by n to dst. plain means that only
// the first coefficient is not 0.
func transform(dst []byte, stride, n int, b *[128]int32, plain bool) {
	switch {
	case n == 1:
		dst[0] = sample(b[0], 3)
	case plain:
		v := sample(b[0], 3)
		for y := range n {
			row := dst[y*stride:][:n]
			for x := range row {
				row[x] = v
			}
		}
	case n == 2:
		idct2(dst, stride, b)
	case n == 4:
		idct4(dst, stride, b)
	default:
		idct8(dst, stride, b)
	}
}

// sample rounds v with n fractional bits and shifts it to 0…255.
func sample(v int32, n uint) byte {
	v = (v+1<<(n-1))>>n + 128
	if uint32(v) > 255 {
		if v < 0 {
			return 0
		}
		return 255
	}
	return byte(v)
}

func idct2(dst []byte, stride int, b *[128]int32) {
	p, q, r, s := b[0]+b[2], b[0]-b[2], b[1]+b[3], b[1]-b[3]
	top, bottom := dst[:2], dst[stride:][:2]
	top[0], top[1] = sample(p+r, 3), sample(p-r, 3)
	bottom[0], bottom[1] = sample(q+s, 3), sample(q-s, 3)
}

// √2·cos(3π/8) and what added to it is √2·cos(π/8), negative where it is taken away.
const (
	cos6     = 4433  // 0.541196100
	cos2less = 6270  // 0.765366865
	cos2more = 15137 // 1.847759065
)

func idct4(dst []byte, stride int, b *[128]int32) {
	for x := range 4 {
		e0, e1 := (b[x]+b[8+x])<<fixBits, (b[x]-b[8+x])<<fixBits
		z := (b[4+x] + b[12+x]) * cos6
		o0, o1 := z+b[4+x]*cos2less, z-b[12+x]*cos2more
		const half = 1 << (fixBits - passBits - 1)
		b[x], b[12+x] = (e0+o0+half)>>(fixBits-passBits), (e0-o0+half)>>(fixBits-passBits)
		b[4+x], b[8+x] = (e1+o1+half)>>(fixBits-passBits), (e1-o1+half)>>(fixBits-passBits)
	}
	for y := range 4 {
		w := b[4*y:][:4]
		e0, e1 := (w[0]+w[2])<<fixBits, (w[0]-w[2])<<fixBits
		z := (w[1] + w[3]) * cos6
		o0, o1 := z+w[1]*cos2less, z-w[3]*cos2more
		row := dst[y*stride:][:4]
		row[0], row[3] = sample(e0+o0, fixBits+passBits+3), sample(e0-o0, fixBits+passBits+3)
		row[1], row[2] = sample(e1+o1, fixBits+passBits+3), sample(e1-o1, fixBits+passBits+3)
	}
}

// idct8 is the algorithm of Loeffler, Ligtenberg and Moschytz (ICASSP 1989) with 12
// multiplications.
func idct8(dst []byte, stride int, b *[128]int32) {
	for x := range 8 {
		if b[8+x]|b[16+x]|b[24+x]|b[32+x]|b[40+x]|b[48+x]|b[56+x] == 0 {
			v := b[x] << passBits
			for y := 0; y < 64; y += 8 {
				b[y+x] = v
			}
			continue
		}
		e0, e1, e2, e3 := even(b[x], b[16+x], b[32+x], b[48+x])
		o0, o1, o2, o3 := odd(b[8+x], b[24+x], b[40+x], b[56+x])
		const n, half = fixBits - passBits, 1 << (fixBits - passBits - 1)
		b[x], b[56+x] = (e0+o0+half)>>n, (e0-o0+half)>>n
		b[8+x], b[48+x] = (e1+o1+half)>>n, (e1-o1+half)>>n
		b[16+x], b[40+x] = (e2+o2+half)>>n, (e2-o2+half)>>n
		b[24+x], b[32+x] = (e3+o3+half)>>n, (e3-o3+half)>>n
	}
	for y := range 8 {
		w := b[8*y:][:8]
		row := dst[y*stride:][:8]
		e0, e1, e2, e3 := even(w[0], w[2], w[4], w[6])
		o0, o1, o2, o3 := odd(w[1], w[3], w[5], w[7])
		const n = fixBits + passBits + 3
		row[0], row[7] = sample(e0+o0, n), sample(e0-o0, n)
		row[1], row[6] = sample(e1+o1, n), sample(e1-o1, n)
		row[2], row[5] = sample(e2+o2, n), sample(e2-o2, n)
		row[3], row[4] = sample(e3+o3, n), sample(e3-o3, n)
	}
}

// even is the part of the transform for coefficients 0, 2, 4 and 6.
func even(c0, c2, c4, c6 int32) (e0, e1, e2, e3 int32) {
	z := (c2 + c6) * cos6
	lo, hi := z+c2*cos2less, z-c6*cos2more
	s, d := (c0+c4)<<fixBits, (c0-c4)<<fixBits
	return s + lo, d + hi, d - hi, s - lo
}

// odd is the part for coefficients 1, 3, 5 and 7.
func odd(c1, c3, c5, c7 int32) (o0, o1, o2, o3 int32) {
	z5 := (c7 + c3 + c5 + c1) * 9633              // 1.175875602
	z1, z2 := (c7+c1)*-7373, (c5+c3)*-20995       // 0.899976223, 2.562915447
	z3, z4 := (c7+c3)*-16069+z5, (c5+c1)*-3196+z5 // 1.961570560, 0.390180644
	o3 = c7*2446 + z1 + z3                        // 0.298631336
	o2 = c5*16819 + z2 + z4                       // 2.053119869
	o1 = c3*25172 + z2 + z3                       // 3.072711026
	o0 = c1*12299 + z1 + z4                       // 1.501321110
	return o0, o1, o2, o3
}
