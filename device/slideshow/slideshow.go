// Package slideshow owns the order of the photos and which of them is shown. It
// publishes a Frame for each change. It runs in every state of the box: whether
// the slide is seen is the screen's affair.
package slideshow

import (
	"context"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"pickerd/device"
	"pickerd/display"
	"pickerd/store"
)

const (
	// minFilmRate is below the rate of any film, in bytes per second. A file with fewer
	// is shorter than its header says.
	minFilmRate = 1 << 10
	// filmSlack is how much later than its slide a film may begin, and than it should
	// a display's report of its end may come.
	filmSlack = 3 * time.Second
	// untilStep is the smallest change of a film's end that is told. Displays report it
	// again and again, never quite the same.
	untilStep = time.Second
	// minReload is the shortest pause between two readings of the collection
	// while photos are arriving.
	minReload = 500 * time.Millisecond
	// readRetry is the pause after a collection that could not be read.
	readRetry = 5 * time.Second
)

// Config says how photos follow each other. All funcs must be set.
type Config struct {
	Options      // at first
	Stills  bool // no output plays films: they stay no longer than photos
	// Photos returns the photos to show in the order picked: those of Collection.
	Photos func() ([]store.Photo, error)
	// Generation returns that of the newest device.Snapshot. It grows after
	// somebody's photos have left the collection.
	Generation func() int
	ScreenSize func() (width, height int)
	Log        *slog.Logger
}

// A Slideshow chooses what is on the screen.
type Slideshow struct {
	cfg        Config
	options    atomic.Pointer[Options]
	configured chan struct{} // level trigger: options have changed
	frames     display.Board[device.Frame]
	changed    chan struct{}     // level trigger: the collection is another one
	actions    chan func(*state) // what people and outputs ask for
	audience   *audience
	screen     *Viewer // the box's own
}

// New returns a Slideshow that Run brings to life.
func New(cfg Config) *Slideshow {
	s := &Slideshow{cfg: cfg, configured: make(chan struct{}, 1), changed: make(chan struct{}, 1), actions: make(chan func(*state)), audience: newAudience()}
	s.screen = &Viewer{audience: s.audience, screen: true, lacks: map[string]lack{}}
	s.Configure(cfg.Options)
	return s
}

// Frames carries what is shown.
func (s *Slideshow) Frames() *display.Board[device.Frame] { return &s.frames }

// Reload makes the slideshow read the collection anew.
func (s *Slideshow) Reload() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// A collection is what was read from the store.
type collection struct {
	photos     []store.Photo
	generation int
}

// A state is the slideshow's own; its goroutine alone uses it.
type state struct {
	slides
	stills     bool // as in Config
	generation int
	began      time.Time // when the slide came
	due        time.Time // when the next slide comes
	read       time.Time // when the collection was read last
	stale      bool      // the collection may be another one
	retryAt    time.Time // when it may be read again after a failure
	paused     bool
	held       time.Time // when it was paused; zero while it isn't
	ends       time.Time // when a film is expected to end; zero if that is due
	muted      bool
	anew       bool // somebody had the slide begin anew
	unplayed   bool // the slide is a film that no display plays
}

// Run shows slides until ctx ends, whose error it returns.
func (s *Slideshow) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	st := &state{stills: s.cfg.Stills, slides: slides{Options: *s.options.Load(), bad: map[string]error{}, screen: s.cfg.ScreenSize}}
	// The store is read by another goroutine: what people do with the slides never
	// waits for the disk.
	request, loaded := make(chan struct{}), make(chan *collection)
	wg.Go(func() { s.read(ctx, request, loaded) })
	reading := false
	st.stale = true
	s.restart(st, time.Now())
	for {
		s.hear(st)
		s.publish(st)
		due, ask := st.due, chan struct{}(nil)
		if st.stale && !reading {
			if at := st.readAt(s.cfg.Generation()); !time.Now().Before(at) {
				ask = request
			} else if at.Before(due) {
				due = at
			}
		}
		t := time.NewTimer(time.Until(due))
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-s.changed:
			st.stale = true
		case <-s.audience.heard:
		case <-s.configured:
			st.configure(*s.options.Load())
		case ask <- struct{}{}:
			st.stale, reading = false, true
		case c := <-loaded:
			reading = false
			s.take(st, c, time.Now())
		case do := <-s.actions:
			do(st)
		case <-t.C:
		}
		t.Stop()
		switch now := time.Now(); {
		case now.Before(st.due):
		case st.paused:
			st.due = now.Add(time.Hour)
		default:
			st.forward()
			s.restart(st, now)
		}
	}
}

// read reads the collection whenever it is asked to, until ctx ends.
func (s *Slideshow) read(ctx context.Context, request <-chan struct{}, loaded chan<- *collection) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-request:
		}
		c := &collection{generation: s.cfg.Generation()} // before the photos: see Frame
		var err error
		if c.photos, err = s.cfg.Photos(); err != nil {
			s.cfg.Log.Error("collection unreadable", "err", err)
			c = nil
		}
		select {
		case <-ctx.Done():
			return
		case loaded <- c:
		}
	}
}

// take goes over to a collection, nil if it could not be read. A slide that is
// new on the screen gets its whole time.
func (s *Slideshow) take(st *state, c *collection, now time.Time) {
	st.read = now
	if c == nil {
		st.stale, st.retryAt = true, now.Add(readRetry)
		return
	}
	before := st.shownID()
	st.slides.take(c.photos)
	st.generation = c.generation
	if st.shownID() != before {
		s.restart(st, now)
	}
}

// readAt returns when the collection may be read again. A first photo does not
// wait, nor do those that stay when somebody is forgotten.
func (st *state) readAt(generation int) time.Time {
	if len(st.photos) == 0 || generation != st.generation {
		return st.retryAt
	}
	return slices.MaxFunc([]time.Time{st.retryAt, st.read.Add(minReload)}, time.Time.Compare)
}

// restart gives the slide on the screen its whole time. What displays have told of a
// film before is over.
func (s *Slideshow) restart(st *state, now time.Time) {
	s.audience.forgetFilm()
	st.began = now
	if st.paused {
		st.held = now
	}
	st.due = now.Add(st.time(st.stills || st.unplayed))
}

// pause stops the slide on the screen, or has it go on: a film from where it was, while
// a photo has its whole time then.
func (s *Slideshow) pause(st *state, now time.Time) {
	if st.paused = !st.paused; st.paused {
		st.held = now
		return
	}
	pause := now.Sub(st.held)
	st.held = time.Time{}
	if !st.isFilm() {
		s.restart(st, now)
		return
	}
	st.began = st.began.Add(pause)
	s.audience.shift(pause)
	st.due = st.began.Add(st.time(st.stills || st.unplayed))
}

// configure takes over other options. The slide on the screen ends when it would have
// ended under them.
func (st *state) configure(o Options) {
	st.slides.configure(o)
	st.due = st.began.Add(st.time(st.stills || st.unplayed))
}

// publish makes the slide visible.
func (s *Slideshow) publish(st *state) {
	f := device.Frame{Slide: st.now(), Next: st.next(), Paused: st.paused, Held: st.held, Muted: st.muted, Generation: st.generation}
	f.Unshowable = f.Slide == nil && len(st.bad) > 0
	f.Lacking = s.lacking(st)
	old := s.frames.Get()
	f.Seq = old.Seq
	if f.Slide != nil {
		p := st.photos[st.at]
		if st.isFilm() {
			f.Slide.Position = st.position()
		}
		f.Shown = device.Shown{Item: p.ID, Account: p.Grant, Since: st.began}
		if old.Shown.Item == p.ID && !st.anew {
			f.Shown.Since = old.Shown.Since
		}
		if f.Next != nil && !st.paused {
			f.Shown.Until = st.due
			if !st.ends.IsZero() {
				f.Shown.Until = st.ends
			}
			if off := f.Shown.Until.Sub(old.Shown.Until); f.Shown.Since.Equal(old.Shown.Since) && off.Abs() < untilStep {
				f.Shown.Until = old.Shown.Until
			}
		}
	}
	st.anew = false
	if !reflect.DeepEqual(f, old) || f.Seq == 0 {
		f.Seq++
		s.frames.Set(f)
	}
}

// act makes the goroutine of the slideshow do something, and returns when its
// outcome is published. Its error is device.ErrStopping.
func (s *Slideshow) act(ctx context.Context, do func(*state)) error {
	done := make(chan struct{})
	select {
	case s.actions <- func(st *state) {
		defer close(done)
		do(st)
		s.hear(st)
		s.publish(st)
	}:
	case <-ctx.Done():
		return device.ErrStopping
	}
	<-done
	return nil
}

// backWithin is how long after a film began somebody who goes back means the slide
// before it. Later they mean its beginning, as players have it.
const backWithin = 3 * time.Second

// Do grants a wish that display.Verb.IsOfSlides. The slide has its whole time after
// display.Next and display.Previous. After a pause a photo has its whole time, and a
// film goes on from where it was. The error is device.ErrStopping.
func (s *Slideshow) Do(ctx context.Context, w display.Wish) error {
	return s.act(ctx, func(st *state) {
		now := time.Now()
		switch w.Verb {
		case display.Next:
			s.turn(st, now, st.forward)
		case display.Previous:
			s.turn(st, now, func() { st.previous(now) })
		case display.Pause:
			s.pause(st, now)
		case display.Hold, display.Resume:
			if st.paused != (w.Verb == display.Hold) {
				s.pause(st, now)
			}
		case display.Mute:
			st.muted = !st.muted
		case display.Silence, display.Unmute:
			st.muted = w.Verb == display.Silence
		}
	})
}

// turn goes to another slide, or to the beginning of this one where there is no other.
func (s *Slideshow) turn(st *state, now time.Time, to func()) {
	before := st.shownID()
	to()
	st.anew = st.shownID() == before
	s.restart(st, now)
}

// previous goes to the slide before, or to the beginning of a film.
func (st *state) previous(now time.Time) {
	if st.isFilm() && !st.stills && !st.unplayed && st.position().At(now) >= backWithin {
		return
	}
	st.back()
}

// position returns how far the film on the screen is.
func (st *state) position() display.Position {
	return display.Position{Began: st.began, Held: st.held}
}
