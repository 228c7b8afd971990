// Package photo owns the media formats. It decodes JPEG, PNG, GIF and WebP files,
// including animated ones, rotates them as their Exif data says, converts their colors
// to sRGB, and fits them to a screen. Of an MP4 or WebM video it reads the duration, and
// the still that WriteStill added. It bounds the memory that a file may take, regardless
// of its headers.
package photo

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"strings"
	"time"

	"pickerd/display/photo/icc"
	"pickerd/display/photo/jpeg"
	"pickerd/display/pixel"
)

var (
	// ErrTooLarge means that decoding an image would take too much memory.
	ErrTooLarge = errors.New("image too large to decode")
	// ErrFormat means that a file is not an image, is damaged, or has an unsupported
	// format.
	ErrFormat = errors.New("not a readable image")
)

// A Photo is a decoded image, upright.
type Photo struct {
	W, H        int            // size in pixels
	Torn        bool           // the file is damaged, and a part of the image is missing
	img         image.Image    // nil if it is animated
	orientation orientation    // of img or frames
	colors      *icc.Transform // of img or frames, nil for sRGB
	frames      []*pixel.Image
	delays      []time.Duration
	whole       image.Point // its size before Fit, zero if it still has that
}

// Animated reports whether p has more than one frame.
func (p *Photo) Animated() bool { return len(p.frames) > 1 }

// Frames returns the number of frames, 1 for a still image.
func (p *Photo) Frames() int { return max(len(p.frames), 1) }

// Delay returns how long to show frame i of an animated photo.
func (p *Photo) Delay(i int) time.Duration { return p.delays[i] }

// source returns frame i as it is stored.
func (p *Photo) source(i int) image.Image {
	if p.img == nil {
		return p.frames[i]
	}
	return p.img
}

// Draw scales frame i to the size of dst.
func (p *Photo) Draw(dst *pixel.Image, i int) {
	src := p.source(i)
	p.draw(dst, src, src.Bounds())
}

// Cover scales the middle of frame i, in the shape of dst, to the size of dst.
func (p *Photo) Cover(dst *pixel.Image, i int) {
	src := p.source(i)
	w, h := p.orientation.size(dst.W, dst.H)
	p.draw(dst, src, middle(src.Bounds(), w, h))
}

// draw scales a part of a stored image.
func (p *Photo) draw(dst *pixel.Image, src image.Image, r image.Rectangle) {
	p.orientation.draw(dst, src, r, p.ground())
	if p.colors != nil {
		for y := range dst.H {
			p.colors.Convert(dst.Row(y))
		}
	}
}

// ground returns Ground in the colors of the stored image.
func (p *Photo) ground() uint32 { return p.colors.Source(Ground & 0xff) }

// Decode decodes an image, or the still of a video, for a screen. An image that is
// damaged is shown as far as it can be decoded. The error wraps ErrTooLarge or
// ErrFormat, or is that of reading or of ctx, which ends it between two
// reads or rows.
func Decode(ctx context.Context, r io.ReaderAt, size int64, l Limit) (*Photo, error) {
	src := &source{ctx: ctx, r: r}
	p, err := decodeFile(ctx, src, size, l)
	if src.err == nil {
		src.err = ctx.Err()
	}
	if src.err != nil {
		return nil, src.err
	}
	return p, err
}

func decodeFile(ctx context.Context, r io.ReaderAt, size int64, l Limit) (*Photo, error) {
	head, all, err := file(r, size)
	if err != nil {
		return nil, err
	}
	switch Format(head) {
	case "image/jpeg":
		return decodeJPEG(ctx, all, l)
	case "image/png":
		if p, err := decodeAPNG(all, l); p != nil || err != nil {
			return p.describe(all), err
		}
		return decodeStill(ctx, all, l, decodePNG)
	case "image/gif":
		return decodeGIF(all, l)
	case "image/webp":
		if p, err := decodeAnimatedWebP(ctx, all, l); p != nil || err != nil {
			return p.describe(all), err
		}
		return decodeStill(ctx, all, l, decodeWebP)
	case "video/mp4", "video/webm":
		still, err := Still(r, size)
		if err != nil {
			return nil, err
		}
		if head, _, err := file(still, still.Size()); err != nil || strings.HasPrefix(Format(head), "video/") {
			return nil, errors.Join(ErrNoStill, err) // a video in a video
		}
		return decodeFile(ctx, still, still.Size(), l)
	}
	return nil, ErrFormat
}

// A decoder decodes a file from its start. It takes no more than l.Bytes. If the file
// is damaged, it returns both the image, as far as it goes, and an error.
type decoder func(ctx context.Context, r *io.SectionReader, l Limit) (image.Image, error)

func decodeStill(ctx context.Context, r *io.SectionReader, l Limit, decode decoder) (*Photo, error) {
	img, err := decode(ctx, r, l)
	switch {
	case errors.Is(err, ErrTooLarge):
		return nil, err
	case img == nil || img.Bounds().Empty():
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	p := &Photo{Torn: err != nil, W: img.Bounds().Dx(), H: img.Bounds().Dy(), img: img}
	return p.describe(r), nil
}

// describe adds to p, which may be nil, what its file says about how the decoded
// image is to be seen.
func (p *Photo) describe(r *io.SectionReader) *Photo {
	if p == nil {
		return nil
	}
	p.orientation = orientationOf(r, r.Size())
	p.W, p.H = p.orientation.size(p.W, p.H)
	p.colors = colorsOf(r)
	if _, gray := p.img.(*image.Gray); p.colors != nil && p.colors.Gray && !gray {
		p.colors = nil
	}
	if m, ok := p.img.(*jpeg.Planes); ok && m.Inks() { // a profile of RGB is not theirs
		p.colors = nil
	}
	return p
}

// Fit returns the photo, scaled down to what a layout needs in its share of a screen, w by
// h pixels, if it is larger. It saves memory.
func (p *Photo) Fit(w, h int, l Layout) *Photo {
	size := l.size(image.Pt(p.W, p.H), w, h)
	if size.X >= p.W && size.Y >= p.H {
		return p
	}
	whole := p.shape()
	w, h = size.X, size.Y
	if p.img == nil {
		p.shrinkFrames(p.orientation.size(w, h))
		p.whole = whole
		return p
	}
	m := pixel.New(w, h)
	p.Draw(m, 0)
	small := FromImage(m)
	small.whole = whole
	return small
}

// shape returns the size that a layout goes by. Once rounded, another part of the photo might
// be cut off.
func (p *Photo) shape() image.Point {
	if p.whole != (image.Point{}) {
		return p.whole
	}
	return image.Pt(p.W, p.H)
}

// FromImage returns a photo of m. They share pixels.
func FromImage(m *pixel.Image) *Photo { return &Photo{W: m.W, H: m.H, img: m, orientation: upright} }
