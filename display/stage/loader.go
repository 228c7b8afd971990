package stage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"strings"

	"pickerd/display"
	"pickerd/display/paint"
	"pickerd/display/photo"
	"pickerd/display/pixel"
)

// A loader decodes one slide at a time in its own goroutine.
type loader struct {
	w, h  int
	still bool // only first frames of moving photos are wanted
	films bool // films are played, and have no mark before that has failed
	media func(file string) (*os.File, error)
	copy  Copy // nil if there are no copies
	jobs  chan job
	done  chan loaded
}

// A job is a slide to be decoded for a look.
type job struct {
	slide *display.Slide
	look  display.Look
}

// loaded is a decoded slide, or the file of it that can't be shown.
type loaded struct {
	key   string
	slide *display.Slide
	scene *photo.Scene
	file  string
	err   error
}

// keyOf returns a key that differs for slides that look different.
func keyOf(s *display.Slide, look display.Look) string {
	if s == nil {
		return ""
	}
	names := make([]string, len(s.Media))
	for i, m := range s.Media {
		names[i] = m.File
	}
	return fmt.Sprint(strings.Join(names, "/"), " ", layoutOf(s, look))
}

// layoutOf returns the layout of a slide in a look.
func layoutOf(s *display.Slide, look display.Look) photo.Layout {
	return photo.Layout{Plain: look.Plain, Fill: look.Fill, Auto: look.Auto, Mat: look.Mat, Drift: s.Drift()}
}

func (l *loader) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-l.jobs:
			select {
			case l.done <- l.load(ctx, j):
			case <-ctx.Done():
				return
			}
		}
	}
}

// errDecoder means that a decoder panicked.
var errDecoder = fmt.Errorf("%w: its decoder gave up", photo.ErrFormat)

// load decodes a slide's photos and fits them to the screen.
func (l *loader) load(ctx context.Context, j job) (out loaded) {
	s, layout := j.slide, layoutOf(j.slide, j.look)
	out = loaded{key: keyOf(s, j.look), slide: s}
	defer func() {
		if why := recover(); why != nil { // a damaged file must not end the program
			out.scene, out.err = nil, errDecoder
			out.file = cmp.Or(out.file, s.Media[0].File)
		}
	}()
	var photos []*photo.Photo
	marked := false
	for _, m := range s.Media {
		out.file = m.File
		p, err := l.decode(ctx, m, layout)
		if err != nil {
			out.err = err
			return out
		}
		if len(s.Media) > 1 { // don't keep both in full size
			w, h := layout.Share(l.w, l.h, len(s.Media))
			p = p.Fit(w, h, layout)
		}
		photos = append(photos, p)
		marked = marked || m.Video
	}
	out.scene = photo.Compose(l.w, l.h, photos, layout)
	if marked && !l.films {
		playMark(out.scene)
	}
	// Decoding uses many times the memory of the result.
	photos = nil
	debug.FreeOSMemory()
	return out
}

// playMark marks the first photo of a scene as the still of a video.
func playMark(s *photo.Scene) {
	screen, at := s.Still.Bounds(), s.Places[0]
	paint.PlayMark(s.Still, screen.Add(at.Min.Add(at.Max).Sub(screen.Max).Div(2))) // as large on each screen
}

// lasting reports whether an error is permanent.
func lasting(err error) bool {
	return errors.Is(err, photo.ErrFormat) || errors.Is(err, photo.ErrTooLarge) || errors.Is(err, fs.ErrNotExist)
}

// decode reads one file, or its copy, for a layout. A video without a still is black.
func (l *loader) decode(ctx context.Context, m display.Media, layout photo.Layout) (*photo.Photo, error) {
	f, err := l.media(m.File)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p, err := l.read(ctx, f, layout)
	if lasting(err) && l.copy != nil {
		p, err = l.decodeCopy(ctx, m.File, layout, err)
	}
	if m.Video && err != nil && ctx.Err() == nil {
		return photo.FromImage(pixel.New(l.w, l.h)), nil
	}
	return p, err
}

// decodeCopy reads the copy of a file that can't be decoded, and says why.
func (l *loader) decodeCopy(ctx context.Context, file string, layout photo.Layout, why error) (*photo.Photo, error) {
	f, err := l.copy(ctx, file)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("%w; %w", why, err)
	}
	defer f.Close()
	return l.read(ctx, f, layout)
}

func (l *loader) read(ctx context.Context, f *os.File, layout photo.Layout) (*photo.Photo, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return photo.Decode(ctx, f, st.Size(), photo.Limit{W: l.w, H: l.h, Fill: layout.Fill, Auto: layout.Auto, Still: l.still})
}
