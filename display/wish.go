package display

// A Verb is the action that a Wish requests.
type Verb string

// The actions that people and programs may request.
const (
	Pick     Verb = "pick"     // start a pick, for Account if several are paired
	Cancel   Verb = "cancel"   // end the current pick or pairing
	Renew    Verb = "renew"    // replace the code on the screen
	Forget   Verb = "forget"   // forget Account, or all accounts; with Everywhere at the server too
	Hide     Verb = "hide"     // hide Item from the slideshow
	Unhide   Verb = "unhide"   // show Item again
	Remove   Verb = "remove"   // delete Item from the box
	Next     Verb = "next"     // go to the next slide
	Previous Verb = "previous" // go back one slide
	Pause    Verb = "pause"    // pause the slideshow, or resume it

	AskForget   Verb = "ask-forget"   // ask what to forget; a guest is forgotten without a question
	Stay        Verb = "stay"         // note that a person is at the screen
	CloseRemote Verb = "close-remote" // end the phone remote
)

// A Wish is one request from a person or a program.
type Wish struct {
	Verb       Verb
	Account    string // by ID; "" without a choice
	Item       string // by ID
	Everywhere bool
}

// An Offer is a Wish that a page permits, with the label of its button. Keys act only
// on what the page offers.
type Offer struct {
	Wish  Wish
	Label string
	Key   string // key of Label in display/words
}
