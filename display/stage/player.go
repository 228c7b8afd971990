package stage

import (
	"context"
	"image"
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

// A player shows pages on one screen. Its goroutine alone touches it.
type player struct {
	*Stage
	screen  Screen
	painter *paint.Painter
	w, h    int // as people see it
	loader  loader
	loading string // key of the slide that the loader is at
	failed  map[string]bool

	page  display.Page
	scene *scene // what is behind the words; nil means the backdrop
	ahead *scene // the slide after it, ready
	list  paint.List
	frame *pixel.Image // what is on the screen
	panel *pixel.Image // frame turned; frame itself without a turn
	shown bool         // frame has been shown once
	black bool         // the light is off

	fade *fade
	zoom time.Time // when the slide began to be seen
	next int       // frame of a moving photo
	due  time.Time // of that frame
}

// A scene is a slide that is ready.
type scene struct {
	key string
	*photo.Scene
}

func newPlayer(s *Stage, screen Screen, painter *paint.Painter, w, h int) *player {
	p := &player{Stage: s, screen: screen, painter: painter, w: w, h: h, failed: map[string]bool{}, frame: pixel.New(w, h)}
	p.panel = p.frame
	if s.cfg.Rotate != 0 {
		sw, sh := screen.Size()
		p.panel = pixel.New(sw, sh)
	}
	p.loader = loader{w: w, h: h, media: s.cfg.Media, plain: s.cfg.Look.Plain, jobs: make(chan *display.Slide, 1), done: make(chan loaded)}
	return p
}

// run shows pages until ctx ends, whose error it returns, or the screen is gone.
func (p *player) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	pages := make(chan display.Page)
	wg.Go(func() {
		for page := range p.cfg.Pages.Watch(ctx) {
			select {
			case pages <- page:
			case <-ctx.Done():
				return
			}
		}
	})
	wg.Go(func() { p.loader.run(ctx) })
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		p.note()
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.screen.Gone():
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

// turnTo goes over to another page.
func (p *player) turnTo(page display.Page) error {
	p.page = page
	p.order()
	return p.update(time.Now())
}

// order has the loader bring what is needed next, if it is free.
func (p *player) order() {
	if p.loading != "" || p.page.Night {
		return
	}
	for _, s := range []*display.Slide{p.page.Slide, p.page.Next} {
		key := keyOf(s)
		if key == "" || p.failed[key] || p.has(key) != nil {
			continue
		}
		p.loading = key
		p.loader.jobs <- s
		return
	}
}

// has returns a slide that is ready.
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
	if l.err != nil {
		p.failed[l.key] = true
		p.cfg.Unshowable(ctx, l.file, l.err)
		p.order()
		return nil
	}
	p.ahead = &scene{l.key, l.scene}
	err := p.update(time.Now())
	p.order()
	return err
}

// update brings the screen to what the page says.
func (p *player) update(now time.Time) error {
	want := p.page.Slide
	if p.page.Night {
		want = nil
	}
	key := keyOf(want)
	switch {
	case key != "" && p.scene.is(key), key == "" && p.scene == nil && p.shown:
		return p.redraw(now)
	case key != "" && p.has(key) == nil:
		if p.scene == nil {
			return nil // the words stay until the photo is there
		}
		return p.redraw(now)
	}
	if err := p.endFade(); err != nil {
		return err
	}
	before := p.scene
	p.scene, p.ahead = p.has(key), nil
	if before != nil && before.key == keyOf(p.page.Next) { // of two photos
		p.ahead = before
	}
	return p.goOver(now)
}

func (s *scene) is(key string) bool { return s != nil && s.key == key }

// behind is what the words are over.
func (p *player) behind() *pixel.Image {
	if p.scene == nil {
		return p.painter.Backdrop()
	}
	return p.scene.Still
}

// goOver shows a new background, at once or in a fade.
func (p *player) goOver(now time.Time) error {
	p.list = p.painter.Page(p.page, now)
	to := pixel.New(p.w, p.h)
	if !p.page.Night {
		to.Copy(p.behind(), image.Point{})
	}
	p.list.Draw(to, to.Bounds())
	p.zoom, p.next, p.due = now, 0, now
	length := min(p.cfg.Look.Fade, p.cfg.Look.Interval/2)
	if !p.shown || p.black || length <= 0 {
		p.frame = to
		if p.panel.W == 0 || p.cfg.Rotate == 0 {
			p.panel = p.frame
		}
		return p.showAll()
	}
	p.fade = newFade(p, to, now, length)
	return nil
}

// redraw shows what of the words is new.
func (p *player) redraw(now time.Time) error {
	list := p.painter.Page(p.page, now)
	parts := paint.Changes(p.list, list)
	if len(parts) == 0 {
		return p.light()
	}
	if err := p.endFade(); err != nil { // the news don't wait
		return err
	}
	p.list = list
	return p.repaint(parts)
}

// repaint draws parts of the screen anew.
func (p *player) repaint(parts []image.Rectangle) error {
	whole := p.frame.Bounds()
	for i, r := range parts {
		parts[i] = r.Intersect(whole)
		p.paintPart(parts[i])
	}
	return p.show(parts)
}

func (p *player) paintPart(r image.Rectangle) {
	if p.page.Night {
		p.frame.Fill(r, 0)
	} else {
		p.frame.Sub(r).Copy(p.behind().Sub(r), image.Point{})
	}
	p.list.Draw(p.frame, r)
}

func (p *player) showAll() error { return p.show([]image.Rectangle{p.frame.Bounds()}) }

// show sends parts of the frame to the screen.
func (p *player) show(parts []image.Rectangle) error {
	p.shown = true
	if p.cfg.Rotate == 0 {
		if err := p.screen.Show(p.frame, parts); err != nil {
			return err
		}
		return p.light()
	}
	turned := make([]image.Rectangle, 0, len(parts))
	for _, r := range parts {
		turned = append(turned, turnPart(p.panel, p.frame, p.cfg.Rotate, r))
	}
	if err := p.screen.Show(p.panel, turned); err != nil {
		return err
	}
	return p.light()
}

// turnPart turns a part of a picture and returns where that is then.
func turnPart(dst, src *pixel.Image, degrees int, r image.Rectangle) image.Rectangle {
	out := turnedRect(r, src.W, src.H, degrees)
	pixel.Turn(dst.Sub(out), src.Sub(r), degrees)
	return out
}

// turnedRect is where a part of a picture of w by h is after a turn.
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

// light switches the screen's light off at night, and on again.
func (p *player) light() error {
	if p.black == p.page.Night {
		return nil
	}
	p.black = p.page.Night
	if err := p.screen.Blank(p.black); err != nil {
		p.cfg.Log.Info("the screen's light can't be switched; it is black", "err", err)
	}
	return nil
}
