package stage

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"log/slog"
	"os"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/display"
	"pickerd/display/film"
	"pickerd/display/photo"
	"pickerd/display/pixel"
)

var errCrash = errors.New("the decoder has gone")

// A fakeFilms plays films in virtual time, of which each frame is its number, and notes what
// is told of them.
type fakeFilms struct {
	length   time.Duration // that the file claims
	step     time.Duration // from frame to frame
	frames   int
	w, h     int           // of a frame; 0: as large as asked for
	refuses  error         // of Open
	slow     time.Duration // Open takes that long
	hangs    int           // the frame that never comes, if it is not 0
	crashes  int           // the frame that an error comes in place of
	closing  time.Duration // Close takes that long
	grows    bool          // each frame is larger than the one before
	mu       sync.Mutex
	requests []film.Request
	open     int // films now
	atOnce   int // films open at once, at most
	told     []string
	left     []time.Duration
	volumes  []int
}

func (c *fakeFilms) films() Films {
	tell := func(s string) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.told = append(c.told, s)
	}
	return Films{
		Open: c.Open,
		Plays: func(file string, left time.Duration) {
			c.mu.Lock()
			c.left = append(c.left, left)
			c.mu.Unlock()
			switch {
			case left == 0:
				tell("ended " + file)
			case len(c.told) == 0:
				tell("plays " + file)
			}
		},
		Failed: func(file string, why error) { tell(fmt.Sprint("failed ", file, ": ", why)) },
	}
}

func (c *fakeFilms) Open(ctx context.Context, r film.Request) (Film, error) {
	if _, err := r.File.Stat(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.requests = append(c.requests, r)
	c.mu.Unlock()
	wait(ctx, c.slow)
	if err := errors.Join(ctx.Err(), c.refuses); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open++
	c.atOnce = max(c.atOnce, c.open)
	w, h := c.w, c.h
	if w == 0 {
		w, h = r.W, r.H
	}
	first := 0
	if c.step > 0 {
		first = int((r.Start + c.step - 1) / c.step)
	}
	return &fakeFilm{fakeFilms: c, began: time.Now().Add(-r.Start), next: first, picture: pixel.New(w, h), turned: make(chan struct{}, 1)}, nil
}

func (c *fakeFilms) said() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.told, ", ")
}

func (c *fakeFilms) isOpen() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open > 0
}

// A fakeFilm is a film of a fakeFilms.
type fakeFilm struct {
	*fakeFilms
	began   time.Time // of its clock
	paused  time.Time
	next    int
	picture *pixel.Image
	turned  chan struct{} // paused or resumed
}

// Next waits for the frame that is due, or the next one.
func (f *fakeFilm) Next(ctx context.Context) (film.Frame, error) {
	for {
		f.mu.Lock()
		at := time.Duration(f.next) * f.step
		left, paused := at-time.Since(f.began), !f.paused.IsZero()
		f.mu.Unlock()
		switch {
		case ctx.Err() != nil:
			return film.Frame{}, ctx.Err()
		case f.crashes > 0 && f.next >= f.crashes:
			return film.Frame{}, errCrash
		case paused, f.hangs > 0 && f.next >= f.hangs:
			left = time.Hour
		case f.next >= f.frames && left <= 0:
			return film.Frame{}, io.EOF
		case left+f.step <= 0 && f.next < f.frames-1: // late
			f.next++
			continue
		case left <= 0:
			f.next++
			if f.grows {
				f.picture = pixel.New(f.picture.W+2, f.picture.H+2)
			}
			f.draw(f.next)
			return film.Frame{Image: f.picture, At: at}, nil
		}
		t := time.NewTimer(left)
		select {
		case <-t.C:
		case <-f.turned:
		case <-ctx.Done():
		}
		t.Stop()
	}
}

// draw draws frame n: its number, and white in the upper left corner.
func (f *fakeFilm) draw(n int) {
	f.picture.Fill(f.picture.Bounds(), uint32(n))
	f.picture.Fill(image.Rect(0, 0, f.picture.W/4, f.picture.H/4), 0xffffff)
}

func (f *fakeFilm) Pause(paused bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case paused && f.paused.IsZero():
		f.paused = time.Now()
	case !paused && !f.paused.IsZero():
		f.began, f.paused = f.began.Add(time.Since(f.paused)), time.Time{}
	}
	select {
	case f.turned <- struct{}{}:
	default:
	}
}

func (f *fakeFilm) SetVolume(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.volumes = append(f.volumes, n)
}
func (f *fakeFilm) Info() film.Info { return film.Info{Duration: f.length} }
func (f *fakeFilm) Close() error {
	time.Sleep(f.closing)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open--
	return nil
}

// inCinema is inTheatre with a film, whose still is blue, and a red photo.
func inCinema(t *testing.T, c *fakeFilms, change func(*Config), f func(t *testing.T, th *theatre)) {
	t.Helper()
	inTheatre(t, func(cfg *Config) {
		cfg.Films = c.films()
		if change != nil {
			change(cfg)
		}
	}, func(t *testing.T, th *theatre) {
		th.put("film.mp4", blueC)
		th.put("photo", redC)
		f(t, th)
	})
}

// film and photo are pages of two slides that follow each other.
func filmPage() display.Page { return display.Page{Slide: slide("film.mp4"), Next: slide("photo")} }
func photoPage() display.Page {
	return display.Page{Slide: slide("photo"), Next: slide("film.mp4")}
}

// seen returns the colours in the middle of the screen in the next seconds.
func (th *theatre) seen(n int) (list []uint32) {
	for range n {
		time.Sleep(time.Second)
		synctest.Wait()
		list = append(list, th.screen.at(0.4, 0.5))
	}
	return list
}

// second is a film of a frame each second.
func second(frames int) *fakeFilms {
	return &fakeFilms{step: time.Second, frames: frames, length: time.Duration(frames) * time.Second}
}

// TestFilm shows a film after its still, each frame when it is due, once, and only where
// the film is. The last one stays.
func TestFilm(t *testing.T) {
	for name, tt := range map[string]struct {
		fade time.Duration
		part image.Rectangle
	}{"sudden": {0, image.Rect(0, 40, 640, 320)}, "with a fade": {time.Second, image.Rect(0, 40, 640, 320)}} {
		t.Run(name, func(t *testing.T) {
			c := second(5)
			c.w, c.h, c.slow = 640, 280, 1500*time.Millisecond
			inCinema(t, c, nil, func(t *testing.T, th *theatre) {
				th.style.Fade = tt.fade
				th.show(display.Page{Slide: slide("photo"), Next: slide("film.mp4")})
				time.Sleep(7 * time.Second)
				th.show(filmPage())
				time.Sleep(1400 * time.Millisecond)
				synctest.Wait()
				if got := th.screen.at(0.4, 0.5); got != blue {
					t.Fatalf("before the first frame: %06x", got)
				}
				if got := th.screen.at(0.5, 0.5); got != blue {
					t.Errorf("a mark on a film that plays: %06x", got)
				}
				time.Sleep(200 * time.Millisecond) // the first frame, with ground of its own
				synctest.Wait()
				th.screen.takeParts()
				before := th.screen.count()
				if got, want := th.seen(7), []uint32{2, 3, 4, 5, 5, 5, 5}; !reflect.DeepEqual(got, want) {
					t.Errorf("seen %v, want %v", got, want)
				}
				if n := th.screen.count() - before; n != 4 {
					t.Errorf("four frames were pushed in %d pictures", n)
				}
				for _, r := range th.screen.takeParts() {
					if r != tt.part {
						t.Errorf("pushed %v, want %v", r, tt.part)
					}
				}
				if got, want := c.said(), "plays film.mp4, ended film.mp4"; got != want {
					t.Errorf("told %s, want %s", got, want)
				}
				if want := []time.Duration{5 * time.Second, 0}; !reflect.DeepEqual(c.left, want) {
					t.Errorf("told that %v are left, want %v", c.left, want)
				}
				if r := c.requests[0]; len(c.requests) != 1 || r.W != 640 || r.H != 360 || r.Cover || r.Volume != 0 || r.Start != 0 || c.isOpen() {
					t.Errorf("%d requests, the first %+v; open %v", len(c.requests), r, c.isOpen())
				}
			})
		})
	}
}

// TestFilmInFade checks that a film that begins during a fade is seen in its steps, none
// of which is left out.
func TestFilmInFade(t *testing.T) {
	c := &fakeFilms{step: time.Second / 240, frames: 1000}
	inCinema(t, c, nil, func(t *testing.T, th *theatre) {
		th.show(photoPage())
		time.Sleep(7 * time.Second)
		th.screen.takeBlends()
		before := th.screen.count()
		th.show(filmPage())
		time.Sleep(700 * time.Millisecond)
		synctest.Wait()
		if n := len(th.screen.takeBlends()); n < 20 || th.screen.count() != before {
			t.Errorf("%d steps and %d pictures in 0.7 s of a fade", n, th.screen.count()-before)
		}
		if got := th.screen.at(0.4, 0.5); got&0xff == 0xff || got>>16 == 0 || got>>16 > 0xa0 {
			t.Errorf("in the fade the colour is %06x", got)
		}
		time.Sleep(800 * time.Millisecond)
		synctest.Wait()
		before = th.screen.count()
		time.Sleep(time.Second)
		synctest.Wait()
		if n := th.screen.count() - before; n < 50 || n > 75 { // of a film of 240
			t.Errorf("%d frames in a second", n)
		}
	})
}

// TestFilmSlowScreen checks that a film which is faster than a screen loses frames, and
// that pages and fades don't wait for it.
func TestFilmSlowScreen(t *testing.T) {
	c := &fakeFilms{step: time.Second / 60, frames: 6000}
	inCinema(t, c, nil, func(t *testing.T, th *theatre) {
		th.show(photoPage())
		time.Sleep(7 * time.Second)
		look(th.screen, func() int { th.screen.slow = 100 * time.Millisecond; return 0 })
		th.screen.takeBlends()
		th.pages.Set(display.Page{Slide: slide("film.mp4"), Next: slide("photo"), Style: th.style})
		time.Sleep(1200 * time.Millisecond)
		synctest.Wait()
		if n := len(th.screen.takeBlends()); n < 8 || n > 11 {
			t.Errorf("%d steps of a fade of a second", n)
		}
		before := th.screen.count()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n, at := th.screen.count()-before, th.screen.at(0.4, 0.5); n < 90 || n > 101 || at < 610 || at > 680 {
			t.Errorf("%d frames in ten seconds, and then frame %d", n, at)
		}
		page := display.Page{Slide: slide("film.mp4"), Next: slide("photo"), Style: th.style, Menu: &display.Menu{Title: "Menu", Items: []display.MenuItem{{Label: "Back"}}}}
		bright := th.screen.at(0.02, 0.02)
		th.pages.Set(page)
		time.Sleep(time.Second)
		synctest.Wait()
		if got := th.screen.at(0.02, 0.02); got == bright {
			t.Error("a menu waits for the film")
		}
	})
}

// BenchmarkFilmFrame is a frame of a film of 1080 lines, bare, with a clock and below a
// menu, drawn into a screen's memory.
func BenchmarkFilmFrame(b *testing.B) {
	for name, page := range map[string]display.Page{
		"bare": {}, "clock": {TimeOfDay: display.TimeOfDay{Clock: "12:30"}},
		"menu": {Menu: &display.Menu{Title: "Menu", Items: []display.MenuItem{{Label: "Back"}}}},
	} {
		b.Run(name, func(b *testing.B) {
			p := newPlayer(New(Config{Films: (&fakeFilms{}).films(), Log: slog.New(slog.DiscardHandler)}), newFake(1920, 1080), 1920, 1080)
			if err := p.restyle(display.Style{}); err != nil {
				b.Fatal(err)
			}
			m := pixel.New(1920, 1080)
			p.page, p.scene = page, &scene{slide: slide("film.mp4"), Scene: &photo.Scene{Still: pixel.New(1920, 1080), Places: []photo.Place{{Rectangle: m.Bounds()}}}}
			p.page.Slide = p.scene.slide
			p.list = p.words(time.Now())
			p.setFrame(p.compose())
			r := &playback{scene: p.scene, film: &fakeFilm{fakeFilms: &fakeFilms{}}}
			for b.Loop() {
				if err := p.drawFrame(r, film.Frame{Image: m}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestFilmGround checks what is around a film whose still has another shape.
func TestFilmGround(t *testing.T) {
	c := second(100)
	c.w, c.h = 240, 360
	inCinema(t, c, nil, func(t *testing.T, th *theatre) {
		th.show(filmPage())
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if edge := th.screen.at(0.05, 0.5); edge != 0 {
			t.Errorf("beside the film: %06x", edge)
		}
		if got := th.screen.at(0.5, 0.5); got < 3 || got > 4 {
			t.Errorf("the film: %06x", got)
		}
	})
}

// TestFilmShape checks that a film is as large as it fits, whatever its still is like, and
// on a mat as large as its opening.
func TestFilmShape(t *testing.T) {
	c := second(100)
	inCinema(t, c, nil, func(t *testing.T, th *theatre) {
		th.putMoving("film.mp4", 50, 100, 100, blueC)
		for _, tt := range []struct {
			look display.Look
			w, h int
			edge bool // the film reaches the edge
		}{{display.Look{Plain: true}, 640, 360, true}, {display.Look{}, 640, 360, true}, {display.Look{Fill: true}, 640, 360, true}, {display.Look{Mat: true}, 0, 0, false}} {
			th.show(photoPage())
			th.seen(8)
			th.style.Look = tt.look
			th.style.Interval = 10 * time.Second
			th.show(filmPage())
			th.seen(3)
			r := c.requests[len(c.requests)-1]
			if tt.w > 0 && (r.W != tt.w || r.H != tt.h) || tt.w == 0 && (r.W >= 640 || r.H >= 360 || r.W < 500) {
				t.Errorf("%+v: asked for %d by %d", tt.look, r.W, r.H)
			}
			number, edge := th.screen.at(0.5, 0.5), th.screen.at(0.98, 0.5)
			if number < 2 || number > 4 || (edge == number) != tt.edge {
				t.Errorf("%+v: %06x, at the edge %06x", tt.look, number, edge)
			}
		}
	})
}

// TestFilmWords checks that words and a menu stay over a film, and come and go.
func TestFilmWords(t *testing.T) {
	c := second(1000)
	inCinema(t, c, nil, func(t *testing.T, th *theatre) {
		th.show(filmPage())
		time.Sleep(3500 * time.Millisecond)
		synctest.Wait()
		bare := th.screen.picture()
		page := filmPage()
		page.Clock, page.Problem = "12:30", "No network."
		th.show(page)
		if words := differing(bare, th.screen.picture()); words < 1000 {
			t.Fatalf("%d pixels of words", words)
		}
		th.seen(3)
		number := th.screen.at(0.5, 0.5)
		frame := pixel.New(640, 360)
		(&fakeFilm{picture: frame}).draw(int(number))
		if words := differing(frame, th.screen.picture()); words < 1000 || words > 640*360/4 {
			t.Errorf("%d pixels of words over frame %d", words, number)
		}
		page.Menu = &display.Menu{Title: "Menu", Items: []display.MenuItem{{Label: "Back"}}}
		th.show(page)
		under := th.screen.at(0.02, 0.02)
		th.seen(3)
		if got := th.screen.at(0.02, 0.02); got != under || got == 0xffffff || !c.isOpen() {
			t.Errorf("below a menu: %06x, before %06x; open %v", got, under, c.isOpen())
		}
		th.show(filmPage())
		number = th.screen.at(0.5, 0.5)
		(&fakeFilm{picture: frame}).draw(int(number))
		if n := differing(frame, th.screen.picture()); n > 0 || number < 9 {
			t.Errorf("without words %d pixels differ from frame %d", n, number)
		}
	})
}

// TestFilmStops checks what stops a film, and its sound, at the next frame, and what it
// does after.
func TestFilmStops(t *testing.T) {
	for name, tt := range map[string]struct {
		page func(*display.Page)
		open bool
		then []uint32 // in the middle, after the same page as before
	}{
		"pause":            {func(p *display.Page) { p.Paused = "Paused" }, true, []uint32{5, 6, 7}},
		"next":             {func(p *display.Page) { *p = photoPage() }, false, nil},
		"night":            {func(p *display.Page) { p.Night = true }, false, nil},
		"a code":           {func(p *display.Page) { *p = display.Page{Title: "Scan", QR: "https://g.test/device"} }, false, nil},
		"next and back":    {func(p *display.Page) { *p = display.Page{Slide: slide("unready"), Next: slide("film.mp4")} }, false, []uint32{5, 6, 7}},
		"another interval": {func(p *display.Page) { p.Style.Interval = time.Second }, true, []uint32{8, 9, 10}},
	} {
		t.Run(name, func(t *testing.T) {
			c := second(1000)
			block := make(chan struct{})
			use := func(cfg *Config) {
				media := cfg.Media
				block = make(chan struct{})
				cfg.Media = func(file string) (*os.File, error) {
					if file == "unready" {
						<-block
					}
					return media(file)
				}
			}
			inCinema(t, c, use, func(t *testing.T, th *theatre) {
				defer func() { close(block) }()
				th.style.Fade = 0
				th.show(filmPage())
				time.Sleep(3500 * time.Millisecond)
				page := filmPage()
				tt.page(&page)
				th.show(page)
				if c.isOpen() != tt.open {
					t.Fatalf("open %v", c.isOpen())
				}
				before := th.screen.count()
				time.Sleep(3 * time.Second)
				synctest.Wait()
				if n := th.screen.count() - before; n > 0 && page.Style.Interval == 0 && name != "a code" {
					t.Errorf("%d pictures after it has stopped", n)
				}
				if tt.then == nil {
					return
				}
				th.show(filmPage())
				if got := th.seen(3); !reflect.DeepEqual(got, tt.then) {
					t.Errorf("then %v, want %v", got, tt.then)
				}
			})
		})
	}
}

// TestFilmAgain checks that a film begins with its still when it comes again, and anew
// where no other slide follows.
func TestFilmAgain(t *testing.T) {
	c := second(3)
	inCinema(t, c, nil, func(t *testing.T, th *theatre) {
		th.style.Fade = 0
		th.show(filmPage())
		th.seen(4)
		th.show(photoPage())
		th.seen(10)
		c.mu.Lock()
		c.slow = time.Second / 2
		c.mu.Unlock()
		th.show(filmPage())
		if got := th.screen.at(0.4, 0.5); got != blue {
			t.Errorf("again: %06x", got)
		}
		if got := th.seen(4); !reflect.DeepEqual(got, []uint32{1, 2, 3, 3}) {
			t.Errorf("again: %v", got)
		}
		c.mu.Lock()
		c.slow = 0
		c.mu.Unlock()
		th.show(photoPage())
		th.seen(10)
		th.show(display.Page{Slide: slide("film.mp4")})
		time.Sleep(time.Second / 2)
		if got := th.seen(12); !reflect.DeepEqual(got, []uint32{2, 3, 3, 3, 3, 3, 3, 3, 3, 1, 2, 3}) {
			t.Errorf("alone: %v", got)
		}
	})
}

// TestFilmPosition checks that a film is where the slideshow is with it: begun anew when
// somebody goes back to its beginning, and not from its beginning where it has played
// elsewhere for long.
func TestFilmPosition(t *testing.T) {
	c := second(30)
	inCinema(t, c, nil, func(t *testing.T, th *theatre) {
		th.style.Fade = 0
		show := func(began time.Time) {
			page := filmPage()
			page.Slide.Position = display.Position{Began: began}
			th.show(page)
			time.Sleep(time.Second / 2)
		}
		check := func(what string, want ...uint32) {
			t.Helper()
			if got := th.seen(len(want)); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %v, want %v", what, got, want)
			}
		}
		show(time.Now().Add(-2 * time.Second))
		check("a slow box", 2, 3, 4, 5, 6, 7)
		show(time.Now().Add(-4 * time.Second))
		check("a clock that differs", 9, 10)
		show(time.Now())
		check("anew", 2, 3)
		th.seen(40)
		check("over", 30)
		show(time.Now())
		check("anew after its end", 2, 3)
		th.show(photoPage())
		show(time.Now().Add(-20500 * time.Millisecond))
		check("in its middle", 23, 24)
		th.show(photoPage())
		show(time.Now().Add(-time.Hour))
		if got := c.said(); strings.Contains(got, "failed") || !strings.HasSuffix(got, "ended film.mp4") {
			t.Errorf("after its end: told %s", got)
		}
	})
}

// TestFilmLook checks that a film goes on in another look.
func TestFilmLook(t *testing.T) {
	c := second(1000)
	inCinema(t, c, nil, func(t *testing.T, th *theatre) {
		th.style.Fade = 0
		th.show(filmPage())
		time.Sleep(4500 * time.Millisecond)
		th.style.Fill = true
		th.show(filmPage())
		th.seen(2)
		if r := c.requests[len(c.requests)-1]; len(c.requests) != 2 || !r.Cover || r.Start != 4*time.Second {
			t.Errorf("%d requests, the last %+v", len(c.requests), r)
		}
	})
}

// TestFilmSound checks the volume that films are played at, and that no two are open at
// once.
func TestFilmSound(t *testing.T) {
	c := second(1000)
	inCinema(t, c, nil, func(t *testing.T, th *theatre) {
		th.style.Fade = 0
		step := func(volume int, muted bool) {
			page := filmPage()
			page.Muted, th.style.Volume = muted, volume
			th.show(page)
			th.seen(2)
		}
		for _, s := range []struct {
			volume int
			muted  bool
		}{{0, false}, {40, true}, {40, false}, {60, false}, {60, true}, {60, false}, {0, false}} {
			step(s.volume, s.muted)
		}
		var opened []int
		for _, r := range c.requests {
			opened = append(opened, r.Volume)
		}
		if want := []int{0}; !reflect.DeepEqual(opened, want) {
			t.Errorf("opened with the volumes %v, want %v", opened, want)
		}
		if want := []int{40, 60, 0, 60, 0}; !reflect.DeepEqual(c.volumes, want) {
			t.Errorf("volumes %v, want %v", c.volumes, want)
		}
		c.closing = 10 * time.Second // read by what comes after this only
		for range 10 {
			th.show(photoPage())
			th.seen(8)
			th.show(filmPage())
			th.seen(1)
		}
		if c.atOnce != 1 {
			t.Errorf("%d films at once", c.atOnce)
		}
	})
}

// TestBadFilms checks that a film that can't be played costs no more than itself: what
// was seen last stays, with a mark, until the next slide comes, and it is named once.
func TestBadFilms(t *testing.T) {
	const failed = "failed film.mp4: "
	for name, tt := range map[string]struct {
		fakeFilms *fakeFilms
		want      string // that is told within a minute
		marked    bool
	}{
		"torn":              {&fakeFilms{step: time.Second, frames: 100, crashes: 4}, "plays film.mp4, " + failed + errCrash.Error(), true},
		"endless":           {&fakeFilms{step: time.Second, frames: 1 << 30}, "plays film.mp4", false},
		"no frames":         {&fakeFilms{step: time.Second}, failed + errNoFrames.Error(), true},
		"1 fps":             {&fakeFilms{step: time.Second, frames: 20}, "plays film.mp4, ended film.mp4", false},
		"240 fps":           {&fakeFilms{step: time.Second / 240, frames: 2400}, "plays film.mp4, ended film.mp4", false},
		"too long a length": {&fakeFilms{length: 23 * time.Hour, step: time.Second, frames: 10}, "plays film.mp4, ended film.mp4", false},
		"too short one":     {&fakeFilms{length: time.Second, step: time.Second, frames: 10}, "plays film.mp4, ended film.mp4", false},
		"only sound":        {&fakeFilms{step: 30 * time.Second, hangs: 1, frames: 1}, "plays film.mp4, " + failed + errSilent.Error(), true},
		"hangs at first":    {&fakeFilms{slow: time.Hour}, failed + errSilent.Error(), true},
		"hangs later":       {&fakeFilms{step: time.Second, frames: 100, hangs: 9}, "plays film.mp4, " + failed + errSilent.Error(), true},
		"crashes at once":   {&fakeFilms{refuses: errCrash}, failed + errCrash.Error(), true},
		"a pixel":           {&fakeFilms{step: time.Second, frames: 10, w: 1, h: 1}, "plays film.mp4, ended film.mp4", false},
		"larger frames":     {&fakeFilms{step: time.Second, frames: 10, w: 800, h: 600}, "plays film.mp4, ended film.mp4", false},
		"frames that grow":  {&fakeFilms{step: time.Second, frames: 10, w: 800, h: 100, grows: true}, "plays film.mp4, ended film.mp4", false},
	} {
		t.Run(name, func(t *testing.T) {
			inCinema(t, tt.fakeFilms, nil, func(t *testing.T, th *theatre) {
				th.style.Fade = 0
				th.show(filmPage())
				th.seen(60)
				if got := tt.fakeFilms.said(); got != tt.want {
					t.Errorf("told %s, want %s", got, tt.want)
				}
				if n := len(tt.fakeFilms.left); name == "endless" && n != 12 {
					t.Errorf("told %d times in a minute", n)
				}
				if disc, beside := th.screen.at(0.5, 0.43), th.screen.at(0.4, 0.43); (disc != beside) != tt.marked {
					t.Errorf("marked: %06x in %06x, want %v", disc, beside, tt.marked)
				}
				th.show(photoPage())
				if got := th.screen.at(0.4, 0.5); got != red || tt.fakeFilms.isOpen() {
					t.Errorf("the next slide: %06x; open %v", got, tt.fakeFilms.isOpen())
				}
				if len(th.reported()) > 0 {
					t.Errorf("skipped: %v", th.reported())
				}
			})
		})
	}
}

// TestFilmLater checks that a film is played once it can be, as after the decoder was
// installed, also if no other slide follows.
func TestFilmLater(t *testing.T) {
	c := second(100)
	c.refuses = errCrash
	inCinema(t, c, nil, func(t *testing.T, th *theatre) {
		th.style.Fade = 0
		th.show(display.Page{Slide: slide("film.mp4")})
		th.seen(5)
		c.mu.Lock()
		c.refuses = nil
		c.mu.Unlock()
		time.Sleep(filmRetry - 5*time.Second)
		if got := th.seen(3); !reflect.DeepEqual(got, []uint32{2, 3, 4}) && !reflect.DeepEqual(got, []uint32{1, 2, 3}) {
			t.Errorf("seen %v", got)
		}
		if got := th.screen.at(0.5, 0.5); got > 100 {
			t.Errorf("the mark stays: %06x", got)
		}
	})
}

// TestFilmRotated shows a film on turned screens, also in a fade and below words.
func TestFilmRotated(t *testing.T) {
	for _, degrees := range []int{90, 180, 270} {
		c := second(1000)
		inCinema(t, c, func(cfg *Config) { cfg.Rotate = degrees }, func(t *testing.T, th *theatre) {
			th.stop()
			w, h := pixel.RotatedSize(640, 360, degrees)
			th.install(w, h)
			th.start()
			th.show(photoPage())
			time.Sleep(7 * time.Second)
			th.style.Fade = 600 * time.Millisecond
			th.show(filmPage())
			time.Sleep(800 * time.Millisecond)
			synctest.Wait()
			check := func(n int) {
				upright, want := pixel.New(640, 360), pixel.New(w, h)
				(&fakeFilm{picture: upright}).draw(n)
				pixel.Rotate(want, upright, degrees)
				if n := differing(want, th.screen.picture()); n > 0 {
					t.Errorf("%d degrees: %d pixels differ", degrees, n)
				}
			}
			check(1) // was drawn in the fade
			time.Sleep(5 * time.Second)
			synctest.Wait()
			check(6)
			th.screen.takeParts()
			page := filmPage()
			page.Clock = "12:30"
			th.show(page)
			th.seen(1)
			if got := th.screen.at(0.5, 0.5); got != 7 {
				t.Errorf("%d degrees, with a clock: %06x", degrees, got)
			}
		})
	}
}

// TestFilmMemory checks that frames are drawn into memory that is there already, and that
// a film's memory goes back to the system when it is over.
func TestFilmMemory(t *testing.T) {
	c := &fakeFilms{step: time.Second / 30, frames: 330}
	inCinema(t, c, nil, func(t *testing.T, th *theatre) {
		page := filmPage()
		page.Clock = "12:30"
		th.show(page)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		frames := th.screen.count()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		runtime.ReadMemStats(&after)
		frames = th.screen.count() - frames
		if grown := after.TotalAlloc - before.TotalAlloc; frames < 59 || grown > 640*360*4 {
			t.Errorf("%d bytes for %d frames", grown, frames)
		}
		time.Sleep(4 * time.Second) // the next slide is loaded meanwhile
		runtime.ReadMemStats(&before)
		time.Sleep(4 * time.Second)
		synctest.Wait()
		runtime.ReadMemStats(&after)
		if c.isOpen() || after.NumForcedGC != before.NumForcedGC+1 {
			t.Errorf("open %v; memory was given back %d times", c.isOpen(), after.NumForcedGC-before.NumForcedGC)
		}
	})
}

// TestStillFilm checks that a single picture of a page shows a film's still with its mark.
func TestStillFilm(t *testing.T) {
	inTheatre(t, nil, func(t *testing.T, th *theatre) {
		th.put("film.mp4", color.RGBA{0, 0, 255, 255})
		s := NewStill(StillConfig{W: 640, H: 360, Media: th.cfg.Media, Log: th.cfg.Log})
		page := filmPage()
		page.Style = th.style
		if _, err := s.LayOut(page, time.Now()); err != nil {
			t.Fatal(err)
		}
		m, err := s.Draw(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if m.Row(180)[100] != blue || m.Row(180)[320] == blue {
			t.Errorf("%06x, in the middle %06x", m.Row(180)[100], m.Row(180)[320])
		}
	})
}
