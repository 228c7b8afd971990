// Package stage plays a device's pages on a pixel screen. It loads photos ahead, fades
// from one to the next, and draws only changes. It reports photos that it can't show.
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
	"pickerd/display/pixel"
)

// A Screen shows pictures. Package framebuffer has real ones.
type Screen interface {
	Size() (w, h int)
	Show(m *pixel.Image, parts []image.Rectangle) error
	Blend(a, b *pixel.Image, t uint32) error
	Blank(off bool) error
	Disconnected() <-chan struct{}
	io.Closer
}

// Config is what a Stage needs. All fields but Copy, Films and the numbers must be
// set.
type Config struct {
	Open          func() (Screen, error)
	Pages         *display.Board[display.Page]
	Media         func(file string) (*os.File, error) // opens a display.Media's File
	Copy          Copy                                // nil if there are no copies
	Films         Films                               // the zero value plays none
	Unshowable    func(ctx context.Context, file string, why error)
	ScreenChanged func(w, h int, err error) // called with the size of the screen, or the reason why there is none
	Rotate        int                       // degrees, clockwise: 0, 90, 180 or 270
	Overscan      float64                   // share of each side to leave free
	Log           *slog.Logger
}

// A Copy opens a copy, which package photo decodes, of a file that it doesn't. It may
// take half a minute.
type Copy func(ctx context.Context, file string) (*os.File, error)

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

// Ready returns a channel that is closed once a picture is on the screen, or no screen
// was found.
func (s *Stage) Ready() <-chan struct{} { return s.settled }

func (s *Stage) isSettled() { s.settle.Do(func() { close(s.settled) }) }

// Frames returns how many pictures were sent to a screen, and how many steps of a fade
// were skipped because drawing was too slow.
func (s *Stage) Frames() (drawn, dropped int64) { return s.drawn.Load(), s.late.Load() }

// Size returns the size of the picture as people see it, 0 by 0 before a screen is
// found.
func (s *Stage) Size() (w, h int) {
	if p := s.size.Load(); p != nil {
		return p.X, p.Y
	}
	return 0, 0
}

// retryEvery is the time between attempts to open a screen.
const retryEvery = 2 * time.Second

// Run plays until ctx ends. It opens the screen again after a failure. Its error is
// ctx's, or about the embedded fonts.
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

// play shows pages on one screen until ctx ends or the screen fails. The latter is no
// error.
func (s *Stage) play(ctx context.Context, screen Screen) (err error) {
	defer func() { err = errors.Join(err, screen.Close()) }()
	w, h := screen.Size()
	w, h = pixel.RotatedSize(w, h, s.cfg.Rotate)
	s.size.Store(&image.Point{X: w, Y: h})
	s.cfg.ScreenChanged(w, h, nil)
	p := newPlayer(s, screen, w, h)
	if err := p.restyle(s.cfg.Pages.Get().Style); err != nil {
		return err
	}
	return p.run(ctx)
}

// aliveWithin bounds how long drawing takes on a slow box.
const aliveWithin = time.Minute

func (s *Stage) note() { s.beat.Store(int64(time.Since(s.born))) }

// Alive reports whether the drawing loop has run within aliveWithin.
func (s *Stage) Alive() bool {
	return time.Since(s.born)-time.Duration(s.beat.Load()) < aliveWithin
}
