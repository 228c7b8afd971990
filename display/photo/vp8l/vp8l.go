// Package vp8l decodes lossless WebP pictures (RFC 9649, section 3) and the opacity of
// lossy ones (section 2.7.1.2). It differs from golang.org/x/image/vp8l in that memory
// is bounded before it is allocated, and in that the whole rows of a damaged picture are
// returned.
package vp8l

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
)

var (
	// ErrFormat means that a picture is damaged or not a VP8L bitstream.
	ErrFormat = errors.New("not a readable lossless WebP picture")
	// ErrTooLarge means that decoding would take more memory than allowed.
	ErrTooLarge = errors.New("lossless WebP picture too large to decode")
	// errTorn means that a part of the picture is missing.
	errTorn = fmt.Errorf("%w: it ends early", ErrFormat)
)

// HeaderSize is how many bytes Size reads.
const HeaderSize = 5

// Size returns the size in pixels that the first bytes of a bitstream say (3.4).
func Size(head []byte) (w, h int, err error) {
	if len(head) < HeaderSize || head[0] != 0x2f {
		return 0, 0, ErrFormat
	}
	bits := binary.LittleEndian.Uint32(head[1:])
	if version := bits >> 29; version != 0 {
		return 0, 0, fmt.Errorf("%w: version %d", ErrFormat, version)
	}
	return int(bits&0x3fff) + 1, int(bits>>14&0x3fff) + 1, nil
}

// Decode decodes a picture in at most limit bytes of memory, including the result. Of a
// damaged one it returns an error and, if there are any, the whole rows, with transparent
// ones below. Errors wrap ErrFormat or ErrTooLarge, or are those of r or ctx, which is
// checked in each row.
func Decode(ctx context.Context, r io.Reader, limit int64) (*image.NRGBA, error) {
	var head [HeaderSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, noEOF(err)
	}
	w, h, err := Size(head[:])
	if err != nil {
		return nil, err
	}
	d := &decoder{ctx: ctx, left: limit}
	p, rows, err := d.decode(r, w, h)
	if rows == 0 {
		return nil, err
	}
	m := &image.NRGBA{Pix: p.pix, Stride: 4 * w, Rect: image.Rect(0, 0, w, h)}
	if err := d.undo(p, rows, func(y int, row []uint32) {
		line := m.Pix[y*m.Stride:][:m.Stride]
		for x, v := range row {
			binary.LittleEndian.PutUint32(line[4*x:], v&0xff00ff00|v>>16&0xff|v&0xff<<16)
		}
	}); err != nil {
		return nil, err
	}
	clear(m.Pix[rows*m.Stride:])
	return m, err
}

// noEOF returns errTorn for an early end.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errTorn
	}
	return err
}

// A decoder decodes one picture. Pixels are words of 32 bits, alpha, red, green and
// blue from the highest byte on, which are kept in little-endian order.
type decoder struct {
	ctx        context.Context
	left       int64 // bytes that may still be allocated
	bits       bitReader
	w          int          // width of the pixels that are coded
	transforms []*transform // in the order in which they were applied

	// Space for prefix codes.
	block, free []uint16
	lengths     [maxSymbols]uint8
	sorted      [maxSymbols]uint16
	table       [maxTable]uint16
}

// bytesDecoder is what a decoder takes beside what depends on the picture.
const bytesDecoder = 32 << 10

// A picture holds pixels that are coded. Its place is at the end of the memory for the
// decoded ones: a row is decoded before its place is needed for another one.
type picture struct {
	pix  []byte // of the decoded picture
	w, h int    // of the decoded picture
}

// take counts bytes before they are allocated.
func (d *decoder) take(n int64) error {
	if d.left -= n; d.left < 0 {
		return ErrTooLarge
	}
	return nil
}

// decode decodes the pixels as they were before the transforms are undone. It returns
// how many rows are whole.
func (d *decoder) decode(r io.Reader, w, h int) (p picture, rows int, err error) {
	// The pixels, and three rows for undoing the transforms.
	if err := d.take(bytesDecoder + 4*int64(w)*int64(h) + 12*int64(w)); err != nil {
		return p, 0, fmt.Errorf("%w: %d by %d pixels", err, w, h)
	}
	d.bits.init(r)
	d.w = w
	if err := d.readTransforms(h); err != nil {
		return p, 0, err
	}
	c, err := d.readCoding(d.w, h)
	if err != nil {
		return p, 0, err
	}
	p = picture{make([]byte, 4*w*h), w, h}
	rows, err = d.pixels(p.pix[4*(w-d.w)*h:], d.w, h, c)
	return p, rows, err
}

// undo calls put with each of the first rows of the decoded picture.
func (d *decoder) undo(p picture, rows int, put func(y int, row []uint32)) error {
	space := make([]uint32, 2*p.w+1)
	row, above := space[:p.w], space[p.w:]
	for y := range rows {
		if err := d.ctx.Err(); err != nil {
			return err
		}
		coded := p.pix[4*((p.w-d.w)*p.h+y*d.w):]
		for x := range d.w {
			row[x] = word(coded, x)
		}
		for i := len(d.transforms) - 1; i >= 0; i-- {
			d.transforms[i].undo(row, above, y)
		}
		put(y, row)
	}
	return nil
}

// word returns pixel i.
func word(pix []byte, i int) uint32 { return binary.LittleEndian.Uint32(pix[4*i:]) }
