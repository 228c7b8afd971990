package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"pickerd/oauthdevice/gateway"
	"pickerd/oauthdevice/oauthtest"
)

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// Malformed requests get the errors of RFC 6749 §5.2.
func TestBadRequests(t *testing.T) {
	unknown := strings.Repeat("x", 42) + "w"
	for _, tt := range []struct {
		name, path string
		form       []string
		code       string
		status     int
	}{
		{"no client", "/device/code", nil, "invalid_request", 400},
		{"unknown client", "/device/code", []string{"client_id", "stranger"}, "invalid_client", 401},
		{"no secret", "/device/code", []string{"client_id", "hotel"}, "invalid_client", 401},
		{"wrong secret", "/device/code", []string{"client_id", "hotel", "client_secret", "x"}, "invalid_client", 401},
		{"the digest as secret", "/device/code", []string{"client_id", "hotel", "client_secret", "%"}, "invalid_client", 401},
		{"wider scope", "/device/code", []string{"client_id", "pickerd", "scope", oauthtest.PickerScope + " drive"}, "invalid_scope", 400},
		{"state is no JSON", "/device/code", []string{"client_id", "pickerd", "state", "x"}, "invalid_request", 400},
		{"state is null", "/device/code", []string{"client_id", "pickerd", "state", "null"}, "invalid_request", 400},
		{"state is a list", "/device/code", []string{"client_id", "pickerd", "state", "[]"}, "invalid_request", 400},
		{"name is a number", "/device/code", []string{"client_id", "pickerd", "state", `{"displayName":1}`}, "invalid_request", 400},

		{"no grant type", "/token", []string{"client_id", "pickerd"}, "invalid_request", 400},
		{"unknown grant type", "/token", []string{"client_id", "pickerd", "grant_type", "password"}, "unsupported_grant_type", 400},
		{"authorization code", "/token", []string{"client_id", "pickerd", "grant_type", "authorization_code", "code", "x"}, "unsupported_grant_type", 400},
		{"no device_code", "/token", []string{"client_id", "pickerd", "grant_type", deviceGrant}, "invalid_request", 400},
		{"truncated device_code", "/token", []string{"client_id", "pickerd", "grant_type", deviceGrant, "device_code", unknown[:42]}, "invalid_grant", 400},
		{"device_code of other letters", "/token", []string{"client_id", "pickerd", "grant_type", deviceGrant, "device_code", strings.Repeat("+", 43)}, "invalid_grant", 400},
		{"unknown device_code", "/token", []string{"client_id", "pickerd", "grant_type", deviceGrant, "device_code", unknown}, "expired_token", 400},
		{"unknown client polls", "/token", []string{"client_id", "stranger", "grant_type", deviceGrant, "device_code", unknown}, "invalid_client", 401},

		{"no refresh token", "/token", []string{"client_id", "pickerd", "grant_type", "refresh_token"}, "invalid_request", 400},
		{"unknown refresh token", "/token", []string{"client_id", "pickerd", "grant_type", "refresh_token", "refresh_token", "x"}, "invalid_grant", 400},
		{"no token", "/revoke", []string{"client_id", "pickerd"}, "invalid_request", 400},
		{"unknown client revokes", "/revoke", []string{"client_id", "stranger", "token", "x"}, "invalid_client", 401},
		{"no device_code", "/received", []string{"client_id", "pickerd"}, "invalid_request", 400},
		{"unknown device_code", "/received", []string{"client_id", "pickerd", "device_code", unknown}, "expired_token", 400},
		{"no address", "/continue", []string{"client_id", "pickerd", "device_code", unknown}, "invalid_request", 400},
		{"unknown device_code", "/continue", []string{"client_id", "pickerd", "device_code", unknown, "uri", pickerURI}, "expired_token", 400},
	} {
		w := newWorld(t)
		if a := w.post(tt.path, tt.form...); a.code() != tt.code || a.status != tt.status {
			t.Errorf("%s %s: %d %v, want %s", tt.path, tt.name, a.status, a.body, tt.code)
		}
	}
}

// Bodies that are no forms, and forms with a parameter twice.
func TestMalformedBodies(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/device/code", "/token", "/revoke", "/continue", "/received"} {
		for _, tt := range []struct{ kind, body string }{
			{"application/json", `{"client_id":"pickerd"}`},
			{"", "client_id=pickerd"},
			{"multipart/form-data; boundary=x", "--x--"},
			{"application/x-www-form-urlencoded", "client_id=pickerd&client_id=hotel"},
			{"application/x-www-form-urlencoded", "client_id=%zz"},
			{"application/x-www-form-urlencoded", "client_id=pickerd;x=1"},
		} {
			r := httptest.NewRequest("POST", issuer+path, strings.NewReader(tt.body))
			r.Header.Set("Content-Type", tt.kind)
			rec := httptest.NewRecorder()
			w.gw.ServeHTTP(rec, r)
			if rec.Code != 400 || !strings.Contains(rec.Body.String(), `"error":"invalid_request"`) {
				t.Errorf("%s %s: %d %s", path, tt.body, rec.Code, rec.Body)
			}
		}
		// Parameters in the address do not count: addresses are logged by proxies.
		r := httptest.NewRequest("POST", issuer+path+"?client_id=pickerd", strings.NewReader(""))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		rec := httptest.NewRecorder()
		w.gw.ServeHTTP(rec, r)
		if !strings.Contains(rec.Body.String(), "invalid_request") {
			t.Errorf("%s with a query: %d %s", path, rec.Code, rec.Body)
		}
	}
}

func TestBasicAuth(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		user, password, body string
		status               int
	}{
		{"hotel", boxSecret, "", 200},
		{"hotel", "b%6Fx-s3cr3t", "client_id=hotel", 200},
		{"hotel", "wrong", "", 401},
		{"hotel", "%zz", "", 401},
		{"hotel", boxSecret, "client_id=pickerd", 400},
		{"hotel", boxSecret, "client_secret=" + boxSecret, 400},
		{"pickerd", "", "", 200},
	} {
		r := httptest.NewRequest("POST", issuer+"/device/code", strings.NewReader(tt.body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth(tt.user, tt.password)
		rec := httptest.NewRecorder()
		w.gw.ServeHTTP(rec, r)
		if rec.Code != tt.status || (rec.Header().Get("WWW-Authenticate") != "") != (tt.status == 401) {
			t.Errorf("%v: %d %s", tt, rec.Code, rec.Body)
		}
	}
}

// A client that was taken off the list can do nothing with what it has.
func TestClientTakenOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b, p := w.newBox(), w.newPhone()
		p.signIn(b)
		refresh := b.poll().text("refresh_token")
		w.cfg.Clients = w.cfg.Clients[1:]
		w.gw = w.instance()
		wantCode(t, "poll", b.pollAfter(), "invalid_client")
		wantCode(t, "refresh", w.post("/token", "client_id", "pickerd", "grant_type", "refresh_token", "refresh_token", refresh), "invalid_client")
		wantCode(t, "revoke", w.post("/revoke", "client_id", "pickerd", "token", refresh), "invalid_client")
		wantCode(t, "continue", b.continueAt(pickerURI), "invalid_client")
		if n := w.calls(oauthtest.OpRefresh) + w.calls(oauthtest.OpRevoke); n != 0 {
			t.Errorf("%d requests upstream", n)
		}
	})
}

// What a box sends beside its refresh token does not reach the upstream server.
func TestRefreshRequest(t *testing.T) {
	var sent url.Values
	w := newWorld(t, func(c *gateway.Config) {
		next := c.Upstream.Client.HTTP.Transport
		c.Upstream.Client.HTTP = &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			again := r.Clone(r.Context())
			again.Body, _ = r.GetBody()
			if err := again.ParseForm(); err != nil {
				return nil, err
			}
			sent = again.PostForm
			return next.RoundTrip(r)
		})}
	})
	w.post("/token", "client_id", "hotel", "client_secret", boxSecret, "grant_type", "refresh_token", "refresh_token", "r",
		"scope", oauthtest.PickerScope, "code", "c", "redirect_uri", "https://attacker.test", "assertion", "x", "audience", "y")
	id, secret := w.google.Client(oauthtest.Web)
	want := url.Values{"client_id": {id}, "client_secret": {secret}, "grant_type": {"refresh_token"}, "refresh_token": {"r"}, "scope": {oauthtest.PickerScope}}
	if sent.Encode() != want.Encode() {
		t.Errorf("sent %v", sent)
	}
	sent = nil
	a := w.post("/token", "client_id", "pickerd", "grant_type", "refresh_token", "refresh_token", "r", "scope", "https://www.googleapis.com/auth/drive")
	wantCode(t, "a wider scope", a, "invalid_scope")
	if sent != nil {
		t.Error("it reached the upstream server")
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The gateway's client secret does not refresh a token that has other scopes.
func TestRefreshOfWiderToken(t *testing.T) {
	w := newWorld(t)
	wide := w.cfg.Upstream.Client
	wide.Scopes = append([]string{"https://www.googleapis.com/auth/drive"}, wide.Scopes...)
	to, err := w.google.Allow(wide.AuthCodeURL(issuer+"/callback", "s", "v"), "person")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	r, err := wide.ExchangeResponse(t.Context(), "", issuer+"/callback", "v")
	if err == nil {
		t.Fatalf("an empty code: %v", r)
	}
	tok, err := wide.Exchange(t.Context(), secretOf(u.Query().Get("code")), issuer+"/callback", "v")
	if err != nil {
		t.Fatal(err)
	}
	a := w.post("/token", "client_id", "pickerd", "grant_type", "refresh_token", "refresh_token", string(tok.Refresh))
	wantCode(t, "a token with another scope", a, "invalid_scope")
}

// While the store is away, nothing is handed to anybody, and nothing is lost.
func TestStoreAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b, p := w.newBox(), w.newPhone()
		callback := w.consent(p.scan(b.link()))
		w.store.change(func() { w.store.away = true })
		for _, a := range []answer{b.poll(), b.received(), b.continueAt(pickerURI), w.post("/device/code", "client_id", "pickerd")} {
			if a.status != 503 || a.code() != "temporarily_unavailable" || a.header.Get("Retry-After") == "" {
				t.Errorf("%d %v", a.status, a.body)
			}
		}
		for _, path := range []string{callback, b.link(), "/" + query("user_code", b.userCode), "/wait"} {
			rec := p.get(path)
			wantPage(t, path, rec, 503, "gateway.store_away.title")
			if rec.Header().Get("Retry-After") == "" || (rec.Header().Get("Refresh") != "") != (path == "/wait") {
				t.Errorf("%s: %v", path, rec.Header())
			}
		}
		if n := strings.Count(w.log.String(), "store unavailable"); n != 1 {
			t.Errorf("logged %d times", n)
		}
		w.store.change(func() { w.store.away = false })
		if rec := p.get(callback); rec.Code != 303 {
			t.Errorf("the same callback afterwards: %d %s", rec.Code, rec.Body)
		}
		if a := b.pollAfter(); a.status != 200 {
			t.Errorf("the box: %v", a.body)
		}
	})
}

// The store changes the entry, and its answer is lost: the token is not.
func TestStoreAnswerLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b, p := w.newBox(), w.newPhone()
		w.store.change(func() { w.store.failing = 1 })
		p.signIn(b)
		if a := b.poll(); a.status != 200 {
			t.Errorf("%v", a.body)
		}
	})
}

// A phone that hangs up while the code is exchanged does not lose the token.
func TestPhoneHangsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b, p := w.newBox(), w.newPhone()
		callback := w.consent(p.scan(b.link()))
		r := httptest.NewRequest("GET", issuer+callback, nil)
		ctx, hangUp := contextOf(t)
		w.cfg.Upstream.Client.HTTP = &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			hangUp()
			return oauthtest.InProcess(w.google).RoundTrip(r)
		})}
		p.gw = w.instance()
		p.do(r.WithContext(ctx))
		if a := b.poll(); a.status != 200 {
			t.Errorf("%v", a.body)
		}
	})
}

// A link checker that sends HEAD does not use up a sign-in.
func TestHead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b, p := w.newBox(), w.newPhone()
		callback := w.consent(p.scan(b.link()))
		p.do(httptest.NewRequest("HEAD", issuer+callback, nil))
		if rec := p.get(callback); rec.Code != 303 {
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
	})
}
