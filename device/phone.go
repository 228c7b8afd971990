package device

import (
	"pickerd/display"
	"pickerd/display/words"
)

// A PhoneListener lets phones on the local network reach the box's pages for
// them, and nothing else.
type PhoneListener interface {
	// Open begins to listen and returns the base address that phones reach the
	// box at, "http://192.168.1.20:8420". If it is open already, it only returns
	// that.
	Open() (base string, err error)
	// Close stops listening after a grace period, in which late phones get an
	// explanation.
	Close()
}

// A Visit is what a phone finds behind the link on the screen.
type Visit struct {
	Name    string // of this box
	Paste   bool   // the person has to bring the address back by hand
	AuthURL string // where to sign in
}

// A Remote is what a phone remote shows.
type Remote struct {
	Name    string   // of the box
	Now     string   // what is on the screen, in its language
	Buttons []Button // what may be asked for now
}

// A Button is what a phone remote offers. Its label is in the phone's language.
type Button struct {
	Wish display.Wish
	// Key is that of the label in display/words, with Number for {n}. If it is "",
	// Name is the label.
	Key    string
	Number int
	Name   string
}

// Label returns what the button says.
func (b *Button) Label(w *words.Words) string {
	if b.Key == "" {
		return b.Name
	}
	return w.Say(b.Key, "n", b.Number)
}
