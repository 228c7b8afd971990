package oauthtest_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"pickerd/oauthdevice/oauthtest"
)

func TestFaults(t *testing.T) {
	for name, check := range map[string]func(t *testing.T, w wire){
		"deleted client": func(t *testing.T, w wire) {
			tok := w.token().text("refresh_token")
			w.s.RefuseClient(oauthtest.TV, "deleted_client")
			for _, a := range []response{w.post("/device/code", "scope", oauthtest.PickerScope), w.poll("d"), w.refresh(tok)} {
				if a.status != 401 || a.text("error") != "deleted_client" || a.text("error_description") != "The OAuth client was deleted." {
					t.Errorf("got %+v", a)
				}
			}
			w.s.RefuseClient(oauthtest.TV, "")
			if a := w.refresh(tok); a.status != 200 {
				t.Errorf("accepted again: %+v", a)
			}
		},
		"reauth required": func(t *testing.T, w wire) {
			tok := w.token().text("refresh_token")
			w.s.RequireReauth()
			if a := w.refresh(tok); a.status != 400 || a.text("error") != "invalid_grant" || a.text("error_subtype") != "invalid_rapt" {
				t.Errorf("got %+v", a)
			}
			if a := w.refresh(w.token().text("refresh_token")); a.status != 200 {
				t.Errorf("after signing in again: %+v", a)
			}
		},
		"displayName of 101 characters": func(t *testing.T, w wire) {
			for n, want := range map[int]int{100: 200, 101: 400} {
				state := `{"requestId":"r","displayName":"` + strings.Repeat("é", n) + `"}`
				if a := w.post("/device/code", "scope", oauthtest.PickerScope, "state", state); a.status != want {
					t.Errorf("%d characters: %+v", n, a)
				}
			}
		},
		"fields of each form": func(t *testing.T, w wire) {
			w.s.Fail(oauthtest.OpCode, oauthtest.SendJSON(503, `{}`)) // reads no form
			w.post("/device/code", "scope", "x")
			w.post("/token", "grant_type", deviceGrant, "device_code", "d")
			calls := w.s.Calls()
			if len(calls) != 2 || !slices.Equal(calls[0].Fields, []string{"client_id", "scope"}) ||
				!slices.Equal(calls[1].Fields, []string{"client_id", "client_secret", "device_code", "grant_type"}) {
				t.Errorf("got %+v", calls)
			}
		},
		"429": func(t *testing.T, w wire) {
			for _, after := range []string{"8", ""} {
				w.s.Fail(oauthtest.OpPoll, oauthtest.TooManyRequests(after))
				form := url.Values{"grant_type": {deviceGrant}}
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://a.test/token", strings.NewReader(form.Encode()))
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				resp, err := oauthtest.InProcess(w.s).RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				if resp.StatusCode != 429 || resp.Header.Get("Retry-After") != after {
					t.Errorf("status %d, Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) { check(t, wire{t, oauthtest.New(oauthtest.Options{})}) })
	}
}

func TestVariants(t *testing.T) {
	got := oauthtest.Variants(`{"a":[1],"b":{"c":"x"}}`)
	for _, v := range got {
		if !json.Valid([]byte(v)) {
			t.Errorf("not JSON: %s", v)
		}
	}
	for _, want := range []string{`null`, `[]`, `{"b":{"c":"x"}}`, `{"a":null,"b":{"c":"x"}}`, `{"a":["x"],"b":{"c":"x"}}`, `{"a":[1],"b":{}}`, `{"a":[1],"b":{"c":1e999}}`} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is missing", want)
		}
	}
}
