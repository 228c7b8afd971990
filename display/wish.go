package display

// A Verb is the action that a Wish requests.
type Verb string

// The actions that people and programs may request.
const (
	Pick   Verb = "pick"   // start a pick, for Account if several are paired, and for Collection
	Cancel Verb = "cancel" // end the current pick or pairing
	Renew  Verb = "renew"  // replace the code on the screen
	Forget Verb = "forget" // forget Account, or all accounts; with Everywhere at the server too
	Hide   Verb = "hide"   // hide Item from the slideshow
	Unhide Verb = "unhide" // show Item again, or all hidden items
	Remove Verb = "remove" // delete Item from the box

	Next       Verb = "next"        // go to the next slide
	Previous   Verb = "previous"    // go back one slide, or to the beginning of a film
	Pause      Verb = "pause"       // pause the slideshow, or resume it
	Hold       Verb = "hold"        // pause it, if it is not paused
	Resume     Verb = "resume"      // resume it, if it is paused
	Mute       Verb = "mute"        // mute films, or unmute them
	Silence    Verb = "silence"     // mute them, if they are not muted
	Unmute     Verb = "unmute"      // unmute them, if they are muted
	VolumeUp   Verb = "volume-up"   // films louder by a step, and unmuted
	VolumeDown Verb = "volume-down" // films quieter by a step

	ScreenOff Verb = "screen-off" // make the screen black until somebody uses it, or the morning
	ScreenOn  Verb = "screen-on"  // end that, and wake the screen at night

	// Activity notes that somebody is near, as a sensor or another program says. It wakes
	// the screen unless somebody has switched it off.
	Activity Verb = "activity"

	AskForget   Verb = "ask-forget"   // ask what to forget; a guest is forgotten without a question
	Stay        Verb = "stay"         // note that a person is at the screen
	CloseRemote Verb = "close-remote" // end the phone remote

	AllowDisplay  Verb = "allow-display"  // let in the browser that shows the code Item
	RemoveDisplay Verb = "remove-display" // let the browser Item in no longer

	RenameCollection Verb = "rename-collection" // give Collection another Name
	RemoveCollection Verb = "remove-collection" // delete Collection and the photos that are in no other
)

// IsOfSlides reports whether the slideshow grants a verb.
func (v Verb) IsOfSlides() bool {
	switch v {
	case Next, Previous, Pause, Hold, Resume, Mute, Silence, Unmute:
		return true
	}
	return false
}

// IsOfSound reports whether a verb is about how loud films are.
func (v Verb) IsOfSound() bool {
	switch v {
	case Mute, Silence, Unmute, VolumeUp, VolumeDown:
		return true
	}
	return false
}

// A Wish is one request from a person or a program.
type Wish struct {
	Verb       Verb
	Account    string // by ID; "" without a choice
	Item       string // by ID, or a code
	Everywhere bool
	Collection string // by ID; for a Pick also by name, which may be new; "" for the default one
	Name       string
}

// An Offer is a Wish that a page permits, with the label of its button. Keys act only
// on what the page offers.
type Offer struct {
	Wish  Wish
	Label string
	Key   string // key of Label in display/words
}
