package display

import (
	"errors"
	"strings"
	"time"
)

// A Waiting is what a browser on another machine shows while it waits until it is let
// in.
type Waiting struct {
	Key     string // that it will show the page with; a secret
	Code    string // for the person who lets it in
	Picture string // SVG of a QR code that leads to the page that says how
	Until   time.Time
}

// Errors of browsers on other machines.
var (
	// ErrAddressTaken means that another browser waits at the same address.
	ErrAddressTaken = errors.New("another browser waits at this address")
	// ErrManyWaiting means that as many browsers wait as may.
	ErrManyWaiting = errors.New("too many browsers wait")
	// ErrLinkGone means that a link was used, has expired, or never was.
	ErrLinkGone = errors.New("the link is used or has expired")
)

// The code of a waiting browser has WaitLength of WaitLetters. They are without vowels,
// so that no code is a word, and without look-alikes (RFC 8628 §6.1).
const (
	WaitLetters = "BCDFGHJKLMNPQRSTVWXZ"
	WaitLength  = 4
)

// maxTyped bounds what may be a code, in bytes.
const maxTyped = 32

// WaitCode returns a code as a person typed it in the form in which it is shown, "" if
// it can't be one.
func WaitCode(typed string) string {
	if len(typed) > maxTyped {
		return ""
	}
	code := strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(typed))
	if len(code) != WaitLength || strings.Trim(code, WaitLetters) != "" {
		return ""
	}
	return code
}
