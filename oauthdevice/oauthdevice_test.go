package oauthdevice_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
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

func TestWholeFlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := oauthtest.New(oauthtest.Options{RotateRefresh: true})
		c := newClient(s)
		ctx := t.Context()
		a, err := c.Authorize(ctx, `{"requestId":"r","displayName":"Kitchen TV"}`)
		if err != nil {
			t.Fatal(err)
		}
		if a.Interval != 5*time.Second || time.Until(a.ExpiresAt) != 30*time.Minute {
			t.Errorf("interval %v, lifetime %v", a.Interval, time.Until(a.ExpiresAt))
		}
		if id, name := s.State(); id != "r" || name != "Kitchen TV" {
			t.Errorf("state arrived as %q, %q", id, name)
		}
		if _, err := c.Poll(ctx, a.DeviceCode); code(err) != oauthdevice.AuthorizationPending {
			t.Errorf("before the approval: %v", err)
		}
		if _, err := c.Poll(ctx, a.DeviceCode); code(err) != oauthdevice.SlowDown {
			t.Errorf("too early: %v", err)
		}
		s.Approve(a.UserCode)
		time.Sleep(10 * time.Second)
		tok, err := c.Poll(ctx, a.DeviceCode)
		if err != nil {
			t.Fatal(err)
		}
		if len(tok.MissingScopes(c.Scopes)) > 0 || tok.Refresh == "" || time.Until(tok.ExpiresAt) != time.Hour {
			t.Errorf("token: %v", tok)
		}
		if _, err := c.Poll(ctx, a.DeviceCode); code(err) != oauthdevice.InvalidGrant {
			t.Errorf("a code used twice: %v", err)
		}
		second, err := c.Refresh(ctx, tok.Refresh)
		if err != nil || second.Refresh == tok.Refresh || second.Access == tok.Access {
			t.Errorf("refresh with rotation: %v, %v", second, err)
		}
		if _, err := c.Refresh(ctx, tok.Refresh); code(err) != oauthdevice.InvalidGrant {
			t.Errorf("the old refresh token: %v", err)
		}
		if err := c.Revoke(ctx, second.Refresh); err != nil {
			t.Error(err)
		}
		if err := c.Revoke(ctx, second.Refresh); err != nil {
			t.Errorf("revoking what is revoked: %v", err)
		}
	})
}

func code(err error) string {
	e, _ := errors.AsType[*oauthdevice.Error](err)
	if e == nil {
		return ""
	}
	return e.Code
}

func TestQRURI(t *testing.T) {
	tests := []struct {
		a    oauthdevice.Authorization
		want string
	}{
		{oauthdevice.Authorization{VerificationURI: "https://www.google.com/device", UserCode: "GQVQ-JKEC"}, "https://www.google.com/device?user_code=GQVQ-JKEC"},
		{oauthdevice.Authorization{VerificationURI: "https://x.test/d?lang=de", UserCode: "A B"}, "https://x.test/d?lang=de&user_code=A+B"},
		{oauthdevice.Authorization{VerificationURI: "https://x.test/d", VerificationURIComplete: "https://x.test/d/AB", UserCode: "AB"}, "https://x.test/d/AB"},
	}
	for _, tt := range tests {
		if got := tt.a.QRURI(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// An error must not carry what the server echoes of the request.
func TestErrorsKeepSecrets(t *testing.T) {
	s := oauthtest.New(oauthtest.Options{})
	c := newClient(s)
	const deviceCode = "dc-" + oauthtest.Mark
	echo := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(400)
		json.NewEncoder(w).Encode(map[string]string{"error": "x" + r.FormValue("device_code"),
			"error_description": r.FormValue("device_code") + "\x1b[31m" + r.FormValue("client_secret")})
	}
	s.Fail(oauthtest.OpPoll, echo)
	_, err := c.Poll(t.Context(), deviceCode)
	if err == nil || strings.Contains(err.Error(), oauthtest.Mark) || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("got %v", err)
	}
	var b strings.Builder
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "secret", oauthdevice.Secret(oauthtest.Mark), "token", oauthdevice.Token{Access: oauthtest.Mark})
	fmt.Fprintf(&b, "%v %+v %#v %s", oauthdevice.Secret(oauthtest.Mark), oauthdevice.Token{Refresh: oauthtest.Mark}, oauthdevice.Token{Refresh: oauthtest.Mark}, c.Secret)
	if strings.Contains(b.String(), oauthtest.Mark) {
		t.Error(b.String())
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
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

// Every request says who the client is, in the one way that it is set up for:
// in the form, or in the header.
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
					t.Errorf("%s: the header holds %q", r.URL.Path, id)
				}
				// RFC 8628 §3.1 wants it there too, but Google documents only the
				// client_id for the first request: it follows where that is refused.
				first := !asked
				asked = true
				if want := tt.form && !first; (form != "") != want {
					t.Errorf("%s: the form holds a secret: %t, want %t", r.URL.Path, !want, want)
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

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func roundTripJSON(status int, body string) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}},
			Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	}
}

func TestContextEndsACall(t *testing.T) {
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

func ready() error { return nil }

func TestSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := oauthtest.New(oauthtest.Options{})
		c := newClient(s)
		a, err := c.Authorize(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		s.Approve(a.UserCode)
		tok, err := c.Poll(t.Context(), a.DeviceCode)
		if err != nil {
			t.Fatal(err)
		}
		var saved []oauthdevice.Token
		diskFull := false
		src := oauthdevice.NewTokenSource(c, *tok, ready, func(n *oauthdevice.Token) error {
			if diskFull {
				return io.ErrShortWrite
			}
			saved = append(saved, *n)
			return nil
		})
		get := func() string {
			t.Helper()
			v, err := src.Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		first := get()
		time.Sleep(58 * time.Minute)
		if get() != first || len(saved) != 0 {
			t.Error("a good token was refreshed")
		}
		time.Sleep(90 * time.Second) // within the margin
		second := get()
		if second == first || len(saved) != 1 || string(saved[0].Access) != second {
			t.Errorf("refreshed and saved: %d", len(saved))
		}
		src.Invalidate(first) // an old one: somebody else has refreshed already
		if get() != second {
			t.Error("a good token was refreshed again")
		}
		src.Invalidate(second)
		diskFull = true
		if _, err := src.Token(t.Context()); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("a token that is not on disk was used: %v", err)
		}
		diskFull = false
		if get() == second {
			t.Error("a refused token came back")
		}
		s.RevokeAll()
		src.Invalidate(get())
		if _, err := src.Token(t.Context()); code(err) != oauthdevice.InvalidGrant {
			t.Errorf("after revocation: %v", err)
		}
	})
}

// Where the server rotates, a token that the disk did not take is the only good
// one there is.
func TestRotatedTokenThatIsNotSavedIsKept(t *testing.T) {
	for name, o := range map[string]oauthtest.Options{
		"the old one ends at once":           {RotateRefresh: true},
		"the old one ends with the next use": {RotateOverlap: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := oauthtest.New(o)
				c := newClient(s)
				a, err := c.Authorize(t.Context(), "")
				if err != nil {
					t.Fatal(err)
				}
				s.Approve(a.UserCode)
				tok, err := c.Poll(t.Context(), a.DeviceCode)
				if err != nil {
					t.Fatal(err)
				}
				saves := 0
				src := oauthdevice.NewTokenSource(c, *tok, ready, func(*oauthdevice.Token) error {
					if saves++; saves < 3 {
						return io.ErrShortWrite
					}
					return nil
				})
				time.Sleep(2 * time.Hour)
				for range 2 {
					if _, err := src.Token(t.Context()); !errors.Is(err, io.ErrShortWrite) {
						t.Errorf("got %v", err)
					}
				}
				access, err := src.Token(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if _, problem := s.Check(access); problem != "" {
					t.Errorf("the token is %s", problem)
				}
				src.Invalidate(access)
				if _, err := src.Token(t.Context()); err != nil {
					t.Errorf("the next refresh: %v", err)
				}
			})
		})
	}
}

func TestParseClientFile(t *testing.T) {
	f, err := oauthdevice.ParseClientFile([]byte(`{"installed":{"client_id":"i","client_secret":"s","redirect_uris":["http://localhost"]}}`))
	if err != nil || f.ID != "i" || f.Secret != "s" || f.Web {
		t.Errorf("%v %v", f, err)
	}
	f, err = oauthdevice.ParseClientFile([]byte(`{"web":{"client_id":"w","redirect_uris":["https://relay.test/"]}}`))
	if err != nil || f.ID != "w" || !f.Web || f.RedirectURIs[0] != "https://relay.test/" {
		t.Errorf("%v %v", f, err)
	}
	for name, text := range map[string]string{
		"service account": `{"type":"service_account"}`,
		"empty":           ``, "HTML": `<html>`, "no id": `{"installed":{}}`, "list": `[]`,
	} {
		if _, err := oauthdevice.ParseClientFile([]byte(text)); !errors.Is(err, oauthdevice.ErrClientFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseClientFile(f *testing.F) {
	f.Add(`{"installed":{"client_id":"i","client_secret":"s"}}`)
	f.Add(`{"web":null,"installed":{"client_id":7}}`)
	f.Add(`{"web":{"client_id":"w","redirect_uris":["https://relay.test/"]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := oauthdevice.ParseClientFile([]byte(text))
		if err == nil && c.ID == "" {
			t.Error("no error and no id")
		}
	})
}

// Whatever a server answers, the client returns a usable value or an *Error.
func FuzzAnswers(f *testing.F) {
	f.Add(200, `{"device_code":"d","user_code":"AB-CD","verification_url":"https://g.test/device","expires_in":1800,"interval":5}`)
	f.Add(200, `{"access_token":"a","expires_in":"3599","refresh_token":"r","scope":"x y","token_type":"Bearer"}`)
	f.Add(428, `{"error":"authorization_pending","error_description":"Precondition Required"}`)
	f.Add(403, `{"error_code":"rate_limit_exceeded"}`)
	f.Add(200, `{"expires_in":1e99,"interval":"x"}`)
	f.Add(502, `<html>`)
	f.Add(200, `{"access_token":"a","id_token":"e30.eyJlbWFpbCI6InBAZXhhbXBsZS5vcmcifQ.c2ln"}`)
	f.Add(200, `{"access_token":"a","id_token":"e30.eyJlbWFpbCI6Nw.c2ln"}`)
	f.Add(200, `{"access_token":"a","expires_in":-1}`)
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
		if err == nil && (a.DeviceCode == "" || a.UserCode == "" || a.Interval <= 0 || !strings.HasPrefix(a.QRURI(), "http")) {
			t.Errorf("unusable: %+v", a)
		}
		tok, err := c.Poll(t.Context(), "d")
		checkError(t, err)
		if err == nil && tok.Access == "" {
			t.Error("no token and no error")
		}
		_, err = c.Refresh(t.Context(), "r")
		checkError(t, err)
		tok, err = c.Exchange(t.Context(), "c", "https://relay.test/", "v")
		checkError(t, err)
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
