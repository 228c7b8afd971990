package photo

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"io"
	"time"
)

// decodeAnimatedWebP decodes an animation, or the first frame of one that is too
// large to move. Both results are nil for a still image.
//
// https://developers.google.com/speed/webp/docs/riff_container
func decodeAnimatedWebP(ctx context.Context, r *io.SectionReader, l Limit) (*Photo, error) {
	var f *animation
	err := webpChunks(r, 12, r.Size(), func(id string, at, n int64) error {
		switch {
		case id == "VP8X" && f == nil:
			head, err := readPart(r, at, min(n, 10))
			if err != nil || len(head) < 10 || head[0]&2 == 0 {
				return errStill
			}
			f, err = newAnimation(1+int24(head[4:]), 1+int24(head[7:]), countFrames(r), l)
			if err == nil {
				f.photo.colors = colorsOf(r) // on whose ground frames are kept
			}
			return err
		case f == nil:
			return errStill
		case id == "ANMF" && f.framesLeft() > 0:
			return f.webpFrame(ctx, r, at, n, l)
		}
		return nil
	})
	switch {
	case errors.Is(err, errStill), f == nil && err == nil:
		return nil, nil
	case f != nil && len(f.photo.frames) > 0:
		f.photo.Torn = err != nil // the frames before a truncated end
		return &f.photo, nil
	case errors.Is(err, ErrTooLarge):
		return firstFrame(ctx, r, l, err)
	case err == nil:
		err = ErrFormat
	}
	return nil, err
}

// firstFrame decodes the first frame of an animation as a still image. If there is
// none, it returns why the animation can't be decoded.
func firstFrame(ctx context.Context, r *io.SectionReader, l Limit, why error) (p *Photo, err error) {
	_ = webpChunks(r, 12, r.Size(), func(id string, at, n int64) error {
		if id != "ANMF" || n < 16 {
			return nil
		}
		m, err := decodePicture(ctx, r, at+16, at+n, l)
		if m == nil {
			return err
		}
		p = &Photo{W: m.Bounds().Dx(), H: m.Bounds().Dy(), Torn: err != nil, img: m}
		return errFound
	})
	if p == nil {
		return nil, why
	}
	return p, nil
}

// countFrames returns the number of frames that a file has.
func countFrames(r *io.SectionReader) (n int) {
	_ = webpChunks(r, 12, r.Size(), func(id string, _, _ int64) error {
		if id == "ANMF" {
			n++
		}
		return nil
	})
	return n
}

var errStill = errors.New("not animated")

func int24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// webpChunks calls f with the ID, offset and length of each chunk between two
// offsets, up to maxSteps. The last one of a truncated file is shorter than it says.
func webpChunks(r io.ReaderAt, from, to int64, f func(id string, at, n int64) error) error {
	for range maxSteps {
		if from+8 > to {
			break
		}
		head, err := readPart(r, from, 8)
		if err != nil {
			return err
		}
		n := int64(binary.LittleEndian.Uint32(head[4:]))
		if err := f(string(head[:4]), from+8, min(n, to-from-8)); err != nil {
			return err
		}
		from += 8 + n + n&1
	}
	return nil
}

func readPart(r io.ReaderAt, at, n int64) ([]byte, error) {
	if at < 0 {
		return nil, ErrFormat
	}
	b := make([]byte, n)
	if m, err := r.ReadAt(b, at); m < len(b) {
		return nil, errors.Join(ErrFormat, err)
	}
	return b, nil
}

// webpFrame draws one ANMF chunk: a header of 16 bytes, then the chunks of a still
// image. Of a damaged one it draws what there is, and returns an error.
func (f *animation) webpFrame(ctx context.Context, r io.ReaderAt, at, n int64, l Limit) error {
	b, err := readPart(r, at, min(n, 16))
	if err != nil || len(b) < 16 {
		return ErrFormat
	}
	x, y, w, h := 2*int24(b), 2*int24(b[3:]), 1+int24(b[6:]), 1+int24(b[9:])
	delay, flags := time.Duration(int24(b[12:]))*time.Millisecond, b[15]
	where := image.Rect(x, y, x+w, y+h)
	if !where.In(f.canvas.Rect) {
		return ErrFormat
	}
	p, err := findPicture(r, at+16, at+n)
	if err != nil || p.w > w || p.h > h {
		return ErrFormat
	}
	fw, fh := f.frameSize()
	used := int64(4*f.photo.W*f.photo.H+4*fw*fh*(len(f.photo.frames)+1)) + 4*int64(w)*int64(h)
	m, torn := p.decode(ctx, l.Bytes()-used)
	switch {
	case errors.Is(torn, ErrTooLarge):
		return fmt.Errorf("frame %d: %w", len(f.photo.frames), torn)
	case m == nil:
		return fmt.Errorf("%w: %w", ErrFormat, torn)
	}
	op := draw.Over
	if flags&2 != 0 { // do not blend
		op = draw.Src
	}
	draw.Draw(f.canvas, where, m, m.Bounds().Min, op)
	f.addFrame(delay)
	if flags&1 != 0 { // dispose to the background
		draw.Draw(f.canvas, where, image.Transparent, image.Point{}, draw.Src)
	}
	return torn
}
