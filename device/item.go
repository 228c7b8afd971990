package device

import "time"

// A Session is a picking session on record.
type Session struct {
	RequestID  string    `json:"request_id"`
	SessionID  string    `json:"session_id,omitempty"`
	State      string    `json:"state"` // intent, open, done or pending_deletion
	Reason     string    `json:"reason,omitempty"`
	CreatedAt  time.Time `json:"created_at"`
	ExpireTime time.Time `json:"expire_time,omitzero"`
}

// An Item is a photo or video on the box.
type Item struct {
	ID         string    `json:"id"`
	Type       string    `json:"type"`
	MimeType   string    `json:"mime_type"`
	Filename   string    `json:"filename,omitempty"`
	Width      int       `json:"width,omitempty"`
	Height     int       `json:"height,omitempty"`
	Bytes      int64     `json:"bytes"`
	CreateTime time.Time `json:"create_time,omitzero"`
	AddedAt    time.Time `json:"added_at"`
	Hidden     bool      `json:"hidden,omitempty"`
	Account    string    `json:"account,omitempty"` // its owner, by AccountStatus.ID
	// Collections are the IDs of the collections that have it.
	Collections []string `json:"collections"`
}

// DefaultCollection is the ID of the collection of the items that were picked for none.
const DefaultCollection = "default"

// A Collection is a named part of the items on the box.
type Collection struct {
	ID    string `json:"id"`
	Name  string `json:"name,omitempty"` // none of the default one
	Items int    `json:"items"`          // including hidden ones
	Bytes int64  `json:"bytes"`
}

// A Tally counts what the engine has done since it was created. Each number
// only grows.
type Tally struct {
	Pairings  map[Attempt]int         // codes and links that were shown, and their outcome
	Picks     map[string]int          // by outcome: "done", "time-out", "cancelled", …
	Deletions map[string]int          // sessions: "deleted", or "expired" before they could be
	Troubles  map[string]int          // failures that were retried, by Problem.Code
	Items     map[string]int          // downloads: "fetched" and "failed"
	Bytes     int64                   // received by downloads, including failed ones
	States    map[State]time.Duration // time spent in each state
}

// An Attempt is one try to pair. Its outcome is "started", "paired",
// "scope_missing", an error code (RFC 8628 §3.5, RFC 6749 §5.2), or "other".
type Attempt struct{ Method, Outcome string }
