package photo

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"io"
	"runtime"

	"golang.org/x/image/vp8"

	"pickerd/display/photo/vp8l"
)

// bytesLossy is how many bytes decoding takes for each pixel of a lossy WebP, beside its
// chunk and its opacity.
const bytesLossy = 2

// maxLossy bounds the chunks of a lossy picture, in bytes. Package vp8 holds them in
// memory, and reads no more.
const maxLossy = 16 << 20

// maxLossless and maxLosslessPixel bound the chunk of a lossless picture, in bytes and
// bytes for each pixel, and thereby the work: no encoder needs more than four for a
// pixel, and some for its prefix codes.
const (
	maxLossless      = 64 << 10
	maxLosslessPixel = 5
)

// A webpPicture says where the chunks of a still image or a frame are.
type webpPicture struct {
	w, h          int
	lossless      bool
	pixels, alpha *io.SectionReader
}

// decodeWebP decodes a still image.
func decodeWebP(ctx context.Context, r *io.SectionReader, l Limit) (image.Image, error) {
	return decodePicture(ctx, r, 12, r.Size(), l)
}

// decodePicture decodes the first picture among the chunks between two offsets.
func decodePicture(ctx context.Context, r io.ReaderAt, from, to int64, l Limit) (image.Image, error) {
	p, err := findPicture(r, from, to)
	if err != nil {
		return nil, err
	}
	return p.decode(ctx, l.Bytes())
}

// findPicture returns the first picture among the chunks between two offsets.
func findPicture(r io.ReaderAt, from, to int64) (p webpPicture, err error) {
	err = webpChunks(r, from, to, func(id string, at, n int64) error {
		switch id {
		case "ALPH":
			p.alpha = io.NewSectionReader(r, at, min(n, maxLossy))
		case "VP8 ":
			part := io.NewSectionReader(r, at, min(n, maxLossy))
			d := vp8.NewDecoder()
			d.Init(part, int(part.Size()))
			head, err := d.DecodeFrameHeader()
			if err != nil {
				return err
			}
			if head.Width == 0 || head.Height == 0 { // package vp8 accepts them
				return ErrFormat
			}
			p.w, p.h, p.pixels = head.Width, head.Height, part
			return errFound
		case "VP8L":
			head, err := readPart(r, at, vp8l.HeaderSize)
			if err != nil {
				return err
			}
			w, h, err := vp8l.Size(head)
			if err != nil {
				return err
			}
			if n > maxLossless+maxLosslessPixel*int64(w)*int64(h) {
				return fmt.Errorf("%w: %d bytes for %d by %d pixels", ErrTooLarge, n, w, h)
			}
			p.w, p.h, p.pixels, p.lossless = w, h, io.NewSectionReader(r, at, n), true
			return errFound
		}
		return nil
	})
	switch {
	case errors.Is(err, errFound):
		return p, nil
	case err == nil:
		err = io.ErrUnexpectedEOF
	}
	return p, err
}

var errFound = errors.New("found")

// decode decodes a picture in at most limit bytes of memory. Of a damaged one it returns
// the upper part, and an error.
func (p webpPicture) decode(ctx context.Context, limit int64) (image.Image, error) {
	if p.lossless {
		m, err := vp8l.Decode(ctx, p.pixels, limit)
		if m == nil {
			return nil, losslessError(err)
		}
		return m, err
	}
	if limit -= p.pixels.Size() + bytesLossy*int64(p.w)*int64(p.h); limit < 0 {
		return nil, fmt.Errorf("%w: %d by %d pixels", ErrTooLarge, p.w, p.h)
	}
	var alpha []uint8
	var damaged error
	if p.alpha != nil {
		alpha, damaged = vp8l.DecodeAlpha(ctx, p.alpha, p.w, p.h, limit)
		if errors.Is(damaged, vp8l.ErrTooLarge) {
			return nil, losslessError(damaged)
		}
	}
	m, err := p.decodeLossy(ctx)
	if m == nil {
		return nil, err
	}
	m.alpha = alpha // without it the picture is opaque
	return m, errors.Join(err, damaged)
}

// losslessError returns an error of package vp8l as one of this package.
func losslessError(err error) error {
	if errors.Is(err, vp8l.ErrTooLarge) {
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	return err
}

// decodeLossy decodes the colors of a lossy picture. Of a damaged one it returns the
// upper part, and an error.
func (p webpPicture) decodeLossy(ctx context.Context) (*lossy, error) {
	m, err := p.decodePadded(nil)
	if err == nil {
		return m, nil
	}
	// The decoder returns nothing of a picture that ends early. With zeros in place of
	// what is missing it does, and noise tells which rows depend on it.
	runtime.GC() // keep one image at a time
	var others []uint32
	if m, err := p.decodePadded(new(noise)); err == nil {
		others = m.rowSums()
	}
	runtime.GC()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m, padded := p.decodePadded(zeros{})
	if padded != nil {
		return nil, err
	}
	rows := 0
	for sums := m.rowSums(); rows < len(sums) && (others == nil || sums[rows] == others[rows]); {
		rows++
	}
	if rows == 0 {
		return nil, err
	}
	m.rows = rows
	return m, err
}

// decodePadded decodes a lossy picture with padding after it, unless that is nil.
func (p webpPicture) decodePadded(padding io.Reader) (*lossy, error) {
	n := p.pixels.Size()
	pixels := io.Reader(io.NewSectionReader(p.pixels, 0, n))
	if padding != nil {
		pixels = io.MultiReader(pixels, padding)
		// No macroblock of 256 pixels takes more than a byte for each with zeros.
		n = min(n+int64(p.w)*int64(p.h)+1<<12, maxLossy-1)
	}
	d := vp8.NewDecoder()
	d.Init(pixels, int(n))
	if _, err := d.DecodeFrameHeader(); err != nil {
		return nil, err
	}
	m, err := d.DecodeFrame()
	if err != nil {
		return nil, err
	}
	return &lossy{planes: m, rows: m.Rect.Dy()}, nil
}

// zeros is endless.
type zeros struct{}

// Read implements io.Reader.
func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// noise is endless: a linear congruential generator.
type noise uint32

// Read implements io.Reader.
func (n *noise) Read(b []byte) (int, error) {
	for i := range b {
		*n = *n*1664525 + 1013904223
		b[i] = byte(*n >> 24)
	}
	return len(b), nil
}

// rowSums returns a checksum of the colors in each row.
func (m *lossy) rowSums() []uint32 {
	sums := make([]uint32, m.planes.Rect.Dy())
	for y := range sums {
		p, w := m.planes, m.planes.Rect.Dx()
		c := p.COffset(0, y)
		sums[y] = crc32.ChecksumIEEE(p.Y[p.YOffset(0, y):][:w])
		sums[y] = crc32.Update(sums[y], crc32.IEEETable, p.Cb[c:c+(w+1)/2])
		sums[y] = crc32.Update(sums[y], crc32.IEEETable, p.Cr[c:c+(w+1)/2])
	}
	return sums
}

// A lossy image has colors of ITU-R BT.601 in limited range, as VP8 has (RFC 6386,
// 9.2): Y from 16 to 235, Cb and Cr from 16 to 240.
type lossy struct {
	planes *image.YCbCr
	alpha  []uint8 // of each pixel, nil if it is opaque
	rows   int     // what is below is missing
}

// Bounds implements image.Image.
func (m *lossy) Bounds() image.Rectangle { return m.planes.Rect }

// ColorModel implements image.Image.
func (m *lossy) ColorModel() color.Model { return color.RGBA64Model }

// At implements image.Image.
func (m *lossy) At(x, y int) color.Color { return m.RGBA64At(x, y) }

// RGBA64At implements image.RGBA64Image, which package draw prefers.
func (m *lossy) RGBA64At(x, y int) color.RGBA64 {
	if !image.Pt(x, y).In(m.planes.Rect) {
		return color.RGBA64{}
	}
	c := m.planes.COffset(x, y)
	p, a := limited(m.planes.Y[m.planes.YOffset(x, y)], m.planes.Cb[c], m.planes.Cr[c]), uint32(m.opacity(x, y))
	part := func(v uint32) uint16 { return uint16(v & 0xff * a * 0x101 / 255) }
	return color.RGBA64{part(p >> 16), part(p >> 8), part(p), uint16(a * 0x101)}
}

func (m *lossy) opacity(x, y int) uint8 {
	switch {
	case y >= m.rows:
		return 0
	case m.alpha == nil:
		return 255
	}
	return m.alpha[y*m.planes.Rect.Dx()+x]
}

// read reads a part of a row.
func (m *lossy) read(x0, y int, ground uint32, line []uint32) {
	if y >= m.rows {
		for x := range line {
			line[x] = ground
		}
		return
	}
	luma := m.planes.Y[m.planes.YOffset(x0, y):]
	for x := range line {
		c := m.planes.COffset(x0+x, y)
		line[x] = limited(luma[x], m.planes.Cb[c], m.planes.Cr[c])
	}
	if m.alpha == nil {
		return
	}
	alpha := m.alpha[y*m.planes.Rect.Dx()+x0:]
	for x, p := range line {
		line[x] = blendN(p>>16, p>>8&0xff, p&0xff, uint32(alpha[x]), ground)
	}
}

// limited converts a color. The factors of BT.601 are in parts of 1<<14.
func limited(y, cb, cr uint8) uint32 {
	l, b, r := 19077*(int32(y)-16)+1<<13, int32(cb)-128, int32(cr)-128
	return byteOf(l+26149*r)<<16 | byteOf(l-6419*b-13320*r)<<8 | byteOf(l+33050*b)
}

func byteOf(v int32) uint32 { return uint32(min(max(v>>14, 0), 255)) }
