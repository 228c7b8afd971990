package device

import (
	"time"

	"pickerd/display"
)

// A Snapshot is what the engine knows at one moment. It is immutable: the
// engine publishes a new one for each change, and the screen composes the page
// and the status from it.
type Snapshot struct {
	Seq   int // grows with each snapshot
	State State
	Since time.Time // when State began

	Account      *AccountStatus  // as in Status
	Accounts     []AccountStatus // as in Status, without names
	NewAccount   bool            // an account is being paired beside those in Accounts
	CanAdd       bool            // another account may be paired
	Method       string          // of pairing
	Code         *Code           // of the pairing under way
	TokenPending bool            // a token was issued and is not on disk yet
	Pick         *Pick
	Fetch        *Fetch
	Library      Library
	Sessions     Sessions

	Problem     *Problem // of the step under way
	Standing    *Problem // a lasting reason, to be told while there is no Problem
	Receipt     *Receipt
	Forgotten   *Forgotten
	ForgottenAt time.Time // when Forgotten ended
	Outstanding *Outstanding
	Refused     []RefusedMethod
	Recipient   string

	// Generation grows whenever somebody is forgotten. A Frame of an earlier
	// generation may show their photos.
	Generation int
}

// ReceiptFor is how long a Receipt is shown, and how an account was forgotten.
const ReceiptFor = 12 * time.Second

// A Code is the user_code or the link that a person signs in with.
type Code struct {
	Method          string
	UserCode        string // only with ByDevice
	VerificationURI string
	QRURI           string
	ExpiresAt       time.Time
	Answered        bool // a phone came back with an answer
}

// A Pick is the current pick.
type Pick struct {
	RequestID string
	SessionID string // "" until the session is created
	PickerURI string
	ExpiresAt time.Time // when PickerURI stops working; zero while unknown
	OnPhone   bool      // the phone that signed in was led to PickerURI
}

// A Receipt says what came of a pick.
type Receipt struct {
	RequestID  string
	Photos     int
	Videos     int
	Failed     int       // items that could not be fetched
	Unshowable int       // items that were fetched and can't be shown
	Until      time.Time // when the items are erased; zero if they are kept
	Deleted    bool      // the session is deleted at Google
	Since      time.Time // when this was known
}

// A Frame is what the slideshow shows at one moment. It is immutable.
type Frame struct {
	Seq        int // grows with each frame
	Slide      *display.Slide
	Next       *display.Slide // to be loaded ahead
	Paused     bool
	Unshowable bool // there are photos, and none can be shown
	// Generation is that of the Snapshot under which the photos were read.
	Generation int
}
