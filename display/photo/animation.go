package photo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/gif"
	"io"
	"time"

	"golang.org/x/image/webp"

	"pickerd/display/pixel"
)

// Like browsers, frameDelay replaces delays below minDelay by defaultDelay. Authors
// of such images expect that.
const (
	minDelay     = 20 * time.Millisecond
	defaultDelay = 100 * time.Millisecond
)

func frameDelay(d time.Duration) time.Duration {
	if d < minDelay {
		return defaultDelay
	}
	return d
}

// An animation composes the frames of an animated image on a canvas.
type animation struct {
	photo  Photo
	canvas *image.RGBA
}

func newAnimation(w, h int) (*animation, error) {
	if float64(w)*float64(h) > maxAnimatedPixels || w <= 0 || h <= 0 {
		return nil, fmt.Errorf("%w: animation of %d by %d pixels", ErrTooLarge, w, h)
	}
	return &animation{photo: Photo{W: w, H: h}, canvas: image.NewRGBA(image.Rect(0, 0, w, h))}, nil
}

// framesLeft returns how many more frames fit in maxAnimatedPixels.
func (f *animation) framesLeft() int {
	return int(maxAnimatedPixels)/(f.photo.W*f.photo.H) - len(f.photo.frames)
}

// addFrame copies the canvas as the next frame.
func (f *animation) addFrame(delay time.Duration) {
	m := pixel.New(f.photo.W, f.photo.H)
	for y := range m.H {
		readRGBA(f.canvas.Pix[y*f.canvas.Stride:], m.Row(y))
	}
	f.photo.frames, f.photo.delays = append(f.photo.frames, m), append(f.photo.delays, frameDelay(delay))
}

// decodeGIF decodes as many frames as fit in maxAnimatedPixels.
func decodeGIF(r *io.SectionReader) (*Photo, error) {
	data, w, h, err := readGIF(r)
	if err != nil {
		return nil, err
	}
	f, err := newAnimation(w, h)
	if err != nil {
		return nil, err
	}
	g, err := gif.DecodeAll(bytes.NewReader(data))
	if err != nil || len(g.Image) == 0 {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	for i, m := range g.Image {
		var before *image.RGBA
		if i < len(g.Disposal) && g.Disposal[i] == gif.DisposalPrevious {
			before = image.NewRGBA(f.canvas.Rect)
			copy(before.Pix, f.canvas.Pix)
		}
		draw.Draw(f.canvas, m.Bounds(), m, m.Bounds().Min, draw.Over)
		if f.framesLeft() <= 0 {
			break
		}
		f.addFrame(time.Duration(g.Delay[i]) * 10 * time.Millisecond)
		switch {
		case before != nil:
			f.canvas = before
		case i < len(g.Disposal) && g.Disposal[i] == gif.DisposalBackground:
			draw.Draw(f.canvas, m.Bounds(), image.Transparent, image.Point{}, draw.Src)
		}
	}
	return &f.photo, nil
}

// maxGIF bounds the bytes read of a GIF, and the pixels of its frames together,
// which take one byte each.
const maxGIF = 32 << 20

// readGIF reads a file up to the frame that would exceed maxGIF.
func readGIF(r *io.SectionReader) (data []byte, w, h int, err error) {
	data, err = io.ReadAll(io.LimitReader(r, maxGIF))
	if err != nil {
		return nil, 0, 0, err
	}
	if len(data) < 13 {
		return nil, 0, 0, ErrFormat
	}
	w, h = int(binary.LittleEndian.Uint16(data[6:])), int(binary.LittleEndian.Uint16(data[8:]))
	end, pixels := 13+colorTableSize(data[10]), 0
	for end < len(data) {
		next, area := nextGIFBlock(data, end)
		if next <= end {
			break
		}
		if pixels += area; pixels > maxGIF || area > maxAnimatedPixels {
			break
		}
		end = next
	}
	return append(data[:min(end, len(data)):min(end, len(data))], 0x3b), w, h, nil
}

// colorTableSize returns the size in bytes of the color table that a packed field
// announces.
func colorTableSize(packed byte) int {
	if packed&0x80 == 0 {
		return 0
	}
	return 3 << (packed&7 + 1)
}

// nextGIFBlock returns the end of the block at i and how many pixels it has. It
// returns i if the block is not complete.
func nextGIFBlock(data []byte, i int) (next, area int) {
	j := i
	switch data[i] {
	case 0x21: // extension
		j += 2
	case 0x2c: // image
		if i+10 > len(data) {
			return i, 0
		}
		area = int(min(uint64(binary.LittleEndian.Uint16(data[i+5:]))*uint64(binary.LittleEndian.Uint16(data[i+7:])), maxGIF+1))
		j += 10 + colorTableSize(data[i+9]) + 1
	default:
		return i, 0
	}
	for j < len(data) {
		n := int(data[j])
		j += 1 + n
		if n == 0 {
			return j, area
		}
	}
	return i, 0
}

// decodeAnimatedWebP decodes an animation. Both results are nil for a still image.
//
// https://developers.google.com/speed/webp/docs/riff_container
func decodeAnimatedWebP(r *io.SectionReader) (*Photo, error) {
	var f *animation
	err := webpChunks(r, 12, r.Size(), func(id string, at, n int64) error {
		switch {
		case id == "VP8X":
			head, err := readPart(r, at, min(n, 10))
			if err != nil || len(head) < 10 || head[0]&2 == 0 {
				return errStill
			}
			f, err = newAnimation(1+int24(head[4:]), 1+int24(head[7:]))
			return err
		case f == nil:
			return errStill
		case id == "ANMF" && f.framesLeft() > 0:
			return f.webpFrame(r, at, n)
		}
		return nil
	})
	switch {
	case errors.Is(err, errStill), f == nil && err == nil:
		return nil, nil
	case f != nil && len(f.photo.frames) > 0:
		return &f.photo, nil // the frames before a truncated end
	case err == nil:
		err = ErrFormat
	}
	return nil, err
}

var errStill = errors.New("not animated")

func int24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// webpChunks calls f with the ID, offset and length of each chunk between two
// offsets.
func webpChunks(r io.ReaderAt, from, to int64, f func(id string, at, n int64) error) error {
	for from+8 <= to {
		head, err := readPart(r, from, 8)
		if err != nil {
			return err
		}
		n := int64(binary.LittleEndian.Uint32(head[4:]))
		if from+8+n > to {
			return ErrFormat
		}
		if err := f(string(head[:4]), from+8, n); err != nil {
			return err
		}
		from += 8 + n + n&1
	}
	return nil
}

func readPart(r io.ReaderAt, at, n int64) ([]byte, error) {
	b := make([]byte, n)
	if m, err := r.ReadAt(b, at); m < len(b) {
		return nil, errors.Join(ErrFormat, err)
	}
	return b, nil
}

// maxFrame bounds the chunk of one frame, in bytes.
const maxFrame = 16 << 20

// webpFrame draws one ANMF chunk: a header of 16 bytes, then the chunks of a still
// image, which it decodes as a separate file.
func (f *animation) webpFrame(r io.ReaderAt, at, n int64) error {
	if n < 16 || n > maxFrame {
		return ErrFormat
	}
	b, err := readPart(r, at, n)
	if err != nil {
		return err
	}
	x, y, w, h := 2*int24(b), 2*int24(b[3:]), 1+int24(b[6:]), 1+int24(b[9:])
	delay, flags := time.Duration(int24(b[12:]))*time.Millisecond, b[15]
	where := image.Rect(x, y, x+w, y+h)
	if !where.In(f.canvas.Rect) {
		return ErrFormat
	}
	file := stillWebP(b[16:], w, h)
	c, err := webp.DecodeConfig(bytes.NewReader(file))
	if err != nil || c.Width > w || c.Height > h {
		return ErrFormat
	}
	m, err := webp.Decode(bytes.NewReader(file))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
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
	return nil
}

// stillWebP returns a file with the chunks of a frame.
func stillWebP(chunks []byte, w, h int) []byte {
	var b bytes.Buffer
	put := func(v ...byte) { b.Write(v) }
	long := func(n int) { _ = binary.Write(&b, binary.LittleEndian, uint32(n)) }
	b.WriteString("RIFF")
	if bytes.HasPrefix(chunks, []byte("ALPH")) {
		long(4 + 18 + len(chunks))
		b.WriteString("WEBPVP8X")
		long(10)
		w, h = w-1, h-1
		put(0x10, 0, 0, 0, byte(w), byte(w>>8), byte(w>>16), byte(h), byte(h>>8), byte(h>>16))
	} else {
		long(4 + len(chunks))
		b.WriteString("WEBP")
	}
	b.Write(chunks)
	return b.Bytes()
}
