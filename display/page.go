package display

import "time"

// A Page is everything a screen shows at a moment. An empty member is absent
// from the screen.
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
	Photo    *Media // the picture on the screen; texts are small then
	Next     *Media // the picture after it, to be loaded ahead
	Receipt  string // a short word of thanks after a pick
	Account  string // who is linked to this screen

	PickLabel   string // what to call the wish to choose photos; empty when it can't be had now
	CancelLabel string // what to call the wish to stop choosing
	RenewLabel  string // what to call the wish for a fresh code
	ForgetLabel string // what to call the wish to forget the account
}

// Progress is how far a download is.
type Progress struct {
	Done, Total, Failed int
}

// Media names one photo or video in the store.
type Media struct {
	File  string
	Video bool
	Alt   string // for screen readers
}
