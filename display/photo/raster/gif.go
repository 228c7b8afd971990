package raster

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"time"
)

// A GIF is a file that was read up to the data of its next frame.
//
// https://www.w3.org/Graphics/GIF/spec-gif89a.txt
type GIF struct {
	r       *bufio.Reader
	w, h    int
	colors  [256]uint32 // the global color table
	control gifControl  // for the next frame
	next    gifFrame
	ahead   bool // next was read ahead
	begun   bool // there has been a frame
	buffer  canvasBuffer
	codes   lzw
	work    float64 // pixels decoded so far
}

const opaqueBlack = 0xff000000

// A gifControl is a graphic control extension. transparent is -1 if no color is.
type gifControl struct {
	delay       time.Duration
	dispose     Disposal
	transparent int
}

// A gifFrame is an image descriptor with its color table.
type gifFrame struct {
	gifControl
	area       image.Rectangle
	interlaced bool
	colors     [256]uint32 // the bytes of NRGBA, in little-endian order
}

// OpenGIF reads a file up to its first frame. As in browsers, the screen grows to hold
// that frame.
func OpenGIF(r io.Reader) (*GIF, error) {
	g := &GIF{r: bufio.NewReaderSize(r, 32<<10), control: gifControl{transparent: -1}, ahead: true}
	for i := range g.colors {
		g.colors[i] = opaqueBlack
	}
	var head [13]byte
	if _, err := io.ReadFull(g.r, head[:]); err != nil {
		return nil, noEOF(err)
	}
	g.w, g.h = int(binary.LittleEndian.Uint16(head[6:])), int(binary.LittleEndian.Uint16(head[8:]))
	if err := g.colorTable(&g.colors, head[10]); err != nil {
		return nil, err
	}
	if err := g.descriptor(); err != nil {
		return nil, noEOF(err)
	}
	g.w, g.h = max(g.w, g.next.area.Max.X), max(g.h, g.next.area.Max.Y)
	if float64(g.w)*float64(g.h) > maxPixels {
		return nil, fmt.Errorf("%w: %d by %d pixels", ErrTooLarge, g.w, g.h)
	}
	if g.w == 0 || g.h == 0 {
		return nil, fmt.Errorf("%w: GIF without pixels", ErrFormat)
	}
	return g, nil
}

// CountGIF returns the number of frames of a file, which it reads without decoding.
func CountGIF(r io.Reader) (n int) {
	g, err := OpenGIF(r)
	for ; err == nil; err = g.descriptor() {
		n++
		_, _ = g.r.Discard(1)
		if b := (blocks{r: g.r}); b.skip() != nil {
			break
		}
	}
	return n
}

// colorTable reads the color table that a packed field announces.
func (g *GIF) colorTable(table *[256]uint32, packed byte) error {
	if packed&0x80 == 0 {
		return nil
	}
	var rgb [3 * 256]byte
	n := 2 << (packed & 7)
	if _, err := io.ReadFull(g.r, rgb[:3*n]); err != nil {
		return noEOF(err)
	}
	for i := range table {
		table[i] = uint32(rgb[3*i]) | uint32(rgb[3*i+1])<<8 | uint32(rgb[3*i+2])<<16 | opaqueBlack
	}
	return nil
}

// descriptor reads up to the data of the next frame. Without one it returns io.EOF.
// Bytes that start no block are skipped before the first frame. After it they end the
// file, as in browsers, unless they are zeros: they may hold what looks like a frame.
func (g *GIF) descriptor() error {
	for {
		b, err := g.r.ReadByte()
		if err != nil {
			return err
		}
		switch b {
		case 0x21:
			if err := g.extension(); err != nil {
				return err
			}
		case 0x2c:
			return g.frame()
		case 0x3b:
			return io.EOF
		case 0:
		default:
			if g.begun {
				return io.EOF
			}
		}
	}
}

// extension reads an extension.
func (g *GIF) extension() error {
	label, err := g.r.ReadByte()
	if err != nil {
		return err
	}
	b := blocks{r: g.r}
	if label == 0xf9 {
		var data [4]byte
		for i := range data {
			if data[i], err = b.ReadByte(); err != nil {
				break
			}
		}
		if err == nil {
			g.control.delay = time.Duration(binary.LittleEndian.Uint16(data[1:])) * 10 * time.Millisecond
			g.control.transparent = -1
			if data[0]&1 != 0 {
				g.control.transparent = int(data[3])
			}
			switch data[0] >> 2 & 7 {
			case 2:
				g.control.dispose = Background
			case 3, 4: // 4 is written by some programs
				g.control.dispose = Previous
			default:
				g.control.dispose = Keep
			}
		}
	}
	return b.skip()
}

// frame reads an image descriptor.
func (g *GIF) frame() error {
	var head [9]byte
	if _, err := io.ReadFull(g.r, head[:]); err != nil {
		return err
	}
	side := func(at int) int { return int(binary.LittleEndian.Uint16(head[at:])) }
	f := &g.next
	*f = gifFrame{gifControl: g.control, interlaced: head[8]&0x40 != 0, colors: g.colors}
	f.area = image.Rect(side(0), side(2), side(0)+side(4), side(2)+side(6))
	g.control, g.begun = gifControl{transparent: -1}, true
	err := g.colorTable(&f.colors, head[8])
	if f.transparent >= 0 {
		f.colors[f.transparent] = 0
	}
	return err
}

// Size implements Frames.
func (g *GIF) Size() (w, h int) { return g.w, g.h }

// Next implements Frames.
func (g *GIF) Next() (*Frame, error) {
	if !g.ahead {
		if err := g.descriptor(); err != nil {
			return nil, err
		}
	}
	g.ahead = false
	d := &g.next
	if g.work += float64(d.area.Dx())*float64(d.area.Dy()) + float64(g.w)*float64(g.h); g.work > 2*maxPixels {
		return nil, fmt.Errorf("%w: %.0f pixels of frames", ErrTooLarge, g.work)
	}
	clip := d.area.Intersect(image.Rect(0, 0, g.w, g.h))
	f := &Frame{Image: g.buffer.image(clip, g.w, g.h), Delay: d.delay, Dispose: d.dispose, Over: true}
	p := gifPixels{frame: d, m: f.Image, step: 1}
	if d.interlaced {
		p.step = 8
	}
	b := blocks{r: g.r}
	err := g.codes.decode(&b, &p)
	if end := b.skip(); end != nil {
		err = errors.Join(err, noEOF(end))
	}
	return f, err
}

// blocks reads data in sub-blocks, up to the empty one.
type blocks struct {
	r    *bufio.Reader
	data []byte // of the sub-block, in the buffer of r
	end  bool
}

// ReadByte implements io.ByteReader.
func (b *blocks) ReadByte() (byte, error) {
	for len(b.data) == 0 {
		if b.end {
			return 0, io.EOF
		}
		n, err := b.r.ReadByte()
		if err != nil {
			return 0, noEOF(err)
		}
		b.end = n == 0
		b.data, _ = b.r.Peek(int(n)) // of a truncated file what there is
		_, _ = b.r.Discard(len(b.data))
	}
	c := b.data[0]
	b.data = b.data[1:]
	return c, nil
}

// skip reads the rest.
func (b *blocks) skip() error {
	for b.data = nil; !b.end; {
		n, err := b.r.ReadByte()
		if err != nil {
			return err
		}
		if _, err := b.r.Discard(int(n)); err != nil {
			return err
		}
		b.end = n == 0
	}
	return nil
}

// gifPixels takes the pixels of a frame from left to right, row by row.
type gifPixels struct {
	frame *gifFrame
	m     *image.NRGBA
	x, y  int // in the frame
	step  int // to the next row
}

// put takes pixels, and reports whether more are wanted.
func (p *gifPixels) put(indexes []byte) bool {
	w := p.frame.area.Dx()
	for len(indexes) > 0 && p.more() {
		n := min(len(indexes), w-p.x)
		p.row(indexes[:n])
		indexes = indexes[n:]
		if p.x += n; p.x == w {
			p.x = 0
			p.nextRow()
		}
	}
	return p.more()
}

// more reports whether pixels are missing that can be seen.
func (p *gifPixels) more() bool {
	return p.y < p.frame.area.Dy() && (p.frame.interlaced || p.y < p.m.Rect.Dy()) && !p.m.Rect.Empty()
}

// row writes a part of a row.
func (p *gifPixels) row(indexes []byte) {
	rows := 1
	if p.frame.interlaced && p.frame.transparent < 0 {
		rows = max(p.step/2, 1) // until the rows between them come
		if p.step == 8 && p.y%8 == 0 {
			rows = 8
		}
	}
	for y := p.y; y < min(p.y+rows, p.m.Rect.Dy()); y++ {
		row := p.m.Pix[y*p.m.Stride : y*p.m.Stride+4*p.m.Rect.Dx()]
		row = row[min(4*p.x, len(row)):]
		for i, c := range indexes[:min(len(indexes), len(row)/4)] {
			binary.LittleEndian.PutUint32(row[4*i:], p.frame.colors[c])
		}
	}
}

// nextRow goes to the next row (GIF89a, appendix E).
func (p *gifPixels) nextRow() {
	p.y += p.step
	h := p.frame.area.Dy()
	for p.frame.interlaced && p.y >= h {
		switch {
		case p.step == 8 && p.y%8 == 0:
			p.y = 4
		case p.step == 8:
			p.y, p.step = 2, 4
		case p.step == 4:
			p.y, p.step = 1, 2
		default:
			return
		}
	}
}
