package raster

import (
	"bufio"
	"encoding/binary"
	"hash/crc32"
	"io"
)

// chunks reads the chunks of a PNG file (W3C PNG, 5.3). It ignores checksums.
type chunks struct {
	r    *bufio.Reader
	id   string
	left int64 // bytes of the chunk's data not read yet
	held bool  // the chunk was read ahead
}

// next goes to the next chunk.
func (c *chunks) next() error {
	if c.held {
		c.held = false
		return nil
	}
	if c.id != "" {
		if _, err := io.CopyN(io.Discard, c.r, c.left+4); err != nil {
			return noEOF(err)
		}
	}
	var head [8]byte
	if _, err := io.ReadFull(c.r, head[:]); err != nil {
		return noEOF(err)
	}
	c.left, c.id = int64(binary.BigEndian.Uint32(head[:])), string(head[4:])
	if c.left > 1<<31-1 || !isChunkID(head[4:]) {
		return errTorn // where the next chunk starts is unknown
	}
	return nil
}

// isChunkID reports whether b consists of ASCII letters.
func isChunkID(b []byte) bool {
	for _, c := range b {
		if c |= 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}

// data returns up to most bytes of the chunk.
func (c *chunks) data(most int64) ([]byte, error) {
	b := make([]byte, min(c.left, most))
	n, err := io.ReadFull(c.r, b)
	c.left -= int64(n)
	if err != nil {
		return nil, noEOF(err)
	}
	return b, nil
}

// sound reports whether the checksum of a chunk is right, whose data was read whole.
func (c *chunks) sound(data []byte) bool {
	sum, err := c.r.Peek(4)
	return err == nil && c.left == 0 &&
		binary.BigEndian.Uint32(sum) == crc32.Update(crc32.ChecksumIEEE([]byte(c.id)), crc32.IEEETable, data)
}

// A stream reads the compressed data of one picture, which is in the chunks with one
// ID. Others between them are skipped.
type stream struct {
	*chunks
	want string
}

// Read implements io.Reader.
func (s stream) Read(b []byte) (int, error) {
	for s.left == 0 || s.id != s.want {
		if err := s.next(); err != nil {
			return 0, err
		}
		switch s.id {
		case "IEND", "fcTL":
			s.held = true
			return 0, io.EOF
		case "fdAT":
			if _, err := s.data(4); err != nil { // the sequence number
				return 0, err
			}
		}
	}
	n, err := s.r.Read(b[:min(int64(len(b)), s.left)])
	s.left -= int64(n)
	return n, noEOF(err)
}
