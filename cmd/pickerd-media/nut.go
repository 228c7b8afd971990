package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// errNUT means that what ffmpeg wrote is no stream of raw frames.
var errNUT = errors.New("no usable NUT stream")

const (
	nutFile   = "nut/multimedia container\x00"
	nutMain   = 0x4e4d7a561f5f04ad
	nutStream = 0x4e5311405bf2f9db
	nutSync   = 0x4e4be4adeeca4569
	// maxNUTPacket bounds what is not a frame: headers and the file's own metadata.
	maxNUTPacket = 1 << 20
	// maxNUTChecked is the size from which a packet's head has a checksum.
	maxNUTChecked = 4096
)

// Flags of a frame.
const (
	nutCodedPTS   = 1 << 3
	nutStreamID   = 1 << 4
	nutSizeMSB    = 1 << 5
	nutChecksum   = 1 << 6
	nutReserved   = 1 << 7
	nutSideData   = 1 << 8
	nutHeaderIdx  = 1 << 10
	nutMatchTime  = 1 << 11
	nutCodedFlags = 1 << 12
	nutInvalid    = 1 << 13
)

// A nutCode is what one value of a frame's first byte stands for.
type nutCode struct {
	flags, mul, lsb, reserved uint64
	pts                       int64
	header                    uint64
}

// maxTimestamp bounds timestamps.
const maxTimestamp = 1000 * time.Hour

// A nutReader reads a stream of raw frames with timestamps, which ffmpeg writes with
// "-f nut": https://ffmpeg.org/~michael/nut.txt. It knows only what one stream of raw
// video needs.
type nutReader struct {
	r       *bufio.Reader
	w, h    int
	codes   [256]nutCode
	num     uint64 // of the time base in seconds
	den     uint64
	shift   uint64 // bits of a short timestamp
	elided  []uint64
	last    int64 // timestamp of the last frame
	startup bool  // a header was read
}

func newNUTReader(r io.Reader) *nutReader {
	return &nutReader{r: bufio.NewReaderSize(r, 512)} // frames are read beside it
}

// next reads up to the pixels of the next frame, and returns its timestamp and size in
// bytes. At the end the error is io.EOF.
func (n *nutReader) next() (at time.Duration, size int, err error) {
	if !n.startup {
		b := make([]byte, len(nutFile))
		if _, err := io.ReadFull(n.r, b); err != nil {
			return 0, 0, err
		}
		if string(b) != nutFile {
			return 0, 0, errNUT
		}
		n.startup = true
	}
	for {
		c, err := n.r.ReadByte()
		if err != nil {
			return 0, 0, err
		}
		if c != 'N' {
			return n.frame(c)
		}
		if err := n.packet(); err != nil {
			return 0, 0, noEOF(err)
		}
	}
}

// noEOF returns an error that is not io.EOF, which is the end between frames.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// packet reads a header whose first byte is read.
func (n *nutReader) packet() error {
	code := []byte{'N', 0, 0, 0, 0, 0, 0, 0}
	if _, err := io.ReadFull(n.r, code[1:]); err != nil {
		return err
	}
	head := &nutFields{r: n.r}
	size := head.v()
	switch {
	case head.err != nil:
		return head.err
	case size > maxNUTPacket:
		return fmt.Errorf("%w: a header of %d bytes", errNUT, size)
	case size > maxNUTChecked:
		if _, err := n.r.Discard(4); err != nil {
			return err
		}
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(n.r, b); err != nil {
		return err
	}
	p := &nutFields{r: bytes.NewReader(b)}
	switch binary.BigEndian.Uint64(code) {
	case nutMain:
		n.main(p)
	case nutStream:
		n.stream(p)
	case nutSync:
		if n.num == 0 {
			return errNUT
		}
		n.last = int64(p.v()) // of the only time base
	}
	return p.err
}

// main reads the main header.
func (n *nutReader) main(p *nutFields) {
	if p.v() > 3 { // version
		p.v()
	}
	streams := p.v()
	p.v() // max_distance
	bases := p.v()
	n.num, n.den = p.v(), p.v()
	if streams != 1 || bases != 1 || n.num < 1 || n.num > math.MaxInt32 || n.den < 1 || n.den > math.MaxInt32 {
		p.err = errNUT
		return
	}
	c := nutCode{mul: 1}
	for i := 0; i < 256 && p.err == nil; {
		c.flags = p.v()
		fields := p.v()
		set := func(at uint64, to *uint64) {
			if fields > at {
				*to = p.v()
			}
		}
		c.lsb, c.reserved = 0, 0
		if fields > 0 {
			c.pts = p.s()
		}
		var stream uint64
		set(1, &c.mul)
		set(2, &stream)
		set(3, &c.lsb)
		set(4, &c.reserved)
		count := c.mul - c.lsb
		set(5, &count)
		if fields > 6 {
			p.s()
		}
		set(7, &c.header)
		for ; fields > 8 && p.err == nil; fields-- {
			p.v()
		}
		lsb := c.lsb
		for ; count > 0 && i < 256; i++ {
			if i == 'N' {
				n.codes[i].flags = nutInvalid
				continue
			}
			n.codes[i] = c
			n.codes[i].lsb = lsb
			lsb++
			count--
		}
	}
	n.elided = []uint64{0}
	for range min(p.v(), 127) {
		n.elided = append(n.elided, p.skip())
	}
}

// stream reads the header of the stream.
func (n *nutReader) stream(p *nutFields) {
	p.v() // stream_id
	class := p.v()
	p.skip() // fourcc
	p.v()    // time_base_id
	n.shift = p.v()
	p.v() // max_pts_distance
	p.v() // decode_delay
	p.v() // stream_flags
	p.skip()
	w, h := p.v(), p.v()
	if class != 0 || n.shift > 32 || w < 1 || h < 1 || w > math.MaxUint16 || h > math.MaxUint16 {
		p.err = errNUT
		return
	}
	n.w, n.h = int(w), int(h)
}

// frame reads the head of a frame whose first byte is c.
func (n *nutReader) frame(c byte) (at time.Duration, size int, err error) {
	code := n.codes[c]
	flags := code.flags
	p := &nutFields{r: n.r}
	if flags&nutCodedFlags != 0 {
		flags ^= p.v()
	}
	if n.w == 0 || n.num == 0 || flags&(nutInvalid|nutSideData) != 0 {
		return 0, 0, errNUT
	}
	if flags&nutStreamID != 0 {
		p.v()
	}
	if flags&nutCodedPTS != 0 {
		n.last = n.timestamp(p.v())
	} else {
		n.last += code.pts
	}
	length := code.lsb
	if flags&nutSizeMSB != 0 {
		length += code.mul * p.v()
	}
	if flags&nutMatchTime != 0 {
		p.s()
	}
	header := code.header
	if flags&nutHeaderIdx != 0 {
		header = p.v()
	}
	reserved := code.reserved
	if flags&nutReserved != 0 {
		reserved = p.v()
	}
	for ; reserved > 0 && p.err == nil; reserved-- {
		p.v()
	}
	if flags&nutChecksum != 0 && p.err == nil {
		_, p.err = n.r.Discard(4)
	}
	if p.err != nil {
		return 0, 0, noEOF(p.err)
	}
	if header >= uint64(len(n.elided)) || n.elided[header] != 0 || length > math.MaxInt32 {
		return 0, 0, errNUT
	}
	seconds := float64(n.last) * float64(n.num) / float64(n.den)
	if math.Abs(seconds) > maxTimestamp.Seconds() {
		return 0, 0, errNUT
	}
	return time.Duration(math.Round(seconds*1e6)) * time.Microsecond, int(length), nil
}

// timestamp returns the timestamp that a frame's field stands for.
func (n *nutReader) timestamp(coded uint64) int64 {
	if coded >= 1<<n.shift {
		return int64(coded - 1<<n.shift)
	}
	mask := int64(1)<<n.shift - 1
	delta := n.last - mask/2
	return (int64(coded)-delta)&mask + delta
}

// read reads the pixels of a frame.
func (n *nutReader) read(b []byte) error {
	_, err := io.ReadFull(n.r, b) // which has a small buffer, and reads the rest past it
	return noEOF(err)
}

// A nutFields reads the fields of a header. After an error they are 0.
type nutFields struct {
	r   io.ByteReader
	err error
}

// v reads a number: 7 bits a byte, the high ones first.
func (p *nutFields) v() (n uint64) {
	for range 10 {
		var c byte
		if p.err == nil {
			c, p.err = p.r.ReadByte()
		}
		if p.err != nil {
			return 0
		}
		n = n<<7 | uint64(c&0x7f)
		if c < 0x80 {
			return n
		}
	}
	p.err = errNUT
	return 0
}

// s reads a number with a sign.
func (p *nutFields) s() int64 {
	n := p.v() + 1
	if n&1 != 0 {
		return -int64(n >> 1)
	}
	return int64(n >> 1)
}

// skip reads a string and returns its length.
func (p *nutFields) skip() uint64 {
	n := p.v()
	for range min(n, maxNUTPacket) {
		if p.err != nil {
			break
		}
		_, p.err = p.r.ReadByte()
	}
	return n
}
