package stage

import (
	"context"
	"image"
	"runtime/debug"
	"sync"
	"time"

	"pickerd/display"
	"pickerd/display/paint"
	"pickerd/display/photo"
	"pickerd/display/pixel"
)

// Steps of what moves.
const (
	fadeStep = time.Second / 30
	zoomStep = time.Second / 25
	zoomBy   = 0.06 // of the size, while a slide stays
)

// A player shows pages on one screen. Only its goroutine uses it.
type player struct {
	*Stage
	screen  Screen
	painter *paint.Painter
	w, h    int // as people see it
	loader  loader
	loading string               // key of the slide that the loader is at
	failed  map[string]time.Time // keys of slides, and when they may be tried again

	page  display.Page
	scene *scene // what is behind the words; nil means the backdrop
	ahead *scene // the slide after it, ready
	list  paint.List
	frame *pixel.Image // what is on the screen
	panel *pixel.Image // frame turned; frame itself without a turn
	shown bool         // frame has been shown once
	code  bool         // there is a QR code on it
	dark  bool         // frame is black, as at night
	off   bool         // the light is

	fade   *fade
	began  time.Time // when the slide began to be seen
	factor float64   // that it is enlarged by, 1 at first
	next   int       // frame of a moving photo
	due    time.Time // of that frame
}

// A scene is a decoded slide.
type scene struct {
	key   string
	slide *display.Slide
	*photo.Scene
}

func newPlayer(s *Stage, screen Screen, painter *paint.Painter, w, h int) *player {
	p := &player{Stage: s, screen: screen, painter: painter, w: w, h: h, failed: map[string]time.Time{}, frame: pixel.New(w, h), factor: 1}
	p.panel = p.frame
	if s.cfg.Rotate != 0 {
		sw, sh := screen.Size()
		p.panel = pixel.New(sw, sh)
	}
	p.loader = loader{w: w, h: h, media: s.cfg.Media, plain: s.cfg.Look.Plain, jobs: make(chan *display.Slide, 1), done: make(chan loaded)}
	return p
}

// run shows pages until ctx ends, and returns ctx's error, or until the screen fails.
func (p *player) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
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
			err = p.turnTo(page)
		case l := <-p.loader.done:
			err = p.take(ctx, l)
		case <-timer.C:
			err = p.tick(time.Now())
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
	p.page = page
	for key := range p.failed { // of slides that are gone
		if key != keyOf(page.Slide) && key != keyOf(page.Next) {
			delete(p.failed, key)
		}
	}
	now := time.Now()
	p.order(now)
	return p.update(now)
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
		key := keyOf(s)
		if key == "" || now.Before(p.failed[key]) || p.has(key) != nil {
			continue
		}
		p.loading = key
		p.loader.jobs <- s
		return
	}
}

// aheadAt returns when to decode the next slide.
func (p *player) aheadAt() time.Time {
	return p.began.Add(max(p.cfg.Look.Interval-aheadBy, 0))
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
		}
		p.order(now)
		return nil
	}
	if l.key == keyOf(p.page.Slide) || l.key == keyOf(p.page.Next) {
		p.ahead = &scene{l.key, l.slide, l.scene}
	}
	err := p.update(now)
	p.order(now)
	return err
}

// update makes the screen show the page.
func (p *player) update(now time.Time) error {
	key := ""
	if !p.page.Night {
		key = keyOf(p.page.Slide)
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
	if before != nil && before != ready && before.key == keyOf(p.page.Next) { // of two photos
		p.ahead = before
	}
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

// behind draws a part of the background of the words.
func (p *player) behind(dst *pixel.Image, r image.Rectangle) {
	switch {
	case p.page.Night:
		dst.Fill(r, 0)
	case p.scene == nil:
		p.painter.Backdrop(dst, r)
	default:
		dst.Sub(r).Copy(p.scene.Still.Sub(r), image.Point{})
	}
}

// words returns the page with the slide that is decoded.
func (p *player) words(now time.Time) paint.List {
	page := p.page
	if page.Slide != nil {
		page.Slide = nil
		if p.scene != nil {
			page.Slide = p.scene.slide
		}
	}
	if page.Slide == nil && page.Title == "" {
		page.Title = p.cfg.Words.Say("page.one_moment")
	}
	p.code = page.QR != ""
	return p.painter.Page(page, now)
}

// goOver shows a new background, immediately or with a fade.
func (p *player) goOver(now time.Time) error {
	p.list = p.words(now)
	to := p.compose()
	p.began, p.factor, p.next, p.due = now, 1, 0, now
	length := min(p.cfg.Look.Fade, p.cfg.Look.Interval/2)
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

// compose draws the whole screen. With nothing over a slide, the frame is the slide's
// picture, which must not be modified.
func (p *player) compose() *pixel.Image {
	if p.scene != nil && len(p.list) == 0 && !p.page.Night {
		return p.scene.Still
	}
	m := pixel.New(p.w, p.h)
	p.behind(m, m.Bounds())
	p.list.Draw(m, m.Bounds())
	return m
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
	if p.factor > 1 {
		return p.zoomed()
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
