package stage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
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
	media func(file string) (*os.File, error)
	plain bool
	jobs  chan *display.Slide
	done  chan loaded
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
func keyOf(s *display.Slide) string {
	if s == nil {
		return ""
	}
	names := make([]string, len(s.Media))
	for i, m := range s.Media {
		names[i] = m.File
	}
	return strings.Join(names, "/")
}

func (l *loader) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-l.jobs:
			select {
			case l.done <- l.load(s):
			case <-ctx.Done():
				return
			}
		}
	}
}

// errDecoder means that a decoder panicked.
var errDecoder = fmt.Errorf("%w: its decoder gave up", photo.ErrFormat)

// load decodes a slide's photos and fits them to the screen.
func (l *loader) load(s *display.Slide) (out loaded) {
	out = loaded{key: keyOf(s), slide: s}
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
		p, err := l.decode(m)
		if err != nil {
			out.err = err
			return out
		}
		if len(s.Media) > 1 { // don't keep both in full size
			p = p.Fit(l.w/len(s.Media), l.h)
		}
		photos = append(photos, p)
		marked = marked || m.Video
	}
	out.scene = photo.Compose(l.w, l.h, photos, l.plain)
	if marked {
		paint.PlayMark(out.scene.Still, image.Rect(0, 0, l.w, l.h))
	}
	// Decoding uses many times the memory of the result.
	photos = nil
	debug.FreeOSMemory()
	return out
}

// lasting reports whether an error is permanent.
func lasting(err error) bool {
	return errors.Is(err, photo.ErrFormat) || errors.Is(err, photo.ErrTooLarge) || errors.Is(err, fs.ErrNotExist)
}

// decode reads one file. A video without a still is black.
func (l *loader) decode(m display.Media) (*photo.Photo, error) {
	f, err := l.media(m.File)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	p, err := photo.Decode(f, st.Size())
	if m.Video && err != nil {
		return photo.FromImage(pixel.New(l.w, l.h)), nil
	}
	return p, err
}
