package gateway_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/oauthdevice/oauthtest"
)

func reply(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// Whatever the upstream server answers to the exchange, the box waits and the
// person can scan again.
func TestExchangeFailures(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault http.HandlerFunc
		code  string // of the next poll
	}{
		{"null", reply(200, `null`), "authorization_pending"},
		{"nothing", reply(200, ``), "authorization_pending"},
		{"a list", reply(200, `[]`), "authorization_pending"},
		{"no token", reply(200, `{"access_token":null}`), "authorization_pending"},
		{"a page", reply(200, `<html><script>alert(1)</script>`), "authorization_pending"},
		{"500", reply(500, `oops`), "authorization_pending"},
		{"502 with a page", reply(502, `<html>`), "authorization_pending"},
		{"429", reply(429, `{}`), "authorization_pending"},
		{"rate limit", oauthtest.RateLimited, "authorization_pending"},
		{"silence", oauthtest.Hang, "authorization_pending"},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://attacker.test", http.StatusTemporaryRedirect)
		}, "authorization_pending"},
		{"invalid_grant", reply(400, `{"error":"invalid_grant"}`), "authorization_pending"},
		{"deleted client", reply(401, `{"error":"deleted_client","error_description":"<b>gone</b>"}`), "authorization_pending"},
		{"policy", reply(400, `{"error":"admin_policy_enforced"}`), "access_denied"},
		{"organisation", reply(403, `{"error":"org_internal"}`), "access_denied"},
		{"other scopes", reply(200, `{"access_token":"a","scope":"https://www.googleapis.com/auth/drive"}`), "authorization_pending"},
		{"more scopes", reply(200, `{"access_token":"a","scope":"`+oauthtest.PickerScope+` https://www.googleapis.com/auth/drive"}`), "authorization_pending"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				b, p := w.newBox(), w.newPhone()
				callback := w.consent(p.scan(b.link()))
				w.google.Fail(oauthtest.OpExchange, tt.fault)
				start := time.Now()
				rec := p.get(callback)
				if rec.Code == 303 || !strings.Contains(rec.Body.String(), `<h1 id="title">`) || strings.Contains(rec.Body.String(), "<b>") || strings.Contains(rec.Body.String(), "<script") {
					t.Errorf("the page: %d %s", rec.Code, rec.Body)
				}
				if d := time.Since(start); d > 20*time.Second {
					t.Errorf("it took %v", d)
				}
				wantCode(t, "the box", b.poll(), tt.code)
				if tt.code == "authorization_pending" {
					p.signIn(b)
					if a := b.pollAfter(); a.status != 200 {
						t.Errorf("after another try: %v", a.body)
					}
				}
			})
		})
	}
}

// What the consent page leads back with instead of a code.
func TestAuthorizationErrors(t *testing.T) {
	for code, tt := range map[string]struct {
		status int
		title  string
		poll   string
	}{
		"access_denied":           {200, "relay.declined.title", "access_denied"},
		"admin_policy_enforced":   {200, "notice.admin_policy", "access_denied"},
		"org_internal":            {200, "notice.org_internal", "access_denied"},
		"server_error":            {502, "relay.refused.title", "authorization_pending"},
		"temporarily_unavailable": {502, "relay.refused.title", "authorization_pending"},
		"invalid_scope":           {502, "relay.refused.title", "authorization_pending"},
		"<script>":                {502, "relay.refused.title", "authorization_pending"},
		"":                        {502, "relay.refused.title", "authorization_pending"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			b, p := w.newBox(), w.newPhone()
			u, err := url.Parse(p.scan(b.link()))
			if err != nil {
				t.Fatal(err)
			}
			rec := p.get("/callback" + query("error", code, "state", u.Query().Get("state")))
			wantPage(t, code, rec, tt.status, tt.title)
			if strings.Contains(rec.Body.String(), "<script>") {
				t.Error("the error is in the page")
			}
			a := b.poll()
			wantCode(t, code, a, tt.poll)
		})
	}
}

// Trouble between the servers ends no grant.
func TestRefreshFailures(t *testing.T) {
	for _, tt := range []struct {
		name   string
		fault  http.HandlerFunc
		code   string
		status int
	}{
		{"null", reply(200, `null`), "temporarily_unavailable", 503},
		{"a page", reply(200, `<html>`), "temporarily_unavailable", 503},
		{"500", reply(500, `{"error":"invalid_grant"}`), "temporarily_unavailable", 503},
		{"silence", oauthtest.Hang, "temporarily_unavailable", 503},
		{"our client is refused", reply(401, `{"error":"invalid_client"}`), "temporarily_unavailable", 503},
		{"our client is deleted", reply(401, `{"error":"deleted_client"}`), "temporarily_unavailable", 503},
		{"revoked", reply(400, `{"error":"invalid_grant","error_description":"Token has been \"expired\" or revoked. é"}`), "invalid_grant", 400},
		{"of another client", reply(401, `{"error":"unauthorized_client"}`), "invalid_grant", 400},
		{"policy", reply(400, `{"error":"admin_policy_enforced"}`), "invalid_grant", 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.google.Fail(oauthtest.OpRefresh, tt.fault)
				a := w.post("/token", "client_id", "pickerd", "grant_type", "refresh_token", "refresh_token", "1//token")
				if a.code() != tt.code || a.status != tt.status || (a.header.Get("Retry-After") != "") != (tt.status == 503) {
					t.Errorf("%d %v %v", a.status, a.body, a.header)
				}
				if strings.ContainsAny(a.text("error_description"), "\"\\é") {
					t.Errorf("error_description %q", a.text("error_description"))
				}
			})
		})
	}
}

// Only so many requests wait for the upstream server at a time.
func TestUpstreamHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		done := make(chan int)
		const requests = 400
		for range requests {
			w.google.Fail(oauthtest.OpRefresh, oauthtest.Hang)
			go func() {
				done <- w.post("/token", "client_id", "pickerd", "grant_type", "refresh_token", "refresh_token", "r").status
			}()
		}
		busy, start := 0, time.Now()
		for range requests {
			if <-done == 429 {
				busy++
			}
		}
		if busy != requests-256 || time.Since(start) > 20*time.Second {
			t.Errorf("%d were refused, after %v", busy, time.Since(start))
		}
	})
}
