package oauthdevice_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"pickerd/oauthdevice"
	"pickerd/oauthdevice/oauthtest"
)

// Whatever the response, each method returns a usable value or an *Error.
func FuzzResponse(f *testing.F) {
	f.Add(200, `{"device_code":"d","user_code":"AB-CD","verification_url":"https://g.test/device","expires_in":1800,"interval":5}`)
	f.Add(200, `{"access_token":"a","expires_in":"3599","refresh_token":"r","scope":"x y","token_type":"Bearer"}`)
	f.Add(428, `{"error":"authorization_pending","error_description":"Precondition Required"}`)
	f.Add(403, `{"error_code":"rate_limit_exceeded"}`)
	f.Add(200, `{"expires_in":1e99,"interval":"x"}`)
	f.Add(502, `<html>`)
	f.Add(200, `{"access_token":"a","id_token":"e30.eyJlbWFpbCI6InBAZXhhbXBsZS5vcmcifQ.c2ln"}`)
	f.Add(200, `{"access_token":"a","id_token":"e30.eyJlbWFpbCI6Nw.c2ln"}`)
	f.Add(200, `{"access_token":"a","expires_in":-1}`)
	for _, document := range []string{
		`{"device_code":"d","user_code":"AB-CD","verification_uri":"https://g.test/device","verification_uri_complete":"https://g.test/d/AB","expires_in":1800,"interval":5}`,
		`{"access_token":"a","expires_in":3599,"refresh_token":"r","scope":"x y","token_type":"Bearer","id_token":"e30.e30.c2ln"}`,
		`{"error":"invalid_grant","error_subtype":"invalid_rapt","error_description":"why","error_uri":"https://g.test/","error_code":"rate_limit_exceeded"}`,
		`{"sub":"1","email":"person@example.org"}`,
	} {
		for _, body := range oauthtest.Variants(document) {
			f.Add(200, body)
			f.Add(400, body)
		}
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 100 || status > 999 {
			return
		}
		c := newClient(oauthtest.New(oauthtest.Options{}))
		c.HTTP.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
		})
		a, err := c.Authorize(t.Context(), "")
		checkError(t, err)
		if err == nil && (a.DeviceCode == "" || a.UserCode == "" || a.Interval < time.Second || !strings.HasPrefix(a.QRURI(), "http")) {
			t.Errorf("unusable: %+v", a)
		}
		tok, err := c.Poll(t.Context(), "d")
		checkError(t, err)
		if err == nil && tok.Access == "" {
			t.Error("neither token nor error")
		}
		tok, err = c.Refresh(t.Context(), "r")
		checkError(t, err)
		if err == nil && (tok.Access == "" || tok.Refresh == "") {
			t.Error("neither tokens nor error")
		}
		tok, err = c.Exchange(t.Context(), "c", "https://relay.test/", "v")
		checkError(t, err)
		if err == nil && tok.Access == "" {
			t.Error("neither token nor error")
		}
		if err == nil && strings.ContainsAny(tok.Account, "\n\x1b") {
			t.Errorf("account %q", tok.Account)
		}
		checkError(t, c.Revoke(t.Context(), "r"))
		who, err := c.Account(t.Context(), "a")
		checkError(t, err)
		if strings.ContainsAny(who, "\n\x1b") {
			t.Errorf("account %q", who)
		}
	})
}

func checkError(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if _, ok := errors.AsType[*oauthdevice.Error](err); !ok {
		t.Errorf("%T: %v", err, err)
	}
}
