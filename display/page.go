package display

import (
	"sync"
	"time"

	"pickerd/display/words"
)

// A Page is everything that a screen shows at one moment, in the language of the
// interface. An empty field is absent from the screen. Package web sends the fields
// with a JSON name to browsers as they are.
type Page struct {
	State  string `json:"state"`            // for style sheets and tests; outputs don't depend on it
	Device string `json:"device,omitempty"` // the name of the screen

	Title string   `json:"title,omitempty"` // the largest text: what is happening
	Text  string   `json:"text,omitempty"`  // a sentence or two below it
	Steps []string `json:"steps,omitempty"`
	Hint  string   `json:"hint,omitempty"` // one line of help

	QR     string `json:"-"`                // content of the QR code
	Link   string `json:"link,omitempty"`   // the address as text, for typing or reading
	Code   string `json:"code,omitempty"`   // the user_code, as given
	Spoken string `json:"spoken,omitempty"` // what to open or enter, letter by letter, for screen readers

	Problem string `json:"problem,omitempty"` // what is wrong, over whatever else is shown
	Remedy  string `json:"remedy,omitempty"`  // what to do about it
	Ends    `json:"-"`

	Progress *Progress `json:"progress,omitempty"`

	Slide *Slide `json:"-"` // what is on the screen; texts are small then
	Next  *Slide `json:"-"` // the slide after it, to be loaded ahead
	Playing
	Receipt string `json:"receipt,omitempty"` // what a pick has added
	Account string `json:"account,omitempty"` // linked to this screen
	TimeOfDay
	Night bool `json:"night,omitempty"` // the screen is black, whatever else is in the page

	Viewers
	Offers []Offer `json:"-"` // what may be asked for now, at most one of each verb

	Menu *Menu `json:"-"` // over everything else

	Style Style `json:"-"` // how all of this is shown
}

// Playing is what outputs need to play films as all others do.
type Playing struct {
	Paused string `json:"paused,omitempty"` // says that the slideshow is paused
	Muted  bool   `json:"muted,omitempty"`  // films play without sound, whatever Look.Volume is

	// Since is when the slide came, or a film was begun anew. It is zero without a slide.
	Since time.Time `json:"-"`
	// NextAt is when the next slide comes; zero if none does, or the slideshow is paused.
	NextAt time.Time `json:"-"`
	Volume *Volume   `json:"volume,omitempty"` // somebody changes it
}

// A Volume is shown for a moment while somebody changes it.
type Volume struct {
	Label   string `json:"label"`
	Percent int    `json:"percent"` // 0 while films are muted
}

// TimeOfDay is what a clock on a page shows.
type TimeOfDay struct {
	Clock string `json:"clock,omitempty"`
	Date  string `json:"date,omitempty"` // also without Clock
}

// Viewers is what depends on who sees a page.
type Viewers struct {
	Visit string `json:"visit,omitempty"` // changes when a person is forgotten: nothing shown before may be kept
	Own   *Own   `json:"-"`               // replaces the same fields on the box's own outputs
}

// Own is the part of a page that only people in front of the box may see: whoever has
// its code may set the box up. The box's own outputs are the framebuffer, the terminal
// and browsers on this machine.
type Own struct {
	QR     string
	Link   string
	Spoken string
	Steps  []string
	Hint   string
}

// OnBox returns the page as the box's own outputs show it.
func (p Page) OnBox() Page {
	if o := p.Own; o != nil {
		p.QR, p.Link, p.Spoken, p.Steps, p.Hint, p.Own = o.QR, o.Link, o.Spoken, o.Steps, o.Hint, nil
	}
	return p
}

// Ends are when things on a page end, for countdowns. A zero time is absent.
type Ends struct {
	Until    time.Time // when QR and code expire
	RetryAt  time.Time // time of the next attempt
	LeavesAt time.Time // when an inactive guest is forgotten
}

// Offer returns the offer of a verb. ok is false if the page has none.
func (p *Page) Offer(v Verb) (o Offer, ok bool) {
	for _, o := range p.Offers {
		if o.Wish.Verb == v {
			return o, true
		}
	}
	return Offer{}, false
}

// Label returns the label of the button for a verb, "" if the page does not offer
// it.
func (p *Page) Label(v Verb) string {
	o, _ := p.Offer(v)
	return o.Label
}

// Progress is how far a download is.
type Progress struct {
	Done   int `json:"done"`
	Total  int `json:"total"`
	Failed int `json:"failed,omitempty"`
}

// A Slide is a photo or video, or two photos: upright ones side by side, or wide ones one
// above the other.
type Slide struct {
	Media   []Media // one or two
	Stacked bool    // two, one above the other on the screen of the box
	Alt     string  // for screen readers
	Caption string
	Position
}

// A Position says how far the film of a slide is, without the time that it was paused. It
// is zero where there is no film.
type Position struct {
	Began time.Time // when it began, later by all its pauses
	Held  time.Time // when it was paused; zero while it plays
}

// At returns how far the film is.
func (p Position) At(now time.Time) time.Duration {
	switch {
	case p.Began.IsZero():
		return 0
	case !p.Held.IsZero():
		now = p.Held
	}
	return max(now.Sub(p.Began), 0)
}

// Media names one photo or video in the store.
type Media struct {
	File  string
	Video bool
	Item  string // ID of the item, "" if unknown
}

// A Menu is a list to choose from.
type Menu struct {
	Title    string
	Text     string
	Facts    []Fact
	Items    []MenuItem
	Selected int    // index into Items, moved by a remote control
	Columns  int    // of a keypad that the items are on, from the left; 0 means a list
	QR       string // content of the QR code in its corner
	QRLabel  string // what the code is for
}

// A MenuItem is one line to choose.
type MenuItem struct {
	ID    string `json:"id"`
	Label string `json:"label"`
}

// A Fact is one line of a Menu.
type Fact struct{ Name, Value string }

// A Style is how outputs show pages. It changes while they run.
type Style struct {
	Look
	Words *words.Words // for texts of the output's own; see Lang
}

// Lang returns the texts in the language of the page: Words, or English without.
func (s *Style) Lang() *words.Words {
	if s.Words == nil {
		return english()
	}
	return s.Words
}

var english = sync.OnceValue(words.English)

// A Look is how an output shows slides.
type Look struct {
	Fade     time.Duration // from one slide to the next; 0 means none
	Interval time.Duration // between slides
	Zoom     bool          // photos move as their Motion says
	Plain    bool          // fill the space around a photo with black, not with the blurred photo
	Mat      bool          // photos and videos are whole, with a passe-partout around them
	Fill     bool          // photos and videos fill the screen, and what does not fit is cut off
	Auto     bool          // those fill the screen that lose little of themselves by it
	Volume   int           // of films, in percent; 0 means that no sound is opened. See Playing.Muted
}
