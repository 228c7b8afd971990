// Package conformance holds an authorization server to what RFC 8628, RFC 6749
// and RFC 7009 say, and to what package oauthdevice makes of it. The same tests
// run against the simulator and against servers that others wrote, so that the
// simulator can't drift into agreeing with its own client only.
//
// What a test expects is said in oauthdevice.Error's Code, never in an HTTP
// status: servers choose those freely.
package conformance

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pickerd/oauthdevice"
)

// A Subject is one server with one person, as the tests meet them. Where a
// server has a choice, the Subject says what it chose.
type Subject struct {
	Client *oauthdevice.Client // without a RevokeURL, nothing is revoked

	// Approve and Deny do what the person does who opens a.QRURI.
	Approve, Deny func(t *testing.T, a *oauthdevice.Authorization)

	Interval  time.Duration // what the server says; 0 where it leaves it out
	Rotates   bool          // each refresh brings a new refresh token and ends the old
	SlowsDown bool          // a poll that comes too early answers slow_down
	ExpiredAs string        // the code of an expired device_code; "" means expired_token

	// ShortLived returns a client at a server like this one whose codes expire
	// soon. nil means that waiting for the Client's own is no matter.
	ShortLived func(t *testing.T) *oauthdevice.Client
	// RefusedScope returns a client whose Scopes the server refuses. nil means
	// that it refuses none.
	RefusedScope func(t *testing.T) *oauthdevice.Client
}

// A Test is one of the suite.
type Test struct {
	Name string
	Run  func(t *testing.T, s *Subject)
}

// Tests returns the suite, for those who must do something around each test,
// such as opening a testing/synctest bubble.
func Tests() []Test {
	return []Test{
		{"WholeLife", wholeLife},
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

// Run runs the suite, its tests at the same time: most of each is waiting.
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

// settled polls as RFC 8628 §3.5 wants it until there is an outcome, which
// must be there by the time given.
func settled(t *testing.T, c *oauthdevice.Client, a *oauthdevice.Authorization, by time.Time) (*oauthdevice.Token, error) {
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
		if time.Now().After(by) {
			t.Fatalf("still no outcome: %v", err)
		}
		pause(t, interval)
	}
}

// granted lives through the flow until there is a token.
func granted(t *testing.T, s *Subject) (*oauthdevice.Authorization, *oauthdevice.Token) {
	t.Helper()
	a := authorize(t, s.Client)
	s.Approve(t, a)
	tok, err := settled(t, s.Client, a, a.ExpiresAt)
	if err != nil {
		t.Fatal(err)
	}
	return a, tok
}

// pause waits as long as a server asked for; in a testing/synctest bubble it
// costs nothing.
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

// refused checks that the server said one of these codes.
func refused(t *testing.T, what string, err error, codes ...string) {
	t.Helper()
	if c := code(err); c == "" || !slices.Contains(codes, c) {
		t.Errorf("%s: %v, want one of %q", what, err, codes)
	}
}

// final checks for a no that more polling doesn't change. Servers differ in its
// code.
func final(t *testing.T, what string, err error) {
	t.Helper()
	e, ok := errors.AsType[*oauthdevice.Error](err)
	switch {
	case !ok:
		t.Errorf("%s: %v, want an *oauthdevice.Error", what, err)
	case e.Temporary(), e.Code == oauthdevice.AuthorizationPending, e.Code == oauthdevice.SlowDown:
		t.Errorf("%s: %v, which asks for another poll", what, err)
	}
}
