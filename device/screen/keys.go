package screen

import (
	"context"
	"time"

	"pickerd/device"
	"pickerd/display"
)

// A Key is one of a remote control.
type Key string

// The keys. Holding OK down means Menu.
const (
	KeyOK       Key = "ok"
	KeyMenu     Key = "menu"
	KeyBack     Key = "back"
	KeyLeft     Key = "left"
	KeyRight    Key = "right"
	KeyUp       Key = "up"
	KeyDown     Key = "down"
	KeyPlay     Key = "play"
	KeyNext     Key = "next"
	KeyPrevious Key = "previous"
)

// A keyWish is what a key asks of the engine. If the page has offered it, it is
// granted only while the page still does.
type keyWish struct {
	display.Wish
	offered bool
}

// Press does what a key means on the page as it is. At night the first key only
// wakes the screen; during the countdown for a guest it means to stay. What the
// engine has to do for a key is done by Run: a key never waits for the disk. The
// error is that of the slideshow.
func (s *Screen) Press(ctx context.Context, k Key) error {
	base, done := s.openPhones(k)
	defer done()
	w := s.press(k, base)
	if w == nil {
		return nil
	}
	if isSlideVerb(w.Verb) {
		return s.pass(ctx, *w)
	}
	if w.Verb == display.Pick && s.askWho(w) {
		return nil
	}
	select {
	case s.keys <- keyWish{*w, s.offers(w.Verb)}:
	default:
		s.cfg.Log.Info("key dropped: too many are waiting", "key", string(k))
	}
	return nil
}

// press takes a key in. It returns what is to be asked for, nil if there is
// nothing; the page then shows what the key has done.
func (s *Screen) press(k Key, base string) *display.Wish {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := &s.view
	s.refreshLocked() // somebody may have been forgotten, and the menu be closed
	if woken := s.touchLocked(); woken {
		s.updateLocked(func(*view) {})
		return nil
	}
	if v.menu.page == menuClosed {
		w := v.wishOf(k)
		if w == nil && k == KeyMenu {
			s.updateLocked(func(v *view) {
				v.menu = openAt(menuMain)
				v.offerRemote(base, time.Now())
			})
		}
		return w
	}
	var w *display.Wish
	s.updateLocked(func(v *view) { w = v.pressInMenu(k) })
	return w
}

// wishOf returns what a key asks for while no menu is open, nil if nothing.
func (v *view) wishOf(k Key) *display.Wish {
	p := v.page()
	offered := func(verb display.Verb) *display.Wish {
		if o, ok := p.Offer(verb); ok {
			return &o.Wish
		}
		return nil
	}
	switch {
	case k == KeyOK:
		return offered(display.Pick)
	case k == KeyBack:
		return offered(display.Cancel)
	case p.Slide == nil:
	case k == KeyLeft || k == KeyPrevious:
		return &display.Wish{Verb: display.Previous}
	case k == KeyRight || k == KeyNext:
		return &display.Wish{Verb: display.Next}
	case k == KeyPlay && v.snap.State == device.Showing:
		return &display.Wish{Verb: display.Pause}
	}
	return nil
}

// pressInMenu moves in the menu. It returns what the chosen line asks for, nil
// if it only leads on.
func (v *view) pressInMenu(k Key) *display.Wish {
	p := v.page()
	lines := v.menu.entries(v, &p)
	if len(lines) == 0 { // closed just now
		return nil
	}
	m := &v.menu
	m.since = time.Now()
	at := m.at(lines)
	switch k {
	case KeyUp, KeyLeft:
		m.selected = lines[max(at-1, 0)].id
	case KeyDown, KeyRight:
		m.selected = lines[min(at+1, len(lines)-1)].id
	case KeyMenu:
		*m = menu{}
	case KeyBack:
		*m = menu{page: m.up(), root: m.root, since: m.since}
	case KeyOK:
		return m.choose(lines[at])
	}
	return nil
}
