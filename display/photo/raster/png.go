package raster

import (
	"bufio"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"time"
)

// Color types (W3C PNG, 11.2.1).
const (
	gray      = 0
	truecolor = 2
	indexed   = 3
	grayAlpha = 4
	trueAlpha = 6
)

// maxSide bounds the width and height of a PNG, as libpng does.
const maxSide = 1e6

// A PNG is a file that was read up to its image data.
type PNG struct {
	chunks
	w, h        int
	depth, kind byte
	interlaced  bool
	palette     [256][4]byte
	key         [3]uint16 // the transparent color
	hasKey      bool
	frames      int           // 0 unless it is animated
	static      bool          // a damaged frame control before the image has it stand still
	control     *frameControl // of the frame that comes next
	inflate     io.ReadCloser
	in          *bufio.Reader
	buffer      canvasBuffer
	work        float64 // pixels decoded so far
}

// OpenPNG reads a file up to its image data.
func OpenPNG(r io.Reader) (*PNG, error) {
	p := &PNG{chunks: chunks{r: bufio.NewReaderSize(r, 32<<10)}}
	if err := p.header(); err != nil {
		return nil, err
	}
	for {
		if err := p.next(); err != nil {
			return nil, err
		}
		switch p.id {
		case "IDAT":
			p.held = true
			return p, nil
		case "IEND":
			return nil, fmt.Errorf("%w: no image data", ErrFormat)
		}
		if err := p.ancillary(); err != nil {
			return nil, err
		}
	}
}

// header reads the signature and the chunk IHDR.
func (p *PNG) header() error {
	if _, err := io.CopyN(io.Discard, p.r, 8); err != nil {
		return noEOF(err)
	}
	if err := p.next(); err != nil {
		return err
	}
	b, err := p.data(13)
	if err != nil {
		return err
	}
	if p.id != "IHDR" || len(b) < 13 {
		return fmt.Errorf("%w: PNG without a header", ErrFormat)
	}
	w, h := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	p.depth, p.kind, p.interlaced = b[8], b[9], b[12] == 1
	switch {
	case w == 0 || h == 0 || !p.valid():
		return fmt.Errorf("%w: PNG header", ErrFormat)
	case w > maxSide || h > maxSide || float64(w)*float64(h) > maxPixels:
		return fmt.Errorf("%w: %d by %d pixels", ErrTooLarge, w, h)
	}
	p.w, p.h = int(w), int(h)
	return nil
}

// valid reports whether there are images with this depth and color type.
func (p *PNG) valid() bool {
	switch p.depth {
	case 1, 2, 4:
		return p.kind == gray || p.kind == indexed
	case 8:
		return p.kind == gray || p.kind == truecolor || p.kind == indexed || p.kind == grayAlpha || p.kind == trueAlpha
	case 16:
		return p.kind == gray || p.kind == truecolor || p.kind == grayAlpha || p.kind == trueAlpha
	}
	return false
}

// ancillary reads a chunk before the image data.
func (p *PNG) ancillary() error {
	switch p.id {
	case "PLTE":
		b, err := p.data(3 * 256)
		for i := range p.palette {
			if 3*i+3 <= len(b) {
				p.palette[i] = [4]byte{b[3*i], b[3*i+1], b[3*i+2], 0xff}
			} else if i > 0 { // like Chromium, the last color for those that are missing
				p.palette[i] = p.palette[i-1]
			}
		}
		return err
	case "tRNS":
		b, err := p.data(256)
		if err != nil || !p.sound(b) {
			return err
		}
		p.transparency(b)
	case "acTL":
		b, err := p.data(8)
		if err != nil || len(b) < 8 {
			return err
		}
		if !p.static {
			p.frames = int(min(binary.BigEndian.Uint32(b), 1<<30))
		}
	case "fcTL":
		var err error
		if p.control, err = p.readControl(); errors.Is(err, ErrFormat) {
			p.static, p.frames = true, 0
			return nil
		}
		return err
	}
	return nil
}

// transparency takes the data of the chunk tRNS.
func (p *PNG) transparency(b []byte) {
	switch {
	case p.kind == indexed:
		for i, a := range b {
			p.palette[i][3] = a
		}
	case p.kind == gray && len(b) >= 2, p.kind == truecolor && len(b) >= 6:
		p.hasKey = true
		for i := range min(len(b)/2, 3) {
			p.key[i] = binary.BigEndian.Uint16(b[2*i:])
		}
	}
}

// Size implements Frames.
func (p *PNG) Size() (w, h int) { return p.w, p.h }

// Count returns the number of frames that the file announces, 0 if it is not animated.
func (p *PNG) Count() int { return p.frames }

// Still decodes the image in at most memory bytes. A larger one is reduced while it is
// read. If the file is damaged, it returns both the image, as far as it goes, and an
// error.
func (p *PNG) Still(memory int64) (image.Image, error) {
	n := 1
	for p.cost(n) > float64(memory) {
		if n++; n > 64 {
			return nil, fmt.Errorf("%w: %d by %d pixels", ErrTooLarge, p.w, p.h)
		}
	}
	m := image.NewNRGBA(image.Rect(0, 0, (p.w+n-1)/n, (p.h+n-1)/n))
	rows, err := p.decode("IDAT", p.w, p.h, n, m)
	if rows == 0 {
		return nil, err
	}
	return Opaque(m), err
}

// cost returns how many bytes Still takes for an image of an nth of the size.
func (p *PNG) cost(n int) float64 {
	w, h := float64((p.w+n-1)/n), float64((p.h+n-1)/n)
	bytes := 128<<10 + 4*w*h + 2*float64(p.rowBytes(p.w)) + 4*float64(p.w)
	if n > 1 {
		bytes += 16 * w
	}
	return bytes
}

// bits returns the bits of a pixel.
func (p *PNG) bits() int {
	switch p.kind {
	case truecolor:
		return 3 * int(p.depth)
	case grayAlpha:
		return 2 * int(p.depth)
	case trueAlpha:
		return 4 * int(p.depth)
	}
	return int(p.depth)
}

// rowBytes returns the bytes of a row of w pixels.
func (p *PNG) rowBytes(w int) int { return (w*p.bits() + 7) / 8 }

// A frameControl is the chunk fcTL (W3C PNG, 11.3.6.2).
type frameControl struct {
	area    image.Rectangle
	delay   time.Duration
	dispose Disposal
	over    bool
}

// readControl reads the chunk fcTL.
func (p *PNG) readControl() (*frameControl, error) {
	b, err := p.data(26)
	if err != nil {
		return nil, err
	}
	if len(b) < 26 {
		return nil, errTorn
	}
	long := func(at int) int64 { return int64(binary.BigEndian.Uint32(b[at:])) }
	w, h, x, y := long(4), long(8), long(12), long(16)
	if w == 0 || h == 0 || x+w > int64(p.w) || y+h > int64(p.h) {
		return nil, fmt.Errorf("%w: frame beyond the image", ErrFormat)
	}
	number, of := binary.BigEndian.Uint16(b[20:]), binary.BigEndian.Uint16(b[22:])
	if of == 0 {
		of = 100
	}
	f := &frameControl{delay: time.Duration(number) * time.Second / time.Duration(of), dispose: Disposal(b[24]), over: b[25] == 1}
	f.area = image.Rect(int(x), int(y), int(x+w), int(y+h))
	return f, nil
}

// Next implements Frames.
func (p *PNG) Next() (*Frame, error) {
	id := "IDAT"
	if p.control == nil { // the image for programs that know no animation, or the end of a frame
		for p.id != "fcTL" || !p.held {
			if err := p.next(); err != nil {
				return nil, err
			}
			if p.id == "IEND" {
				return nil, io.EOF
			}
			p.held = p.id == "fcTL"
		}
		p.held = false
		var err error
		if p.control, err = p.readControl(); err != nil {
			return nil, err
		}
		id = "fdAT"
	}
	c := p.control
	p.control = nil
	if p.work += float64(p.w) * float64(p.h); p.work > maxPixels {
		return nil, fmt.Errorf("%w: %.0f pixels of frames", ErrTooLarge, p.work)
	}
	f := &Frame{Image: p.buffer.image(c.area, p.w, p.h), Delay: c.delay, Dispose: c.dispose, Over: c.over}
	rows, err := p.decode(id, c.area.Dx(), c.area.Dy(), 1, f.Image)
	if rows == 0 {
		return nil, errors.Join(errTorn, err)
	}
	return f, err
}

// start prepares to decompress the chunks with an ID.
func (p *PNG) start(id string) error {
	s := stream{&p.chunks, id}
	if p.in == nil {
		p.in = bufio.NewReaderSize(s, 8<<10)
	} else {
		p.in.Reset(s)
	}
	var head [2]byte
	if _, err := io.ReadFull(p.in, head[:]); err != nil {
		return noEOF(err)
	}
	if head[0]&15 != 8 || head[1]&0x20 != 0 { // RFC 1950: not deflate, or a dictionary
		return errTorn
	}
	if p.inflate == nil {
		p.inflate = flate.NewReader(p.in)
		return nil
	}
	return p.inflate.(flate.Resetter).Reset(p.in, nil)
}
