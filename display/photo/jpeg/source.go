package jpeg

import (
	"encoding/binary"
	"io"
)

// Markers of ITU-T T.81, table B.1.
const (
	markSOF0 = 0xc0
	markDHT  = 0xc4
	markRST0 = 0xd0
	markRST7 = 0xd7
	markSOI  = 0xd8
	markEOI  = 0xd9
	markSOS  = 0xda
	markDQT  = 0xdb
	markDRI  = 0xdd
	markDAC  = 0xcc
	markAPPE = 0xee
	markAPP0 = 0xe0
	markTEM  = 0x01
)

// A source reads bytes, markers and bits. After the last byte it yields EOI.
type source struct {
	r     io.Reader
	buf   [16 << 10]byte
	i, n  int   // the bytes not used yet are buf[i:n]
	taken int64 // bytes before buf[0]
	err   error // of reading
	eof   bool  // an EOI was made up

	// marker was found but not used yet. It ends entropy-coded data. 0 means none.
	marker byte
	// acc holds bits of entropy-coded data, the first one on top. There are n of them.
	// It is negative after more were used than there were.
	acc  uint64
	bits int
}

// next returns the next byte. It returns false at the end.
func (s *source) next() (byte, bool) {
	if s.i == s.n && !s.more() {
		return 0, false
	}
	s.i++
	return s.buf[s.i-1], true
}

// more fills the empty buffer.
func (s *source) more() bool {
	s.taken += int64(s.n)
	s.i, s.n = 0, 0
	for range 100 {
		if s.err != nil {
			break
		}
		if s.n, s.err = s.r.Read(s.buf[:]); s.n > 0 {
			return true
		}
	}
	if s.err == nil {
		s.err = io.ErrNoProgress
	}
	return false
}

// offset returns how many bytes were used.
func (s *source) offset() int64 { return s.taken + int64(s.i) }

// findMarker sets marker to the next one. Like libjpeg it skips what is before it.
func (s *source) findMarker() {
	for s.marker == 0 {
		c, ok := s.next()
		for c == 0xff && ok {
			c, ok = s.next()
			if c != 0xff && c != 0 && ok {
				s.marker = c
			}
		}
		if !ok {
			s.end()
		}
	}
}

// takeMarker returns the next marker.
func (s *source) takeMarker() byte {
	s.findMarker()
	m := s.marker
	s.marker = 0
	return m
}

// end makes up an EOI.
func (s *source) end() { s.marker, s.eof = markEOI, true }

// data returns a byte of entropy-coded data. It returns false at a marker.
func (s *source) data() (byte, bool) {
	if s.marker != 0 {
		return 0, false
	}
	c, ok := s.next()
	if ok && c == 0xff {
		for c == 0xff && ok {
			c, ok = s.next()
		}
		if ok && c == 0 {
			return 0xff, true
		}
		s.marker = c
		if ok {
			return 0, false
		}
	}
	if !ok {
		s.end()
	}
	return c, ok
}

// fill adds bits to acc, at least until there are 57, unless the data ends.
func (s *source) fill() {
	if s.i+8 <= s.n && s.marker == 0 && s.bits >= 0 {
		w := binary.BigEndian.Uint64(s.buf[s.i:])
		if (^w-0x0101010101010101)&w&0x8080808080808080 == 0 { // no byte is 0xff
			// Bits beyond the last whole byte are of the byte that comes next.
			s.acc |= w >> (s.bits & 63)
			whole := (63 - s.bits) >> 3
			s.i += whole
			s.bits += 8 * whole
			return
		}
	}
	for s.bits <= 56 && s.bits >= 0 {
		c, ok := s.data()
		if !ok {
			return
		}
		s.acc |= uint64(c) << ((56 - s.bits) & 63)
		s.bits += 8
	}
}

// take returns the next n bits, at most 16. Bits after the end of the data are 0.
func (s *source) take(n int) int32 {
	if s.bits < n {
		s.fill()
	}
	v := int32(s.acc >> 32 >> ((32 - n) & 63))
	s.acc <<= n & 63
	s.bits -= n
	return v
}

// dry reports whether more data was used than there is.
func (s *source) dry() bool { return s.bits < 0 }

// align drops the rest of the entropy-coded data in acc. If the next marker is known,
// there is no more data before it.
func (s *source) align() {
	s.acc, s.bits = 0, 0
	if s.marker != 0 {
		s.bits = -1
	}
}

// restart passes the restart marker number n, from 0 to 7. If another marker is
// found it does as libjpeg does: it skips markers that should have come before, and
// leaves those for which it is too early, so that the interval before them is empty.
func (s *source) restart(n int) {
	for {
		s.findMarker()
		m := s.marker
		if m < markSOF0 { // not a marker of this standard
			s.marker = 0
			continue
		}
		if m < markRST0 || m > markRST7 {
			break
		}
		ahead := (int(m) - markRST0 - n) & 7
		if ahead == 1 || ahead == 2 {
			break
		}
		s.marker = 0
		if ahead < 6 {
			break
		}
	}
	s.align()
}
