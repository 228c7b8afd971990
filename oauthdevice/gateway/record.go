package gateway

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

const (
	codeLife     = 20 * time.Minute // expires_in of a device_code
	answerLife   = 10 * time.Minute // an answer lives at least this long after the approval
	pollInterval = 5 * time.Second
)

// The outcome of a sign-in so far.
const (
	pending  = "" // no one has signed in
	approved = "approved"
	denied   = "denied"
)

// The kinds of entries in the store. Each key is a kind and the digest of a secret.
const (
	kindDevice = "device:" // device_code: a deviceRecord
	kindCode   = "code:"   // user code: a ticket
	kindLink   = "link:"   // secret of verification_uri_complete: a ticket
	kindState  = "state:"  // state of an authorization request: a stateRecord
	kindShown  = "shown:"  // device_code: the sealed address that a phone has been shown
)

// A deviceRecord is a sign-in.
type deviceRecord struct {
	Client  string   `json:"client"`
	Scopes  []string `json:"scopes"`
	Key     []byte   `json:"key"`     // answers are sealed to it; derived from the device_code
	Created int64    `json:"created"` // Unix time

	Status      string   `json:"status,omitempty"`
	Description string   `json:"description,omitempty"` // why it was denied
	Approved    int64    `json:"approved,omitempty"`    // Unix time
	Browser     *browser `json:"browser,omitempty"`     // the one in which the person signed in
	Answer      []byte   `json:"answer,omitempty"`      // sealed token response; erased when the box has it

	Continued string `json:"continued,omitempty"` // digest of the address that the box has sent
	Continue  []byte `json:"continue,omitempty"`  // that address, sealed to the browser; erased when shown
}

// A browser is one that has confirmed a code.
type browser struct {
	Cookie []byte `json:"cookie"` // SHA-256
	Key    []byte `json:"key"`    // derived from the cookie
	Label  []byte `json:"label"`  // sealed by the cookie
}

// holds reports whether a cookie is the browser's.
func (b *browser) holds(c cookie) bool {
	return b != nil && subtle.ConstantTimeCompare(b.Cookie, c.sum()) == 1
}

// A ticket leads from a code or a link to a sign-in.
type ticket struct {
	Device string `json:"device"` // digest of the device_code
	Label  []byte `json:"label"`  // sealed by the code or the link
}

// A label is what a person is shown of a sign-in.
type label struct {
	Code string `json:"code"`
	Name string `json:"name"` // of the screen
}

// A stateRecord is one authorization request.
type stateRecord struct {
	Device   string  `json:"device"`
	Browser  browser `json:"browser"`
	Verifier []byte  `json:"verifier"` // sealed by the state
}

// A signIn is a deviceRecord as it was read.
type signIn struct {
	deviceRecord
	device string // digest of the device_code
	raw    []byte
}

// expires returns when the device_code expires.
func (r *deviceRecord) expires() time.Time { return time.Unix(r.Created, 0).Add(codeLife) }

// ttl returns how long an entry that ends with the sign-in lives. The clock may have
// been set since the sign-in was stored.
func (s *Server) ttl(r *deviceRecord) time.Duration {
	return min(max(r.ends().Sub(s.now()), time.Second), codeLife+answerLife)
}

// ends returns when the entry is removed.
func (r *deviceRecord) ends() time.Time {
	end := r.expires()
	if r.Status == approved {
		if later := time.Unix(r.Approved, 0).Add(answerLife); later.After(end) {
			return later
		}
	}
	return end
}

// load reads a sign-in. The error is ErrNotFound if there is none.
func (s *Server) load(ctx context.Context, device string) (*signIn, error) {
	in := &signIn{device: device}
	var err error
	if in.raw, err = s.store.Get(ctx, kindDevice+device); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(in.raw, &in.deviceRecord); err != nil {
		return nil, fmt.Errorf("stored sign-in: %w", err)
	}
	if !s.now().Before(in.ends()) {
		return nil, ErrNotFound // the store's clock is behind
	}
	return in, nil
}

// Bounds of save.
const (
	maxSaveTries = 4
	savePause    = 500 * time.Millisecond
)

// save replaces a sign-in that is still as it was read. The error is ErrChanged or
// ErrNotFound if it is not. A store that is away is tried again, because what is
// saved can't be had twice.
func (s *Server) save(ctx context.Context, in *signIn) error {
	value, err := json.Marshal(in.deviceRecord)
	if err != nil {
		return err
	}
	key, unclear := kindDevice+in.device, false
	for try := 1; ; try++ {
		err = s.store.Swap(ctx, key, in.raw, value, s.ttl(&in.deviceRecord))
		switch {
		case err == nil:
			in.raw = value
			return nil
		case errors.Is(err, ErrNotFound):
			return err
		case errors.Is(err, ErrChanged):
			if !unclear {
				return err
			}
			// The answer to an earlier try may have been lost.
			if now, getErr := s.store.Get(ctx, key); getErr == nil && bytes.Equal(now, value) {
				in.raw = value
				return nil
			}
			return err
		case try == maxSaveTries:
			return err
		}
		unclear = true
		select {
		case <-time.After(savePause):
		case <-ctx.Done():
			return err
		}
	}
}

// take removes an authorization request and returns it. The error is ErrNotFound
// if there is none.
func (s *Server) take(ctx context.Context, state string) (*stateRecord, error) {
	raw, err := s.store.Take(ctx, kindState+digest(state))
	if err != nil {
		return nil, err
	}
	var r stateRecord
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, fmt.Errorf("stored authorization request: %w", err)
	}
	return &r, nil
}

// ticketOf reads a ticket and its label. key has the kind and the digest of secret.
// The error is ErrNotFound if there is none.
func (s *Server) ticketOf(ctx context.Context, key, secret string) (*ticket, label, error) {
	raw, err := s.store.Get(ctx, key)
	if err != nil {
		return nil, label{}, err
	}
	var t ticket
	if err := json.Unmarshal(raw, &t); err != nil {
		return nil, label{}, fmt.Errorf("stored ticket: %w", err)
	}
	l, err := openLabel(secret, t.Device, t.Label)
	if err != nil {
		return nil, label{}, ErrNotFound // it is another secret's
	}
	return &t, l, nil
}

func sealLabel(secret, device string, l label) ([]byte, error) {
	plain, err := json.Marshal(l)
	if err != nil {
		return nil, err
	}
	return seal(secret, forLabel, device, plain)
}

func openLabel(secret, device string, sealed []byte) (l label, err error) {
	plain, err := open(secret, forLabel, device, sealed)
	if err != nil {
		return label{}, err
	}
	err = json.Unmarshal(plain, &l)
	return l, err
}
