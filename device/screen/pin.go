package screen

import (
	"errors"
	"strings"
	"time"

	"pickerd/device"
	"pickerd/display"
)

// pinFor is how long an entered PIN is valid, in the same visit to the menu or on the
// same phone remote.
const pinFor = 5 * time.Minute

const (
	keypadColumns = 3
	maxPIN        = 12 // digits
)

// isGuarded reports whether a page needs the PIN, and is absent for guests without one.
func (p menuPage) isGuarded() bool {
	switch p {
	case menuSettings, menuDisplays, menuDisplayList, menuDisplay, menuAbout, menuDelete:
		return true
	}
	return false
}

// isLocked reports whether the menu needs the PIN for a guarded page.
func (v *view) isLocked(now time.Time) bool {
	return v.cfg.PIN != nil && !now.Before(v.menu.unlocked)
}

// isWithheld reports whether nobody at the screen or with a phone gets guarded pages.
func (v *view) isWithheld() bool { return v.cfg.Withheld || v.hasGuests() && v.cfg.PIN == nil }

// guard returns the line of a guarded page. It is absent for guests without a PIN.
func (v lines) guard(e entry) []entry {
	if v.isWithheld() {
		return nil
	}
	return []entry{e}
}

// guardedEntries are the lines of the main page that a PIN guards.
func (v lines) guardedEntries() (list []entry) {
	if v.cfg.Settings != nil {
		list = append(list, v.guard(entry{id: "settings", label: v.cfg.setting("title"), opens: menuSettings})...)
	}
	if v.cfg.Displays != nil { // the screen shows strangers that wait nowhere but behind this line
		list = append(list, v.guard(entry{id: "displays", label: others{v.cfg}.text("menu"), opens: menuDisplays})...)
	}
	return append(list, v.guard(entry{id: "about", label: v.say("about"), opens: menuAbout})...)
}

// keypad is where a PIN is entered: 1 to 9, Clear, 0 and OK.
func (v lines) keypad() (list []entry) {
	w := v.cfg.lang()
	for _, d := range strings.Split("123456789", "") {
		list = append(list, entry{id: d, label: w.Digits(d), pinKey: d})
	}
	return append(list, entry{id: "clear", label: v.cfg.setting("pin_clear"), pinKey: "clear"},
		entry{id: "0", label: w.Digits("0"), pinKey: "0"}, entry{id: "enter", label: w.Say("screen.key_ok"), pinKey: "enter"})
}

// askPIN goes from a guarded page to the one that asks for the PIN.
func (m *menu) askPIN() {
	m.page, m.then, m.pin, m.selected, m.note = menuPIN, m.page, "", "5", ""
}

// dots stand for the digits entered so far.
func (m menu) dots(v *view) []display.Fact {
	shown := "–"
	if n := len(m.pin); n > 0 {
		shown = strings.TrimSpace(strings.Repeat("• ", n))
	}
	return []display.Fact{{Name: v.cfg.setting("pin"), Value: shown}}
}

// enter takes a key of the keypad. With OK it returns the PIN to be checked.
func (m *menu) enter(key string) *keyWish {
	m.since, m.note, m.selected = time.Now(), "", key
	switch {
	case key == "clear":
		m.pin = ""
	case key == "enter" && m.pin != "":
		w := &keyWish{pin: m.pin, visit: m.began}
		m.pin = ""
		return w
	case key != "enter" && len(m.pin) < maxPIN:
		m.pin += key
	}
	return nil
}

// enterMenuPIN checks a PIN that was entered in a visit to the menu, and goes on or
// says that it is wrong. Its errors are those of PIN.
func (s *Screen) enterMenuPIN(pin string, visit time.Time) error {
	if s.cfg.PIN == nil {
		return device.ErrNotOffered
	}
	err := s.cfg.PIN.Enter(pin)
	s.update(func(v *view) {
		m := &v.menu
		if m.page != menuPIN || !m.began.Equal(visit) {
			return // somebody else's menu
		}
		if err != nil {
			m.note = v.cfg.lang().Say(pinWords(err))
			if wait, ok := errors.AsType[*device.PINWaitError](err); ok {
				m.note = v.cfg.setting("pin_wait", "n", wait.Minutes())
			}
			return
		}
		m.unlocked = time.Now().Add(pinFor)
		account, item, slide := m.account, m.item, m.slide
		m.open(m.then)
		m.account, m.item, m.slide = account, item, slide
	})
	return err
}

// pinWords returns the key of the text about a PIN that was not accepted.
func pinWords(err error) string {
	if errors.Is(err, device.ErrPINWrong) {
		return "settings.pin_wrong"
	}
	return "settings.failed"
}
