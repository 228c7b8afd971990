package jpeg

import "fmt"

// A component is one of the colors of an image.
type component struct {
	id, tq byte
	h, v   int // sampling factors
	n      int // samples that are made of a block in each direction: 8, 4, 2 or 1
	bw, bh int // blocks in a scan of this component alone
	aw, ah int // blocks in memory, whole groups
	pix    []byte
	stride int
	order  *[64]uint8 // of coefficients in a block of n by n, by zigzag index; unused if it has none
	quant  [64]int32  // in zigzag order, as it was at the first scan
	begun  bool

	// coef has the coefficients of a progressive file, n by n for each block. A bit of
	// nonzero is set for each of the 64 that is not 0, by zigzag index.
	coef    []int16
	nonzero []uint64

	last    int32 // first coefficient of the block before
	context int   // arithmetic coding: class of the difference before (F.1.4.4.1.2)
}

// A frame is an image and what its headers say of it.
type frame struct {
	w, h                    int
	progressive, arithmetic bool
	jfif, adobe, transform0 bool
	comps                   []component
	hmax, vmax              int
	mw, mh                  int // groups of blocks (MCUs) in interleaved scans
	n                       int // the image is decoded at n/8 of its size
}

const maxSampling = 4 // B.2.2

// readFrame reads a frame header (B.2.2).
func (d *decoder) readFrame(m byte) error {
	f := &d.frame
	if len(f.comps) > 0 {
		return fmt.Errorf("%w: second frame", ErrFormat)
	}
	switch m {
	case 0xc0, 0xc1:
	case 0xc2:
		f.progressive = true
	case 0xc9:
		f.arithmetic = true
	case 0xca:
		f.progressive, f.arithmetic = true, true
	default:
		return fmt.Errorf("%w: marker %#x", ErrUnsupported, m)
	}
	p, err := d.open()
	if err != nil {
		return err
	}
	precision := p.byte()
	f.h, f.w = p.word(), p.word()
	n := int(p.byte())
	switch {
	case precision != 8:
		return fmt.Errorf("%w: %d bits", ErrUnsupported, precision)
	case f.w == 0 || f.h == 0:
		return fmt.Errorf("%w: %d by %d pixels", ErrUnsupported, f.w, f.h)
	case n != 1 && n != 3 && n != 4:
		return fmt.Errorf("%w: %d components", ErrUnsupported, n)
	case p.left < 3*n:
		return fmt.Errorf("%w: short frame header", ErrFormat)
	}
	comps := make([]component, n)
	for i := range comps {
		c := &comps[i]
		c.id = p.byte()
		s := p.byte()
		c.h, c.v, c.tq = int(s>>4), int(s&15), p.byte()&3
		if c.h == 0 || c.v == 0 || c.h > maxSampling || c.v > maxSampling {
			return fmt.Errorf("%w: sampling %dx%d", ErrFormat, c.h, c.v)
		}
		f.hmax, f.vmax = max(f.hmax, c.h), max(f.vmax, c.v)
	}
	if d.eof || d.err != nil && d.i == d.n { // some of it may be missing
		return fmt.Errorf("%w: file ends in the frame header", ErrFormat)
	}
	f.comps = comps
	f.measure()
	return p.close()
}

// measure counts the blocks (A.1.1, A.2).
func (f *frame) measure() {
	f.mw, f.mh = ceil(f.w, 8*f.hmax), ceil(f.h, 8*f.vmax)
	for i := range f.comps {
		c := &f.comps[i]
		c.bw, c.bh = ceil(ceil(f.w*c.h, f.hmax), 8), ceil(ceil(f.h*c.v, f.vmax), 8)
		c.aw, c.ah = f.mw*c.h, f.mh*c.v
	}
}

func ceil(a, b int) int { return (a + b - 1) / b }

// blocks returns how many blocks the image has.
func (f *frame) blocks() (n int64) {
	for i := range f.comps {
		n += int64(f.comps[i].aw) * int64(f.comps[i].ah)
	}
	return n
}

// scale chooses at which size to decode, and allocates the memory.
func (f *frame) scale(opt Options) error {
	limit := int64(maxBytes)
	if opt.MaxBytes != 0 {
		limit = int64(opt.MaxBytes)
	}
	n := 8
	for opt.W > 0 && opt.H > 0 && n > 1 && ceil(f.w*n/2, 8) >= opt.W && ceil(f.h*n/2, 8) >= opt.H {
		n /= 2
	}
	for f.choose(n, true) > limit && f.choose(n, false) > limit {
		if n == 1 {
			return fmt.Errorf("%w: %d by %d pixels", ErrTooLarge, f.w, f.h)
		}
		n /= 2
	}
	for i := range f.comps {
		c := &f.comps[i]
		c.order = orderOf(c.n)
		c.stride = c.aw * c.n
		c.pix = make([]byte, c.stride*c.ah*c.n)
		if f.progressive {
			c.coef = make([]int16, c.aw*c.ah*c.n*c.n)
			c.nonzero = make([]uint64, c.aw*c.ah)
			continue
		}
		const gray = 128 // of blocks that are missing
		c.pix[0] = gray
		for have := 1; have < len(c.pix); have *= 2 {
			copy(c.pix[have:], c.pix[:have])
		}
	}
	return nil
}

// choose sets the size to n/8 and returns how many bytes decoding takes then. sharp
// has components with fewer samples decoded at a larger size instead of enlarging
// them afterwards.
func (f *frame) choose(n int, sharp bool) (bytes int64) {
	f.n = n
	for i := range f.comps {
		c := &f.comps[i]
		for c.n = n; sharp && c.n < 8 && f.hmax*n%(c.h*c.n*2) == 0 && f.vmax*n%(c.v*c.n*2) == 0; {
			c.n *= 2
		}
		each := int64(c.n * c.n)
		if f.progressive {
			each += 2*each + 8
		}
		bytes += each * int64(c.aw) * int64(c.ah)
	}
	return bytes
}

// unused is the index in a block of coefficients that are not needed.
const unused = 127

// orderOf returns the index of each coefficient in a block of n by n, in the order
// of figure A.6.
func orderOf(n int) *[64]uint8 {
	order := new([64]uint8)
	x, y, up := 0, 0, true
	for k := range order {
		order[k] = unused
		if x < n && y < n {
			order[k] = uint8(y*n + x)
		}
		switch {
		case up && x == 7:
			y, up = y+1, false
		case up && y == 0:
			x, up = x+1, false
		case up:
			x, y = x+1, y-1
		case y == 7:
			x, up = x+1, true
		case x == 0:
			y, up = y+1, true
		default:
			x, y = x-1, y+1
		}
	}
	return order
}

// transform makes samples of the coefficients of a progressive file.
func (f *frame) transform(block *[128]int32) {
	for i := range f.comps {
		c := &f.comps[i]
		var quant [64]int32
		for k, at := range c.order {
			if at != unused {
				quant[at] = c.quant[k]
			}
		}
		each := c.n * c.n
		for at, nonzero := range c.nonzero {
			plain := nonzero>>1 == 0
			if !plain {
				for j, v := range c.coef[at*each:][:each] {
					block[j] = int32(v) * quant[j&63]
				}
			}
			block[0] = int32(c.coef[at*each]) * quant[0]
			x, y := at%c.aw*c.n, at/c.aw*c.n
			transform(c.pix[y*c.stride+x:], c.stride, c.n, block, plain)
		}
		c.coef, c.nonzero = nil, nil
		clear(block[:])
	}
}
