package pixel

import "encoding/binary"

// encode24 writes three bytes for each pixel.
func (f Format) encode24(dst []byte, src []uint32) {
	r, g, b := f.Red.Offset/8, f.Green.Offset/8, f.Blue.Offset/8
	dst = dst[:3*len(src)]
	if g == 1 && littleEndian {
		done := pack24(dst, pairs(src), r == 0)
		dst, src = dst[3*done:], src[done:]
	}
	for i, p := range src {
		o := dst[3*i : 3*i+3]
		o[r], o[g], o[b] = uint8(p>>16), uint8(p>>8), uint8(p)
	}
}

// pack24 writes eight pixels at a time in 24 bytes, with green in the middle. It
// returns the number of pixels.
func pack24(dst []byte, src []uint64, redFirst bool) int {
	n := len(src) / 4 * 8
	for len(src) >= 4 && len(dst) >= 24 {
		p, q, r, s := src[0], src[1], src[2], src[3]
		if redFirst {
			p, q, r, s = swap(p), swap(q), swap(r), swap(s)
		}
		p, q, r, s = join24(p), join24(q), join24(r), join24(s)
		binary.LittleEndian.PutUint64(dst, p|q<<48)
		binary.LittleEndian.PutUint64(dst[8:], q>>16|r<<32)
		binary.LittleEndian.PutUint64(dst[16:], r>>32|s<<16)
		src, dst = src[4:], dst[24:]
	}
	return n
}

// join24 joins the colors of two pixels in 48 bits.
func join24(p uint64) uint64 { return p&0xffffff | p>>8&0xffffff000000 }

// swap exchanges red and blue of two pixels.
func swap(p uint64) uint64 {
	return p&0x0000ff000000ff00 | p>>16&0x000000ff000000ff | p&0x000000ff000000ff<<16
}

// encode16 writes two bytes for each pixel, dithered with a row of bayer.
func (f Format) encode16(dst []byte, src []uint32, dither *[4]uint32) {
	r, g, b := newNarrower(f.Red, dither), newNarrower(f.Green, dither), newNarrower(f.Blue, dither)
	dst = dst[:2*len(src)]
	for len(src) >= 4 && len(dst) >= 8 {
		// Pixels next to each other are in different words, so that there is room for
		// the color of one between two of the other.
		even := uint64(src[0]) | uint64(src[2])<<32
		odd := uint64(src[1]) | uint64(src[3])<<32
		v := r.narrow(even>>16&evenLanes|odd&oddLanes) |
			g.narrow(even>>8&evenLanes|odd<<8&oddLanes) |
			b.narrow(even&evenLanes|odd<<16&oddLanes)
		binary.LittleEndian.PutUint64(dst, v)
		src, dst = src[4:], dst[8:]
	}
	if len(src) == 0 {
		return
	}
	var rest [4]uint32
	var last [8]byte
	copy(rest[:], src)
	f.encode16(last[:], rest[:], dither)
	copy(dst, last[:])
}

const (
	evenLanes = 0x000000ff000000ff
	oddLanes  = evenLanes << 16
)

// A narrower reduces a color of four pixels, each in a lane of 16 bits, from eight bits
// to at most eight. A dither threshold d, from 0 to 15, adds (d+½)/16 of the last bit
// that remains. The factor is rounded up, so that white stays white; the dither is less
// by what this adds on average.
type narrower struct {
	factor, dither uint64
	shift          uint
	mask           uint64
}

func newNarrower(c Field, dither *[4]uint32) narrower {
	one := uint64(1) << 16 >> c.Length // of the color's last bit, in a lane
	top := uint64(1)<<c.Length - 1
	n := narrower{factor: (top*one + 254) / 255, shift: uint(16-c.Offset-c.Length) & 15, mask: top << c.Offset * 0x0001000100010001}
	for i, d := range dither {
		n.dither |= ((2*uint64(d)+1)*one/32 - one/512) << (16 * i)
	}
	return n
}

func (n *narrower) narrow(v uint64) uint64 { return (v*n.factor + n.dither) >> n.shift & n.mask }
