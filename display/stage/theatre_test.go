package stage

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/display"
	"pickerd/display/pixel"
)

// A fake is a screen in memory that notes what is done to it.
type fake struct {
	mu     sync.Mutex
	m      *pixel.Image
	parts  []image.Rectangle // since the last look
	shows  int
	blends []time.Time
	dark   bool
	gone   chan struct{}
	closed bool
	fails  error
	slow   time.Duration // that a picture takes
}

func newFake(w, h int) *fake { return &fake{m: pixel.New(w, h), gone: make(chan struct{})} }

func (f *fake) Size() (w, h int) { return f.m.W, f.m.H }
func (f *fake) Show(m *pixel.Image, parts []image.Rectangle) error {
	time.Sleep(look(f, func() time.Duration { return f.slow }))
	f.mu.Lock()
	defer f.mu.Unlock()
	if m.W != f.m.W || m.H != f.m.H {
		return errors.New("a picture of another size")
	}
	for _, r := range parts {
		f.m.Sub(r).Copy(m.Sub(r), image.Point{})
	}
	f.parts = append(f.parts, parts...)
	f.shows++
	return f.fails
}
func (f *fake) Blend(a, b *pixel.Image, t uint32) error {
	time.Sleep(look(f, func() time.Duration { return f.slow }))
	f.mu.Lock()
	defer f.mu.Unlock()
	for y := range f.m.H {
		pixel.Blend(f.m.Row(y), a.Row(y), b.Row(y), t)
	}
	f.blends = append(f.blends, time.Now())
	return f.fails
}
func (f *fake) Blank(off bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dark = off
	return nil
}
func (f *fake) Disconnected() <-chan struct{} { return f.gone }
func (f *fake) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	return nil
}

// look reads or changes what belongs to the screen.
func look[T any](f *fake, what func() T) T {
	f.mu.Lock()
	defer f.mu.Unlock()
	return what()
}

func (f *fake) count() int     { return look(f, func() int { return f.shows }) }
func (f *fake) isDark() bool   { return look(f, func() bool { return f.dark }) }
func (f *fake) isClosed() bool { return look(f, func() bool { return f.closed }) }
func (f *fake) fail(err error) { look(f, func() error { f.fails = err; return nil }) }

// takeParts returns what was shown since the last time.
func (f *fake) takeParts() []image.Rectangle {
	return look(f, func() []image.Rectangle { p := f.parts; f.parts = nil; return p })
}

func (f *fake) takeBlends() []time.Time {
	return look(f, func() []time.Time { b := f.blends; f.blends = nil; return b })
}

// picture is a copy of what is on the screen.
func (f *fake) picture() *pixel.Image {
	return look(f, func() *pixel.Image {
		m := pixel.New(f.m.W, f.m.H)
		m.Copy(f.m, image.Point{})
		return m
	})
}

// at is the colour of a place, in shares of the screen.
func (f *fake) at(x, y float64) uint32 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.m.Row(int(y * float64(f.m.H-1)))[int(x*float64(f.m.W-1))]
}

// A theatre is a stage with all that belongs to it.
type theatre struct {
	t      *testing.T
	dir    string
	pages  display.Board[display.Page]
	screen *fake // the one that was put there last
	mu     sync.Mutex
	stands *fake // the one that is opened
	opened int
	bad    []string
	found  atomic.Pointer[found]
	cfg    Config
	style  display.Style
	stage  *Stage
	stop   func()
}

// found is what was told of a screen.
type found struct {
	w, h int
	err  error
}

func inTheatre(t *testing.T, change func(*Config), f func(t *testing.T, th *theatre)) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		th := &theatre{t: t, dir: dir, style: display.Style{Look: display.Look{Fade: time.Second, Interval: 10 * time.Second, Plain: true}}}
		th.install(640, 360)
		th.cfg = Config{
			Open: func() (Screen, error) {
				th.mu.Lock()
				defer th.mu.Unlock()
				th.opened++
				return th.stands, nil
			},
			Pages: &th.pages,
			Media: func(file string) (*os.File, error) { return os.Open(filepath.Join(dir, file)) },
			Unshowable: func(_ context.Context, file string, _ error) {
				th.mu.Lock()
				defer th.mu.Unlock()
				th.bad = append(th.bad, file)
			},
			ScreenChanged: func(w, h int, err error) { th.found.Store(&found{w, h, err}) },
			Log:           slog.New(slog.DiscardHandler),
		}
		if change != nil {
			change(&th.cfg)
		}
		th.start()
		defer func() { th.stop() }()
		synctest.Wait() // its first slide fades in: it must not come before the first picture
		f(t, th)
	})
}

func (th *theatre) start() {
	th.stage = New(th.cfg)
	ctx, cancel := context.WithCancel(th.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- th.stage.Run(ctx) }()
	th.stop = func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			th.t.Errorf("ended with %v", err)
		}
	}
}

// install puts another screen there, to be opened next.
func (th *theatre) install(w, h int) {
	th.mu.Lock()
	defer th.mu.Unlock()
	th.screen = newFake(w, h)
	th.stands = th.screen
}

// reported are the files that could not be shown.
func (th *theatre) reported() []string {
	th.mu.Lock()
	defer th.mu.Unlock()
	return slices.Clone(th.bad)
}

func (th *theatre) timesOpened() int {
	th.mu.Lock()
	defer th.mu.Unlock()
	return th.opened
}

// put makes a photo of one colour.
func (th *theatre) put(name string, c color.Color) {
	th.t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 320, 180))
	for i := range 320 * 180 {
		m.Set(i%320, i/320, c)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		th.t.Fatal(err)
	}
	th.write(name, b.Bytes())
}

func (th *theatre) write(name string, data []byte) {
	th.t.Helper()
	if err := os.WriteFile(filepath.Join(th.dir, name), data, 0o600); err != nil {
		th.t.Fatal(err)
	}
}

// show shows a page in the theatre's style.
func (th *theatre) show(p display.Page) {
	p.Style = th.style
	th.pages.Set(p)
	synctest.Wait()
}

func slide(files ...string) *display.Slide {
	s := &display.Slide{}
	for _, f := range files {
		s.Media = append(s.Media, display.Media{File: f, Video: strings.HasSuffix(f, ".mp4")})
	}
	return s
}

const red, green, blue = 0xff0000, 0x00ff00, 0x0000ff

var (
	redC, greenC, blueC = color.RGBA{255, 0, 0, 255}, color.RGBA{0, 255, 0, 255}, color.RGBA{0, 0, 255, 255}
)
