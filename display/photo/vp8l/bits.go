package vp8l

import (
	"encoding/binary"
	"errors"
	"io"
)

// A bitReader reads bits, the lowest of each byte first. After the end of its input it
// reads zeros.
type bitReader struct {
	r        io.Reader
	buf      [8 << 10]byte
	pos, end int
	acc      uint64 // the next bits
	n        uint   // how many of them are counted
	padding  uint   // bits that were added after the end
	err      error  // of reading
}

func (b *bitReader) init(r io.Reader) { b.r = r }

// fill returns acc with at least 56 bits, of which n are known.
func (b *bitReader) fill(acc uint64, n uint) (uint64, uint) {
	if b.pos+8 > b.end {
		b.more()
	}
	if b.pos+8 <= b.end { // the bits above n are those that are read next
		acc |= binary.LittleEndian.Uint64(b.buf[b.pos:]) << n
		b.pos += int(63-n) >> 3
		return acc, n | 56
	}
	for ; n < 56; n += 8 {
		if b.pos == b.end {
			b.padding += 8
			continue
		}
		acc |= uint64(b.buf[b.pos]) << n
		b.pos++
	}
	return acc, n
}

// more reads into the buffer.
func (b *bitReader) more() {
	if b.err != nil {
		return
	}
	b.end = copy(b.buf[:], b.buf[b.pos:b.end])
	b.pos = 0
	n, err := io.ReadAtLeast(b.r, b.buf[b.end:], 8)
	b.end += n
	b.err = err
}

// read returns the next bits, up to 32.
func (b *bitReader) read(bits uint) int {
	if b.n < bits {
		b.acc, b.n = b.fill(b.acc, b.n)
	}
	v := b.acc & (1<<bits - 1)
	b.acc, b.n = b.acc>>bits, b.n-bits
	return int(v)
}

// torn returns an error if more was read than there is.
func (b *bitReader) torn() error {
	switch {
	case b.padding <= b.n:
		return nil
	case b.err == nil || errors.Is(b.err, io.EOF) || errors.Is(b.err, io.ErrUnexpectedEOF):
		return errTorn
	}
	return b.err
}
