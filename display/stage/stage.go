// Package stage plays a device's pages on a screen of pixels: it loads photos
// ahead, fades from one to the next, and draws nothing while nothing changes. It
// decides nothing about what is shown; what it can't show it reports.
package stage

import (
	"context"
	"errors"
	"image"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"pickerd/display"
	"pickerd/display/paint"
	"pickerd/display/pixel"
	"pickerd/display/words"
)

// A Screen is where pictures go (display/framebuffer has real ones).
type Screen interface {
	Size() (w, h int)
	Show(m *pixel.Image, parts []image.Rectangle) error
	Blend(a, b *pixel.Image, t uint32) error
	Blank(off bool) error
	Disconnected() <-chan struct{}
	io.Closer
}

// Config is what a Stage needs. All members but the numbers must be set.
type Config struct {
	Open          func() (Screen, error)
	Pages         *display.Board[display.Page]
	Media         func(file string) (*os.File, error) // opens a display.Media's File
	Unshowable    func(ctx context.Context, file string, why error)
	ScreenChanged func(w, h int, err error) // tells the size of a screen, or why there is none
	Words         *words.Words
	Look          display.Look
	Rotate        int     // degrees, clockwise: 0, 90, 180 or 270
	Overscan      float64 // share of each side that nothing may stand in
	Cache         string  // a folder for an index of the system's fonts
	Log           *slog.Logger
}

// A Stage plays pages.
type Stage struct {
	cfg  Config
	size atomic.Pointer[image.Point]
	born time.Time
	beat atomic.Int64 // nanoseconds since born

	settle  sync.Once
	settled chan struct{}
	drawn   atomic.Int64
	late    atomic.Int64
}

// New returns a Stage.
func New(cfg Config) *Stage {
	return &Stage{cfg: cfg, born: time.Now(), settled: make(chan struct{})}
}

// Ready is closed once there is a picture on a screen, or it is known why
// there is none.
func (s *Stage) Ready() <-chan struct{} { return s.settled }

func (s *Stage) isSettled() { s.settle.Do(func() { close(s.settled) }) }

// Frames returns how many pictures were sent to a screen, and how many steps of
// a fade were left out because drawing took longer than a step.
func (s *Stage) Frames() (drawn, dropped int64) { return s.drawn.Load(), s.late.Load() }

// Size is the size of the picture as people see it, 0 by 0 while no screen has
// been found yet.
func (s *Stage) Size() (w, h int) {
	if p := s.size.Load(); p != nil {
		return p.X, p.Y
	}
	return 0, 0
}

// retryEvery is how often a screen is looked for where there is none.
const retryEvery = 2 * time.Second

// Run plays until ctx ends, on whichever screen is there. Its error is ctx's, or
// about the embedded fonts.
func (s *Stage) Run(ctx context.Context) error {
	said := ""
	for ctx.Err() == nil {
		screen, err := s.cfg.Open()
		if err == nil {
			said = ""
			err = s.play(ctx, screen)
			if fe, ok := errors.AsType[*fontError](err); ok {
				return fe
			}
			if err == nil {
				s.cfg.Log.Info("the screen is looked for anew")
				continue
			}
		}
		if ctx.Err() != nil {
			break
		}
		if err.Error() != said {
			said = err.Error()
			s.cfg.ScreenChanged(0, 0, err)
			s.cfg.Log.Error("nothing can be shown", "err", err, "retry_in", retryEvery)
			s.isSettled()
		}
		s.note()
		t := time.NewTimer(retryEvery)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
	return ctx.Err()
}

type fontError struct{ error }

// play shows pages on one screen until that is gone, which is no error, or ctx
// ends.
func (s *Stage) play(ctx context.Context, screen Screen) (err error) {
	defer func() { err = errors.Join(err, screen.Close()) }()
	w, h := screen.Size()
	w, h = pixel.RotatedSize(w, h, s.cfg.Rotate)
	s.size.Store(&image.Point{X: w, Y: h})
	s.cfg.ScreenChanged(w, h, nil)
	painter, err := paint.New(paint.Config{W: w, H: h, Overscan: s.cfg.Overscan, Words: s.cfg.Words, Cache: s.cfg.Cache, Log: s.cfg.Log})
	if err != nil {
		return &fontError{err}
	}
	p := newPlayer(s, screen, painter, w, h)
	return p.run(ctx)
}

// aliveWithin is how long drawing may take, on a slow box at most.
const aliveWithin = time.Minute

func (s *Stage) note() { s.beat.Store(int64(time.Since(s.born))) }

// Alive reports whether the drawing loop has moved lately.
func (s *Stage) Alive() bool {
	return time.Since(s.born)-time.Duration(s.beat.Load()) < aliveWithin
}
