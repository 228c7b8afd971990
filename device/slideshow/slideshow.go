// Package slideshow owns the order of the photos and which of them is shown. It
// publishes a Frame for each change. It runs in every state of the box: whether
// the slide is seen is the screen's affair.
package slideshow

import (
	"cmp"
	"context"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"time"

	"pickerd/device"
	"pickerd/display"
	"pickerd/display/words"
	"pickerd/store"
)

const (
	// minFilmRate is below the rate of any film, in bytes per second. A file with fewer
	// is shorter than its header says.
	minFilmRate = 1 << 10
	// filmSlack is how much later than its slide a film may begin.
	filmSlack = 3 * time.Second
	// defaultInterval is how long a photo stays.
	defaultInterval = 10 * time.Second
	// minReload is the shortest pause between two readings of the collection
	// while photos are arriving.
	minReload = 500 * time.Millisecond
	// readRetry is the pause after a collection that could not be read.
	readRetry = 5 * time.Second
)

// Config says how photos follow each other. All funcs must be set.
type Config struct {
	Interval time.Duration // that a photo stays; 0 means 10 s
	Shuffle  bool          // instead of the order picked
	Newest   bool          // the newest pick first, instead of the order picked
	Pairs    bool          // two upright photos side by side where the screen is wide
	Captions bool          // when a photo was taken
	Stills   bool          // no output plays films: they stay no longer than photos

	Words *words.Words // for captions; nil means English
	// Photos returns the collection in the order picked.
	Photos func() ([]store.Photo, error)
	// Generation returns that of the newest device.Snapshot. It grows after
	// somebody's photos have left the collection.
	Generation func() int
	ScreenSize func() (width, height int)
	Log        *slog.Logger
}

// A Slideshow chooses what is on the screen.
type Slideshow struct {
	cfg     Config
	frames  display.Board[device.Frame]
	changed chan struct{}     // level trigger: the collection is another one
	actions chan func(*state) // what people and outputs ask for
}

// New returns a Slideshow that Run brings to life.
func New(cfg Config) *Slideshow {
	cfg.Interval = max(cfg.Interval, 0)
	cfg.Interval = cmp.Or(cfg.Interval, defaultInterval)
	if cfg.Words == nil {
		cfg.Words = words.English()
	}
	return &Slideshow{cfg: cfg, changed: make(chan struct{}, 1), actions: make(chan func(*state))}
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
	cfg        *Config
	generation int
	due        time.Time // when the next slide comes
	read       time.Time // when the collection was read last
	stale      bool      // the collection may be another one
	retryAt    time.Time // when it may be read again after a failure
	paused     bool
}

// Run shows slides until ctx ends, whose error it returns.
func (s *Slideshow) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	st := &state{cfg: &s.cfg, slides: slides{shuffle: s.cfg.Shuffle, newest: s.cfg.Newest, caption: s.cfg.Captions, words: s.cfg.Words, bad: map[string]error{}}}
	if s.cfg.Pairs {
		st.pairs = func() bool { w, h := s.cfg.ScreenSize(); return w > h }
	}
	// The store is read by another goroutine: what people do with the slides never
	// waits for the disk.
	request, loaded := make(chan struct{}), make(chan *collection)
	wg.Go(func() { s.read(ctx, request, loaded) })
	reading := false
	st.stale = true
	st.restart(time.Now())
	for {
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
		case ask <- struct{}{}:
			st.stale, reading = false, true
		case c := <-loaded:
			reading = false
			st.take(c, time.Now())
		case do := <-s.actions:
			do(st)
		case <-t.C:
		}
		t.Stop()
		if now := time.Now(); !now.Before(st.due) {
			if !st.paused {
				st.forward()
			}
			st.restart(now)
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
func (st *state) take(c *collection, now time.Time) {
	st.read = now
	if c == nil {
		st.stale, st.retryAt = true, now.Add(readRetry)
		return
	}
	before := st.shownID()
	st.slides.take(c.photos)
	st.generation = c.generation
	if st.shownID() != before {
		st.restart(now)
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

// restart gives the slide on the screen its whole time.
func (st *state) restart(now time.Time) { st.due = now.Add(st.time(st.cfg)) }

// publish makes the slide visible.
func (s *Slideshow) publish(st *state) {
	f := device.Frame{Slide: st.now(), Next: st.next(), Paused: st.paused, Generation: st.generation}
	f.Unshowable = f.Slide == nil && len(st.bad) > 0
	old := s.frames.Get()
	f.Seq = old.Seq
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
		s.publish(st)
	}:
	case <-ctx.Done():
		return device.ErrStopping
	}
	<-done
	return nil
}

// Do grants a wish: display.Next, display.Previous or display.Pause. The slide has
// its whole time after it, except a film, which goes on during a pause. The error is
// device.ErrStopping.
func (s *Slideshow) Do(ctx context.Context, w display.Wish) error {
	return s.act(ctx, func(st *state) {
		switch w.Verb {
		case display.Next:
			st.forward()
		case display.Previous:
			st.back()
		case display.Pause:
			st.paused = !st.paused
			if st.time(st.cfg) > st.cfg.Interval {
				return
			}
		}
		st.restart(time.Now())
	})
}

// Unshowable reports that an output can't show a file. It is skipped until the
// next start.
func (s *Slideshow) Unshowable(ctx context.Context, file string, why error) {
	_ = s.act(ctx, func(st *state) {
		before := st.shownID()
		if id := st.drop(file, why); id != "" {
			s.cfg.Log.Warn("photo skipped: it can't be shown", "item", id, "file", file, "err", why)
		}
		if st.shownID() != before {
			st.restart(time.Now())
		}
	})
}
