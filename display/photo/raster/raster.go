// Package raster decodes PNG and GIF files as browsers do: animated ones frame by
// frame, and damaged ones as far as they go. Checksums are not needed to show a photo,
// nor is an end. Memory and work are bounded from headers before decoding starts.
package raster

import (
	"errors"
	"fmt"
	"image"
	"io"
	"time"
)

var (
	// ErrFormat means that a file has no image data that can be decoded.
	ErrFormat = errors.New("not a readable PNG or GIF")
	// ErrTooLarge means that decoding would take more memory or work than allowed.
	ErrTooLarge = errors.New("image too large to decode")
	// errTorn means that a part of the image data is missing or damaged.
	errTorn = fmt.Errorf("%w: image data is incomplete", ErrFormat)
)

// maxPixels bounds the pixels that are decoded of one file, over all its frames.
const maxPixels = 128e6

// A Disposal says what happens to the canvas after a frame.
type Disposal int

// Disposals.
const (
	Keep       Disposal = iota
	Background          // the frame's area becomes transparent
	Previous            // the frame's area becomes what it was
)

// A Frame is one picture of an animation.
type Frame struct {
	Image   *image.NRGBA // with its place on the canvas as bounds; valid until the next frame is read
	Delay   time.Duration
	Dispose Disposal
	Over    bool // it is drawn over the canvas, not instead of it
}

// Frames reads an animation.
type Frames interface {
	// Size returns the size of the canvas.
	Size() (w, h int)
	// Next decodes the next frame. After the last one it returns io.EOF. If the frame
	// is damaged, it returns both the frame, as far as it goes, and an error.
	Next() (*Frame, error)
}

// A canvasBuffer holds one frame after the other.
type canvasBuffer struct{ pix []byte }

// image returns a transparent image with bounds r, which are within w by h pixels.
func (b *canvasBuffer) image(r image.Rectangle, w, h int) *image.NRGBA {
	if b.pix == nil {
		b.pix = make([]byte, 4*w*h)
	} else {
		clear(b.pix[:4*r.Dx()*r.Dy()])
	}
	return &image.NRGBA{Pix: b.pix[:4*r.Dx()*r.Dy()], Stride: 4 * r.Dx(), Rect: r}
}

// Opaque returns m as an image that needs no blending if no pixel is transparent. They
// share pixels.
func Opaque(m *image.NRGBA) image.Image {
	if m.Opaque() {
		return &image.RGBA{Pix: m.Pix, Stride: m.Stride, Rect: m.Rect}
	}
	return m
}

// noEOF returns errTorn for an early end of a file.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errTorn
	}
	return err
}
