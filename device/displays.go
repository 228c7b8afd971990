package device

import (
	"errors"
	"time"
)

// A Display is a browser on another machine that may show the page.
type Display struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"` // "" until somebody gives it one
	Address    string    `json:"address"`
	LastSeenAt time.Time `json:"last_seen_at"`
}

// A WaitingDisplay is a browser on another machine that wants to show the page. It
// shows its code.
type WaitingDisplay struct {
	Code      string    `json:"code"`
	Address   string    `json:"address"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Displays are the browsers on other machines.
type Displays struct {
	Displays []Display        `json:"displays"` // in the order of their names and addresses
	Waiting  []WaitingDisplay `json:"waiting"`  // in the order in which they came
}

// A DisplayLink lets one browser in.
type DisplayLink struct {
	URL       string    `json:"url"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Errors of letting displays in and removing them.
var (
	// ErrCodeUnknown means that no display waits with that code.
	ErrCodeUnknown = errors.New("no display waits with that code")
	// ErrCodeLate means that the code of a display has expired.
	ErrCodeLate = errors.New("the code of the display has expired")
	// ErrNoDisplay means that there is no display with that ID.
	ErrNoDisplay = errors.New("no such display")
	// ErrManyDisplays means that no further display is let in until one is removed.
	ErrManyDisplays = errors.New("as many displays are let in as may be")
	// ErrDisplayName means that a display can't have that name.
	ErrDisplayName = errors.New("a name has 1 to 64 characters on one line")
	// ErrPageLocal means that no other machine reaches the page.
	ErrPageLocal = errors.New("the page is not on the network")
)
