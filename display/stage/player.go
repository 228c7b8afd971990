package stage

import (
	"context"
	"image"
	"runtime/debug"
	"sync"
	"time"

	"pickerd/display"
	"pickerd/display/paint"
	"pickerd/display/pixel"
)

// Steps of what moves.
const (
	fadeStep = time.Second / 30
	zoomStep = time.Second / 25
)

// A player shows pages on one screen. Only its goroutine uses it.
type player struct {
	*Stage
	composer
	screen  Screen
	loading string               // key of the slide that the loader is at
	failed  map[string]time.Time // keys of slides, and when they may be tried again

	ahead *scene       // the slide after scene, ready
	frame *pixel.Image // what is on the screen
	panel *pixel.Image // frame turned; frame itself without a turn
	shown bool         // frame has been shown once
	dark  bool         // frame is black, as at night
	off   bool         // the light is

	fade    *fade
	began   time.Time // when the slide began to be seen
	stepped time.Time // when its photos moved last, zero if they were halted
	film    time.Time // when animated photos began to move
	due     time.Time // of their next frame

	playback  *playback // the film that plays, nil without one
	playbacks playbacks
}

func newPlayer(s *Stage, screen Screen, w, h int) *player {
	p := &player{Stage: s, screen: screen, failed: map[string]time.Time{}, frame: pixel.New(w, h)}
	p.composer = newComposer(paint.Config{W: w, H: h, Overscan: s.cfg.Overscan, Log: s.cfg.Log}, s.cfg.Media, s.cfg.Copy)
	p.loader.films = s.cfg.Films.Open != nil
	p.loader.jobs, p.loader.done = make(chan job, 1), make(chan loaded)
	p.panel = p.frame
	if s.cfg.Rotate != 0 {
		sw, sh := screen.Size()
		p.panel = pixel.New(sw, sh)
	}
	return p
}

// run shows pages until ctx ends, and returns ctx's error, or until the screen fails.
func (p *player) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer p.playbacks.wg.Wait()
	pages, fed := p.cfg.Pages.Feed(ctx)
	defer fed()
	defer cancel()
	wg.Go(func() { p.loader.run(ctx) })
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		p.note()
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.screen.Disconnected():
			return nil
		case page := <-pages:
			err = p.turnTo(page.OnBox())
		case l := <-p.loader.done:
			err = p.take(ctx, l)
		case e := <-p.playback.incoming():
			err = p.handleFilm(p.playback, e)
		case <-timer.C:
			err = p.tick(time.Now())
		}
		if err == nil {
			err = p.updateFilm(ctx, time.Now())
		}
		if err != nil {
			return err
		}
		timer.Reset(time.Until(p.wakeAt(time.Now())))
	}
}

// turnTo changes to another page.
func (p *player) turnTo(page display.Page) error {
	if page.Visit != p.page.Visit {
		p.ahead = nil // it may be a forgotten person's
	}
	if err := p.restyle(page.Style); err != nil {
		return err
	}
	moved := page.Style.Zoom != p.page.Style.Zoom
	p.page = page
	for key := range p.failed { // of slides that are gone
		if key != p.key(page.Slide) && key != p.key(page.Next) {
			delete(p.failed, key)
		}
	}
	p.skip(time.Now())
	for _, s := range []*display.Slide{page.Slide, page.Next} { // its caption may have changed
		if loaded := p.has(p.key(s)); loaded != nil {
			loaded.slide = s
		}
	}
	if moved && p.scene != nil && p.shown && !p.dark {
		if err := p.endFade(); err != nil {
			return err
		}
		p.setOut()
		if err := p.redrawAll(); err != nil {
			return err
		}
	}
	if !p.zooms() {
		p.stepped = time.Time{}
	}
	now := time.Now()
	p.order(now)
	return p.update(now)
}

// skip makes the next slide that of the page where the slide itself can't be shown but
// other displays show it. Without a next one the page says that nothing can be shown.
func (p *player) skip(now time.Time) {
	cannot := func(s *display.Slide) bool { return s == nil || p.failed[p.key(s)].Sub(now) > forEver/2 }
	if p.page.Slide == nil || !cannot(p.page.Slide) {
		return
	}
	p.page.Slide, p.page.Next = p.page.Next, nil
	if cannot(p.page.Slide) {
		p.page.Slide = nil
	}
	if p.page.Slide == nil && p.page.Title == "" {
		p.page.Title, p.page.Text = p.unshowable()
	}
}

// forEver is the retry delay of a file that can never be shown.
const forEver = 1000 * time.Hour

// againAfter is the retry delay of a file that could not be read.
const againAfter = 5 * time.Second

// aheadBy is how long before its turn a slide is decoded. Earlier it would only use
// memory.
const aheadBy = 4 * time.Second

// order gives the loader the next slide, if the loader is idle.
func (p *player) order(now time.Time) {
	if p.loading != "" || p.page.Night {
		return
	}
	wanted := []*display.Slide{p.page.Slide}
	if !now.Before(p.aheadAt()) {
		wanted = append(wanted, p.page.Next)
	}
	for _, s := range wanted {
		key := p.key(s)
		if key == "" || now.Before(p.failed[key]) || p.has(key) != nil {
			continue
		}
		p.loading = key
		p.loader.jobs <- job{s, p.page.Style.Look}
		return
	}
}

// aheadAt returns when to decode the next slide.
func (p *player) aheadAt() time.Time {
	return p.began.Add(max(p.page.Style.Interval-aheadBy, p.playback.length()-aheadBy, 0))
}

// has returns a decoded slide.
func (p *player) has(key string) *scene {
	for _, s := range []*scene{p.scene, p.ahead} {
		if s != nil && s.key == key {
			return s
		}
	}
	return nil
}

// take receives a slide from the loader.
func (p *player) take(ctx context.Context, l loaded) error {
	p.loading = ""
	now := time.Now()
	if l.err != nil {
		p.failed[l.key] = now.Add(againAfter)
		if lasting(l.err) {
			p.failed[l.key] = now.Add(forEver)
			p.cfg.Unshowable(ctx, l.file, l.err)
			p.skip(now)
		}
		p.order(now)
		return p.update(now)
	}
	if l.key == p.key(p.page.Slide) || l.key == p.key(p.page.Next) {
		p.ahead = &scene{key: l.key, slide: l.slide, Scene: l.scene}
	}
	err := p.update(now)
	p.order(now)
	return err
}

// update makes the screen show the page.
func (p *player) update(now time.Time) error {
	key := ""
	if !p.page.Night {
		key = p.key(p.page.Slide)
	}
	ready := p.has(key)
	switch {
	case key != "" && ready == nil && !p.dark:
		return p.wait(now)
	case key != "" && ready == nil: // in the morning: what was there in the evening, for a moment
		ready = p.scene
	}
	if p.shown && ready == p.scene && p.dark == p.page.Night {
		return p.redraw(now)
	}
	if err := p.endFade(); err != nil {
		return err
	}
	before := p.scene
	if p.scene = ready; ready == p.ahead {
		p.ahead = nil
	}
	if before != nil && before != ready && before.key == p.key(p.page.Next) && !before.film.seen { // of two photos
		p.ahead = before
	}
	p.changeFilm(before, ready)
	return p.goOver(now)
}

// wait keeps the picture on the screen while the slide is decoded. The words of the
// previous page stay too, unless they include a code, which is no longer valid, or the
// page has a menu or a problem to show.
func (p *player) wait(now time.Time) error {
	if p.scene != nil || p.page.Menu != nil || p.page.Problem != "" || p.code {
		return p.redraw(now)
	}
	return nil
}

// goOver shows a new background, immediately or with a fade.
func (p *player) goOver(now time.Time) error {
	p.setOut()
	p.list = p.words(now)
	to := p.compose()
	p.began, p.film, p.due = now, time.Time{}, now
	length := min(p.page.Style.Fade, p.page.Style.Interval/2)
	sudden := !p.shown || p.dark || p.page.Night || length <= 0
	p.dark = p.page.Night
	if !sudden {
		p.fade = newFade(p, to, now, length)
		return nil
	}
	p.setFrame(to)
	err := p.showAll()
	debug.FreeOSMemory() // of the picture before, as large as the screen
	return err
}

// own makes the frame a copy that may be modified.
func (p *player) own() {
	if p.scene == nil || p.frame != p.scene.Still {
		return
	}
	m := pixel.New(p.w, p.h)
	m.Copy(p.scene.Still, image.Point{})
	p.setFrame(m)
}

// setFrame makes a picture the frame. Without a turn it is the panel, too.
func (p *player) setFrame(m *pixel.Image) {
	p.frame = m
	if p.cfg.Rotate == 0 {
		p.panel = m
	}
}

// redraw draws the words that changed.
func (p *player) redraw(now time.Time) error {
	list := p.words(now)
	parts := paint.Changes(p.list, list)
	if len(parts) == 0 {
		return nil
	}
	if err := p.endFade(); err != nil { // changes are shown immediately
		return err
	}
	p.list = list
	if p.moves {
		return p.redrawAll()
	}
	err := p.repaint(parts)
	p.disown()
	return err
}

// disown drops a frame that equals the slide's picture again.
func (p *player) disown() {
	if p.scene == nil || len(p.list) > 0 || p.dark || p.frame == p.scene.Still {
		return
	}
	p.setFrame(p.scene.Still)
	debug.FreeOSMemory()
}

// repaint draws parts of the screen again.
func (p *player) repaint(parts []image.Rectangle) error {
	p.own()
	whole := p.frame.Bounds()
	for i, r := range parts {
		r = r.Intersect(whole)
		parts[i] = r
		p.behind(p.frame, r)
		p.list.Draw(p.frame, r)
	}
	return p.show(parts)
}

func (p *player) showAll() error { return p.show([]image.Rectangle{p.frame.Bounds()}) }

// show sends parts of the frame to the screen. It switches the light on first, and off
// when the frame is black.
func (p *player) show(parts []image.Rectangle) error {
	p.shown = true
	if !p.dark {
		p.light(true)
	}
	m := p.frame
	if p.cfg.Rotate != 0 {
		m = p.panel
		turned := make([]image.Rectangle, 0, len(parts))
		for _, r := range parts {
			turned = append(turned, turnPart(p.panel, p.frame, p.cfg.Rotate, r))
		}
		parts = turned
	}
	err := p.screen.Show(m, parts)
	if err == nil {
		p.drawn.Add(1)
		p.isSettled()
	}
	if p.dark {
		p.light(false)
	}
	return err
}

// turnPart rotates a part of a picture and returns its new place.
func turnPart(dst, src *pixel.Image, degrees int, r image.Rectangle) image.Rectangle {
	out := turnedRect(r, src.W, src.H, degrees)
	pixel.Rotate(dst.Sub(out), src.Sub(r), degrees)
	return out
}

// turnedRect returns the place of a part of a w by h picture after a rotation.
func turnedRect(r image.Rectangle, w, h, degrees int) image.Rectangle {
	switch degrees {
	case 90:
		return image.Rect(h-r.Max.Y, r.Min.X, h-r.Min.Y, r.Max.X)
	case 180:
		return image.Rect(w-r.Max.X, h-r.Max.Y, w-r.Min.X, h-r.Min.Y)
	case 270:
		return image.Rect(r.Min.Y, w-r.Max.X, r.Max.Y, w-r.Min.X)
	}
	return r
}

// light switches the screen's light.
func (p *player) light(on bool) {
	if p.off == !on {
		return
	}
	p.off = !on
	if err := p.screen.Blank(p.off); err != nil {
		p.cfg.Log.Info("the screen's light can't be switched", "err", err)
	}
}
