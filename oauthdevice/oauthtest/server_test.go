package oauthtest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/oauthdevice/oauthtest"
)

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// A wire sends requests to the simulator without a client.
type wire struct {
	t *testing.T
	s *oauthtest.Server
}

// A response is a response of the simulator.
type response struct {
	status int
	fields map[string]any
}

func (w wire) post(path string, pairs ...string) response {
	w.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	for key, value := range map[string]string{"client_id": w.s.ClientID(), "client_secret": w.s.ClientSecret()} {
		if !form.Has(key) && (key == "client_id" || path != "/device/code") {
			form.Set(key, value)
		}
	}
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, "http://a.test"+path, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := oauthtest.InProcess(w.s).RoundTrip(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	a := response{status: resp.StatusCode}
	if err := json.Unmarshal(body, &a.fields); err != nil {
		w.t.Fatalf("%s: %s", path, body)
	}
	return a
}

func (a response) text(key string) string {
	s, _ := a.fields[key].(string)
	return s
}

// code requests a device_code and a user_code.
func (w wire) code() (device, user string) {
	w.t.Helper()
	a := w.post("/device/code", "scope", oauthtest.PickerScope)
	if a.status != http.StatusOK {
		w.t.Fatalf("%+v", a)
	}
	return a.text("device_code"), a.text("user_code")
}

func (w wire) poll(device string, more ...string) response {
	w.t.Helper()
	return w.post("/token", append([]string{"grant_type", deviceGrant, "device_code", device}, more...)...)
}

// token returns the response after an approval.
func (w wire) token() response {
	w.t.Helper()
	device, user := w.code()
	w.s.Approve(user)
	return w.poll(device)
}

func (w wire) refresh(token string) response {
	w.t.Helper()
	return w.post("/token", "grant_type", "refresh_token", "refresh_token", token)
}

const wrongKind = "Only clients of type 'TVs and Limited Input devices' can use the OAuth 2.0 flow for TV and Limited-Input Device Applications. Please create and use an appropriate client."

// Status and text are as documented by Google or as recorded from it.
func TestErrors(t *testing.T) {
	for _, row := range []struct {
		name   string
		opt    oauthtest.Options
		do     func(w wire) response
		status int
		error  string
		text   string
	}{
		{"code: scope", oauthtest.Options{RefuseScope: true}, func(w wire) response { return w.post("/device/code", "scope", "x") },
			400, "invalid_scope", "Invalid device flow scope: x"},
		{"code: unknown client", oauthtest.Options{}, func(w wire) response { return w.post("/device/code", "client_id", "x") },
			401, "invalid_client", "The OAuth client was not found."},
		{"code: client checked before scope", oauthtest.Options{RefuseScope: true}, func(w wire) response { return w.post("/device/code", "client_id", "x", "scope", "x") },
			401, "invalid_client", "The OAuth client was not found."},
		{"code: client of another type", oauthtest.Options{WrongType: oauthtest.OpCode}, func(w wire) response { return w.post("/device/code") },
			401, "invalid_client", wrongKind},
		{"poll: unknown client", oauthtest.Options{}, func(w wire) response { d, _ := w.code(); return w.poll(d, "client_id", "x") },
			401, "invalid_client", "The OAuth client was not found."},
		{"poll: client of another type", oauthtest.Options{WrongType: oauthtest.OpPoll}, func(w wire) response { d, _ := w.code(); return w.poll(d) },
			401, "invalid_client", wrongKind},
		{"poll: no secret", oauthtest.Options{}, func(w wire) response { d, _ := w.code(); return w.poll(d, "client_secret", "") },
			401, "invalid_client", ""},
		{"code: rate limit", oauthtest.Options{}, func(w wire) response {
			w.s.Fail(oauthtest.OpCode, oauthtest.RateLimited)
			return w.post("/device/code")
		}, 403, "", ""},
		{"poll: pending", oauthtest.Options{}, func(w wire) response { d, _ := w.code(); return w.poll(d) },
			428, "authorization_pending", "Precondition Required"},
		{"poll: pending, standard status", oauthtest.Options{PendingStatus: 400}, func(w wire) response { d, _ := w.code(); return w.poll(d) },
			400, "authorization_pending", ""},
		{"poll: too fast", oauthtest.Options{}, func(w wire) response { d, _ := w.code(); w.poll(d); return w.poll(d) },
			403, "slow_down", "Forbidden"},
		{"poll: denied", oauthtest.Options{}, func(w wire) response { d, u := w.code(); w.s.Deny(u); return w.poll(d) },
			403, "access_denied", "Forbidden"},
		{"poll: expired", oauthtest.Options{}, func(w wire) response { d, _ := w.code(); time.Sleep(31 * time.Minute); return w.poll(d) },
			400, "expired_token", ""},
		{"poll: expired, as invalid_grant", oauthtest.Options{ExpireAsInvalid: true}, func(w wire) response { d, _ := w.code(); time.Sleep(31 * time.Minute); return w.poll(d) },
			400, "invalid_grant", ""},
		{"poll: bad code", oauthtest.Options{}, func(w wire) response { return w.poll("x") },
			400, "invalid_grant", ""},
		{"poll: used code", oauthtest.Options{}, func(w wire) response { d, u := w.code(); w.s.Approve(u); w.poll(d); return w.poll(d) },
			400, "invalid_grant", ""},
		{"poll: another grant type", oauthtest.Options{}, func(w wire) response { return w.post("/token", "grant_type", "password") },
			400, "unsupported_grant_type", ""},
		{"poll: administrator", oauthtest.Options{}, func(w wire) response { d, u := w.code(); w.s.Refuse(u, "admin_policy_enforced"); return w.poll(d) },
			400, "admin_policy_enforced", ""},
		{"poll: organisation", oauthtest.Options{}, func(w wire) response { d, u := w.code(); w.s.Refuse(u, "org_internal"); return w.poll(d) },
			403, "org_internal", ""},
		{"refresh: revoked", oauthtest.Options{}, func(w wire) response { tok := w.token(); w.s.RevokeAll(); return w.refresh(tok.text("refresh_token")) },
			400, "invalid_grant", "Token has been expired or revoked."},
		{"revoke: unknown", oauthtest.Options{}, func(w wire) response { return w.post("/revoke", "token", "x") },
			400, "invalid_token", "Token expired or revoked"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := row.do(wire{t, oauthtest.New(row.opt)})
				if a.status != row.status || a.text("error") != row.error || row.text != "" && a.text("error_description") != row.text {
					t.Errorf("got %+v", a)
				}
				if row.error == "" && a.text("error_code") != "rate_limit_exceeded" {
					t.Errorf("got %+v", a)
				}
			})
		})
	}
}

func TestOptions(t *testing.T) {
	has := func(t *testing.T, a response, want bool, keys ...string) {
		t.Helper()
		for _, k := range keys {
			if _, ok := a.fields[k]; ok != want {
				t.Errorf("%s present: %t, want %t", k, ok, want)
			}
		}
	}
	ask := func(w wire) response { return w.post("/device/code", "scope", oauthtest.PickerScope) }
	for name, tt := range map[string]struct {
		opt   oauthtest.Options
		check func(t *testing.T, w wire)
	}{
		"Google names": {oauthtest.Options{}, func(t *testing.T, w wire) {
			a := ask(w)
			has(t, a, true, "verification_url", "expires_in", "interval")
			has(t, a, false, "verification_uri", "verification_url_complete", "verification_uri_complete")
			if !regexp.MustCompile(`^[B-Z]{4}-[B-Z]{4}$`).MatchString(a.text("user_code")) {
				t.Errorf("code %q", a.text("user_code"))
			}
		}},
		"standard names": {oauthtest.Options{StandardNames: true, CompleteLink: true}, func(t *testing.T, w wire) {
			a := ask(w)
			has(t, a, true, "verification_uri", "verification_uri_complete")
			has(t, a, false, "verification_url")
		}},
		"nine letters": {oauthtest.Options{ShortGroups: true}, func(t *testing.T, w wire) {
			a := ask(w)
			if strings.Count(a.text("user_code"), "-") != 2 {
				t.Error(a)
			}
		}},
		"no interval": {oauthtest.Options{OmitInterval: true}, func(t *testing.T, w wire) { has(t, ask(w), false, "interval") }},
		"quoted numbers": {oauthtest.Options{QuotedNumbers: true}, func(t *testing.T, w wire) {
			if ask(w).text("expires_in") != "1800" {
				t.Error("not quoted")
			}
		}},
		"a scope refused": {oauthtest.Options{}, func(t *testing.T, w wire) {
			device, user := w.code()
			w.s.Approve(user, oauthtest.PickerScope)
			if a := w.poll(device); a.status != 200 || a.text("scope") != "" {
				t.Errorf("%+v", a)
			}
		}},
		"refresh without a refresh token": {oauthtest.Options{}, func(t *testing.T, w wire) {
			has(t, w.refresh(w.token().text("refresh_token")), false, "refresh_token")
		}},
		"repeated refresh token": {oauthtest.Options{RepeatRefresh: true}, func(t *testing.T, w wire) {
			tok := w.token().text("refresh_token")
			if w.refresh(tok).text("refresh_token") != tok {
				t.Error("a different refresh token")
			}
		}},
		"rotation": {oauthtest.Options{RotateRefresh: true}, func(t *testing.T, w wire) {
			tok := w.token().text("refresh_token")
			if next := w.refresh(tok).text("refresh_token"); next == tok || next == "" || w.refresh(tok).status != 400 {
				t.Error("not rotated")
			}
		}},
		"revocation of the whole project": {oauthtest.Options{}, func(t *testing.T, w wire) {
			one, two := w.token(), w.token()
			if a := w.post("/revoke", "token", one.text("access_token")); a.status != 200 {
				t.Errorf("%+v", a)
			}
			if _, problem := w.s.Check(two.text("access_token")); problem != "unauthenticated" || w.refresh(two.text("refresh_token")).status != 400 {
				t.Error("another token of the same person is still valid")
			}
		}},
		"identity": {oauthtest.Options{}, func(t *testing.T, w wire) {
			a := w.post("/device/code", "scope", oauthtest.PickerScope+" openid email")
			w.s.Approve(a.text("user_code"))
			tok := w.poll(a.text("device_code"))
			has(t, tok, true, "id_token")
			if !strings.Contains(tok.text("scope"), "https://www.googleapis.com/auth/userinfo.email") {
				t.Errorf("scope %q", tok.text("scope"))
			}
		}},
		"a refresh that hangs": {oauthtest.Options{}, func(t *testing.T, w wire) {
			w.s.Fail(oauthtest.OpRefresh, oauthtest.Hang)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			c := client(w.s)
			if _, err := c.Refresh(ctx, "r"); err == nil || ctx.Err() == nil {
				t.Errorf("responded: %v", err)
			}
		}},
		"redirects by client type": {oauthtest.Options{WebRedirects: []string{"https://relay.test/"}}, func(t *testing.T, w wire) {
			for _, c := range []struct {
				kind oauthtest.Kind
				to   string
				ok   bool
			}{
				{oauthtest.TV, "http://127.0.0.1:1/", false}, {oauthtest.Desktop, "http://127.0.0.1:41234/x", true},
				{oauthtest.Desktop, "http://192.168.1.20/", false}, {oauthtest.Web, "https://relay.test/", true}, {oauthtest.Web, "https://relay.test/x", false},
			} {
				id, _ := w.s.Client(c.kind)
				_, err := w.s.Allow("http://a.test/auth?"+url.Values{"client_id": {id}, "redirect_uri": {c.to}, "response_type": {"code"}}.Encode(), "person")
				if (err == nil) != c.ok {
					t.Errorf("%v to %s: %v", c.kind, c.to, err)
				}
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { tt.check(t, wire{t, oauthtest.New(tt.opt)}) })
		})
	}
}
