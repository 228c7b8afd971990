package oauthdevice_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"pickerd/oauthdevice"
	"pickerd/oauthdevice/oauthtest"
)

func TestTokenResponse(t *testing.T) {
	s := oauthtest.New(oauthtest.Options{WebRedirects: []string{relayPage}})
	c := redirecting(s, oauthtest.Web, "openid", "email")
	verifier := oauthdevice.NewVerifier()
	to, err := s.Allow(c.AuthCodeURL(relayPage, "s", verifier), "person")
	q := redirected(t, to, err)
	first, err := c.ExchangeResponse(t.Context(), oauthdevice.Secret(q.Get("code")), relayPage, verifier)
	if err != nil {
		t.Fatal(err)
	}
	if first.AccessToken == "" || first.RefreshToken == "" || first.IDToken == "" || first.ExpiresIn != 3600 || first.TokenType != "Bearer" {
		t.Errorf("first response: %+v", first)
	}
	if got := first.Scopes(nil); !slices.Contains(got, oauthtest.PickerScope) {
		t.Errorf("scopes %q", got)
	}
	next, err := c.RefreshResponse(t.Context(), first.RefreshToken, []string{oauthtest.PickerScope})
	if err != nil {
		t.Fatal(err)
	}
	// Refresh repeats the old refresh token; the response has none.
	if next.RefreshToken != "" || next.AccessToken == first.AccessToken {
		t.Errorf("second response: %+v", next)
	}
}

func TestTokenResponseMembers(t *testing.T) {
	c := &oauthdevice.Client{ID: "id", Secret: "se:cret", TokenURL: "http://a.test/token", HTTP: &http.Client{}}
	for _, tt := range []struct {
		name, sent, want string
	}{
		{"everything", `{"access_token":"a","token_type":"bearer","expires_in":"60","refresh_token":"r","scope":"","id_token":"i","more":{"x":1}}`,
			`{"access_token":"a","token_type":"bearer","expires_in":60,"refresh_token":"r","scope":"","id_token":"i"}`},
		{"the least", `{"access_token":"a"}`, `{"access_token":"a","token_type":"Bearer"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c.HTTP.Transport = respond(200, tt.sent)
			r, err := c.RefreshResponse(t.Context(), "r", nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.Marshal(r)
			if err != nil || string(got) != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// No response ends the program or is taken for a token.
func TestTokenResponseFailures(t *testing.T) {
	for _, tt := range []struct {
		status int
		body   string
		code   string
		cause  error
	}{
		{200, `null`, "", oauthdevice.ErrMalformedResponse},
		{200, `[]`, "", oauthdevice.ErrMalformedResponse},
		{200, `{"access_token":null}`, "", oauthdevice.ErrMalformedResponse},
		{200, `{"access_token":{}}`, "", oauthdevice.ErrMalformedResponse},
		{200, `<html>sign in to the network</html>`, "", oauthdevice.ErrNotOAuth},
		{200, `{"error":"invalid_grant"}`, oauthdevice.InvalidGrant, nil},
		{400, `{"error":"invalid_grant","error_description":"no se:cret"}`, oauthdevice.InvalidGrant, nil},
		{500, `null`, "", oauthdevice.ErrNotOAuth},
		{502, `<html>`, "", oauthdevice.ErrNotOAuth},
	} {
		c := &oauthdevice.Client{ID: "id", Secret: "se:cret", TokenURL: "http://a.test/token", HTTP: &http.Client{Transport: respond(tt.status, tt.body)}}
		_, err := c.ExchangeResponse(t.Context(), "4/code", relayPage, "verifier")
		if code(err) != tt.code || tt.cause != nil && !errors.Is(err, tt.cause) {
			t.Errorf("%d %s: %v", tt.status, tt.body, err)
		}
		if err != nil && strings.Contains(err.Error(), "se:cret") {
			t.Errorf("%s: the error has the secret", tt.body)
		}
	}
}
