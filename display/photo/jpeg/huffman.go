package jpeg

import (
	"fmt"
	"math/bits"
)

// lookBits is the length of the codes that are decoded by one table.
const lookBits = 10

// A huffman is a Huffman table (Annex C).
type huffman struct {
	// look has an entry for each lookBits bits of data, 0 if the code is longer: the
	// number of bits used, the code's value above 8 bits, and above 16 bits the
	// coefficient if its bits are in the data too, else 0.
	look    [1 << lookBits]uint32
	maxCode [17]int32 // by length, -1 if there are none
	offset  [17]int32 // of vals, less the first code
	vals    [256]byte
}

// readHuffman reads a table of DHT (B.2.4.2).
func (d *decoder) readHuffman(p *payload) error {
	b := p.byte()
	var counts [17]byte
	total := 0
	for i := 1; i <= 16; i++ {
		counts[i] = p.byte()
		total += int(counts[i])
	}
	if total > 256 || total > p.left {
		return fmt.Errorf("%w: bad Huffman table", ErrFormat)
	}
	tables := &d.dc
	if b>>4 != 0 {
		tables = &d.ac
	}
	t := tables[b&3]
	if t == nil {
		t = new(huffman)
		tables[b&3] = t
	}
	for i := range total {
		t.vals[i] = p.byte()
	}
	return t.build(&counts)
}

// build fills the tables. vals must be set.
func (t *huffman) build(counts *[17]byte) error {
	clear(t.look[:])
	code, k := int32(0), int32(0)
	for n := 1; n <= 16; n++ {
		t.offset[n] = k - code
		for range counts[n] {
			if code >= 1<<n {
				return fmt.Errorf("%w: bad Huffman table", ErrFormat)
			}
			t.enter(code, n, t.vals[k])
			code++
			k++
		}
		t.maxCode[n] = code - 1
		if counts[n] == 0 {
			t.maxCode[n] = -1
		}
		code <<= 1
	}
	return nil
}

// enter fills look for a code of n bits.
func (t *huffman) enter(code int32, n int, val byte) {
	if n > lookBits {
		return
	}
	size := int(val & 15)
	free := lookBits - n
	for i := range 1 << free {
		e := uint32(val)<<8 | uint32(n)
		if size > 0 && size <= free {
			e = uint32(extend(int32(i>>(free-size)), size))<<16 | uint32(val)<<8 | uint32(n+size)
		}
		t.look[int(code)<<free+i] = e
	}
}

// extend returns the signed value of n bits (F.2.2.1).
func extend(v int32, n int) int32 {
	return v + (v>>(n-1)-1)&(-1<<n+1)
}

// long returns the value and length of a code that is longer than lookBits. A code
// that does not exist has the value 0, as in libjpeg.
func (t *huffman) long(acc uint64) (val byte, n int) {
	for n := lookBits + 1; n <= 16; n++ {
		if code := int32(acc >> (64 - n)); code <= t.maxCode[n] {
			return t.vals[(code+t.offset[n])&255], n
		}
	}
	return 0, 17
}

// symbol decodes a code.
func (d *decoder) symbol(t *huffman) byte {
	if d.bits < 32 {
		d.fill()
	}
	e := t.look[d.acc>>(64-lookBits)]
	val, n := byte(e>>8), int(e&255)
	switch {
	case n == 0:
		val, n = t.long(d.acc)
	case e>>16 != 0:
		n -= int(val & 15)
	}
	d.acc <<= n & 63
	d.bits -= n
	return val
}

// difference decodes a difference of coefficients 0 (F.2.2.1).
func (d *decoder) difference(t *huffman) int32 {
	n := int(d.symbol(t) & 15)
	if n == 0 {
		return 0
	}
	return extend(d.take(n), n)
}

// huffmanSequential decodes a block into d.block, dequantized. plain means that only
// its first coefficient is not 0 (F.2.2).
func (d *decoder) huffmanSequential(p *scanPart) (plain bool) {
	c, t := p.c, p.ac
	c.last += d.difference(p.dc)
	d.block[0] = c.last * c.quant[0]
	plain = true
	acc, have := d.acc, d.bits
	for k := uint(1); k < 64; k++ {
		if have < 32 {
			d.acc, d.bits = acc, have
			d.fill()
			acc, have = d.acc, d.bits
		}
		e := t.look[acc>>(64-lookBits)]
		n := int(e & 255)
		if n == 0 {
			var val byte
			val, n = t.long(acc)
			e = uint32(val) << 8
		}
		acc <<= n & 63
		have -= n
		k += uint(e >> 12 & 15)
		v := int32(e) >> 16
		if v == 0 {
			size := int(e >> 8 & 15)
			if size == 0 {
				if e>>8&255 != 0xf0 {
					break
				}
				continue
			}
			v = extend(int32(acc>>32>>((32-size)&31)), size)
			acc <<= size
			have -= size
		}
		if k > 63 {
			break
		}
		plain = false
		d.block[c.order[k]&127] = v * c.quant[k]
	}
	d.acc, d.bits = acc, have
	return plain
}

// huffmanBand decodes the first scan of a band of coefficients (G.1.2.2).
func (d *decoder) huffmanBand(p *scanPart, at int) {
	if d.eobRun > 0 {
		d.eobRun--
		return
	}
	s := &d.scan
	for k := s.ss; k <= s.se; k++ {
		val := d.symbol(p.ac)
		run, size := int(val>>4), int(val&15)
		if size == 0 {
			if run < 15 {
				d.eobRun = 1<<run + int(d.take(run)) - 1
				return
			}
			k += 15
			continue
		}
		k += run
		v := extend(d.take(size), size)
		if k > 63 {
			return
		}
		p.c.set(at, k, v<<s.al)
	}
}

// huffmanRefine decodes a scan that refines a band (G.1.2.3).
func (d *decoder) huffmanRefine(p *scanPart, at int) {
	s, c := &d.scan, p.c
	k := s.ss
	for d.eobRun == 0 && k <= s.se {
		val := d.symbol(p.ac)
		run, size := int(val>>4), int(val&15)
		var v int32
		if size != 0 { // it must be 1
			v = (2*d.take(1) - 1) << s.al
		} else if run < 15 {
			d.eobRun = 1<<run + int(d.take(run))
			break
		}
		for ; k <= s.se; k++ { // pass run coefficients that are and remain 0
			if c.nonzero[at]>>k&1 != 0 {
				c.enlarge(at, k, d.take(1)<<s.al)
			} else if run--; run < 0 {
				break
			}
		}
		if v != 0 && k <= s.se {
			c.set(at, k, v)
		}
		k++
	}
	if d.eobRun > 0 {
		d.eobRun--
		if k > s.se {
			return
		}
		rest := c.nonzero[at] & (1<<(s.se+1) - 1) >> k << k
		for ; rest != 0; rest &= rest - 1 {
			c.enlarge(at, bits.TrailingZeros64(rest), d.take(1)<<s.al)
		}
	}
}
