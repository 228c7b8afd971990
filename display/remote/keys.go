// Package remote owns the input devices of Linux, /dev/input/event*. It reads the
// keys of remote controls, keyboards and buttons, also of devices that are plugged
// in later, and reports the action of each key. It knows nothing about what the
// actions do.
package remote

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrUnknownKey means that no key has a name.
var ErrUnknownKey = errors.New("unknown key")

// ErrConflict means that a key has another action already.
var ErrConflict = errors.New("key already has another action")

// A Keymap maps key codes to actions. The caller chooses the names of the actions.
type Keymap map[uint16]string

// Add maps keys to an action, by their names in linux/input-event-codes.h, such as
// KEY_OK. Case is ignored. Its error wraps ErrUnknownKey or ErrConflict.
func (m Keymap) Add(action string, names []string) error {
	for _, name := range names {
		code, ok := codes()[strings.ToUpper(name)]
		if !ok {
			return fmt.Errorf("%q: %w (see linux/input-event-codes.h, such as KEY_OK)", name, ErrUnknownKey)
		}
		if other, ok := m[code]; ok && other != action {
			return fmt.Errorf("%q: %w, %q", name, ErrConflict, other)
		}
		m[code] = action
	}
	return nil
}

// Values of a key's event.
const (
	released = 0
	pressed  = 1
	repeated = 2
)

// A decoder turns key events into actions.
type decoder struct {
	keys    Keymap
	hold    time.Duration
	held    map[string]string // action of holding a key, by the action of pressing it
	repeats map[string]bool   // actions that repeat while a key is held

	down  uint16    // key that may become held
	since time.Time // when it was pressed; zero once it has been reported

	holding  string // action of the key in held that is down, "" without one
	downCode uint16 // that key
}

// physical follows the one key in held that is down, however long. It returns the
// action of that key, and whether it is another one than before.
func (d *decoder) physical(e event) (action string, changed bool) {
	before := d.holding
	switch action := d.keys[e.code]; {
	case e.lost, e.value == released && e.code == d.downCode:
		d.holding = ""
	case e.value != released && d.holding == "" && d.held[action] != "":
		d.holding, d.downCode = action, e.code
	}
	return d.holding, d.holding != before
}

// event returns the action of an event, or "" if there is none yet.
func (d *decoder) event(code uint16, value int32, now time.Time) string {
	action, ok := d.keys[code]
	if !ok {
		return ""
	}
	long := d.held[action] != ""
	switch {
	case value == pressed && long:
		d.down, d.since = code, now
	case value == pressed, value == repeated && d.repeats[action]:
		return action
	case value == released && long && code == d.down && !d.since.IsZero():
		d.since = time.Time{}
		return action
	}
	return ""
}

// deadline returns when the pressed key counts as held, or zero without one.
func (d *decoder) deadline() time.Time {
	if d.since.IsZero() {
		return time.Time{}
	}
	return d.since.Add(d.hold)
}

// timeout returns the action of the key that is held, or "" before its deadline.
func (d *decoder) timeout(now time.Time) string {
	if d.since.IsZero() || now.Before(d.deadline()) {
		return ""
	}
	d.since = time.Time{}
	return d.held[d.keys[d.down]]
}
