package device

import (
	"time"

	"pickerd/store"
)

// A Status is what other programs on the box may know. No token, device_code
// or secret is ever part of it.
type Status struct {
	State    State          `json:"state"`
	Since    time.Time      `json:"since"`
	Name     string         `json:"name"`
	Pairing  *PairingStatus `json:"pairing,omitempty"`
	Pick     *PickStatus    `json:"pick,omitempty"`
	Fetch    *Fetch         `json:"fetch,omitempty"`
	Library  Library        `json:"library"`
	Sessions Sessions       `json:"sessions"`
	Problem  *Problem       `json:"problem,omitempty"`

	// Account is whose the pick under way is, or was last, or who was paired last.
	Account *AccountStatus `json:"account,omitempty"`
	// Accounts are all that are paired.
	Accounts []AccountStatus `json:"accounts,omitempty"`
	// Asking is "who" while the screen asks who is choosing.
	Asking string `json:"asking,omitempty"`
	// Guest is there in the mode "guest".
	Guest *GuestStatus `json:"guest,omitempty"`
	// Outstanding is what of forgotten accounts Google is still to be told.
	Outstanding *Outstanding `json:"outstanding,omitempty"`
	// Forgotten is how it ended; it stands for a few seconds.
	Forgotten *Forgotten `json:"forgotten,omitempty"`
	// Refused are the ways to pair that Google does not serve.
	Refused []RefusedMethod `json:"refused_methods,omitempty"`
	// Screen is the one that the box draws on by itself.
	Screen *ScreenStatus `json:"screen,omitempty"`
	// DisplayKey is what browsers on other machines have to know; absent where
	// none can reach the page.
	DisplayKey string `json:"display_key,omitempty"`
	// Recipient is what token files for this box are sealed to (age).
	Recipient string `json:"recipient,omitempty"`
}

// A ScreenStatus is the screen of the output "framebuffer", or why there is none.
type ScreenStatus struct {
	Width  int    `json:"width,omitempty"`
	Height int    `json:"height,omitempty"`
	Error  string `json:"error,omitempty"`
}

// A GuestStatus is what a kiosk tells of its guest.
type GuestStatus struct {
	// ForgetsAt is when somebody is forgotten who does not say that they are still
	// here; it is absent while that is far.
	ForgetsAt time.Time `json:"forgets_at,omitzero"`
}

// AccountStatus is somebody who has paired the box.
type AccountStatus struct {
	ID       string    `json:"id"`
	Name     string    `json:"name,omitempty"`  // what the screen calls them, in accounts
	Email    string    `json:"email,omitempty"` // where the scopes openid and email tell it
	Method   string    `json:"method,omitempty"`
	PairedAt time.Time `json:"paired_at"`
}

// Forgotten is how the forgetting of an account ended.
type Forgotten struct {
	Revocation string `json:"revocation"` // "none" was asked for, or "done", or "refused" by the server
}

func accountOf(g *store.Grant) *AccountStatus {
	if g == nil {
		return nil
	}
	return &AccountStatus{ID: g.ID, Email: g.Account, Method: g.Method, PairedAt: g.PairedAt.UTC()}
}

// A RefusedMethod is a way to pair that the server does not serve.
type RefusedMethod struct {
	Method string `json:"method"`
	Error  string `json:"error"` // RFC 6749 §5.2
	Reason string `json:"reason,omitempty"`
}

// PairingStatus is the code or link on the screen.
type PairingStatus struct {
	Method          string    `json:"method"`
	UserCode        string    `json:"user_code,omitempty"`
	VerificationURI string    `json:"verification_uri,omitempty"`
	QRURI           string    `json:"qr_uri,omitempty"`
	ExpiresAt       time.Time `json:"expires_at,omitzero"`
}

// PickStatus is the pick in use.
type PickStatus struct {
	RequestID string     `json:"request_id"`
	SessionID string     `json:"session_id,omitempty"`
	PickerURI string     `json:"picker_uri,omitempty"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

// Fetch is how far a download is. Bytes are those that this process brought.
type Fetch struct {
	Done   int   `json:"done"`
	Total  int   `json:"total"`
	Failed int   `json:"failed"`
	Bytes  int64 `json:"bytes"`
}

// Library is what is here to be shown.
type Library struct {
	Items  int   `json:"items"`            // also hidden ones
	Hidden int   `json:"hidden,omitempty"` // those
	Bytes  int64 `json:"bytes"`
}

func libraryOf(l store.Library) Library { return Library{l.Photos, l.Hidden, l.Bytes} }

// Sessions counts picking sessions at Google.
type Sessions struct {
	Open            int `json:"open"`
	PendingDeletion int `json:"pending_deletion"`
}

// A Problem is what is wrong, in words for people.
type Problem struct {
	Code    string    `json:"code"`
	Message string    `json:"message"`
	Remedy  string    `json:"remedy,omitempty"`
	RetryAt time.Time `json:"retry_at,omitzero"`
	// Ways is what an operator can do to open other ways to pair.
	Ways []string `json:"ways,omitempty"`

	key      string   // of the message in display/words
	args     []any    // of the message
	open     []string // methods of pairing that an operator could open
	operator bool
	asked    bool // somebody may let it be asked again
	offline  bool
	disk     bool // nothing can be kept
	since    time.Time
}

// Error makes a Problem an error.
func (p *Problem) Error() string { return p.Message }

// status composes what other programs see. It has no input but the view.
func (v *view) status() Status {
	s := Status{State: v.state, Since: v.since.UTC(), Name: v.name, Library: v.library, Sessions: v.sessions, Fetch: v.fetch,
		Account: v.account, Outstanding: v.outstanding, Refused: v.refused, Recipient: v.recipient, Screen: v.screen, DisplayKey: v.displayKey}
	for i := range v.accounts {
		a := accountOf(&v.accounts[i])
		a.Name = v.nameOf(i)
		s.Accounts = append(s.Accounts, *a)
	}
	if v.menu.page == menuWho {
		s.Asking = "who"
	}
	if v.guests {
		s.Guest = &GuestStatus{v.leavesAt.UTC()}
		if v.leavesAt.IsZero() {
			s.Guest = &GuestStatus{}
		}
	}
	if f := v.farewell; f != nil {
		s.Forgotten = &Forgotten{f.revocation()}
	}
	switch p := v.pairing; {
	case v.state != Pairing, v.unfit():
	case v.method == ByImport:
		s.Pairing = &PairingStatus{Method: v.method}
	case p != nil && !v.ended && !v.granted && !p.Answered():
		s.Pairing = &PairingStatus{Method: p.Method, UserCode: p.UserCode, VerificationURI: p.VerificationURI,
			QRURI: p.QRURI, ExpiresAt: v.pairUntil.UTC()}
	}
	if p := v.pick; p != nil {
		s.Pick = &PickStatus{RequestID: p.RequestID, SessionID: p.SessionID}
		if v.state == Picking && !v.ended {
			s.Pick.PickerURI = p.PickerURI
			if !v.pickUntil.IsZero() {
				s.Pick.ExpiresAt = new(v.pickUntil.UTC())
			}
		}
	}
	if p := v.trouble(); p != nil {
		out := *p
		out.RetryAt = p.RetryAt.UTC()
		if p.RetryAt.IsZero() {
			out.RetryAt = time.Time{}
		}
		s.Problem = &out
	}
	return s
}
