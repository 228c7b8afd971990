package screen

import (
	"context"
	"time"

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

	KeyVolumeUp   Key = "volume_up"
	KeyVolumeDown Key = "volume_down"
	KeyMute       Key = "mute"
)

// soundVerbs are what keys ask for on every page, also in the menu.
var soundVerbs = map[Key]display.Verb{KeyVolumeUp: display.VolumeUp, KeyVolumeDown: display.VolumeDown, KeyMute: display.Mute}

// A keyWish is what a key asks of the engine, or what it writes to the disk: a setting,
// or that a PIN was entered. If the page has offered a Wish, it is granted only while
// the page still does.
type keyWish struct {
	display.Wish
	offered bool

	setting string // key of the one to go on from
	step    int    // places to go on
	pin     string
	visit   time.Time // to the menu, in which the PIN is valid
}

// wishes returns the keyWish of a wish, nil without one.
func wishes(w *display.Wish) *keyWish {
	if w == nil {
		return nil
	}
	return &keyWish{Wish: *w}
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
	if w.Verb.IsOfSlides() {
		return s.pass(ctx, w.Wish)
	}
	if w.Verb == display.Pick && w.Collection == "" { // a collection is looked up on the disk
		if asked, err := s.askWho(&w.Wish); asked || err != nil {
			return err
		}
	}
	w.offered = s.offers(w.Verb)
	select {
	case s.keys <- *w:
	default:
		s.cfg.Log.Info("key dropped: too many are waiting", "key", string(k))
	}
	return nil
}

// press takes a key in. It returns what is to be asked for, nil if there is
// nothing; the page then shows what the key has done.
func (s *Screen) press(k Key, base string) *keyWish {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := &s.view
	s.refreshLocked() // somebody may have been forgotten, and the menu be closed
	if woken := s.touchLocked(); woken {
		s.updateLocked(func(*view) {})
		return nil
	}
	if verb, ok := soundVerbs[k]; ok {
		return &keyWish{Wish: display.Wish{Verb: verb}}
	}
	if v.menu.page == menuClosed {
		if s.pressAccess(k) {
			return nil
		}
		w := v.wishOf(k)
		if w == nil && k == KeyMenu {
			s.updateLocked(func(v *view) {
				v.menu = openAt(menuMain)
				v.offerRemote(base, time.Now())
			})
		}
		return wishes(w)
	}
	var w *keyWish
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
	case k == KeyPlay:
		return &display.Wish{Verb: display.Pause}
	}
	return nil
}

// pressInMenu moves in the menu. It returns what the chosen line asks for, nil
// if it only leads on.
func (v *view) pressInMenu(k Key) *keyWish {
	p := v.page()
	lines := v.menu.entries(v, &p)
	if len(lines) == 0 { // closed just now
		return nil
	}
	m := &v.menu
	m.since = time.Now()
	at := m.at(lines)
	if w := lines[at].stepped(k); w != nil {
		return w
	}
	switch k {
	case KeyUp, KeyDown, KeyLeft, KeyRight:
		m.selected = lines[m.move(k, at, len(lines))].id
	case KeyMenu:
		*m = menu{}
	case KeyBack:
		m.open(m.up())
	case KeyOK:
		return m.choose(lines[at])
	}
	return nil
}

// stepped returns what left and right ask for on the line of a setting.
func (e *entry) stepped(k Key) *keyWish {
	switch {
	case e.setting == "":
		return nil
	case k == KeyRight:
		return &keyWish{setting: e.setting, step: 1}
	case k == KeyLeft:
		return &keyWish{setting: e.setting, step: -1}
	}
	return nil
}

// move returns where an arrow leads from a line.
func (m *menu) move(k Key, at, lines int) int {
	columns, to := 1, at
	if m.page == menuPIN {
		columns = keypadColumns
	}
	switch k {
	case KeyUp:
		to -= columns
	case KeyDown:
		to += columns
		if to >= lines && at/columns < (lines-1)/columns { // the last row is shorter
			to = lines - 1
		}
	case KeyLeft:
		to--
	case KeyRight:
		to++
	}
	if to < 0 || to >= lines {
		return at
	}
	return to
}
