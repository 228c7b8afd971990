package oauthdevice_test

import (
	"maps"
	"net/http"
	"slices"
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

// A poll has the fields of RFC 8628 §3.4 and no others, such as a code.
func TestPollForm(t *testing.T) {
	const grant = "urn:ietf:params:oauth:grant-type:device_code"
	for name, tt := range map[string]struct {
		secret oauthdevice.Secret
		basic  bool
		want   map[string]string
	}{
		"secret in the form":   {"se:cret", false, map[string]string{"client_id": "id", "client_secret": "se:cret", "device_code": "a device code", "grant_type": grant}},
		"secret in the header": {"se:cret", true, map[string]string{"client_id": "id", "device_code": "a device code", "grant_type": grant}},
		"public client":        {"", false, map[string]string{"client_id": "id", "device_code": "a device code", "grant_type": grant}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(oauthtest.New(oauthtest.Options{}))
			c.ID, c.Secret, c.BasicAuth = "id", tt.secret, tt.basic
			c.HTTP.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
				if err := r.ParseForm(); err != nil {
					return nil, err
				}
				got := map[string]string{}
				for name, values := range r.Form {
					got[name] = values[0]
					if len(values) > 1 {
						t.Errorf("%s is sent %d times", name, len(values))
					}
				}
				if !maps.Equal(got, tt.want) {
					t.Errorf("fields %v, want %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(tt.want)))
				}
				if _, _, basic := r.BasicAuth(); basic != tt.basic {
					t.Errorf("Authorization header: %t, want %t", basic, tt.basic)
				}
				return respond(428, `{"error":"authorization_pending"}`)(r)
			})
			if _, err := c.Poll(t.Context(), "a device code"); code(err) != oauthdevice.AuthorizationPending {
				t.Errorf("got %v", err)
			}
		})
	}
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
