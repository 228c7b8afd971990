package device

import "time"

// A Status is what other programs on the box may know. It never contains a
// token, a device_code or another secret. openapi.json in device/control
// describes it.
type Status struct {
	State    State          `json:"state"`
	Since    time.Time      `json:"since"`
	Name     string         `json:"name"`
	Pairing  *PairingStatus `json:"pairing,omitempty"`
	Pick     *PickStatus    `json:"pick,omitempty"`
	LastPick *PickEnd       `json:"last_pick,omitempty"` // the newest that has ended, if nobody was forgotten since
	Fetch    *Fetch         `json:"fetch,omitempty"`
	Library  Library        `json:"library"`
	Sessions Sessions       `json:"sessions"`
	Problem  *ProblemStatus `json:"problem,omitempty"`

	// Account is the account of the current pick, or else of the last one, or
	// else the one paired last.
	Account *AccountStatus `json:"account,omitempty"`
	// Accounts are all paired accounts, in the order paired.
	Accounts []AccountStatus `json:"accounts,omitempty"`
	// Asking is "who" while the screen asks who is choosing.
	Asking string `json:"asking,omitempty"`
	// Guest is present in mode "guest".
	Guest *GuestStatus `json:"guest,omitempty"`
	// Outstanding is what the server must still be told about forgotten accounts.
	Outstanding *Outstanding `json:"outstanding,omitempty"`
	// Forgotten is how forgetting an account ended. It is present for a few seconds.
	Forgotten *Forgotten `json:"forgotten,omitempty"`
	// Refused are the pairing methods that the server refuses.
	Refused []RefusedMethod `json:"refused_methods,omitempty"`
	// Showing is the photo or video on the screen.
	Showing *ShowingStatus `json:"showing,omitempty"`
	// ScreenOn is false while the screen is black, at night or at somebody's wish.
	ScreenOn bool `json:"screen_on"`
	// Screen is the screen that the box draws on itself.
	Screen *ScreenStatus `json:"screen,omitempty"`
	// Broker is the connection to an MQTT broker. It is absent if none is configured.
	Broker *BrokerStatus `json:"broker,omitempty"`
	// Displays is the number of browsers on other machines that are let in, see
	// Displays.
	Displays int `json:"displays,omitempty"`
	// DisplayKey is the key that browsers on other machines need. It is absent
	// where no other machine can reach the page.
	DisplayKey string `json:"display_key,omitempty"`
	// Recipient is the age recipient that token files for this box are sealed to.
	Recipient string `json:"recipient,omitempty"`
}

// A ScreenStatus is the screen of the framebuffer output, or why there is none.
type ScreenStatus struct {
	Width  int    `json:"width,omitempty"`
	Height int    `json:"height,omitempty"`
	Error  string `json:"error,omitempty"`
	// Unshowable is absent if the screen could show what it has tried so far.
	Unshowable *Lacking `json:"unshowable,omitempty"`
}

// A BrokerStatus is the connection to an MQTT broker, or why there is none.
type BrokerStatus struct {
	Address string `json:"address"` // host and port
	// Since is when the box was connected. It is absent while it is not.
	Since time.Time `json:"since,omitzero"`
	// Error is why the last try failed, or how the connection was lost.
	Error string `json:"error,omitempty"`
}

// A ShowingStatus is the photo or video on the screen, the first one of two.
type ShowingStatus struct {
	Item    string    `json:"item"`
	Account string    `json:"account,omitempty"` // of the owner, by ID
	Since   time.Time `json:"since"`
	// Until is when the next one comes. It is absent if none does.
	Until  time.Time `json:"until,omitzero"`
	Paused bool      `json:"paused"`
	// Muted says that films play without sound, whatever the volume is.
	Muted bool `json:"muted"`
}

// A GuestStatus describes the guest of a box in mode "guest".
type GuestStatus struct {
	// ForgetsAt is when an inactive guest is forgotten. It is absent until the
	// countdown begins.
	ForgetsAt time.Time `json:"forgets_at,omitzero"`
}

// An AccountStatus is a paired account.
type AccountStatus struct {
	ID       string    `json:"id"`
	Name     string    `json:"name,omitempty"`  // as the screen lists it, in Status.Accounts
	Email    string    `json:"email,omitempty"` // known with the scopes openid and email
	Method   string    `json:"method,omitempty"`
	PairedAt time.Time `json:"paired_at"`
}

// Forgotten is how forgetting an account ended.
type Forgotten struct {
	// Revocation is "done", "refused" by the server, or "none" if none was asked for.
	Revocation string `json:"revocation"`
	// At is when the account was gone, in a Snapshot.
	At time.Time `json:"-"`
}

// Revocations of Forgotten.
const (
	RevocationNone    = "none"
	RevocationDone    = "done"
	RevocationRefused = "refused"
)

// A RefusedMethod is a pairing method that the server refuses.
type RefusedMethod struct {
	Method string `json:"method"`
	Error  string `json:"error"` // RFC 6749 §5.2
	Reason string `json:"reason,omitempty"`
}

// A PairingStatus is the code or link on the screen.
type PairingStatus struct {
	Method          string    `json:"method"`
	UserCode        string    `json:"user_code,omitempty"`
	VerificationURI string    `json:"verification_uri,omitempty"`
	QRURI           string    `json:"qr_uri,omitempty"`
	ExpiresAt       time.Time `json:"expires_at,omitzero"`
}

// A PickStatus is the current pick.
type PickStatus struct {
	RequestID string     `json:"request_id"`
	SessionID string     `json:"session_id,omitempty"`
	PickerURI string     `json:"picker_uri,omitempty"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	// Collection is the ID of the one that the photos go to; "" for the default one.
	Collection string `json:"collection,omitempty"`
}

// A PickEnd is how a pick ended.
type PickEnd struct {
	RequestID string `json:"request_id"`
	// Outcome is "done", "cancelled", "time-out" or another reason.
	Outcome string    `json:"outcome"`
	Photos  int       `json:"photos"` // that it brought
	Videos  int       `json:"videos"`
	Failed  int       `json:"failed"` // items that could not be fetched
	At      time.Time `json:"at"`
}

// PickDone is the Outcome of a pick whose items were fetched.
const PickDone = "done"

// Fetch is the progress of a download. Bytes counts what this process received.
type Fetch struct {
	Done   int   `json:"done"`
	Total  int   `json:"total"`
	Failed int   `json:"failed"`
	Bytes  int64 `json:"bytes"`
}

// Library is the collection on the box.
type Library struct {
	Items  int   `json:"items"`            // including hidden ones
	Hidden int   `json:"hidden,omitempty"` // of Items
	Bytes  int64 `json:"bytes"`
}

// Visible returns the number of items that are not hidden.
func (l Library) Visible() int { return l.Items - l.Hidden }

// Sessions counts picking sessions at Google.
type Sessions struct {
	Open            int `json:"open"`
	PendingDeletion int `json:"pending_deletion"`
	// Oldest is when the oldest of them was created, zero without any.
	Oldest time.Time `json:"oldest,omitzero"`
}

// Outstanding is what the server must still be told about forgotten accounts.
type Outstanding struct {
	Sessions   int  `json:"sessions"`   // to be deleted
	Revocation bool `json:"revocation"` // of a token
}

// A ProblemStatus is a Problem in English, for other programs.
type ProblemStatus struct {
	Code    string    `json:"code"`
	Message string    `json:"message"`
	Remedy  string    `json:"remedy,omitempty"`
	RetryAt time.Time `json:"retry_at,omitzero"`
	// Ways is what an operator can do to enable other pairing methods.
	Ways []string `json:"ways,omitempty"`
	// File, Line and Key are the place of a problem with the configuration.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	Key  string `json:"key,omitempty"`
}
