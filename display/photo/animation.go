package photo

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"io"
	"time"

	"pickerd/display/photo/icc"
	"pickerd/display/photo/raster"
	"pickerd/display/pixel"
)

// Like Chromium and Firefox, frameDelay replaces delays of up to shortDelay by
// defaultDelay, in each format. Authors of such images expect that.
const (
	shortDelay   = 10 * time.Millisecond
	defaultDelay = 100 * time.Millisecond
)

func frameDelay(d time.Duration) time.Duration {
	if d <= shortDelay {
		return defaultDelay
	}
	return d
}

// maxReduction bounds how much smaller frames are kept so that all fit.
const maxReduction = 3

// bytesFrame is what a frame takes beside its pixels.
const bytesFrame = 256

// An animation composes the frames of an animated image on a canvas. At most one half of
// the memory is for the frames that are kept, and at least three pictures for the
// canvas, a copy of it, and the frame that is decoded.
type animation struct {
	photo  Photo
	canvas *image.RGBA
	before *image.RGBA // a copy of the canvas, made when needed
	reduce int         // frames are kept at this part of the size
	most   int         // frames that may be kept
}

// newAnimation prepares for a number of frames of w by h pixels. Frames are kept smaller,
// up to maxReduction, if they would not fit.
func newAnimation(w, h, frames int, l Limit) (*animation, error) {
	picture, all := 4*float64(w)*float64(h), float64(l.Bytes())
	if w <= 0 || h <= 0 || 4*picture > all && (!l.Still || 3*picture > all) {
		return nil, fmt.Errorf("%w: animation of %d by %d pixels", ErrTooLarge, w, h)
	}
	a := &animation{photo: Photo{W: w, H: h}, canvas: image.NewRGBA(image.Rect(0, 0, w, h)), reduce: 1, most: 1}
	for !l.Still {
		fw, fh := a.frameSize()
		a.most = int(min(all/2, all-3*picture) / float64(4*fw*fh+bytesFrame))
		if a.most >= frames || a.reduce == maxReduction {
			break
		}
		a.reduce++
	}
	return a, nil
}

// frameSize returns the size of the frames that are kept.
func (f *animation) frameSize() (w, h int) {
	return (f.photo.W + f.reduce - 1) / f.reduce, (f.photo.H + f.reduce - 1) / f.reduce
}

// framesLeft returns how many more frames may be kept.
func (f *animation) framesLeft() int { return f.most - len(f.photo.frames) }

// addFrame keeps a copy of the canvas as the next frame.
func (f *animation) addFrame(delay time.Duration) {
	m := pixel.New(f.frameSize())
	if f.reduce == 1 {
		for y := range m.H {
			readRGBA(f.canvas.Pix[y*f.canvas.Stride:], f.photo.ground(), m.Row(y))
		}
	} else {
		f.reduceTo(m)
	}
	f.photo.frames, f.photo.delays = append(f.photo.frames, m), append(f.photo.delays, frameDelay(delay))
}

// reduceTo sets each pixel of m to the mean of its part of the canvas.
func (f *animation) reduceTo(m *pixel.Image) {
	line, sums := make([]uint32, f.photo.W), make([][4]uint32, m.W)
	for y := range f.photo.H {
		readRGBA(f.canvas.Pix[y*f.canvas.Stride:], f.photo.ground(), line)
		for x := range sums {
			s := &sums[x]
			for _, p := range line[x*f.reduce : min((x+1)*f.reduce, len(line))] {
				s[0] += p >> 16 & 0xff
				s[1] += p >> 8 & 0xff
				s[2] += p & 0xff
				s[3]++
			}
		}
		if (y+1)%f.reduce == 0 || y == f.photo.H-1 {
			row := m.Row(y / f.reduce)
			for x, s := range sums {
				row[x] = s[0]/s[3]<<16 | s[1]/s[3]<<8 | s[2]/s[3]
			}
			clear(sums)
		}
	}
}

// draw adds a frame, and prepares the canvas for the one after it.
func (f *animation) draw(next *raster.Frame) {
	m := next.Image
	if next.Dispose == raster.Previous {
		if f.before == nil {
			f.before = image.NewRGBA(f.canvas.Rect)
		}
		copy(f.before.Pix, f.canvas.Pix)
	}
	op := draw.Src
	if next.Over {
		op = draw.Over
	}
	draw.Draw(f.canvas, m.Rect, m, m.Rect.Min, op)
	f.addFrame(next.Delay)
	switch next.Dispose {
	case raster.Background:
		draw.Draw(f.canvas, m.Rect, image.Transparent, image.Point{}, draw.Src)
	case raster.Previous:
		f.canvas, f.before = f.before, f.canvas
	}
}

// shrinkFrames scales larger frames down to w by h pixels.
func (p *Photo) shrinkFrames(w, h int) {
	for i, f := range p.frames {
		if f.W > w && f.H > h {
			p.frames[i] = pixel.New(w, h)
			Scale(p.frames[i], f, f.Bounds())
		}
	}
}

// decodeGIF decodes a GIF file: all frames, or the first one of a picture that is too
// large to move.
func decodeGIF(r *io.SectionReader, l Limit) (*Photo, error) {
	g, err := raster.OpenGIF(r)
	if err != nil {
		return nil, rasterError(err)
	}
	if n := raster.CountGIF(io.NewSectionReader(r, 0, r.Size())); n > 1 && !l.Still {
		if p, err := decodeFrames(g, n, l, nil); !errors.Is(err, ErrTooLarge) {
			return p, err
		}
	}
	return decodeFirst(g, l)
}

// decodeAPNG decodes an animated PNG file. Both results are nil for a still image, and
// for one that need not move, is too large to or has no frame.
func decodeAPNG(r *io.SectionReader, l Limit) (*Photo, error) {
	p, err := raster.OpenPNG(r)
	if err != nil {
		return nil, rasterError(err)
	}
	if p.Count() == 0 || l.Still {
		return nil, nil
	}
	m, _ := decodeFrames(p, p.Count(), l, colorsOf(r))
	return m, nil
}

// decodePNG decodes the still image of a PNG file.
func decodePNG(_ context.Context, r *io.SectionReader, l Limit) (image.Image, error) {
	p, err := raster.OpenPNG(io.NewSectionReader(r, 0, r.Size()))
	if err != nil {
		return nil, rasterError(err)
	}
	m, err := p.Still(l.Bytes())
	if err != nil {
		err = rasterError(err)
	}
	return m, err
}

// rasterError returns an error of package raster as one of this package.
func rasterError(err error) error {
	if errors.Is(err, raster.ErrTooLarge) {
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	return fmt.Errorf("%w: %w", ErrFormat, err)
}

// decodeFrames decodes as many frames as fit. Of a damaged file these are the frames
// before the damage, or what there is of the first one. They are kept on the ground of
// their colors.
func decodeFrames(f raster.Frames, count int, l Limit, colors *icc.Transform) (*Photo, error) {
	w, h := f.Size()
	a, err := newAnimation(w, h, count, l)
	if err != nil {
		return nil, err
	}
	a.photo.colors = colors
	for a.framesLeft() > 0 {
		next, err := f.Next()
		if next != nil && (err == nil || len(a.photo.frames) == 0) {
			a.draw(next)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			a.photo.Torn = true
		}
		if next == nil {
			break
		}
	}
	if len(a.photo.frames) == 0 {
		return nil, fmt.Errorf("%w: animation without a frame", ErrFormat)
	}
	return &a.photo, nil
}

// decodeFirst decodes the first frame.
func decodeFirst(f raster.Frames, l Limit) (*Photo, error) {
	w, h := f.Size()
	if 4*float64(w)*float64(h) > float64(l.Bytes()) {
		return nil, fmt.Errorf("%w: %d by %d pixels", ErrTooLarge, w, h)
	}
	first, err := f.Next()
	if first == nil {
		return nil, rasterError(err)
	}
	p := &Photo{W: w, H: h, Torn: err != nil, img: raster.Opaque(first.Image)}
	if whole := image.Rect(0, 0, w, h); first.Image.Rect != whole {
		if 8*float64(w)*float64(h) > float64(l.Bytes()) {
			return nil, fmt.Errorf("%w: %d by %d pixels", ErrTooLarge, w, h)
		}
		canvas := image.NewNRGBA(whole)
		draw.Draw(canvas, first.Image.Rect, first.Image, first.Image.Rect.Min, draw.Src)
		p.img = canvas
	}
	return p, nil
}
