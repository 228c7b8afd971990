package oauthdevice_test

import (
	"errors"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/oauthdevice"
	"pickerd/oauthdevice/oauthtest"
)

const relayPage = "https://relay.test/pickerd.html"

// redirecting returns a client that signs in by redirect.
func redirecting(s *oauthtest.Server, k oauthtest.Kind, scopes ...string) *oauthdevice.Client {
	c := newClient(s)
	id, secret := s.Client(k)
	c.ID, c.Secret, c.AuthURL = id, oauthdevice.Secret(secret), "http://a.test/auth?hl=en"
	c.Scopes = append(c.Scopes, scopes...)
	return c
}

// redirected returns the parameters that a browser brings to a redirect URI.
func redirected(t *testing.T, to string, err error) url.Values {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

func TestAuthCode(t *testing.T) {
	for _, tt := range []struct {
		name     string
		kind     oauthtest.Kind
		redirect string
	}{
		{"relay", oauthtest.Web, relayPage},
		{"paste", oauthtest.Desktop, "http://127.0.0.1/"},
		{"loopback", oauthtest.Desktop, "http://127.0.0.1:41253/callback"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := oauthtest.New(oauthtest.Options{WebRedirects: []string{relayPage}})
			c := redirecting(s, tt.kind, "openid", "email")
			verifier := oauthdevice.NewVerifier()
			for range 2 { // the second consent must return a refresh token too
				to, err := s.Allow(c.AuthCodeURL(tt.redirect, "st&te", verifier), "person")
				q := redirected(t, to, err)
				if q.Get("state") != "st&te" {
					t.Errorf("state is %q", q.Get("state"))
				}
				authCode := oauthdevice.Secret(q.Get("code"))
				tok, err := c.Exchange(t.Context(), authCode, tt.redirect, verifier)
				if err != nil {
					t.Fatal(err)
				}
				if tok.Refresh == "" || len(tok.MissingScopes(c.Scopes)) > 0 || tok.Account != "person@example.org" {
					t.Errorf("token: %v", tok)
				}
				if _, err := c.Exchange(t.Context(), authCode, tt.redirect, verifier); code(err) != oauthdevice.InvalidGrant {
					t.Errorf("code used twice: %v", err)
				}
				if _, err := c.Refresh(t.Context(), tok.Refresh); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestAuthCodeRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := oauthtest.New(oauthtest.Options{WebRedirects: []string{relayPage}})
		web := redirecting(s, oauthtest.Web)
		verifier := oauthdevice.NewVerifier()
		allow := func() oauthdevice.Secret {
			to, err := s.Allow(web.AuthCodeURL(relayPage, "s", verifier), "person")
			return oauthdevice.Secret(redirected(t, to, err).Get("code"))
		}
		if _, err := web.Exchange(t.Context(), allow(), relayPage, oauthdevice.NewVerifier()); code(err) != oauthdevice.InvalidGrant {
			t.Errorf("another verifier: %v", err)
		}
		if _, err := redirecting(s, oauthtest.Desktop).Exchange(t.Context(), allow(), relayPage, verifier); code(err) != oauthdevice.InvalidGrant {
			t.Errorf("another client: %v", err)
		}
		late := allow()
		time.Sleep(11 * time.Minute)
		if _, err := web.Exchange(t.Context(), late, relayPage, verifier); code(err) != oauthdevice.InvalidGrant {
			t.Errorf("too late: %v", err)
		}
		to, err := s.Decline(web.AuthCodeURL(relayPage, "s", verifier))
		if q := redirected(t, to, err); q.Get("error") != oauthdevice.AccessDenied || q.Get("state") != "s" {
			t.Errorf("declined: %v", q)
		}
		// Each type of client is limited to one flow.
		if _, err := s.Allow(redirecting(s, oauthtest.TV).AuthCodeURL("http://127.0.0.1/", "s", verifier), "person"); err == nil {
			t.Error("a TV client was redirected")
		}
		if _, err := s.Allow(web.AuthCodeURL("http://192.168.1.20:8420/pair/callback", "s", verifier), "person"); err == nil {
			t.Error("a Web client was redirected to a private address")
		}
		if _, err := web.Authorize(t.Context(), ""); code(err) != oauthdevice.InvalidClient {
			t.Errorf("a Web client in the device flow: %v", err)
		}
	})
}

func TestMalformedExchange(t *testing.T) {
	s := oauthtest.New(oauthtest.Options{})
	c := redirecting(s, oauthtest.Web)
	c.HTTP.Transport = respond(200, `{"access_token":`)
	_, err := c.Exchange(t.Context(), oauthtest.Mark, relayPage, oauthtest.Mark)
	if !errors.Is(err, oauthdevice.ErrMalformedResponse) {
		t.Errorf("got %v", err)
	}
}
