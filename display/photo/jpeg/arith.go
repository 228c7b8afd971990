package jpeg

// An arith is the state of the arithmetic decoder (Annex D, F.2.4, G.1.3).
type arith struct {
	c, a      uint32
	ct        int
	lost      bool    // the data is wrong, or there is none
	padding   int     // zeros read after the end
	low, high [4]byte // conditioning of differences of coefficients 0, L and U
	k         [4]byte // and of the others, Kx
	first     [4][64]byte
	others    [4][256]byte
	fixed     byte
}

// maxPadding bounds the zeros at the end of arithmetic-coded data that encoders may
// leave out. A picture that ends within its file has few.
const maxPadding = 64

// condition reads an entry of DAC (B.2.4.3).
func (a *arith) condition(b, v byte) {
	if b>>4 != 0 {
		a.k[b&3] = v
		return
	}
	a.low[b&3], a.high[b&3] = v&15, v>>4
}

// reset begins an interval (D.2.7).
func (a *arith) reset(s *source) {
	a.first, a.others = [4][64]byte{}, [4][256]byte{}
	a.fixed = fixedState
	a.lost, a.padding = s.marker != 0, 0
	a.c, a.a, a.ct = 0, 0x10000, 0
	for range 2 {
		a.byte(s)
		a.c <<= 8
	}
}

// exhausted reports whether the interval has no more data.
func (a *arith) exhausted(eof bool) bool {
	return a.lost || a.padding > maxPadding || eof && a.padding > 2
}

// byte adds a byte to c (D.2.6).
func (a *arith) byte(s *source) {
	b, ok := s.data()
	if !ok {
		a.padding++
		return
	}
	a.c += uint32(b) << 8
}

// bit decodes a binary decision with the statistics at st (D.2.4, D.2.5).
func (a *arith) bit(s *source, st *byte) int32 {
	state := *st
	e := &estimates[state&127]
	qe := uint32(e.qe)
	a.a -= qe
	lps := false
	if a.c>>16 < a.a {
		if a.a >= 0x8000 {
			return int32(state >> 7)
		}
		lps = a.a < qe
	} else {
		lps = a.a >= qe
		a.c -= a.a << 16
		a.a = qe
	}
	symbol := state >> 7
	if lps {
		*st = state&128 ^ e.lps
		symbol ^= 1
	} else {
		*st = state&128 | e.mps
	}
	for a.a < 0x8000 {
		if a.ct == 0 {
			a.byte(s)
			a.ct = 8
		}
		a.a <<= 1
		a.c <<= 1
		a.ct--
	}
	return int32(symbol)
}

// half decodes a decision that is as probable as not.
func (a *arith) half(s *source) int32 { return a.bit(s, &a.fixed) }

// value decodes the bits below the highest one, m, of a number less 1 (figure F.24),
// and returns the number.
func (a *arith) value(s *source, st *byte, m, sign int32) int32 {
	v := m
	for m >>= 1; m != 0; m >>= 1 {
		if a.bit(s, st) != 0 {
			v |= m
		}
	}
	if sign != 0 {
		return -v - 1
	}
	return v + 1
}

// arithFirst decodes the difference of the coefficient 0 (F.1.4.1, F.2.4.1).
func (d *decoder) arithFirst(p *scanPart) {
	a, s, c := &d.arith, &d.source, p.c
	states := a.first[p.td][:]
	at := c.context
	c.context = 0
	if a.bit(s, &states[at]) == 0 {
		return
	}
	sign := a.bit(s, &states[at+1])
	at += 2 + int(sign)
	m := a.bit(s, &states[at])
	if m != 0 {
		for at = 20; a.bit(s, &states[at]) != 0; at++ {
			if m <<= 1; m == 1<<15 {
				a.lost = true
				return
			}
		}
	}
	switch {
	case m < 1<<a.low[p.td]>>1:
	case m > 1<<a.high[p.td]>>1:
		c.context = 12 + 4*int(sign)
	default:
		c.context = 4 + 4*int(sign)
	}
	c.last += a.value(s, &states[at+14], m, sign)
}

// arithOthers decodes the coefficients of a band and calls put with each that is
// not 0 (F.1.4.2, F.2.4.2).
func (d *decoder) arithOthers(p *scanPart, put func(k int, v int32)) {
	a, s := &d.arith, &d.source
	states := a.others[p.ta][:]
	for k := max(d.scan.ss, 1); k <= d.scan.se; k++ {
		at := 3 * (k - 1)
		if a.bit(s, &states[at]) != 0 {
			return // end of block
		}
		for ; a.bit(s, &states[at+1]) == 0; at += 3 {
			if k++; k > d.scan.se {
				a.lost = true
				return
			}
		}
		d.work++
		sign := a.half(s)
		at += 2
		m := a.bit(s, &states[at])
		if m != 0 && a.bit(s, &states[at]) != 0 {
			m = 2
			at = 217
			if k <= int(a.k[p.ta]) {
				at = 189
			}
			for ; a.bit(s, &states[at]) != 0; at++ {
				if m <<= 1; m == 1<<15 {
					a.lost = true
					return
				}
			}
		}
		put(k, a.value(s, &states[at+14], m, sign))
	}
}

// arithSequential is huffmanSequential for arithmetic coding.
func (d *decoder) arithSequential(p *scanPart) (plain bool) {
	c := p.c
	d.arithFirst(p)
	d.block[0] = c.last * c.quant[0]
	plain = true
	if !d.arith.lost {
		d.arithOthers(p, func(k int, v int32) {
			plain = false
			d.block[c.order[k]&127] = v * c.quant[k]
		})
	}
	return plain
}

// arithBand decodes the first scan of a band of coefficients (G.1.3.2).
func (d *decoder) arithBand(p *scanPart, at int) {
	d.arithOthers(p, func(k int, v int32) { p.c.set(at, k, v<<d.scan.al) })
}

// arithRefine decodes a scan that refines a band (G.1.3.3).
func (d *decoder) arithRefine(p *scanPart, at int) {
	a, s, c, ss, se := &d.arith, &d.source, p.c, d.scan.ss, d.scan.se
	states := a.others[p.ta][:]
	end := se // the last coefficient that is not 0 yet
	for ; end > 0 && c.nonzero[at]>>end&1 == 0; end-- {
	}
	for k := ss; k <= se; k++ {
		i := 3 * (k - 1)
		if k > end && a.bit(s, &states[i]) != 0 {
			return // end of block
		}
		for ; ; i += 3 {
			if c.nonzero[at]>>k&1 != 0 {
				d.work++
				c.enlarge(at, k, a.bit(s, &states[i+2])<<d.scan.al)
				break
			}
			if a.bit(s, &states[i+1]) != 0 {
				d.work++
				c.set(at, k, (1-2*a.half(s))<<d.scan.al)
				break
			}
			if k++; k > se {
				a.lost = true
				return
			}
		}
	}
}
