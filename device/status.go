package device

import "time"

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
}

// PairingStatus is the code on the screen.
type PairingStatus struct {
	Method          string    `json:"method"`
	UserCode        string    `json:"user_code"`
	VerificationURI string    `json:"verification_uri"`
	QRURI           string    `json:"qr_uri"`
	ExpiresAt       time.Time `json:"expires_at"`
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
	Items int   `json:"items"`
	Bytes int64 `json:"bytes"`
}

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

	operator bool
	offline  bool
	since    time.Time
}

// status composes what other programs see. It has no input but the view.
func (v *view) status() Status {
	s := Status{State: v.state, Since: v.since.UTC(), Name: v.name, Library: v.library, Sessions: v.sessions, Fetch: v.fetch}
	if p := v.pairing; p != nil && v.state == Pairing && !v.ended {
		s.Pairing = &PairingStatus{Method: "device", UserCode: p.UserCode, VerificationURI: p.VerificationURI,
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
