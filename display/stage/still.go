package stage

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"pickerd/display"
	"pickerd/display/paint"
	"pickerd/display/pixel"
)

// StillConfig is what a Still needs.
type StillConfig struct {
	W, H  int
	Media func(file string) (*os.File, error) // opens a display.Media's File
	Copy  Copy                                // nil if there are no copies
	Log   *slog.Logger
}

// A Still draws pages as single pictures, as a Stage shows them while nothing moves. It
// must not be used concurrently.
type Still struct {
	composer
	at time.Time // that the page is laid out for
}

// NewStill returns a Still for pictures of one size.
func NewStill(cfg StillConfig) *Still {
	s := &Still{composer: newComposer(paint.Config{W: cfg.W, H: cfg.H, Log: cfg.Log}, cfg.Media, cfg.Copy)}
	s.loader.still = true
	return s
}

// LayOut lays out a page without decoding photos, and returns bytes that differ for pages
// that look different. Its error is about the embedded fonts.
func (s *Still) LayOut(page display.Page, now time.Time) (id []byte, err error) {
	if err := s.restyle(page.Style); err != nil {
		return nil, err
	}
	s.page, s.at = page, now
	s.arrange()
	id = fmt.Append(nil, page.Visit, " ", page.Night)
	if s.scene != nil {
		id = fmt.Append(id, " ", s.scene.key, page.Slide.Media)
	}
	for _, it := range s.list {
		id = fmt.Append(id, "\n", it.Bounds, it.Key)
	}
	return id, nil
}

// arrange lays out the page.
func (s *Still) arrange() {
	s.scene = nil
	if s.page.Slide != nil && !s.page.Night {
		s.scene = &scene{key: s.key(s.page.Slide), slide: s.page.Slide}
	}
	s.list = s.words(s.at)
}

// Draw draws the page that was laid out. As on a screen, a slide that can never be shown
// gives way to the next one. Errors are those of reading a file, and ctx's.
func (s *Still) Draw(ctx context.Context) (*pixel.Image, error) {
	for s.scene != nil {
		l := s.loader.load(ctx, job{s.page.Slide, s.page.Style.Look})
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case l.err == nil:
			m := l.scene.Still // nobody else has it
			s.list.Draw(m, m.Bounds())
			return m, nil
		case !lasting(l.err):
			return nil, fmt.Errorf("read %s: %w", l.file, l.err)
		}
		s.page.Slide, s.page.Next = s.page.Next, nil
		if s.page.Slide == nil && s.page.Title == "" {
			s.page.Title, s.page.Text = s.unshowable()
		}
		s.arrange()
	}
	return s.compose(), nil
}
