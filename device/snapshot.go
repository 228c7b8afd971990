package device

import (
	"strconv"
	"strings"
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
	Collections  []Collection // the named ones, without what they have
	Sessions     Sessions

	SetUp       *SetUpInfo // in the state SetUp
	Problem     *Problem   // of the step under way
	Standing    *Problem   // a lasting reason, to be told while there is no Problem
	Receipt     *Receipt
	LastPick    *PickEnd
	Forgotten   *Forgotten
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
	// Collection is the ID of the one that the photos are for, "" for the default one.
	Collection string
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

// Shown is the item of a slide, the first one of two. It is the zero Shown without a
// slide.
type Shown struct {
	Item    string    // by ID
	Account string    // of the owner, by ID; "" if unknown
	Since   time.Time // when it came
	Until   time.Time // when the next slide comes; zero if none does, or the slideshow is paused
}

// Lacking is what the box's own screen can't show, or of a film no more than a still, as
// far as it has tried.
type Lacking struct {
	Count int      `json:"count"`
	Names []string `json:"names"` // of the first ones
}

// String says what the screen can't show, without a remedy.
func (l Lacking) String() string {
	what, more := "1 photo or video", ""
	if l.Count != 1 {
		what = strconv.Itoa(l.Count) + " photos and videos"
	}
	if l.Count > len(l.Names) {
		more = ", …"
	}
	return what + " can't be shown on the screen: " + strings.Join(l.Names, ", ") + more
}

// A Frame is what the slideshow shows at one moment. It is immutable.
type Frame struct {
	Seq        int // grows with each frame
	Slide      *display.Slide
	Next       *display.Slide // to be loaded ahead
	Paused     bool
	Held       time.Time // when it was paused; zero while it isn't
	Muted      bool
	Unshowable bool // there are photos, and none can be shown
	Shown      Shown
	Lacking    Lacking
	// Generation is that of the Snapshot under which the photos were read.
	Generation int
}
