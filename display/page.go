package display

import "time"

// A Page is everything that a screen shows at a moment, in the language of the
// interface. An empty member is absent from the screen.
type Page struct {
	State   string // for style sheets and tests; outputs decide nothing by it
	Device  string // the screen's own name
	Title   string // the largest text: what is going on
	Text    string // a sentence or two under it
	Steps   []string
	Hint    string    // one line of help
	QR      string    // what the QR code holds
	Link    string    // the address as text, for typing or reading
	Code    string    // the user_code, as given
	Spoken  string    // what to open or enter, letter by letter, for those who hear it
	Until   time.Time // when QR and code end, for a countdown
	Problem string    // what is wrong, over whatever else is shown
	Remedy  string    // what to do about it
	RetryAt time.Time // when it is tried again

	Progress *Progress
	Slide    *Slide // what is on the screen; texts are small then
	Next     *Slide // what comes after it, to be loaded ahead
	Paused   string // says that the slideshow stands still
	Receipt  string // a short word of thanks after a pick
	Account  string // who is linked to this screen
	Clock    string // the time of day
	Date     string
	Night    bool // the screen is black, whatever else is in the page

	Offers   []Offer   // what may be asked for now, at most one of each verb
	LeavesAt time.Time // when an inactive guest is forgotten, for a countdown
	Visit    string    // changes when somebody is forgotten: nothing shown before may be kept

	Menu *Menu // over everything else
}

// Offer returns what the page offers of a verb.
func (p *Page) Offer(v Verb) (o Offer, ok bool) {
	for _, o := range p.Offers {
		if o.Wish.Verb == v {
			return o, true
		}
	}
	return Offer{}, false
}

// Label returns what the button of a verb says, "" if the page does not offer it.
func (p *Page) Label(v Verb) string {
	o, _ := p.Offer(v)
	return o.Label
}

// Progress is how far a download is.
type Progress struct {
	Done, Total, Failed int
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
	Selected int    // of Items, by a remote control
	QR       string // what a code in its corner holds
	QRLabel  string // what that is for
}

// A MenuItem is one line to choose.
type MenuItem struct{ ID, Label string }

// A Fact is one line of a Menu.
type Fact struct{ Name, Value string }

// A Look is how an output shows slides.
type Look struct {
	Fade     time.Duration // from one slide to the next; 0 means at once
	Interval time.Duration // that a slide stays
	Zoom     bool          // slowly, while a slide stays
	Plain    bool          // black where a photo leaves room, not the photo blurred
}
