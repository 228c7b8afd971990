package stage

import (
	"image"
	"runtime/debug"
	"slices"
	"time"

	"pickerd/display"
	"pickerd/display/paint"
	"pickerd/display/pixel"
)

// A fade is a running transition between two pictures in the screen's format.
type fade struct {
	from, to *pixel.Image
	frame    *pixel.Image // to, as people see it
	began    time.Time
	length   time.Duration
	at       time.Time // of the next step
}

func newFade(p *player, to *pixel.Image, now time.Time, length time.Duration) *fade {
	f := &fade{from: p.panel, to: to, frame: to, began: now, length: length, at: now}
	if p.cfg.Rotate != 0 {
		f.to = pixel.New(p.panel.W, p.panel.H)
		pixel.Rotate(f.to, to, p.cfg.Rotate)
	}
	return f
}

// share returns the progress of a fade of 256, slower at its ends.
func (f *fade) share(now time.Time) uint32 {
	x := min(float64(now.Sub(f.began))/float64(f.length), 1)
	return uint32(256 * x * x * (3 - 2*x))
}

// stepFade shows the next picture of a fade.
func (p *player) stepFade(now time.Time) error {
	f := p.fade
	if now.Sub(f.began) >= f.length {
		return p.endFade()
	}
	if missed := now.Sub(f.at) / fadeStep; missed > 0 {
		p.late.Add(int64(missed))
	}
	f.at = now.Add(fadeStep)
	p.drawn.Add(1)
	return p.screen.Blend(f.from, f.to, f.share(now))
}

// endFade completes a fade immediately.
func (p *player) endFade() error {
	f := p.fade
	if f == nil {
		return nil
	}
	p.fade = nil
	p.frame, p.panel = f.frame, f.to
	p.began = time.Now()
	debug.FreeOSMemory() // of the picture before, as large as the screen
	p.drawn.Add(1)
	return p.screen.Show(p.panel, []image.Rectangle{p.panel.Bounds()})
}

// setOut begins the motion of the slide's photos, if they move. Videos and animated photos
// move by themselves.
func (p *player) setOut() {
	p.share, p.stepped = 0, time.Time{}
	p.moves = p.page.Style.Zoom && p.scene != nil && !p.scene.Animated() && !p.page.Night &&
		!slices.ContainsFunc(p.scene.slide.Media, func(m display.Media) bool { return m.Video })
}

// zooms reports whether photos are moving now.
func (p *player) zooms() bool {
	return p.moves && p.fade == nil && !p.dark && p.page.Paused == "" && p.page.Menu == nil && p.share < 1
}

// stepZoom moves the photos on. Where they were halted, they go on from there.
func (p *player) stepZoom(now time.Time) error {
	if !p.stepped.IsZero() {
		p.share = min(p.share+float64(now.Sub(p.stepped))/float64(p.page.Style.Interval), 1)
	}
	p.stepped = now
	p.own()
	parts := p.move(p.frame)
	for _, r := range parts {
		p.list.Draw(p.frame, r)
	}
	return p.show(parts)
}

// redrawAll draws the whole screen again.
func (p *player) redrawAll() error {
	p.own()
	p.behind(p.frame, p.frame.Bounds())
	p.list.Draw(p.frame, p.frame.Bounds())
	return p.showAll()
}

// stepFilm shows the next frames of moving photos.
func (p *player) stepFilm(now time.Time) error {
	if p.film.IsZero() { // they begin when a fade has ended
		p.film = now
	}
	parts, stay := p.scene.Advance(now.Sub(p.film))
	p.due = now.Add(stay)
	if len(parts) == 0 {
		return nil
	}
	return p.repaint(parts)
}

// tick does what is due.
func (p *player) tick(now time.Time) error {
	p.order(now)
	switch {
	case p.fade != nil:
		return p.stepFade(now)
	case !p.shown:
		return p.update(now)
	case p.scene != nil && p.scene.Animated() && !p.dark && !now.Before(p.due):
		return p.stepFilm(now)
	case p.zooms():
		return p.stepZoom(now)
	}
	return p.redraw(now)
}

// untilNextSecond returns how long a countdown, rounded to seconds, stays the same.
func untilNextSecond(left time.Duration) time.Duration {
	return (left+time.Second/2)%time.Second + time.Millisecond
}

// restFor is the longest that the player sleeps, so that Alive reports true.
const restFor = aliveWithin / 3

// wakeAt returns the time of the next thing to do.
func (p *player) wakeAt(now time.Time) time.Time {
	if p.fade != nil {
		return p.fade.at
	}
	at := now.Add(restFor)
	sooner := func(t time.Time) {
		if t.Before(at) {
			at = t
		}
	}
	if t := p.filmDue(); !t.IsZero() {
		sooner(t)
	}
	for _, s := range []*display.Slide{p.page.Slide, p.page.Next} {
		if t, ok := p.failed[p.key(s)]; ok && t.After(now) {
			sooner(t)
		}
	}
	if !p.shown || p.dark {
		return at
	}
	sooner(paint.NextPlace(now))
	if t := p.aheadAt(); p.page.Next != nil && t.After(now) {
		sooner(t)
	}
	// Countdowns change with each second of what they count to.
	for _, end := range []time.Time{p.page.Until, p.page.RetryAt, p.page.LeavesAt} {
		if left := end.Sub(now); !end.IsZero() && left > 0 {
			sooner(now.Add(untilNextSecond(left)))
		}
	}
	if p.scene != nil && p.scene.Animated() {
		sooner(p.due)
	}
	if p.zooms() {
		sooner(now.Add(zoomStep))
	}
	return at
}
