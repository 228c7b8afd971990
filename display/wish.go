package display

// A Verb is what a Wish asks for.
type Verb string

// What people and programs may ask of a box.
const (
	Pick     Verb = "pick"     // choose photos, as Account where several are paired
	Cancel   Verb = "cancel"   // end the pick or the pairing under way
	Renew    Verb = "renew"    // replace the code on the screen
	Forget   Verb = "forget"   // forget Account, or everybody; with Everywhere at the server too
	Hide     Verb = "hide"     // leave Item out of the slideshow
	Unhide   Verb = "unhide"   // show Item again
	Remove   Verb = "remove"   // delete Item from the box
	Next     Verb = "next"     // go to the next slide
	Previous Verb = "previous" // go back one slide
	Pause    Verb = "pause"    // pause the slideshow, or resume it

	AskForget   Verb = "ask-forget"   // ask what is to be forgotten; a guest is forgotten at once
	Stay        Verb = "stay"         // somebody is at the screen
	CloseRemote Verb = "close-remote" // end the phone remote
)

// A Wish is one request of a person or a program.
type Wish struct {
	Verb       Verb
	Account    string // by ID; "" where there is no choice
	Item       string // by ID
	Everywhere bool
}

// An Offer is a Wish that a page lets people make, and what its button says.
// What is not offered can't be asked for with a key.
type Offer struct {
	Wish  Wish
	Label string
	Key   string // of Label in display/words
}
