// Package remote reads the keys of remote controls, keyboards and buttons from
// Linux's input devices, /dev/input/event*, whichever are there or are plugged in
// later. It knows which key was meant and nothing of what that does.
package remote

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrUnknownKey means a name that no key has.
var ErrUnknownKey = errors.New("there is no key of this name")

// ErrConflict means that a key has another meaning already.
var ErrConflict = errors.New("the key means something else too")

// A Keymap is what keys mean, by their codes. The words are the caller's own.
type Keymap map[uint16]string

// Add gives the keys of these names (KEY_OK) a meaning. Its error wraps
// ErrUnknownKey or ErrConflict.
func (m Keymap) Add(meaning string, names []string) error {
	for _, name := range names {
		code, ok := codes[strings.ToUpper(name)]
		if !ok {
			return fmt.Errorf("%q: %w (see linux/input-event-codes.h, such as KEY_OK)", name, ErrUnknownKey)
		}
		if other, ok := m[code]; ok && other != meaning {
			return fmt.Errorf("%q: %w, %q", name, ErrConflict, other)
		}
		m[code] = meaning
	}
	return nil
}

// Values of a key's event.
const (
	released = 0
	pressed  = 1
	repeated = 2
)

// A hand follows what is pressed and tells what is meant.
type hand struct {
	keys     Keymap
	hold     time.Duration
	heldDown map[string]string // by meaning: what holding it down means
	repeats  map[string]bool   // meanings that go on while a key is held down

	down  uint16    // the key that may become a long one
	since time.Time // when it was pressed; zero once that has been told
}

// key takes in an event and returns what is meant, "" if nothing yet.
func (h *hand) key(code uint16, value int32, now time.Time) string {
	meaning, ok := h.keys[code]
	if !ok {
		return ""
	}
	long := h.heldDown[meaning] != ""
	switch {
	case value == pressed && long:
		h.down, h.since = code, now
	case value == pressed, value == repeated && h.repeats[meaning]:
		return meaning
	case value == released && long && code == h.down && !h.since.IsZero():
		h.since = time.Time{}
		return meaning
	}
	return ""
}

// due is when a key that is held down becomes a long one, zero if none is.
func (h *hand) due() time.Time {
	if h.since.IsZero() {
		return time.Time{}
	}
	return h.since.Add(h.hold)
}

// held returns what is meant by a key that is held down, "" if that has not been
// long enough.
func (h *hand) held(now time.Time) string {
	if h.since.IsZero() || now.Before(h.due()) {
		return ""
	}
	h.since = time.Time{}
	return h.heldDown[h.keys[h.down]]
}
