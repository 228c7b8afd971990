package conformance

import (
	"cmp"
	"net/url"
	"strings"
	"testing"
	"time"

	"pickerd/oauthdevice"
)

// wholeLife goes from the code to a token that nothing can be had for any more.
func wholeLife(t *testing.T, s *Subject) {
	c, ctx := s.Client, t.Context()
	a := authorize(t, c)
	_, err := c.Poll(ctx, a.DeviceCode)
	refused(t, "before the approval", err, oauthdevice.AuthorizationPending)
	s.Approve(t, a)
	pause(t, a.Interval)
	tok, err := settled(t, c, a, a.ExpiresAt)
	if err != nil {
		t.Fatal(err)
	}
	if tok.Access == "" || tok.Refresh == "" {
		t.Fatalf("access token %t, refresh token %t, want both", tok.Access != "", tok.Refresh != "")
	}
	if missing := tok.MissingScopes(c.Scopes); len(missing) > 0 {
		t.Errorf("asked for %q, got %q", c.Scopes, tok.Scopes)
	}
	if !tok.ExpiresAt.IsZero() && !tok.ExpiresAt.After(time.Now()) {
		t.Error("the access token has expired already")
	}
	last := refreshes(t, s, tok)
	if c.RevokeURL == "" {
		t.Log("the server revokes nothing: left out")
		return
	}
	if err := c.Revoke(ctx, last.Refresh); err != nil {
		t.Fatalf("revoke: %v", err)
	}
	_, err = c.Refresh(ctx, last.Refresh)
	refused(t, "refresh after the revocation", err, oauthdevice.InvalidGrant)
	if err := c.Revoke(ctx, last.Refresh); err != nil {
		t.Errorf("revoking what is revoked (RFC 7009 §2.2): %v", err)
	}
}

// refreshes checks two refreshes in a row, and that a rotated token is dead. It
// returns the last token.
func refreshes(t *testing.T, s *Subject, tok *oauthdevice.Token) *oauthdevice.Token {
	t.Helper()
	first := tok
	for range 2 {
		next, err := s.Client.Refresh(t.Context(), tok.Refresh)
		if err != nil {
			t.Fatal(err)
		}
		if next.Access == "" || next.Access == tok.Access {
			t.Error("a refresh brought no new access token")
		}
		if rotated := next.Refresh != tok.Refresh; rotated != s.Rotates {
			t.Errorf("rotated: %t, want %t", rotated, s.Rotates)
		}
		if missing := next.MissingScopes(s.Client.Scopes); len(missing) > 0 {
			t.Errorf("the refresh lost %q", missing)
		}
		tok = next
	}
	if s.Rotates {
		// After the new one has been used: a server may end them all at this.
		_, err := s.Client.Refresh(t.Context(), first.Refresh)
		refused(t, "refresh with the old refresh token", err, oauthdevice.InvalidGrant)
	}
	return tok
}

func denial(t *testing.T, s *Subject) {
	a := authorize(t, s.Client)
	s.Deny(t, a)
	_, err := settled(t, s.Client, a, a.ExpiresAt)
	refused(t, "after the denial", err, oauthdevice.AccessDenied)
}

func expiry(t *testing.T, s *Subject) {
	c := s.Client
	if s.ShortLived != nil {
		c = s.ShortLived(t)
	}
	a := authorize(t, c)
	pause(t, time.Until(a.ExpiresAt))
	// A server that counts in whole seconds may be a little late.
	_, err := settled(t, c, a, a.ExpiresAt.Add(2*a.Interval))
	refused(t, "after "+a.ExpiresAt.String(), err, cmp.Or(s.ExpiredAs, oauthdevice.ExpiredToken))
}

func slowDown(t *testing.T, s *Subject) {
	if !s.SlowsDown {
		t.Skip("this server lets a device poll as fast as it likes; RFC 8628 §3.5 only defines slow_down, it doesn't demand it")
	}
	a := authorize(t, s.Client)
	_, err := s.Client.Poll(t.Context(), a.DeviceCode)
	refused(t, "the first poll", err, oauthdevice.AuthorizationPending)
	_, err = s.Client.Poll(t.Context(), a.DeviceCode)
	refused(t, "a poll right after it", err, oauthdevice.SlowDown)
	pause(t, a.Interval+5*time.Second)
	_, err = s.Client.Poll(t.Context(), a.DeviceCode)
	refused(t, "a poll that slowed down as told", err, oauthdevice.AuthorizationPending)
}

func codeUsedTwice(t *testing.T, s *Subject) {
	a, _ := granted(t, s)
	pause(t, a.Interval)
	_, err := s.Client.Poll(t.Context(), a.DeviceCode)
	final(t, "a device_code used twice", err)
}

func unknownDeviceCode(t *testing.T, s *Subject) {
	_, err := s.Client.Poll(t.Context(), "there-is-no-such-device-code")
	final(t, "an unknown device_code", err)
}

func unknownClient(t *testing.T, s *Subject) {
	c := *s.Client
	c.ID = "there-is-no-such-client"
	_, err := c.Authorize(t.Context(), "")
	refused(t, "an unknown client", err, oauthdevice.InvalidClient, oauthdevice.UnauthorizedClient)
}

func wrongSecret(t *testing.T, s *Subject) {
	if s.Client.Secret == "" {
		t.Skip("a public client has no secret")
	}
	a := authorize(t, s.Client)
	c := *s.Client
	c.Secret = "this-is-not-the-secret"
	_, err := c.Poll(t.Context(), a.DeviceCode)
	refused(t, "a wrong secret", err, oauthdevice.InvalidClient, oauthdevice.UnauthorizedClient)
}

func refusedScope(t *testing.T, s *Subject) {
	if s.RefusedScope == nil {
		t.Skip("this server refuses no scope at the device authorization")
	}
	_, err := s.RefusedScope(t).Authorize(t.Context(), "")
	refused(t, "a scope that is not to be had", err, oauthdevice.InvalidScope)
}

// authorization checks what a screen is going to show.
func authorization(t *testing.T, s *Subject) {
	a := authorize(t, s.Client)
	if want := cmp.Or(s.Interval, 5*time.Second); a.Interval != want {
		t.Errorf("interval %v, want %v", a.Interval, want)
	}
	if !a.ExpiresAt.After(time.Now()) {
		t.Errorf("expired at %v", a.ExpiresAt)
	}
	if a.DeviceCode == "" || a.UserCode == "" || string(a.DeviceCode) == a.UserCode {
		t.Error("the device_code and the user_code must be there, and differ")
	}
	for _, link := range []string{a.VerificationURI, a.QRURI()} {
		u, err := url.Parse(link)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			t.Errorf("%q is not a web address", link)
		}
	}
	if a.VerificationURIComplete != "" && a.QRURI() != a.VerificationURIComplete {
		t.Errorf("the QR code holds %q, the server gave %q", a.QRURI(), a.VerificationURIComplete)
	}
	if plain, err := url.QueryUnescape(a.QRURI()); err != nil || !strings.Contains(plain, a.UserCode) {
		t.Errorf("the code %q is not in %q", a.UserCode, a.QRURI())
	}
	if again := authorize(t, s.Client); again.DeviceCode == a.DeviceCode || again.UserCode == a.UserCode {
		t.Error("two requests got the same code")
	}
}
