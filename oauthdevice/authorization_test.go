package oauthdevice_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/oauthdevice"
	"pickerd/oauthdevice/oauthtest"
)

func TestDeviceFlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := oauthtest.New(oauthtest.Options{RotateRefresh: true})
		c := newClient(s)
		ctx := t.Context()
		a, err := c.Authorize(ctx, `{"requestId":"r","displayName":"Kitchen TV"}`)
		if err != nil {
			t.Fatal(err)
		}
		if a.Interval != 5*time.Second || time.Until(a.ExpiresAt) != 30*time.Minute {
			t.Errorf("interval %v, lifetime %v", a.Interval, time.Until(a.ExpiresAt))
		}
		if id, name := s.State(); id != "r" || name != "Kitchen TV" {
			t.Errorf("state was sent as %q, %q", id, name)
		}
		if _, err := c.Poll(ctx, a.DeviceCode); code(err) != oauthdevice.AuthorizationPending {
			t.Errorf("before approval: %v", err)
		}
		if _, err := c.Poll(ctx, a.DeviceCode); code(err) != oauthdevice.SlowDown {
			t.Errorf("too early: %v", err)
		}
		s.Approve(a.UserCode)
		time.Sleep(10 * time.Second)
		tok, err := c.Poll(ctx, a.DeviceCode)
		if err != nil {
			t.Fatal(err)
		}
		if len(tok.MissingScopes(c.Scopes)) > 0 || tok.Refresh == "" || time.Until(tok.ExpiresAt) != time.Hour {
			t.Errorf("token: %v", tok)
		}
		if _, err := c.Poll(ctx, a.DeviceCode); code(err) != oauthdevice.InvalidGrant {
			t.Errorf("code used twice: %v", err)
		}
		second, err := c.Refresh(ctx, tok.Refresh)
		if err != nil || second.Refresh == tok.Refresh || second.Access == tok.Access {
			t.Errorf("refresh with rotation: %v, %v", second, err)
		}
		if _, err := c.Refresh(ctx, tok.Refresh); code(err) != oauthdevice.InvalidGrant {
			t.Errorf("the old refresh token: %v", err)
		}
		if err := c.Revoke(ctx, second.Refresh); err != nil {
			t.Error(err)
		}
		if err := c.Revoke(ctx, second.Refresh); err != nil {
			t.Errorf("revoked twice: %v", err)
		}
	})
}

func TestQRURI(t *testing.T) {
	tests := []struct {
		a    oauthdevice.Authorization
		want string
	}{
		{oauthdevice.Authorization{VerificationURI: "https://www.google.com/device", UserCode: "GQVQ-JKEC"}, "https://www.google.com/device?user_code=GQVQ-JKEC"},
		{oauthdevice.Authorization{VerificationURI: "https://x.test/d?lang=de", UserCode: "A B"}, "https://x.test/d?lang=de&user_code=A+B"},
		{oauthdevice.Authorization{VerificationURI: "https://x.test/d", VerificationURIComplete: "https://x.test/d/AB", UserCode: "AB"}, "https://x.test/d/AB"},
	}
	for _, tt := range tests {
		if got := tt.a.QRURI(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// A server may require a confidential client to authenticate at the device
// authorization endpoint (RFC 8628 §3.1).
func TestConfidentialDeviceClient(t *testing.T) {
	s := oauthtest.New(oauthtest.Options{})
	c := newClient(s)
	next := c.HTTP.Transport
	asked := 0
	c.HTTP.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		asked++
		in := r.Clone(r.Context())
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		in.Body = body
		if err := in.ParseForm(); err != nil {
			return nil, err
		}
		if in.PostForm.Get("client_secret") != s.ClientSecret() {
			return respond(401, `{"error":"invalid_client"}`)(r)
		}
		return next.RoundTrip(r)
	})
	if a, err := c.Authorize(t.Context(), ""); err != nil || a.UserCode == "" || asked != 2 {
		t.Errorf("%v after %d requests", err, asked)
	}
	c.Secret = ""
	asked = 0
	if _, err := c.Authorize(t.Context(), ""); code(err) != oauthdevice.InvalidClient || asked != 1 {
		t.Errorf("%v after %d requests", err, asked)
	}
}
