// Package photo owns the media formats. It decodes JPEG, PNG, GIF and WebP files,
// including animated ones, rotates them as their Exif data says, and fits them to a
// screen. Of an MP4 video it reads the duration, and the still that WriteStill
// added. It bounds the memory that a file may take, regardless of its headers.
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
	// ErrTooLarge means that decoding an image would take too much memory.
	ErrTooLarge = errors.New("image too large to decode")
	// ErrFormat means that a file is not an image, is damaged, or has an unsupported
	// format.
	ErrFormat = errors.New("not a readable image")
)

// maxDecoded bounds the bytes that decoding a still image may take.
// maxAnimatedPixels bounds the pixels of all frames of an animated one together.
const (
	maxDecoded        = 180e6
	maxAnimatedPixels = 8e6
)

// Bytes that decoding takes for each pixel. A progressive JPEG keeps all its
// coefficients in memory.
const (
	bytesProgressive = 15
	bytesYCbCr       = 3
	bytesCMYK        = 8
	bytesDeep        = 8
	bytesOther       = 4
)

// A Photo is a decoded image, upright.
type Photo struct {
	W, H        int         // size in pixels
	img         image.Image // nil if it is animated
	orientation orientation // of img
	frames      []*pixel.Image
	delays      []time.Duration
}

// Animated reports whether p has more than one frame.
func (p *Photo) Animated() bool { return len(p.frames) > 1 }

// Frames returns the number of frames, 1 for a still image.
func (p *Photo) Frames() int { return max(len(p.frames), 1) }

// Delay returns how long to show frame i of an animated photo.
func (p *Photo) Delay(i int) time.Duration { return p.delays[i] }

// Draw scales frame i to the size of dst.
func (p *Photo) Draw(dst *pixel.Image, i int) {
	if p.img == nil {
		Scale(dst, p.frames[i], p.frames[i].Bounds())
		return
	}
	p.orientation.draw(dst, p.img, p.img.Bounds())
}

// Decode decodes an image, or the still of a video. Its error wraps ErrTooLarge or
// ErrFormat, or is that of reading.
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
		if p, err := decodeAnimatedWebP(all); p != nil || err != nil {
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
	if float64(c.Width)*float64(c.Height)*bytesFor(c, r) > maxDecoded {
		return nil, fmt.Errorf("%w: %d by %d pixels", ErrTooLarge, c.Width, c.Height)
	}
	o := orientationOf(r, r.Size())
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	img, err := decode(bufio.NewReaderSize(r, 64<<10))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	p := &Photo{img: img, orientation: o}
	p.W, p.H = o.size(img.Bounds().Dx(), img.Bounds().Dy())
	return p, nil
}

// Size returns the size in pixels of the upright image. It reads only headers. Its
// error wraps ErrFormat.
func Size(r io.ReaderAt, size int64) (w, h int, err error) {
	all := io.NewSectionReader(r, 0, size)
	c, _, err := image.DecodeConfig(bufio.NewReader(all))
	if err != nil {
		return 0, 0, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	w, h = orientationOf(r, size).size(c.Width, c.Height)
	return w, h, nil
}

// bytesFor returns how many bytes decoding takes for each pixel.
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

// isProgressive reports whether a JPEG is or may be progressive. Like image/jpeg,
// it skips stray bytes between segments.
func isProgressive(r io.ReaderAt) bool {
	var b [4]byte
	if n, _ := r.ReadAt(b[:2], 0); n < 2 || b[0] != 0xff || b[1] != 0xd8 {
		return false // not a JPEG
	}
	for at := int64(2); at < 4<<20; {
		if n, _ := r.ReadAt(b[:], at); n < len(b) {
			return true
		}
		marker := b[1]
		switch {
		case b[0] != 0xff || marker == 0xff: // a stray or fill byte
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

// Fit returns the photo, scaled down to fit in w by h pixels if it is a larger
// still image. It saves memory.
func (p *Photo) Fit(w, h int) *Photo {
	f := min(float64(w)/float64(p.W), float64(h)/float64(p.H))
	if p.img == nil || f >= 1 {
		return p
	}
	m := pixel.New(max(int(float64(p.W)*f+0.5), 1), max(int(float64(p.H)*f+0.5), 1))
	p.Draw(m, 0)
	return FromImage(m)
}

// FromImage returns a photo of m. They share pixels.
func FromImage(m *pixel.Image) *Photo { return &Photo{W: m.W, H: m.H, img: m, orientation: upright} }
