package conformance

import (
	"cmp"
	"net/url"
	"strings"
	"testing"
	"time"

	"pickerd/oauthdevice"
)

// deviceFlow signs in, refreshes and revokes.
func deviceFlow(t *testing.T, s *Subject) {
	c, ctx := s.Client, t.Context()
	a := authorize(t, c)
	_, err := c.Poll(ctx, a.DeviceCode)
	wantCode(t, "before approval", err, oauthdevice.AuthorizationPending)
	s.Approve(t, a)
	pause(t, a.Interval)
	tok, err := pollUntil(t, c, a, a.ExpiresAt)
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
		t.Log("revocation not tested: no RevokeURL")
		return
	}
	if err := c.Revoke(ctx, last.Refresh); err != nil {
		t.Fatalf("revoke: %v", err)
	}
	_, err = c.Refresh(ctx, last.Refresh)
	wantCode(t, "refresh after revocation", err, oauthdevice.InvalidGrant)
	if err := c.Revoke(ctx, last.Refresh); err != nil {
		t.Errorf("second revocation (RFC 7009 §2.2): %v", err)
	}
}

// refreshes tests two refreshes in a row and that a rotated refresh token is no
// longer valid. It returns the last token.
func refreshes(t *testing.T, s *Subject, tok *oauthdevice.Token) *oauthdevice.Token {
	t.Helper()
	first := tok
	for range 2 {
		next, err := s.Client.Refresh(t.Context(), tok.Refresh)
		if err != nil {
			t.Fatal(err)
		}
		if next.Access == "" || next.Access == tok.Access {
			t.Error("refresh returned no new access token")
		}
		if rotated := next.Refresh != tok.Refresh; rotated != s.Rotates {
			t.Errorf("rotated: %t, want %t", rotated, s.Rotates)
		}
		if missing := next.MissingScopes(s.Client.Scopes); len(missing) > 0 {
			t.Errorf("refresh lost scopes %q", missing)
		}
		tok = next
	}
	if s.Rotates {
		// This comes last because a server may then revoke all tokens.
		_, err := s.Client.Refresh(t.Context(), first.Refresh)
		wantCode(t, "refresh with the old refresh token", err, oauthdevice.InvalidGrant)
	}
	return tok
}

func denial(t *testing.T, s *Subject) {
	a := authorize(t, s.Client)
	s.Deny(t, a)
	_, err := pollUntil(t, s.Client, a, a.ExpiresAt)
	wantCode(t, "after denial", err, oauthdevice.AccessDenied)
}

func expiry(t *testing.T, s *Subject) {
	c := s.Client
	if s.ShortLived != nil {
		c = s.ShortLived(t)
	}
	a := authorize(t, c)
	pause(t, time.Until(a.ExpiresAt))
	// A server that counts whole seconds may be late.
	_, err := pollUntil(t, c, a, a.ExpiresAt.Add(2*a.Interval))
	wantCode(t, "after "+a.ExpiresAt.String(), err, cmp.Or(s.ExpiredAs, oauthdevice.ExpiredToken))
}

func slowDown(t *testing.T, s *Subject) {
	if !s.SlowsDown {
		t.Skip("this server accepts fast polling; RFC 8628 §3.5 defines slow_down but does not require it")
	}
	a := authorize(t, s.Client)
	_, err := s.Client.Poll(t.Context(), a.DeviceCode)
	wantCode(t, "the first poll", err, oauthdevice.AuthorizationPending)
	_, err = s.Client.Poll(t.Context(), a.DeviceCode)
	wantCode(t, "an immediate second poll", err, oauthdevice.SlowDown)
	pause(t, a.Interval+5*time.Second)
	_, err = s.Client.Poll(t.Context(), a.DeviceCode)
	wantCode(t, "a poll after slowing down", err, oauthdevice.AuthorizationPending)
}

func codeUsedTwice(t *testing.T, s *Subject) {
	a, tok := signIn(t, s)
	pause(t, a.Interval)
	if s.Received != nil {
		again, err := s.Client.Poll(t.Context(), a.DeviceCode)
		if err != nil || again.Access != tok.Access {
			t.Errorf("the token response is not repeated: %v", err)
		}
		s.Received(t, a)
		pause(t, a.Interval)
	}
	_, err := s.Client.Poll(t.Context(), a.DeviceCode)
	wantFinal(t, "device_code used twice", err)
}

func unknownDeviceCode(t *testing.T, s *Subject) {
	_, err := s.Client.Poll(t.Context(), "unknown-device-code")
	wantFinal(t, "an unknown device_code", err)
}

func unknownClient(t *testing.T, s *Subject) {
	c := *s.Client
	c.ID = "unknown-client"
	_, err := c.Authorize(t.Context(), "")
	wantCode(t, "an unknown client", err, oauthdevice.InvalidClient, oauthdevice.UnauthorizedClient)
}

func wrongSecret(t *testing.T, s *Subject) {
	if s.Client.Secret == "" {
		t.Skip("a public client has no secret")
	}
	a := authorize(t, s.Client)
	c := *s.Client
	c.Secret = "wrong-secret"
	_, err := c.Poll(t.Context(), a.DeviceCode)
	wantCode(t, "a wrong secret", err, oauthdevice.InvalidClient, oauthdevice.UnauthorizedClient)
}

func refusedScope(t *testing.T, s *Subject) {
	if s.RefusedScope == nil {
		t.Skip("this server refuses no scope")
	}
	_, err := s.RefusedScope(t).Authorize(t.Context(), "")
	wantCode(t, "refused scope", err, oauthdevice.InvalidScope)
}

// authorization tests the values that a screen shows.
func authorization(t *testing.T, s *Subject) {
	a := authorize(t, s.Client)
	if want := cmp.Or(s.Interval, 5*time.Second); a.Interval != want {
		t.Errorf("interval %v, want %v", a.Interval, want)
	}
	if !a.ExpiresAt.After(time.Now()) {
		t.Errorf("expired at %v", a.ExpiresAt)
	}
	if a.DeviceCode == "" || a.UserCode == "" || string(a.DeviceCode) == a.UserCode {
		t.Error("device_code and user_code must be present and differ")
	}
	for _, link := range []string{a.VerificationURI, a.QRURI()} {
		u, err := url.Parse(link)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			t.Errorf("%q is not an http(s) address", link)
		}
	}
	if a.VerificationURIComplete != "" && a.QRURI() != a.VerificationURIComplete {
		t.Errorf("QRURI is %q, but the server sent %q", a.QRURI(), a.VerificationURIComplete)
	}
	if s.OpaqueLink {
		if a.VerificationURIComplete == "" || strings.Contains(a.QRURI(), a.UserCode) {
			t.Errorf("QRURI %q is not opaque", a.QRURI())
		}
	} else if plain, err := url.QueryUnescape(a.QRURI()); err != nil || !strings.Contains(plain, a.UserCode) {
		t.Errorf("code %q is not in %q", a.UserCode, a.QRURI())
	}
	if again := authorize(t, s.Client); again.DeviceCode == a.DeviceCode || again.UserCode == a.UserCode {
		t.Error("two requests returned the same code")
	}
}
