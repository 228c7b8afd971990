package jpeg

import (
	"errors"
	"fmt"
)

// A scan is one pass over the blocks of some components (B.2.3).
type scan struct {
	parts  []scanPart
	ss, se int  // first and last coefficient
	al     uint // bits that later scans refine
	refine bool // this scan refines
}

type scanPart struct {
	c      *component
	td, ta byte
	dc, ac *huffman
}

var (
	// errDone means that all of a file was decoded.
	errDone = errors.New("all components decoded")
	errWork = errors.New("too many scans")
)

// readScan reads a scan header and decodes the scan.
func (d *decoder) readScan() error {
	if len(d.frame.comps) == 0 {
		return fmt.Errorf("%w: scan before frame header", ErrFormat)
	}
	p, err := d.open()
	if err != nil {
		return err
	}
	s := &d.scan
	s.parts = s.parts[:0]
	n := int(p.byte())
	if n == 0 || n > len(d.frame.comps) || p.left < 2*n+3 {
		return fmt.Errorf("%w: bad scan header", ErrFormat)
	}
	for range n {
		id, t := p.byte(), p.byte()
		c := d.component(id)
		if c == nil {
			return fmt.Errorf("%w: scan of unknown component", ErrFormat)
		}
		s.parts = append(s.parts, scanPart{c: c, td: t >> 4 & 3, ta: t & 3})
	}
	s.ss, s.se = int(p.byte()), int(p.byte())
	a := p.byte()
	s.al, s.refine = uint(a&15), a>>4 != 0
	if err := p.close(); err != nil {
		return err
	}
	if err := d.prepare(); err != nil {
		return err
	}
	return d.decodeScan()
}

// component returns the component that a scan names. It takes each only once.
func (d *decoder) component(id byte) *component {
next:
	for i := range d.frame.comps {
		c := &d.frame.comps[i]
		if c.id != id {
			continue
		}
		for _, p := range d.scan.parts {
			if p.c == c {
				continue next
			}
		}
		return c
	}
	return nil
}

// prepare checks the scan's parameters and looks up its tables.
func (d *decoder) prepare() error {
	s, f := &d.scan, &d.frame
	if !f.progressive {
		s.ss, s.se, s.al, s.refine = 0, 63, 0, false
	} else if s.se > 63 || s.ss > s.se || s.ss == 0 && s.se != 0 || s.ss > 0 && len(s.parts) > 1 || s.al > 13 {
		return fmt.Errorf("%w: bad progression", ErrFormat)
	}
	for i := range s.parts {
		p := &s.parts[i]
		if !p.c.begun {
			q := d.quant[p.c.tq]
			if q == nil {
				return fmt.Errorf("%w: no quantization table", ErrFormat)
			}
			for k, v := range q {
				p.c.quant[k] = int32(v)
			}
			p.c.begun = true
		}
		if f.arithmetic {
			continue
		}
		p.dc, p.ac = d.table(0, p.td), d.table(1, p.ta)
		if p.dc == nil && s.ss == 0 && !s.refine || p.ac == nil && s.se > 0 {
			return fmt.Errorf("%w: no Huffman table", ErrFormat)
		}
	}
	return nil
}

// decodeScan decodes the entropy-coded data of a scan.
func (d *decoder) decodeScan() error {
	s, f := &d.scan, &d.frame
	d.scanned = true
	w, h, each := f.mw, f.mh, 0
	for _, p := range s.parts {
		each += p.c.h * p.c.v
	}
	alone := len(s.parts) == 1 // blocks are not in groups (A.2.2)
	if alone {
		w, h, each = s.parts[0].c.bw, s.parts[0].c.bh, 1
	}
	d.marker = 0
	d.reset()
	left, number := d.restarts, 0
	for y := range h {
		if d.work += w * each; d.work > d.maxWork {
			return errWork
		}
		for x := range w {
			if left == 0 && d.restarts > 0 {
				d.restart(number)
				d.reset()
				left, number = d.restarts, (number+1)&7
			}
			left--
			switch {
			case d.exhausted():
				d.missing = true
				if d.restarts == 0 {
					return d.finish()
				}
			case alone:
				d.decodeBlock(&s.parts[0], x, y)
			default:
				d.decodeGroup(x, y)
			}
		}
	}
	d.missing = d.missing || d.exhausted()
	return d.finish()
}

// finish returns errDone if that was the last scan.
func (d *decoder) finish() error {
	if d.frame.progressive {
		return nil
	}
	for i := range d.frame.comps {
		if !d.frame.comps[i].begun {
			return nil
		}
	}
	return errDone
}

// reset begins an interval between restart markers (F.2.1.3.1).
func (d *decoder) reset() {
	d.align()
	d.eobRun = 0
	for _, p := range d.scan.parts {
		p.c.last, p.c.context = 0, 0
	}
	if d.frame.arithmetic {
		d.arith.reset(&d.source)
	}
}

// exhausted reports whether there is no more data in the interval.
func (d *decoder) exhausted() bool {
	if d.frame.arithmetic {
		return d.arith.exhausted(d.eof)
	}
	return d.dry()
}

// decodeGroup decodes the blocks of an MCU.
func (d *decoder) decodeGroup(x, y int) {
	for i := range d.scan.parts {
		p := &d.scan.parts[i]
		for v := range p.c.v {
			for h := range p.c.h {
				d.decodeBlock(p, x*p.c.h+h, y*p.c.v+v)
			}
		}
	}
}

// decodeBlock decodes what the scan says of one block.
func (d *decoder) decodeBlock(p *scanPart, x, y int) {
	c, s := p.c, &d.scan
	if !d.frame.progressive {
		var plain bool
		if d.frame.arithmetic {
			plain = d.arithSequential(p)
		} else {
			plain = d.huffmanSequential(p)
		}
		transform(c.pix[y*c.n*c.stride+x*c.n:], c.stride, c.n, &d.block, plain)
		if !plain {
			clear(d.block[:c.n*c.n])
		}
		return
	}
	at := y*c.aw + x
	switch {
	case s.ss == 0 && s.refine:
		d.refineFirst(c, at)
	case s.ss == 0:
		if d.frame.arithmetic {
			d.arithFirst(p)
		} else {
			c.last += d.difference(p.dc)
		}
		c.setFirst(at, c.last<<s.al)
	case d.frame.arithmetic && s.refine:
		d.arithRefine(p, at)
	case d.frame.arithmetic:
		d.arithBand(p, at)
	case s.refine:
		d.huffmanRefine(p, at)
	default:
		d.huffmanBand(p, at)
	}
}

// setFirst sets the coefficient 0 of a block of a progressive file.
func (c *component) setFirst(at int, v int32) { c.coef[at*c.n*c.n] = int16(v) }

// refineFirst reads a bit of a coefficient 0 (G.1.2.1).
func (d *decoder) refineFirst(c *component, at int) {
	var bit int32
	if d.frame.arithmetic {
		bit = d.arith.half(&d.source)
	} else {
		bit = d.take(1)
	}
	c.coef[at*c.n*c.n] |= int16(bit << d.scan.al)
}

// set sets a coefficient other than 0, which was 0.
func (c *component) set(at, k int, v int32) {
	c.nonzero[at] |= 1 << k
	if i := c.order[k]; i != unused {
		c.coef[at*c.n*c.n+int(i)] = int16(v)
	}
}

// enlarge adds a bit to a coefficient that is not 0.
func (c *component) enlarge(at, k int, bit int32) {
	i := c.order[k]
	if i == unused {
		return
	}
	v := &c.coef[at*c.n*c.n+int(i)]
	if *v < 0 {
		bit = -bit
	}
	*v += int16(bit)
}
