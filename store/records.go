package store

import (
	"log/slog"
	"time"
)

// A Grant is one pairing: the right to act for one account until it is revoked.
// Sessions made with a grant can be read and deleted with that grant only.
type Grant struct {
	ID           string    `json:"id"`
	AccessToken  string    `json:"access_token"`
	RefreshToken string    `json:"refresh_token"`
	ExpiresAt    time.Time `json:"expires_at"` // of the access token
	Scopes       []string  `json:"scopes"`
	PairedAt     time.Time `json:"paired_at"`
	// Method is the pairing method: "device", "relay", "paste" or "import".
	Method string `json:"method,omitempty"`
	// ClientID and ClientSecret are the OAuth client that the token was issued to.
	// Only that client can refresh and revoke it, even if the configuration names
	// another one by now. Both are empty in old records.
	ClientID     string `json:"client_id,omitempty"`
	ClientSecret string `json:"client_secret,omitempty"`
	// Issuer is the issuer of the metadata that named the server, "" if its
	// addresses were configured. TokenURL and RevokeURL are the addresses of the
	// server that issued the token. The token is sent to no other server, whatever
	// is configured now. RevokeURL is "" if the server has none. TokenURL is "" in
	// old records until Store.AdoptAddresses.
	Issuer    string `json:"issuer,omitempty"`
	TokenURL  string `json:"token_url,omitempty"`
	RevokeURL string `json:"revoke_url,omitempty"`
	// Handover is what the server is still to be told about the token, nil if
	// there is nothing.
	Handover *Handover `json:"handover,omitempty"`
	// Account is the account's e-mail address, if the scopes include it.
	Account string `json:"account,omitempty"`
	// Imported is the fingerprint of the token file that brought the grant, if
	// any.
	Imported string `json:"imported,omitempty"`

	// Retired means that the account was unpaired. The token is kept only until
	// the grant's sessions are deleted and, with Revoke, until it is revoked.
	Retired bool `json:"retired,omitempty"`
	Revoke  bool `json:"revoke,omitempty"`
	// Locked means that the record is sealed with an unknown key. Only ID and Dead
	// are set then, and the record is kept as it is.
	Locked bool `json:"-"`
	// Dead means that the server no longer accepts the refresh token.
	Dead bool `json:"dead,omitempty"`
}

// A Handover is what a server is still to be told about a token that it issued to
// a device. It is erased once that is done.
type Handover struct {
	DeviceCode  string    `json:"device_code"`
	ReceivedURL string    `json:"received_url,omitempty"` // to be told that the token is stored; "" if it was
	ContinueURL string    `json:"continue_url,omitempty"` // to be told where the phone goes on; "" for nobody
	Until       time.Time `json:"until"`                  // nothing is told from then on
}

// LogValue keeps the code out of logs.
func (h Handover) LogValue() slog.Value { return slog.StringValue("handover") }

// String keeps the code out of messages.
func (h Handover) String() string { return "handover" }

// GoString keeps the code out of messages.
func (h Handover) GoString() string { return h.String() }

// InForce reports whether picks can be made with the grant.
func (g *Grant) InForce() bool { return !g.Retired && !g.Dead && !g.Locked }

// LogValue keeps tokens out of logs.
func (g Grant) LogValue() slog.Value { return slog.StringValue("grant " + g.ID) }

// String keeps tokens out of messages.
func (g Grant) String() string { return "grant " + g.ID }

// GoString keeps tokens out of messages.
func (g Grant) GoString() string { return g.String() }

// A Pairing is an authorization in progress. It is stored so that an approval
// during a restart is not lost.
type Pairing struct {
	Method    string    `json:"method"`
	ClientID  string    `json:"client_id,omitempty"` // the OAuth client of the request
	RequestID string    `json:"request_id"`          // of the pick that follows
	QRURI     string    `json:"qr_uri"`
	StartedAt time.Time `json:"started_at"`
	ExpiresAt time.Time `json:"expires_at"`

	// The server that the pairing began with, as in Grant.
	Issuer      string `json:"issuer,omitempty"`
	TokenURL    string `json:"token_url,omitempty"`
	RevokeURL   string `json:"revoke_url,omitempty"`
	ReceivedURL string `json:"received_url,omitempty"` // as in Handover
	ContinueURL string `json:"continue_url,omitempty"`

	// Collection is that of the pick that follows, as in Pick.
	Collection string `json:"collection,omitempty"`

	// Device flow (RFC 8628 §3.2).
	DeviceCode      string        `json:"device_code,omitempty"`
	UserCode        string        `json:"user_code,omitempty"`
	VerificationURI string        `json:"verification_uri,omitempty"`
	Interval        time.Duration `json:"interval,omitempty"`
	// Previous is the code that this one replaced on the screen. It is polled too
	// until it expires, because a person may be typing it.
	Previous *Pairing `json:"before,omitempty"`

	// Authorization code flow (RFC 6749 §4.1, RFC 7636).
	Link        string `json:"link,omitempty"`  // secret path of the page on this box
	Nonce       string `json:"nonce,omitempty"` // proved by State
	State       string `json:"state,omitempty"`
	Verifier    string `json:"verifier,omitempty"` // code_verifier
	RedirectURI string `json:"redirect_uri,omitempty"`
	// Code or Refusal is set once, when the phone returns.
	Code    string `json:"code,omitempty"`
	Refusal string `json:"refusal,omitempty"` // error code, RFC 6749 §4.1.2.1
}

// A Refused counts refusals of a session that are the same.
type Refused struct {
	Answer string    `json:"answer"` // operation, HTTP status and code
	Since  time.Time `json:"since"`
	Last   time.Time `json:"last"` // that was counted
	N      int       `json:"n"`
}

// Live reports whether the pick is in use.
func (p *Pick) Live() bool { return p.EndReason == "" }

// Answered reports whether the phone has returned.
func (p *Pairing) Answered() bool { return p.Code != "" || p.Refusal != "" }

// LogValue keeps codes out of logs.
func (p Pairing) LogValue() slog.Value { return slog.StringValue("pairing for " + p.RequestID) }

// String keeps codes out of messages.
func (p Pairing) String() string { return "pairing for " + p.RequestID }

// GoString keeps codes out of messages.
func (p Pairing) GoString() string { return p.String() }

// A Refusal says that the server refused a pairing method for a client.
type Refusal struct {
	Fingerprint string    `json:"fingerprint"` // of the request's parameters
	Method      string    `json:"method"`
	Code        string    `json:"code"` // RFC 6749 §5.2
	Description string    `json:"description,omitempty"`
	At          time.Time `json:"at"`
}

// A Pick is one picking session, from the intent to create it until it is known to
// be deleted. It only moves forward: intent (no SessionID), open, done, ended,
// deleted.
type Pick struct {
	RequestID  string    `json:"request_id"`
	GrantID    string    `json:"grant_id"`
	SessionID  string    `json:"session_id,omitempty"`
	PickerURI  string    `json:"picker_uri,omitempty"`
	CreatedAt  time.Time `json:"created_at"`
	ExpireTime time.Time `json:"expire_time"`
	// CreateSent means that a request to create the session was sent. The server
	// may have created it even if SessionID is empty.
	CreateSent bool `json:"asked,omitempty"`
	// PollUntil is when polling has to stop; zero if the server has not said.
	PollUntil time.Time `json:"ask_until"`
	// Interval is the latest poll interval.
	Interval time.Duration `json:"interval,omitempty"`
	// Done means that the person finished choosing. With Replaced, what they chose is
	// fetched once nobody else is choosing.
	Done bool `json:"done,omitempty"`
	// EndReason says why the pick ended; empty while it is in use. The session of
	// a pick that has ended only remains to be deleted.
	EndReason string `json:"over,omitempty"`
	// Replaced means that the screen has returned to something else: another session,
	// or photos. Somebody may still be choosing in this one, so it is polled until
	// PollUntil.
	Replaced bool `json:"replaced,omitempty"`
	// SuccessorOf is the request ID of the pick that this one is to replace on the
	// screen. It means nothing once that pick is replaced or has ended.
	SuccessorOf string `json:"successor_of,omitempty"`
	// Refused is the answer that the server gives in place of the session; nil after a
	// good one.
	Refused *Refused `json:"refused,omitempty"`
	// UnusedBefore is the number of sessions in a row before this one that were
	// not used.
	UnusedBefore int `json:"replaces,omitempty"`
	// Collection is the ID of the collection that the items go to, "" for the default
	// one, which they also go to if the collection has been deleted.
	Collection string `json:"collection,omitempty"`
}

// A Photo is one photo or video with a complete file.
type Photo struct {
	ID         string        `json:"id"` // of the media item
	File       string        `json:"file"`
	Type       string        `json:"type"` // PHOTO or VIDEO
	MimeType   string        `json:"mime_type"`
	Filename   string        `json:"filename,omitempty"` // chosen by the person; for display only
	CreateTime time.Time     `json:"create_time"`
	Width      int           `json:"width,omitempty"`  // of the file in pixels, 0 if unknown
	Height     int           `json:"height,omitempty"` // of the file in pixels, 0 if unknown
	Duration   time.Duration `json:"duration,omitempty"`
	Bytes      int64         `json:"bytes"`
	CRC32C     string        `json:"crc32c,omitempty"` // of the file, hexadecimal; detects disk errors
	Pick       string        `json:"pick"`             // request ID of the newest pick that has the photo
	Index      int           `json:"index"`            // position in that pick
	// Collection is the ID of the collection that Pick is for, "" for the default one.
	// Also are the other collections that have the photo.
	Collection string       `json:"collection,omitempty"`
	Also       []Membership `json:"also,omitempty"`
	// AddedAt is when the photo was fetched, or picked again, by the servers' clock.
	AddedAt time.Time `json:"added_at"`
	// Grant is the ID of the owner's grant. It is empty in old records and for
	// photos whose record was lost.
	Grant  string `json:"grant,omitempty"`
	Hidden bool   `json:"hidden,omitempty"` // not shown at a person's request
}
