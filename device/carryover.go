package device

import (
	"fmt"
	"strings"
	"time"
)

// A Carryover is what a process leaves to the next one when it re-executes itself
// after a guest has left. It has nothing of the guest.
type Carryover struct {
	Since     time.Time  `json:"since"` // when the state Pairing began
	Visit     string     `json:"visit"` // as in display.Page: browsers have dropped what they kept
	Forgotten *Forgotten `json:"forgotten,omitempty"`
	Tally     Tally      `json:"tally"`
}

// MarshalText implements encoding.TextMarshaler, for the keys of Tally.Pairings.
func (a Attempt) MarshalText() ([]byte, error) { return []byte(a.Method + " " + a.Outcome), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *Attempt) UnmarshalText(text []byte) error {
	var ok bool
	if a.Method, a.Outcome, ok = strings.Cut(string(text), " "); !ok {
		return fmt.Errorf("%q is not an attempt to pair", text)
	}
	return nil
}
