package vp8l

import (
	"context"
	"fmt"
	"io"
)

// DecodeAlpha decodes the content of a chunk ALPH: the opacity of w by h pixels, in at
// most limit bytes of memory. It returns it whole or not at all. Errors are like those of
// Decode.
func DecodeAlpha(ctx context.Context, r io.Reader, w, h int, limit int64) ([]byte, error) {
	d := &decoder{ctx: ctx, left: limit}
	if err := d.take(int64(w) * int64(h)); err != nil {
		return nil, fmt.Errorf("%w: opacity of %d by %d pixels", err, w, h)
	}
	var head [1]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, noEOF(err)
	}
	var alpha []byte
	switch head[0] & 3 {
	case 0:
		alpha = make([]byte, w*h)
		if _, err := io.ReadFull(r, alpha); err != nil {
			return nil, noEOF(err)
		}
	case 1:
		p, _, err := d.decode(r, w, h)
		if err != nil {
			return nil, err
		}
		alpha = make([]byte, w*h)
		if err := d.undo(p, h, func(y int, row []uint32) {
			line := alpha[y*w:][:w]
			for x, v := range row {
				line[x] = uint8(v >> 8)
			}
		}); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("%w: compression of opacity", ErrFormat)
	}
	unfilter(alpha, w, head[0]>>2&3)
	return alpha, ctx.Err()
}

// Filters of opacity.
const (
	noFilter = iota
	horizontal
	vertical
	gradient
)

// unfilter adds to each byte what it was predicted from.
func unfilter(alpha []byte, w int, filter byte) {
	if filter == noFilter {
		return
	}
	for x := 1; x < w; x++ {
		alpha[x] += alpha[x-1]
	}
	for at := w; at < len(alpha); at += w {
		above, row := alpha[at-w:at], alpha[at:at+w]
		row[0] += above[0]
		for x := 1; x < w; x++ {
			switch filter {
			case horizontal:
				row[x] += row[x-1]
			case vertical:
				row[x] += above[x]
			case gradient:
				row[x] += uint8(clamp(int32(row[x-1]) + int32(above[x]) - int32(above[x-1])))
			}
		}
	}
}
