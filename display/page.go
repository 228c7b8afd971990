package display

import "time"

// A Page is everything that a screen shows at a moment, in the language of the
// screen. An empty member is absent. Encoded as JSON it has the members that
// outputs show as they are.
type Page struct {
	State   string   `json:"state"`            // for style sheets and tests; outputs decide nothing by it
	Device  string   `json:"device,omitempty"` // the screen's own name
	Title   string   `json:"title,omitempty"`  // the largest text: what is going on
	Text    string   `json:"text,omitempty"`   // a sentence or two under it
	Steps   []string `json:"steps,omitempty"`
	Hint    string   `json:"hint,omitempty"`    // one line of help
	QR      string   `json:"-"`                 // what the QR code holds
	Link    string   `json:"link,omitempty"`    // the address as text, for typing or reading
	Code    string   `json:"code,omitempty"`    // the user_code, as given
	Spoken  string   `json:"spoken,omitempty"`  // what to open or enter, letter by letter, for screen readers
	Problem string   `json:"problem,omitempty"` // what is wrong, over whatever else is shown
	Remedy  string   `json:"remedy,omitempty"`  // what to do about it
	Ends    `json:"-"`

	Progress *Progress `json:"progress,omitempty"`
	Slide    *Slide    `json:"-"`                 // what is on the screen; texts are small then
	Next     *Slide    `json:"-"`                 // what comes after it, to be loaded ahead
	Paused   string    `json:"paused,omitempty"`  // says that the slideshow is paused
	Receipt  string    `json:"receipt,omitempty"` // what came of a pick
	Account  string    `json:"account,omitempty"` // who is linked to this screen
	Clock    string    `json:"clock,omitempty"`   // the time of day
	Date     string    `json:"date,omitempty"`
	Night    bool      `json:"night,omitempty"` // the screen is black, whatever else is in the page

	Offers []Offer `json:"-"`               // what may be asked for now, at most one of each verb
	Visit  string  `json:"visit,omitempty"` // changes when somebody is forgotten: nothing shown before may be kept

	Menu *Menu `json:"-"` // over everything else
}

// Ends are when things on a page end, for countdowns; zero where there is none.
type Ends struct {
	Until    time.Time // QR and code
	RetryAt  time.Time // the wait for the next try
	LeavesAt time.Time // the patience with an inactive guest, who is then forgotten
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
