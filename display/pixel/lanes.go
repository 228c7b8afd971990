package pixel

import (
	"math/bits"
	"unsafe"
)

// Two pixels are worked on at once in a word of 64 bits, whose colors are spread over
// lanes of 16 bits. The results are those of one pixel after the other.
const lanes = 0x00ff00ff00ff00ff // blue and red of two pixels, or their green after a shift by 8

// pairs returns a row as words of two pixels, without copying, or nil where words have
// 32 bits. If the row has an odd number of pixels, the last one is left out.
func pairs(row []uint32) []uint64 {
	if bits.UintSize < 64 || len(row) < 2 {
		return nil
	}
	return unsafe.Slice((*uint64)(unsafe.Pointer(&row[0])), len(row)/2)
}

// Blend writes a mix of two rows to dst: a at t = 0, b at t = 256. a and b must be at
// least as long as dst.
func Blend(dst, a, b []uint32, t uint32) {
	a, b = a[:len(dst)], b[:len(dst)]
	blendPairs(pairs(dst), pairs(a), pairs(b), uint64(t))
	for i := len(pairs(dst)) * 2; i < len(dst); i++ {
		dst[i] = Mix(a[i], b[i], t)
	}
}

// In functions of their own the values of such loops stay in registers.
//
//go:noinline
func blendPairs(dst, a, b []uint64, t uint64) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		rb, g := mixPair(a[i], b[i], t)
		dst[i] = rb | g
	}
}

//go:noinline
func dimPairs(dst []uint64, c, t uint64) {
	for i, p := range dst {
		rb, g := mixPair(p, c, t)
		dst[i] = rb | g
	}
}

// mixPair is Mix for two pixels, with the result's green apart. A lane overflows in
// between, but the sum fits again.
func mixPair(p, q, t uint64) (rb, g uint64) {
	prb, qrb := p&lanes, q&lanes
	pg, qg := p^prb, q^qrb
	rb, g = prb<<8+(qrb-prb)*t, pg+uint64(int64(qg-pg)>>8)*t
	return rb >> 8 & lanes, g &^ lanes
}
