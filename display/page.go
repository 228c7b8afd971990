package display

import "time"

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

	Slide   *Slide `json:"-"`                 // what is on the screen; texts are small then
	Next    *Slide `json:"-"`                 // the slide after it, to be loaded ahead
	Paused  string `json:"paused,omitempty"`  // says that the slideshow is paused
	Receipt string `json:"receipt,omitempty"` // what a pick has added
	Account string `json:"account,omitempty"` // linked to this screen
	Clock   string `json:"clock,omitempty"`   // the time of day
	Date    string `json:"date,omitempty"`
	Night   bool   `json:"night,omitempty"` // the screen is black, whatever else is in the page

	Offers []Offer `json:"-"`               // what may be asked for now, at most one of each verb
	Visit  string  `json:"visit,omitempty"` // changes when a person is forgotten: nothing shown before may be kept

	Menu *Menu `json:"-"` // over everything else
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

// A Slide is a photo or video, or two upright photos side by side.
type Slide struct {
	Media   []Media // one or two
	Alt     string  // for screen readers
	Caption string
}

// Media names one photo or video in the store.
type Media struct {
	File  string
	Video bool
}

// A Menu is a list to choose from.
type Menu struct {
	Title    string
	Text     string
	Facts    []Fact
	Items    []MenuItem
	Selected int    // index into Items, moved by a remote control
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

// A Look is how an output shows slides.
type Look struct {
	Fade     time.Duration // from one slide to the next; 0 means none
	Interval time.Duration // between slides
	Zoom     bool          // zoom slowly into a slide
	Plain    bool          // fill the space around a photo with black, not with the blurred photo
}
