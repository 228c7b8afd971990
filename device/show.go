package device

import (
	"context"
	"time"

	"pickerd/store"
)

// longestFilm is how long a video may hold up the slideshow.
const longestFilm = 5 * time.Minute

const defaultSlide = 10 * time.Second

// reloadEvery is how often at most the collection is read again while photos
// pour in.
const reloadEvery = 500 * time.Millisecond

// Slideshow says how photos follow each other.
type Slideshow struct {
	Interval time.Duration // that a photo stays; 0 means 10 s
	Shuffle  bool          // instead of the order picked
	Newest   bool          // the newest pick first, instead of the order picked
	Pairs    bool          // two upright photos side by side where the screen is wide
	Captions bool          // when a photo was taken
	Clock    bool          // time and date over the photos
	Stills   bool          // no output plays films: they stay no longer than photos
	Night    Night
}

// A turn is what somebody wants of the slideshow.
type turn func(*show)

// A show is the slideshow's own state; its goroutine alone touches it.
type show struct {
	slides
	turn   time.Time // when the next slide comes
	read   time.Time // when the collection was read last
	stale  bool      // the collection may be another
	paused bool
}

// slideshow chooses what is on the screen, until ctx ends. It runs in every
// state; whether the slide is seen is the page's affair.
func (d *Device) slideshow(ctx context.Context) {
	cfg := d.cfg.Slideshow
	s := &show{slides: slides{shuffle: cfg.Shuffle, newest: cfg.Newest, caption: cfg.Captions, words: d.screen.words(), bad: map[string]error{}}}
	if cfg.Pairs {
		s.pairs = func() bool { w, h := d.cfg.ScreenSize(); return w > h }
	}
	d.reloadSlides(s)
	d.restart(s, time.Now())
	for {
		next := d.present(s)
		if due := s.read.Add(reloadEvery); s.stale && due.Before(next) {
			next = due
		}
		t := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-d.slideNow:
			s.stale = true
		case <-d.untilNow: // the page has another end than it had
		case change := <-d.turns:
			change(s)
		case <-t.C:
		}
		t.Stop()
		now := time.Now()
		if s.stale && (len(s.photos) == 0 || !now.Before(s.read.Add(reloadEvery))) {
			d.refresh(s, now)
		}
		if !now.Before(s.turn) {
			if !s.paused {
				s.forward()
			}
			d.restart(s, now)
		}
	}
}

// refresh reads the collection again. A slide that is new on the screen gets
// its whole time.
func (d *Device) refresh(s *show, now time.Time) {
	had := s.shownID()
	d.reloadSlides(s)
	s.read, s.stale = now, false
	if s.shownID() != had {
		d.restart(s, now)
	}
}

// reloadSlides reads the collection.
func (d *Device) reloadSlides(s *show) {
	photos, err := d.cfg.Store.Photos.Collection()
	if err != nil {
		d.log.Error("slideshow", "err", err)
		return
	}
	s.take(photos)
	d.screen.update(func(v *view) { v.library = libraryOf(store.Sum(photos)) })
}

// present puts the slide on the page. It returns when there is something to be
// done next.
func (d *Device) present(s *show) (next time.Time) {
	now, after := s.now(), s.next()
	var again time.Time
	d.screen.update(func(v *view) {
		if v.slide, v.nextSlide, v.paused = now, after, s.paused; v.visible() == 0 {
			v.slide, v.nextSlide = nil, nil // those who were forgotten, a moment ago
		}
		v.unshowable = now == nil && len(s.bad) > 0
		again = v.expire(time.Now())
	})
	next = s.turn
	if minute := d.tellTime(); minute.Before(next) {
		next = minute
	}
	if !again.IsZero() && again.Before(next) {
		next = again
	}
	return next
}

// turnTo hands a wish to the slideshow.
func (d *Device) turnTo(ctx context.Context, change turn) error {
	select {
	case d.turns <- change:
		return nil
	case <-ctx.Done():
		return ErrStopping
	}
}

// Unshowable tells that an output can't show a file, which is left out from then
// on until the next start.
func (d *Device) Unshowable(ctx context.Context, file string, why error) {
	_ = d.turnTo(ctx, func(s *show) {
		if s.drop(file, why) {
			d.log.Warn("a photo can't be shown and is left out", "file", file, "err", why)
			d.restart(s, time.Now())
		}
	})
}

// Screen takes in what became of the search for a screen: its size, or why there
// is none.
func (d *Device) Screen(w, h int, err error) {
	s := &ScreenStatus{Width: w, Height: h}
	if err != nil {
		s.Error = err.Error()
	}
	d.screen.update(func(v *view) { v.screen = s })
}

// turned is a wish of somebody at the screen. The slide has its whole time after
// it.
func (d *Device) turned(ctx context.Context, change turn) error {
	d.Touch()
	return d.turnTo(ctx, func(s *show) {
		change(s)
		d.restart(s, time.Now())
	})
}

// restart gives the slide on the screen its whole time.
func (d *Device) restart(s *show, now time.Time) { s.turn = now.Add(s.time(d.cfg.Slideshow)) }

// Next goes on by one slide. Its error is ErrStopping, as are those of Previous
// and Pause.
func (d *Device) Next(ctx context.Context) error {
	return d.turned(ctx, func(s *show) { s.forward() })
}

// Previous goes back by one slide.
func (d *Device) Previous(ctx context.Context) error {
	return d.turned(ctx, func(s *show) { s.back() })
}

// Pause holds the slideshow, or lets it go on.
func (d *Device) Pause(ctx context.Context) error {
	return d.turned(ctx, func(s *show) { s.paused = !s.paused })
}
