package store

import (
	"log/slog"
	"time"
)

// A Grant is one pairing: the right to act for one person until it is revoked.
// Sessions made under a grant can be seen and deleted under that grant only.
type Grant struct {
	ID           string    `json:"id"`
	AccessToken  string    `json:"access_token"`
	RefreshToken string    `json:"refresh_token"`
	ExpiresAt    time.Time `json:"expires_at"` // of the access token
	Scopes       []string  `json:"scopes"`
	PairedAt     time.Time `json:"paired_at"`
	// Method is how the person signed in: "device", "relay", "paste", "import".
	Method string `json:"method,omitempty"`
	// The client that the token was granted to. Only it can refresh and revoke
	// the token, and delete the sessions made with it, whatever the
	// configuration says by then. Empty in records from before there were
	// several.
	ClientID     string `json:"client_id,omitempty"`
	ClientSecret string `json:"client_secret,omitempty"`
	// Account is the person's e-mail address where the scopes tell it.
	Account string `json:"account,omitempty"`
	// Imported is the fingerprint of the token file that the box was delivered
	// with, if that brought the grant.
	Imported string `json:"imported,omitempty"`

	// Retired means that the person was unpaired; the token is kept only
	// until the sessions made with it are deleted and, where Revoke says so,
	// it is revoked.
	Retired bool `json:"retired,omitempty"`
	Revoke  bool `json:"revoke,omitempty"`
	// Locked means that the key is not at hand which the record is sealed
	// with. Nothing else is known of it then, and it is kept as it is.
	Locked bool `json:"-"`
	// Dead means that the server no longer accepts the refresh token.
	Dead bool `json:"dead,omitempty"`
}

// InForce reports whether picks can be made with a grant.
func (g *Grant) InForce() bool { return !g.Retired && !g.Dead && !g.Locked }

// LogValue keeps tokens out of logs.
func (g Grant) LogValue() slog.Value { return slog.StringValue("grant " + g.ID) }

// String keeps tokens out of messages.
func (g Grant) String() string { return "grant " + g.ID }

// GoString keeps tokens out of messages.
func (g Grant) GoString() string { return g.String() }

// A Pairing is an authorization under way. It survives a restart, so that an
// approval given meanwhile counts.
type Pairing struct {
	Method    string    `json:"method"`
	ClientID  string    `json:"client_id,omitempty"` // the client that asked
	RequestID string    `json:"request_id"`          // of the pick that follows
	QRURI     string    `json:"qr_uri"`
	StartedAt time.Time `json:"started_at"`
	ExpiresAt time.Time `json:"expires_at"`

	// Of the device flow (RFC 8628 §3.2).
	DeviceCode      string        `json:"device_code,omitempty"`
	UserCode        string        `json:"user_code,omitempty"`
	VerificationURI string        `json:"verification_uri,omitempty"`
	Interval        time.Duration `json:"interval,omitempty"`
	// Before is the code that this one has replaced on the screen. Until its
	// own end it is asked about too: somebody may be typing it.
	Before *Pairing `json:"before,omitempty"`

	// Of the authorization code flow (RFC 6749 §4.1, RFC 7636).
	Link        string `json:"link,omitempty"`  // unguessable part of the address on this box
	Nonce       string `json:"nonce,omitempty"` // what state proves
	State       string `json:"state,omitempty"`
	Verifier    string `json:"verifier,omitempty"` // code_verifier
	RedirectURI string `json:"redirect_uri,omitempty"`
	// What the phone brought back; one of them is set, once.
	Code    string `json:"code,omitempty"`
	Refusal string `json:"refusal,omitempty"` // error code, RFC 6749 §4.1.2.1
}

// Answered reports whether a phone has come back.
func (p *Pairing) Answered() bool { return p.Code != "" || p.Refusal != "" }

// LogValue keeps the codes out of logs.
func (p Pairing) LogValue() slog.Value { return slog.StringValue("pairing for " + p.RequestID) }

// String keeps the codes out of messages.
func (p Pairing) String() string { return "pairing for " + p.RequestID }

// GoString keeps the codes out of messages.
func (p Pairing) GoString() string { return p.String() }

// A Refusal is what the server does not do for a client, found out by asking.
type Refusal struct {
	Fingerprint string    `json:"fingerprint"` // of what was asked with; a changed configuration has another
	Method      string    `json:"method"`
	Code        string    `json:"code"` // RFC 6749 §5.2
	Description string    `json:"description,omitempty"`
	At          time.Time `json:"at"`
}

// A Pick is one picking session from the intent to make it until it is known
// to be deleted. Its life only moves forward: intent (no SessionID), open,
// done, over, forgotten.
type Pick struct {
	RequestID  string    `json:"request_id"`
	GrantID    string    `json:"grant_id"`
	SessionID  string    `json:"session_id,omitempty"`
	PickerURI  string    `json:"picker_uri,omitempty"`
	CreatedAt  time.Time `json:"created_at"`
	ExpireTime time.Time `json:"expire_time"`
	// Asked means that Google may have made a session for this pick, even if
	// its id is not known.
	Asked bool `json:"asked,omitempty"`
	// AskUntil is when polling has to stop; zero while the server has not said.
	AskUntil time.Time `json:"ask_until"`
	// Interval is the newest poll interval.
	Interval time.Duration `json:"interval,omitempty"`
	// Done means that the person chose and tapped Done.
	Done bool `json:"done,omitempty"`
	// Over says why nothing more is wanted of the session but its deletion;
	// empty while it is in use.
	Over string `json:"over,omitempty"`
	// Replaces counts the sessions before this one that nobody used.
	Replaces int `json:"replaces,omitempty"`
}

// A Photo is one complete media file.
type Photo struct {
	ID         string        `json:"id"` // the media item's id
	File       string        `json:"file"`
	Type       string        `json:"type"` // PHOTO or VIDEO
	MimeType   string        `json:"mime_type"`
	Filename   string        `json:"filename,omitempty"` // what the person called it; for show only
	CreateTime time.Time     `json:"create_time"`
	Width      int           `json:"width,omitempty"`  // of the file, 0 if not known
	Height     int           `json:"height,omitempty"` // of the file, 0 if not known
	Duration   time.Duration `json:"duration,omitempty"`
	Bytes      int64         `json:"bytes"`
	CRC32C     string        `json:"crc32c,omitempty"` // of the file, hexadecimal: against accidents of the disk
	Pick       string        `json:"pick"`             // requestId of the newest pick that holds it
	Index      int           `json:"index"`            // place in that pick
	AddedAt    time.Time     `json:"added_at"`
	// Grant is whose photo it is, by Grant.ID; empty in records from before there
	// were several people, and where the record was lost.
	Grant  string `json:"grant,omitempty"`
	Hidden bool   `json:"hidden,omitempty"` // somebody does not want to see it now
}
