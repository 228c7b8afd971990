package oauthdevice_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"pickerd/oauthdevice"
)

// Both requests have exactly the documented fields, and their errors no secrets.
func TestHandover(t *testing.T) {
	type request func(c *oauthdevice.Client) error
	received := func(c *oauthdevice.Client) error {
		return c.Received(context.Background(), "https://g.test/received", "a-device-code")
	}
	goOn := func(c *oauthdevice.Client) error {
		return c.Continue(context.Background(), "https://g.test/continue", "a-device-code", "https://photos.test/picker/1")
	}
	for name, tt := range map[string]struct {
		send   request
		secret oauthdevice.Secret
		basic  bool
		want   string
	}{
		"received, public":   {received, "", false, "client_id=id device_code=a-device-code"},
		"received, secret":   {received, "s", false, "client_id=id client_secret=s device_code=a-device-code"},
		"received, header":   {received, "s", true, "device_code=a-device-code"},
		"continue, public":   {goOn, "", false, "client_id=id device_code=a-device-code uri=https://photos.test/picker/1"},
		"continue, a secret": {goOn, "s", false, "client_id=id client_secret=s device_code=a-device-code uri=https://photos.test/picker/1"},
	} {
		var got []string
		c := &oauthdevice.Client{ID: "id", Secret: tt.secret, BasicAuth: tt.basic}
		c.HTTP = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if err := r.ParseForm(); err != nil {
				t.Error(err)
			}
			for _, k := range slices.Sorted(maps.Keys(r.PostForm)) {
				got = append(got, k+"="+strings.Join(r.PostForm[k], ","))
			}
			if _, _, ok := r.BasicAuth(); ok != tt.basic {
				t.Errorf("%s: Authorization header: %t", name, ok)
			}
			return respond(204, "")(r)
		})}
		if err := tt.send(c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s: %s, want %s", name, s, tt.want)
		}
	}
}

func TestHandoverErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		transport http.RoundTripper
		code      string
		temporary bool
	}{
		"refused":  {respond(400, `{"error":"invalid_grant","error_description":"a-device-code for https://photos.test/picker/1"}`), oauthdevice.InvalidGrant, false},
		"outage":   {respond(503, `{"error":"temporarily_unavailable"}`), "temporarily_unavailable", true},
		"portal":   {respond(200, "<html>"), "", true},
		"no route": {roundTrip(func(r *http.Request) (*http.Response, error) { return nil, errors.New("no route") }), "", true},
	} {
		c := &oauthdevice.Client{ID: "id", HTTP: &http.Client{Transport: tt.transport}}
		err := c.Continue(t.Context(), "https://g.test/continue", "a-device-code", "https://photos.test/picker/1")
		checkError(t, err)
		e, _ := errors.AsType[*oauthdevice.Error](err)
		if e == nil || e.Code != tt.code || e.Temporary() != tt.temporary {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, secret := range []string{"a-device-code", "picker/1", url.QueryEscape("https://photos.test/picker/1")} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error has a secret: %v", name, err)
			}
		}
	}
}

// A server without a revocation endpoint gets no request, and no second try.
func TestRevokeWithoutEndpoint(t *testing.T) {
	c := &oauthdevice.Client{ID: "id", TokenURL: "https://g.test/token", HTTP: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		t.Errorf("a request to %s", r.URL)
		return respond(200, "{}")(r)
	})}}
	err := c.Revoke(t.Context(), "token")
	e, _ := errors.AsType[*oauthdevice.Error](err)
	if !errors.Is(err, oauthdevice.ErrNoEndpoint) || e == nil || e.Temporary() {
		t.Errorf("got %v", err)
	}
}
