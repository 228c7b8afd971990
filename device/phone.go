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
	// Photos are those on the screen, one or two.
	Photos   []RemotePhoto
	Settings bool // there are settings to change
	// Film says that a film is on the screen. Playing is how the slide is played, with
	// texts in the language of the screen; it is zero without a slide.
	Film    bool
	Playing display.Playing
	// Collections says that photos may be chosen for a collection.
	Collections bool
}

// RemoteCollections is what a phone remote shows of the collections.
type RemoteCollections struct {
	Collections []Collection // with what they have, the default one first
	Pick        []Button     // of those who may choose photos now
}

// A RemotePhoto is an item on the screen.
type RemotePhoto struct {
	Item   string // ID
	Hide   string // key in display/words of the label of the button that hides it
	Delete string // likewise for deleting; "" if that is not offered
}

// A Button is what a phone remote offers. Its label is in the phone's language.
type Button struct {
	Wish display.Wish
	Main bool // what a person most likely wants
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
