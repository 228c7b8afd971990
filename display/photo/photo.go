// Package photo reads the pictures that people choose and fits them to a screen:
// JPEG, PNG, GIF and WebP, moving ones too, upright as their Exif data says, and
// the still of a video. It bounds the memory that a file may take, whatever the
// file says of itself.
package photo

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/gif" // for image.DecodeConfig
	"image/jpeg"
	"image/png"
	"io"
	"time"

	"golang.org/x/image/webp"

	"pickerd/display/pixel"
)

var (
	// ErrTooLarge means a picture that would take too much memory to be decoded.
	ErrTooLarge = errors.New("the picture is too big to be decoded")
	// ErrFormat means a file that is none.
	ErrFormat = errors.New("the file is not a picture that can be decoded")
)

// mostBytes is how much memory decoding one picture may take, and mostMoving how
// many pixels all frames of a moving one may have together.
const (
	mostBytes  = 180e6
	mostMoving = 8e6
)

// Bytes that decoding takes for a pixel, by what a file says of itself. A
// progressive JPEG has all its coefficients in memory.
const (
	bytesProgressive = 15
	bytesYCbCr       = 3
	bytesCMYK        = 8
	bytesDeep        = 8
	bytesOther       = 4
)

// A Photo is a decoded picture, upright.
type Photo struct {
	W, H   int
	img    image.Image // nil if it moves
	turn   orientation
	frames []*pixel.Image
	delays []time.Duration
}

// Animated reports whether there is more than one frame.
func (p *Photo) Animated() bool { return len(p.frames) > 1 }

// Frames is how many there are, 1 for a still picture.
func (p *Photo) Frames() int { return max(len(p.frames), 1) }

// Delay is how long frame i is to be seen.
func (p *Photo) Delay(i int) time.Duration { return p.delays[i] }

// Draw draws frame i over the whole of dst.
func (p *Photo) Draw(dst *pixel.Image, i int) {
	if p.img == nil {
		Scale(dst, p.frames[i], p.frames[i].Bounds())
		return
	}
	p.turn.draw(dst, p.img, p.img.Bounds())
}

// Decode reads a picture, or the still of a video. Its errors are ErrTooLarge,
// ErrFormat, or those of reading.
func Decode(r io.ReaderAt, size int64) (*Photo, error) {
	head := make([]byte, 16)
	if n, err := r.ReadAt(head, 0); n < len(head) {
		return nil, errors.Join(ErrFormat, err)
	}
	all := io.NewSectionReader(r, 0, size)
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xd8")):
		return decodeStill(all, jpeg.Decode)
	case bytes.HasPrefix(head, []byte("\x89PNG")):
		return decodeStill(all, png.Decode)
	case bytes.HasPrefix(head, []byte("GIF8")):
		return decodeGIF(all)
	case bytes.HasPrefix(head, []byte("RIFF")) && bytes.Equal(head[8:12], []byte("WEBP")):
		if p, err := decodeMovingWebP(all); p != nil || err != nil {
			return p, err
		}
		return decodeStill(all, webp.Decode)
	case bytes.Equal(head[4:8], []byte("ftyp")):
		still, err := Still(r, size)
		if err != nil {
			return nil, err
		}
		if n, err := still.ReadAt(head, 0); n < len(head) || bytes.Equal(head[4:8], []byte("ftyp")) {
			return nil, errors.Join(ErrNoStill, err) // a video in a video
		}
		return Decode(still, still.Size())
	}
	return nil, ErrFormat
}

func decodeStill(r *io.SectionReader, decode func(io.Reader) (image.Image, error)) (*Photo, error) {
	c, _, err := image.DecodeConfig(bufio.NewReader(r))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if float64(c.Width)*float64(c.Height)*bytesFor(c, r) > mostBytes {
		return nil, fmt.Errorf("%w: %d by %d", ErrTooLarge, c.Width, c.Height)
	}
	turn := orientationOf(r, r.Size())
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	img, err := decode(bufio.NewReaderSize(r, 64<<10))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	p := &Photo{img: img, turn: turn}
	p.W, p.H = turn.size(img.Bounds().Dx(), img.Bounds().Dy())
	return p, nil
}

// Size is the size of an upright picture, read without decoding it.
func Size(r io.ReaderAt, size int64) (w, h int, err error) {
	all := io.NewSectionReader(r, 0, size)
	c, _, err := image.DecodeConfig(bufio.NewReader(all))
	if err != nil {
		return 0, 0, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	w, h = orientationOf(r, size).size(c.Width, c.Height)
	return w, h, nil
}

// bytesFor is how many bytes decoding takes for a pixel.
func bytesFor(c image.Config, r io.ReaderAt) float64 {
	switch c.ColorModel {
	case color.YCbCrModel, color.GrayModel:
		if isProgressive(r) {
			return bytesProgressive
		}
		return bytesYCbCr
	case color.CMYKModel:
		if isProgressive(r) {
			return bytesProgressive + bytesCMYK
		}
		return bytesCMYK
	case color.RGBA64Model, color.NRGBA64Model, color.Gray16Model:
		return bytesDeep
	}
	return bytesOther
}

// isProgressive reports whether a JPEG is, or may be. It goes from segment to
// segment as image/jpeg does, which passes over stray bytes.
func isProgressive(r io.ReaderAt) bool {
	var b [4]byte
	if n, _ := r.ReadAt(b[:2], 0); n < 2 || b[0] != 0xff || b[1] != 0xd8 {
		return false // none
	}
	for at := int64(2); at < 4<<20; {
		if n, _ := r.ReadAt(b[:], at); n < len(b) {
			return true
		}
		marker := b[1]
		switch {
		case b[0] != 0xff || marker == 0xff: // stray, or a fill byte
			at++
		case marker == 0 || marker >= 0xd0 && marker <= 0xd7: // without a length
			at += 2
		case marker == 0xc2: // SOF2, ITU T.81
			return true
		case marker == 0xc0 || marker == 0xc1:
			return false
		default:
			at += 2 + int64(b[2])<<8 + int64(b[3])
		}
	}
	return true
}

// Fit lets go of what a still photo has more than a part of a screen shows.
func (p *Photo) Fit(w, h int) *Photo {
	f := min(float64(w)/float64(p.W), float64(h)/float64(p.H))
	if p.img == nil || f >= 1 {
		return p
	}
	m := pixel.New(max(int(float64(p.W)*f+0.5), 1), max(int(float64(p.H)*f+0.5), 1))
	p.Draw(m, 0)
	return FromImage(m)
}

// FromImage is a photo of one picture as it is.
func FromImage(m *pixel.Image) *Photo { return &Photo{W: m.W, H: m.H, img: m, turn: upright} }
