package oauthdevice_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/oauthdevice"
	"pickerd/oauthdevice/oauthtest"
)

func newClient(s *oauthtest.Server) *oauthdevice.Client {
	return &oauthdevice.Client{
		ID: s.ClientID(), Secret: oauthdevice.Secret(s.ClientSecret()), Scopes: []string{oauthtest.PickerScope},
		DeviceAuthURL: "http://a.test/device/code", TokenURL: "http://a.test/token", RevokeURL: "http://a.test/revoke",
		HTTP: &http.Client{Transport: oauthtest.InProcess(s)},
	}
}

// code returns the Code of an *oauthdevice.Error, or "".
func code(err error) string {
	e, _ := errors.AsType[*oauthdevice.Error](err)
	if e == nil {
		return ""
	}
	return e.Code
}

// A roundTrip is an http.RoundTripper.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// respond returns a transport that always sends this response.
func respond(status int, body string) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}},
			Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	}
}

func TestRedirect(t *testing.T) {
	s := oauthtest.New(oauthtest.Options{})
	c := newClient(s)
	hops := 0
	c.HTTP.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		hops++
		return &http.Response{StatusCode: 307, Header: http.Header{"Location": {"http://elsewhere.test/"}}, Body: http.NoBody, Request: r}, nil
	})
	if _, err := c.Refresh(t.Context(), "r"); err == nil || hops != 1 {
		t.Errorf("hops %d, error %v", hops, err)
	}
}

// Every request identifies the client either in the form or in the header.
func TestClientAuthentication(t *testing.T) {
	for _, tt := range []struct {
		name         string
		secret       oauthdevice.Secret
		basic        bool
		header, form bool // where the secret is expected
	}{
		{"secret in the form", "se:cret", false, false, true},
		{"secret in the header", "se:cret", true, true, false},
		{"public client", "", false, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asked := false
			c := &oauthdevice.Client{ID: "id", Secret: tt.secret, BasicAuth: tt.basic,
				DeviceAuthURL: "http://a.test/device", TokenURL: "http://a.test/token", RevokeURL: "http://a.test/revoke"}
			c.HTTP = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				id, secret, basic := r.BasicAuth()
				form := r.FormValue("client_secret")
				if basic != tt.header || basic && (id != "id" || secret != "se%3Acret") {
					t.Errorf("%s: the header contains %q", r.URL.Path, id)
				}
				// The first request has no secret, because Google documents only
				// the client_id. It is sent again with it after invalid_client.
				first := !asked
				asked = true
				if want := tt.form && !first; (form != "") != want {
					t.Errorf("%s: secret in the form: %t, want %t", r.URL.Path, !want, want)
				}
				if r.FormValue("client_id") != "id" && !basic {
					t.Errorf("%s: no client_id", r.URL.Path)
				}
				return &http.Response{StatusCode: 400, Header: http.Header{}, Request: r,
					Body: io.NopCloser(strings.NewReader(`{"error":"invalid_client","error_description":"who is se:cret?"}`))}, nil
			})}
			_, authorize := c.Authorize(t.Context(), "")
			_, poll := c.Poll(t.Context(), "a device code")
			_, refresh := c.Refresh(t.Context(), "a token")
			for _, err := range []error{authorize, poll, refresh, c.Revoke(t.Context(), "a token")} {
				if code(err) != oauthdevice.InvalidClient || tt.secret != "" && strings.Contains(err.Error(), "se:cret") {
					t.Errorf("got %v", err)
				}
			}
		})
	}
}

func TestContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := oauthtest.New(oauthtest.Options{})
		c := newClient(s)
		hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		s.Fail(oauthtest.OpCode, hang)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Authorize(ctx, ""); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}
