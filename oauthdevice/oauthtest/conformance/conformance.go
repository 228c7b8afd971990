// Package conformance tests an authorization server against RFC 8628, RFC 6749
// and RFC 7009, through the client in package oauthdevice. The same tests run
// against the simulator and against independent servers, so that simulator and
// client cannot share a misunderstanding.
//
// The tests compare the Code of oauthdevice.Error and never an HTTP status,
// which servers choose freely.
package conformance

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pickerd/oauthdevice"
)

// A Subject is a server under test and the person who signs in. Where the RFCs
// leave servers a choice, its fields say what the server does.
type Subject struct {
	Client *oauthdevice.Client // without a RevokeURL, revocation is not tested

	// Approve and Deny simulate the decision of a person who opens a.QRURI.
	Approve, Deny func(t *testing.T, a *oauthdevice.Authorization)

	Interval  time.Duration // as sent by the server; 0 if it omits it
	Rotates   bool          // each refresh returns a new refresh token and revokes the old
	SlowsDown bool          // polling too fast returns slow_down
	ExpiredAs string        // the code of an expired device_code; "" means expired_token
	// OpaqueLink means that verification_uri_complete has another secret instead of
	// the user code (RFC 8628 §3.3.1).
	OpaqueLink bool
	// Received tells a server that repeats a token response that the token was
	// received. nil means that the server sends each once.
	Received func(t *testing.T, a *oauthdevice.Authorization)

	// ShortLived returns a client at a similar server whose codes expire soon.
	// nil means that the test may wait for the codes of Client to expire.
	ShortLived func(t *testing.T) *oauthdevice.Client
	// RefusedScope returns a client whose Scopes the server refuses. nil means
	// that the server refuses none.
	RefusedScope func(t *testing.T) *oauthdevice.Client
}

// A Test is one test of the suite.
type Test struct {
	Name string
	Run  func(t *testing.T, s *Subject)
}

// Tests returns the suite, for callers that wrap each test, for example in a
// testing/synctest bubble.
func Tests() []Test {
	return []Test{
		{"DeviceFlow", deviceFlow},
		{"Denial", denial},
		{"Expiry", expiry},
		{"SlowDown", slowDown},
		{"CodeUsedTwice", codeUsedTwice},
		{"UnknownDeviceCode", unknownDeviceCode},
		{"UnknownClient", unknownClient},
		{"WrongSecret", wrongSecret},
		{"RefusedScope", refusedScope},
		{"Authorization", authorization},
	}
}

// Run runs the tests of the suite in parallel, because they mostly wait.
func Run(t *testing.T, newSubject func(t *testing.T) *Subject) {
	for _, test := range Tests() {
		t.Run(test.Name, func(t *testing.T) {
			t.Parallel()
			test.Run(t, newSubject(t))
		})
	}
}

func authorize(t *testing.T, c *oauthdevice.Client) *oauthdevice.Authorization {
	t.Helper()
	a, err := c.Authorize(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// pollUntil polls as RFC 8628 §3.5 requires until there is an outcome. The test
// fails if there is none by the deadline.
func pollUntil(t *testing.T, c *oauthdevice.Client, a *oauthdevice.Authorization, deadline time.Time) (*oauthdevice.Token, error) {
	t.Helper()
	interval := a.Interval
	for {
		tok, err := c.Poll(t.Context(), a.DeviceCode)
		switch code(err) {
		case oauthdevice.SlowDown:
			interval += 5 * time.Second
		case oauthdevice.AuthorizationPending:
		default:
			return tok, err
		}
		if time.Now().After(deadline) {
			t.Fatalf("no outcome: %v", err)
		}
		pause(t, interval)
	}
}

// signIn completes the device flow.
func signIn(t *testing.T, s *Subject) (*oauthdevice.Authorization, *oauthdevice.Token) {
	t.Helper()
	a := authorize(t, s.Client)
	s.Approve(t, a)
	tok, err := pollUntil(t, s.Client, a, a.ExpiresAt)
	if err != nil {
		t.Fatal(err)
	}
	return a, tok
}

// pause waits as long as the server asks for, or until the test ends.
func pause(t *testing.T, d time.Duration) {
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

func code(err error) string {
	if e, ok := errors.AsType[*oauthdevice.Error](err); ok {
		return e.Code
	}
	return ""
}

// wantCode checks that err has one of these codes.
func wantCode(t *testing.T, what string, err error, codes ...string) {
	t.Helper()
	if c := code(err); c == "" || !slices.Contains(codes, c) {
		t.Errorf("%s: %v, want one of %q", what, err, codes)
	}
}

// wantFinal checks that err is a refusal that further polling does not change.
// Servers differ in its code.
func wantFinal(t *testing.T, what string, err error) {
	t.Helper()
	e, ok := errors.AsType[*oauthdevice.Error](err)
	switch {
	case !ok:
		t.Errorf("%s: %v, want an *oauthdevice.Error", what, err)
	case e.Temporary(), e.Code == oauthdevice.AuthorizationPending, e.Code == oauthdevice.SlowDown:
		t.Errorf("%s: %v, which asks for another poll", what, err)
	}
}
