package jpeg

import (
	"fmt"
	"io"
)

// A decoder is the state of decoding one file.
type decoder struct {
	source
	frame    frame
	quant    [4]*[64]uint16 // in zigzag order
	dc, ac   [4]*huffman
	arith    arith
	restarts int  // blocks groups (MCUs) between restart markers, 0 if there are none
	scanned  bool // a scan was decoded, at least in part
	missing  bool // a part of a scan was missing
	work     int  // blocks decoded
	maxWork  int
	block    [128]int32 // scratch: coefficients of a block, those not wanted at the end
	eobRun   int        // blocks of a band that remain empty (G.1.2.2)
	scan     scan
}

func newDecoder(r io.Reader) *decoder {
	d := &decoder{source: source{r: r}}
	d.arith.high, d.arith.k = [4]byte{1, 1, 1, 1}, [4]byte{5, 5, 5, 5} // B.2.4.3
	return d
}

// maxLead bounds the bytes before SOI, maxHeader those before the frame header.
const (
	maxLead   = 1 << 10
	maxHeader = 64 << 20
)

// segments reads the file. It calls begin after the frame header. It returns nil at
// EOI, and at the end of what is needed.
func (d *decoder) segments(begin func() error) error {
	if err := d.findStart(); err != nil {
		return err
	}
	for {
		m := d.takeMarker()
		var err error
		switch {
		case m == markEOI:
			d.missing = d.missing || d.eof
			return nil
		case m == markTEM, m >= markRST0 && m <= markRST7, m == markSOI:
		case m == markSOS:
			if err = d.readScan(); err == errDone {
				return nil // an EOI would tell nothing new
			}
		case m >= markSOF0 && m < markRST0 && m != markDHT && m != markDAC:
			if err = d.readFrame(m); err == nil {
				err = begin()
			}
		default:
			err = d.readTables(m)
		}
		if err != nil {
			return err
		}
		if len(d.frame.comps) == 0 && d.offset() > maxHeader {
			return fmt.Errorf("%w: no frame header in %d bytes", ErrFormat, maxHeader)
		}
	}
}

// findStart passes SOI and up to maxLead bytes before it.
func (d *decoder) findStart() error {
	for last := byte(0); d.offset() < maxLead; {
		c, ok := d.next()
		if last == 0xff && c == markSOI {
			return nil
		}
		if !ok {
			break
		}
		last = c
	}
	return fmt.Errorf("%w: no SOI", ErrFormat)
}

// payload is the content of a segment. Reading beyond its end yields 0.
type payload struct {
	s    *source
	left int
}

// open returns the payload of the segment whose marker was read.
func (d *decoder) open() (payload, error) {
	hi, _ := d.next()
	lo, ok := d.next()
	n := int(hi)<<8 | int(lo)
	if !ok || n < 2 {
		return payload{}, fmt.Errorf("%w: bad segment at %d", ErrFormat, d.offset())
	}
	return payload{&d.source, n - 2}, nil
}

func (p *payload) byte() byte {
	if p.left == 0 {
		return 0
	}
	p.left--
	c, _ := p.s.next()
	return c
}

func (p *payload) word() int { return int(p.byte())<<8 | int(p.byte()) }

// close skips the rest. It reports whether the segment was all there.
func (p *payload) close() error {
	for p.left > 0 {
		if p.s.i == p.s.n && !p.s.more() {
			return fmt.Errorf("%w: file ends in a header", ErrFormat)
		}
		n := min(p.left, p.s.n-p.s.i)
		p.s.i += n
		p.left -= n
	}
	return nil
}

// readTables reads a segment that is neither frame nor scan.
func (d *decoder) readTables(m byte) error {
	p, err := d.open()
	if err != nil {
		return err
	}
	switch m {
	case markDQT:
		d.readQuantization(&p)
	case markDHT:
		for p.left > 16 && err == nil {
			err = d.readHuffman(&p)
		}
	case markDAC:
		for p.left >= 2 {
			d.arith.condition(p.byte(), p.byte())
		}
	case markDRI:
		d.restarts = p.word()
	case markAPP0:
		if p.left >= 5 && p.byte() == 'J' && p.byte() == 'F' && p.byte() == 'I' && p.byte() == 'F' {
			d.frame.jfif = true
		}
	case markAPPE: // Adobe Technical Note 5116
		if p.left >= 12 && p.byte() == 'A' && p.byte() == 'd' && p.byte() == 'o' && p.byte() == 'b' && p.byte() == 'e' {
			for range 6 {
				p.byte() // version and flags
			}
			d.frame.adobe, d.frame.transform0 = true, p.byte() == 0
		}
	}
	if err != nil {
		return err
	}
	return p.close()
}

// readQuantization reads DQT (B.2.4.1).
func (d *decoder) readQuantization(p *payload) {
	for p.left >= 65 {
		b := p.byte()
		t := new([64]uint16)
		for k := range t {
			if b>>4 == 0 {
				t[k] = uint16(p.byte())
			} else {
				t[k] = uint16(p.word())
			}
		}
		d.quant[b&3] = t
	}
}
