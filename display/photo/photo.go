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
	_ "image/gif" // for image.DecodeConfig
	"image/jpeg"
	"image/png"
	"io"
	"time"

	"golang.org/x/image/webp"

	"pickerd/display/pixel"
)

var (
	// ErrTooBig means a picture that would take too much memory to be decoded.
	ErrTooBig = errors.New("the picture is too big to be decoded")
	// ErrNoPicture means a file that is none.
	ErrNoPicture = errors.New("the file is not a picture that can be decoded")
)

// Bounds of a picture in pixels, by what decoding one takes.
const (
	mostJPEG        = 50e6 // 1.5 to 3 bytes a pixel
	mostProgressive = 12e6 // and 6 to 12 for its coefficients
	mostOther       = 20e6 // 4 bytes
	// mostMoving is of all the frames of a moving picture together, as they are
	// kept, 4 bytes a pixel.
	mostMoving = 8e6
)

// A Photo is a decoded picture, upright.
type Photo struct {
	W, H   int
	img    image.Image // nil if it moves
	turn   orientation
	frames []*pixel.Image
	delays []time.Duration
}

// Moves reports whether there is more than one frame.
func (p *Photo) Moves() bool { return len(p.frames) > 1 }

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

// Decode reads a picture, or the still of a video. Its errors are ErrTooBig,
// ErrNoPicture, or those of reading.
func Decode(r io.ReaderAt, size int64) (*Photo, error) {
	head := make([]byte, 16)
	if n, err := r.ReadAt(head, 0); n < len(head) {
		return nil, errors.Join(ErrNoPicture, err)
	}
	all := io.NewSectionReader(r, 0, size)
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xd8")):
		return decodeStill(all, jpegLimit(all), jpeg.Decode)
	case bytes.HasPrefix(head, []byte("\x89PNG")):
		return decodeStill(all, mostOther, png.Decode)
	case bytes.HasPrefix(head, []byte("GIF8")):
		return decodeGIF(all)
	case bytes.HasPrefix(head, []byte("RIFF")) && bytes.Equal(head[8:12], []byte("WEBP")):
		if p, err := decodeMovingWebP(all); p != nil || err != nil {
			return p, err
		}
		return decodeStill(all, mostOther, webp.Decode)
	case bytes.Equal(head[4:8], []byte("ftyp")):
		still, err := Still(r, size)
		if err != nil {
			return nil, err
		}
		return Decode(still, still.Size())
	}
	return nil, ErrNoPicture
}

func decodeStill(r *io.SectionReader, most float64, decode func(io.Reader) (image.Image, error)) (*Photo, error) {
	c, _, err := image.DecodeConfig(bufio.NewReader(r))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoPicture, err)
	}
	if float64(c.Width)*float64(c.Height) > most {
		return nil, fmt.Errorf("%w: %d by %d", ErrTooBig, c.Width, c.Height)
	}
	turn := orientationOf(r, r.Size())
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	img, err := decode(bufio.NewReaderSize(r, 64<<10))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoPicture, err)
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
		return 0, 0, fmt.Errorf("%w: %w", ErrNoPicture, err)
	}
	w, h = orientationOf(r, size).size(c.Width, c.Height)
	return w, h, nil
}

// jpegLimit is how many pixels a JPEG may have: a progressive one takes many
// times the memory of another.
func jpegLimit(r io.ReaderAt) float64 {
	var b [4]byte
	for at := int64(2); ; {
		if n, _ := r.ReadAt(b[:], at); n < len(b) || b[0] != 0xff {
			return mostJPEG // decoding will say what is wrong
		}
		switch {
		case b[1] == 0xff: // fill byte
			at++
			continue
		case b[1] == 0xc2: // SOF2, ITU T.81
			return mostProgressive
		case b[1] == 0xda || b[1] >= 0xc0 && b[1] <= 0xcf && b[1] != 0xc4 && b[1] != 0xc8 && b[1] != 0xcc:
			return mostJPEG
		}
		at += 2 + int64(b[2])<<8 + int64(b[3])
	}
}

// Plain is a photo of one picture as it is.
func Plain(m *pixel.Image) *Photo { return &Photo{W: m.W, H: m.H, img: m, turn: upright} }
