package gateway_test

import (
	"encoding/json"
	"math"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/oauthdevice/gateway"
	"pickerd/oauthdevice/oauthtest"
)

// One scan pairs and picks: the code, the question, the consent, the token, the
// address for the phone.
func TestSignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b, p := w.newBox(), w.newPhone()
		wantCode(t, "before", b.poll(), "authorization_pending")

		rec := p.get(b.link())
		if body := rec.Body.String(); !strings.Contains(body, b.userCode) || !strings.Contains(body, screenName) {
			t.Errorf("the question lacks the code or the name: %s", body)
		}
		time.Sleep(20 * time.Second)
		p.signIn(b)
		wantPage(t, "waiting", p.get("/wait"), 200, "page.opening")

		a := b.pollAfter()
		if a.status != 200 || a.text("access_token") == "" || a.text("refresh_token") == "" || a.text("id_token") == "" || a.text("token_type") != "Bearer" {
			t.Fatalf("token: %d %v", a.status, a.body)
		}
		if a.header.Get("Cache-Control") != "no-store" {
			t.Error("the token may be cached")
		}
		// 3600 seconds, of which 5 have passed.
		if a.body["expires_in"] != 3595.0 {
			t.Errorf("expires_in %v", a.body["expires_in"])
		}
		if got := b.continueAt(pickerURI); got.status != 200 {
			t.Fatalf("continue: %d %v", got.status, got.body)
		}
		for range 2 { // a reload shows it again
			if body := p.get("/wait").Body.String(); !strings.Contains(body, "0; url="+pickerURI) {
				t.Errorf("the phone is not led on: %s", body)
			}
		}
		time.Sleep(time.Minute)
		wantPage(t, "a minute later", p.get("/wait"), 200, "gateway.done")

		r := w.post("/token", "client_id", "pickerd", "grant_type", "refresh_token", "refresh_token", a.text("refresh_token"))
		if r.status != 200 || r.text("access_token") == "" || r.text("access_token") == a.text("access_token") || r.text("refresh_token") != "" {
			t.Errorf("refresh: %d %v", r.status, r.body)
		}
		for range 2 { // the second token is unknown upstream (RFC 7009 §2.2)
			if r := w.post("/revoke", "client_id", "pickerd", "token", a.text("refresh_token")); r.status != 200 {
				t.Errorf("revoke: %d %v", r.status, r.body)
			}
		}
		r = w.post("/token", "client_id", "pickerd", "grant_type", "refresh_token", "refresh_token", a.text("refresh_token"))
		wantCode(t, "refresh after revocation", r, "invalid_grant")
		for name, n := range map[string]int{"code asked": 1, "code approved": 1, "handover 25s": 1, "refresh ok": 1, "refresh invalid_grant": 1} {
			if w.metrics.get(name) != n {
				t.Errorf("%s: %d, want %d", name, w.metrics.get(name), n)
			}
		}
	})
}

// An organization may want a person to sign in again. The box says so.
func TestReauthentication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b, p := w.newBox(), w.newPhone()
		p.signIn(b)
		a := b.poll()
		w.google.RequireReauth()
		r := w.post("/token", "client_id", "pickerd", "grant_type", "refresh_token", "refresh_token", a.text("refresh_token"))
		if wantCode(t, "refresh", r, "invalid_grant"); r.text("error_subtype") != "invalid_rapt" {
			t.Errorf("%v", r.body)
		}
	})
}

// A person may type the code in any form.
func TestTypedCode(t *testing.T) {
	for _, form := range []func(string) string{
		func(c string) string { return c },
		strings.ToLower,
		func(c string) string { return strings.ReplaceAll(c, "-", "") },
		func(c string) string { return " " + strings.ReplaceAll(c, "-", " – ") + ". " },
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			b, p := w.newBox(), w.newPhone()
			wantPage(t, "without a code", p.get("/"), 200, "gateway.enter")
			path := "/" + query("user_code", form(b.userCode))
			if body := p.get(path).Body.String(); !strings.Contains(body, b.userCode) {
				t.Fatalf("%s: %s", path, body)
			}
			if rec := p.get(w.consent(p.scan(path))); rec.Code != 303 {
				t.Fatalf("callback: %d %s", rec.Code, rec.Body)
			}
			if a := b.poll(); a.status != 200 {
				t.Errorf("token: %d %v", a.status, a.body)
			}
		})
	}
}

func TestDenial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b, p := w.newBox(), w.newPhone()
		to, err := w.google.Decline(p.scan(b.link()))
		if err != nil {
			t.Fatal(err)
		}
		wantPage(t, "declined", p.get(strings.TrimPrefix(to, issuer)), 200, "relay.declined.title")
		wantCode(t, "declined", b.poll(), "access_denied")
		wantPage(t, "later", p.get(b.link()), 409, "phone.link_used.title")
		if w.metrics.get("code declined") != 1 {
			t.Error("not counted")
		}
	})
}

// No at the question ends nothing: the code may be somebody else's.
func TestNo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b, p := w.newBox(), w.newPhone()
		f := url.Values{"c": {strings.TrimPrefix(b.link(), "/?c=")}, "answer": {"no"}}
		wantPage(t, "no", p.post("/confirm", f), 200, "gateway.not_this.title")
		p.signIn(b)
	})
}

// A person who refuses a scope can try again with the same code.
func TestScopeRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b, p := w.newBox(), w.newPhone()
		rec := p.get(w.consent(p.scan(b.link()), oauthtest.PickerScope))
		wantPage(t, "a box unticked", rec, 200, "notice.scope_missing")
		wantCode(t, "a box unticked", b.poll(), "authorization_pending")
		p.signIn(b)
		// The scopes that identify the person are optional.
		b = w.newBox()
		if rec := p.get(w.consent(p.scan(b.link()), "openid", "email")); rec.Code != 303 {
			t.Errorf("without an account: %d %s", rec.Code, rec.Body)
		}
	})
}

// A box that requests fewer scopes than it may gets no more.
func TestNarrowScope(t *testing.T) {
	w := newWorld(t)
	a := w.post("/device/code", "client_id", "pickerd", "scope", oauthtest.PickerScope)
	u, err := url.Parse(w.newPhone().scan(strings.TrimPrefix(a.text("verification_uri_complete"), issuer)))
	if err != nil || u.Query().Get("scope") != oauthtest.PickerScope {
		t.Errorf("%v", u)
	}
}

// The answer is there until the box has confirmed it, and no longer.
func TestAnswerFetchedAgain(t *testing.T) {
	for _, confirm := range []struct {
		name string
		by   func(*box) answer
	}{
		{"received", (*box).received},
		{"continue", func(b *box) answer { return b.continueAt(pickerURI) }},
	} {
		t.Run(confirm.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				b, p := w.newBox(), w.newPhone()
				wantCode(t, "too early", confirm.by(b), "invalid_grant")
				p.signIn(b)
				first := b.poll()
				for range 3 {
					if again := b.pollAfter(); again.text("access_token") != first.text("access_token") || first.text("access_token") == "" {
						t.Errorf("fetched again: %v", again.body)
					}
				}
				for range 2 { // the answer to the first may be lost
					if a := confirm.by(b); a.status != 200 {
						t.Errorf("%d %v", a.status, a.body)
					}
					wantCode(t, "after it was confirmed", b.pollAfter(), "invalid_grant")
				}
			})
		})
	}
}

// A box that was offline while the person signed in still gets its answer, until
// the code expires or ten minutes have passed.
func TestAnswerLife(t *testing.T) {
	for _, tt := range []struct{ approved, until time.Duration }{
		{time.Minute, 20 * time.Minute},
		{19 * time.Minute, 29 * time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			b, p := w.newBox(), w.newPhone()
			start := time.Now()
			time.Sleep(tt.approved)
			p.signIn(b)
			time.Sleep(tt.until - time.Since(start) - 10*time.Second)
			if a := b.poll(); a.status != 200 {
				t.Errorf("before %v: %v", tt.until, a.body)
			}
			time.Sleep(10 * time.Second)
			wantCode(t, tt.until.String(), b.poll(), "expired_token")
			wantCode(t, "continue", b.continueAt(pickerURI), "expired_token")
		})
	}
}

func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b, p := w.newBox(), w.newPhone()
		late := w.consent(p.scan(b.link()))
		time.Sleep(20 * time.Minute)
		wantCode(t, "expired", b.poll(), "expired_token")
		wantPage(t, "the link", p.get(b.link()), 410, "phone.link_late.title")
		wantPage(t, "the code", p.get("/"+query("user_code", b.userCode)), 422, "gateway.enter")
		wantPage(t, "the callback", p.get(late), 409, "phone.link_used.title")
		if n := w.calls(oauthtest.OpExchange); n != 0 {
			t.Errorf("%d exchanges", n)
		}
	})
}

// The clock of the gateway is set while a person signs in.
func TestClockSet(t *testing.T) {
	for _, tt := range []struct {
		by   time.Duration
		poll string
	}{
		{-48 * time.Hour, ""},
		{-time.Minute, ""},
		{time.Minute, ""},
		{48 * time.Hour, "expired_token"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var ahead time.Duration
			w := newWorld(t, func(c *gateway.Config) { c.Now = func() time.Time { return time.Now().Add(ahead) } })
			b, p := w.newBox(), w.newPhone()
			callback := w.consent(p.scan(b.link()))
			ahead = tt.by
			rec := p.get(callback)
			if (rec.Code == 303) != (tt.poll == "") {
				t.Errorf("%v: callback: %d %s", tt.by, rec.Code, rec.Body)
			}
			wantCode(t, tt.by.String(), b.poll(), tt.poll)
			if tt.poll != "" {
				return
			}
			ahead = 0
			if a := b.continueAt(pickerURI); a.status != 200 {
				t.Errorf("%v: continue: %v", tt.by, a.body)
			}
		})
	}
}

// A phone does not wait for ever, and a box that has stored the token may take its
// time until it has an address.
func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b, p := w.newBox(), w.newPhone()
		p.signIn(b)
		b.poll()
		b.received()
		rec := p.get("/wait")
		wantPage(t, "after received", rec, 200, "page.opening")
		if rec.Header().Get("Refresh") != "2" {
			t.Error("the page is not loaded again")
		}
		time.Sleep(2*time.Minute + time.Second)
		wantPage(t, "after two minutes", p.get("/wait"), 200, "page.pick_title")
		if a := b.continueAt(pickerURI); a.status != 200 {
			t.Errorf("continue: %v", a.body)
		}
		if body := p.get("/wait").Body.String(); !strings.Contains(body, pickerURI) {
			t.Errorf("reloaded: %s", body)
		}
		wantCode(t, "another address", b.continueAt(pickerURI+"2"), "invalid_grant")
	})
}

func TestMetadata(t *testing.T) {
	w := newWorld(t)
	rec := w.newPhone().get(gateway.MetadataPath)
	var got map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil || rec.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	methods := []any{"none", "client_secret_post", "client_secret_basic"}
	want := map[string]any{
		"issuer":                                     issuer,
		"device_authorization_endpoint":              issuer + "/device/code",
		"token_endpoint":                             issuer + "/token",
		"revocation_endpoint":                        issuer + "/revoke",
		"continue_endpoint":                          issuer + "/continue",
		"received_endpoint":                          issuer + "/received",
		"scopes_supported":                           []any{oauthtest.PickerScope, "openid", "email"},
		"response_types_supported":                   []any{},
		"grant_types_supported":                      []any{"urn:ietf:params:oauth:grant-type:device_code", "refresh_token"},
		"token_endpoint_auth_methods_supported":      methods,
		"revocation_endpoint_auth_methods_supported": methods,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestAuthorization(t *testing.T) {
	w := newWorld(t)
	a := w.post("/device/code", "client_id", "pickerd")
	if a.body["expires_in"] != 1200.0 || a.body["interval"] != 5.0 || a.text("verification_uri") != issuer {
		t.Errorf("%v", a.body)
	}
	letters := strings.Split(a.text("user_code"), "-")
	if len(letters) != 3 || strings.Trim(strings.Join(letters, ""), "BCDFGHJKLMNPQRSTVWXZ") != "" || len(a.text("user_code")) != 11 {
		t.Errorf("user_code %q", a.text("user_code"))
	}
	if link := a.text("verification_uri_complete"); len(link) > 78 || strings.Contains(link, a.text("user_code")) {
		t.Errorf("verification_uri_complete %q", link)
	}
}

// Every letter is as likely as any other. A byte modulo 20 would make four of them
// rarer by a sixteenth.
func TestUserCodeLetters(t *testing.T) {
	const codes, letters = 200_000, 20
	seen := map[rune]int{}
	for range codes {
		for _, r := range gateway.NewUserCode() {
			seen[r]++
		}
	}
	delete(seen, '-')
	want := codes * 9 / letters
	deviation := int(math.Sqrt(float64(want)))
	for r, n := range seen {
		if n < want-8*deviation || n > want+8*deviation {
			t.Errorf("%c: %d times, want %d", r, n, want)
		}
	}
	if len(seen) != letters {
		t.Errorf("%d letters", len(seen))
	}
}

func TestHealth(t *testing.T) {
	w := newWorld(t)
	if rec := w.newPhone().get("/healthz"); rec.Code != 200 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	w.store.change(func() { w.store.away = true })
	if rec := w.newPhone().get("/healthz"); rec.Code != 503 {
		t.Errorf("without a store: %d %s", rec.Code, rec.Body)
	}
}

// Browsers are told to keep, run and embed nothing.
func TestHeaders(t *testing.T) {
	w := newWorld(t)
	p, b := w.newPhone(), w.newBox()
	pages := map[string]*httptest.ResponseRecorder{
		"form": p.get("/"), "question": p.get(b.link()), "wait": p.get("/wait"), "callback": p.get("/callback?state=x"), "not found": p.get("/x"),
		"confirm": p.post("/confirm", url.Values{"c": {strings.TrimPrefix(b.link(), "/?c=")}, "answer": {"yes"}}),
	}
	for name, rec := range pages {
		for header, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
			"Referrer-Policy": "same-origin", "Cache-Control": "no-store", "Strict-Transport-Security": "max-age=",
		} {
			if got := rec.Header().Get(header); !strings.HasPrefix(got, want) {
				t.Errorf("%s: %s is %q", name, header, got)
			}
		}
	}
	c := pages["confirm"].Result().Cookies()
	if len(c) != 1 || c[0].Name != "__Host-pickerd" || !c[0].Secure || !c[0].HttpOnly || c[0].SameSite != 2 || c[0].Path != "/" || c[0].Domain != "" {
		t.Errorf("cookies: %v", c)
	}
}
