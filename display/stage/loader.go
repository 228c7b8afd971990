package stage

import (
	"context"
	"errors"
	"image"
	"os"
	"runtime/debug"
	"strings"

	"pickerd/display"
	"pickerd/display/paint"
	"pickerd/display/photo"
	"pickerd/display/pixel"
)

// A loader decodes slides, one at a time, beside what moves on the screen.
type loader struct {
	w, h  int
	media func(file string) (*os.File, error)
	plain bool
	jobs  chan *display.Slide
	done  chan loaded
}

// loaded is a slide that is ready, or the file of it that can't be shown.
type loaded struct {
	key   string
	scene *photo.Scene
	file  string
	err   error
}

// keyOf tells one slide from another by what is seen.
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

// load decodes a slide's photos and fits them to the screen.
func (l *loader) load(s *display.Slide) loaded {
	out := loaded{key: keyOf(s)}
	var photos []*photo.Photo
	marked := false
	for _, m := range s.Media {
		p, err := l.decode(m)
		if err != nil {
			out.file, out.err = m.File, err
			return out
		}
		photos = append(photos, p)
		marked = marked || m.Video
	}
	out.scene = photo.Compose(l.w, l.h, photos, l.plain)
	if marked {
		paint.PlayMark(out.scene.Still, image.Rect(0, 0, l.w, l.h))
	}
	// What decoding took is many times what stays.
	photos = nil
	debug.FreeOSMemory()
	return out
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
	if m.Video && errors.Is(err, photo.ErrNoPicture) {
		return photo.Plain(pixel.New(l.w, l.h)), nil
	}
	return p, err
}
