package oauthdevice_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"pickerd/oauthdevice"
	"pickerd/oauthdevice/oauthtest"
)

// Each response to a poll becomes one *Error.
func TestError(t *testing.T) {
	for name, tt := range map[string]struct {
		status    int
		body      string
		code      string
		is        error
		temporary bool
		text      string
	}{
		"pending":            {428, `{"error":"authorization_pending"}`, "authorization_pending", nil, false, "poll: authorization_pending"},
		"with a description": {403, `{"error":"access_denied","error_description":"Forbidden"}`, "access_denied", nil, false, "poll: access_denied (Forbidden)"},
		"server error":       {500, `{"error":"server_error"}`, "server_error", nil, true, "poll: server_error"},
		"unavailable":        {400, `{"error":"temporarily_unavailable"}`, "temporarily_unavailable", nil, true, "poll: temporarily_unavailable"},
		"internal failure":   {400, `{"error":"internal_failure"}`, "internal_failure", nil, true, "poll: internal_failure"},
		"Google's limit":     {403, `{"error_code":"rate_limit_exceeded"}`, "rate_limit_exceeded", nil, true, "poll: rate_limit_exceeded"},
		"too many requests":  {429, `{"error":"invalid_request"}`, "invalid_request", nil, true, "poll: invalid_request"},
		"bad gateway":        {502, `<html>`, "", oauthdevice.ErrNotOAuth, true, "poll: HTTP 502: response is not from an OAuth server"},
		"captive portal":     {200, `<html>`, "", oauthdevice.ErrNotOAuth, true, "poll: HTTP 200: response is not from an OAuth server"},
		"without a code":     {400, `{}`, "", oauthdevice.ErrNotOAuth, true, "poll: HTTP 400: response is not from an OAuth server"},
		"without a token":    {200, `{}`, "", oauthdevice.ErrMalformedResponse, false, "poll: HTTP 200: malformed response"},
		"null":               {200, ` null\n`, "", oauthdevice.ErrMalformedResponse, false, "poll: HTTP 200: malformed response"},
		"null with a status": {400, `null`, "", oauthdevice.ErrNotOAuth, true, "poll: HTTP 400: response is not from an OAuth server"},
		"no client any more": {401, `{"error":"deleted_client","error_description":"gone"}`, "deleted_client", nil, false, "poll: deleted_client (gone)"},
		"with a subtype":     {400, `{"error":"invalid_grant","error_subtype":"invalid_rapt"}`, "invalid_grant", nil, false, "poll: invalid_grant, invalid_rapt"},
		"odd description":    {400, `{"error":"invalid_grant","error_description":7}`, "invalid_grant", nil, false, "poll: invalid_grant"},
		"too long":           {200, strings.Repeat(" ", 65<<10), "", oauthdevice.ErrMalformedResponse, false, "poll: HTTP 200: malformed response"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(oauthtest.New(oauthtest.Options{}))
			c.HTTP.Transport = respond(tt.status, tt.body)
			_, err := c.Poll(t.Context(), "a device code")
			e, ok := errors.AsType[*oauthdevice.Error](err)
			if !ok || e.Code != tt.code || e.HTTPStatus != tt.status || e.Temporary() != tt.temporary || err.Error() != tt.text {
				t.Errorf("%q, temporary: %t", err, ok && e.Temporary())
			}
			if !errors.Is(err, tt.is) && tt.is != nil {
				t.Errorf("%v is not %v", err, tt.is)
			}
		})
	}
}

// What an error means for the client, the grant and the next request.
func TestErrorKinds(t *testing.T) {
	for name, tt := range map[string]struct {
		status                     int
		body                       string
		refusesClient, gone, limit bool
		subtype                    string
	}{
		"unknown client":  {401, `{"error":"invalid_client"}`, true, false, false, ""},
		"other flow":      {401, `{"error":"unauthorized_client"}`, true, false, false, ""},
		"deleted client":  {401, `{"error":"deleted_client"}`, true, true, false, ""},
		"disabled client": {401, `{"error":"disabled_client"}`, true, true, false, ""},
		"revoked":         {400, `{"error":"invalid_grant"}`, false, false, false, ""},
		"reauth":          {400, `{"error":"invalid_grant","error_subtype":"invalid_rapt"}`, false, false, false, oauthdevice.InvalidRAPT},
		"odd subtype":     {400, `{"error":"invalid_grant","error_subtype":["invalid_rapt"]}`, false, false, false, ""},
		"429":             {429, ``, false, false, true, ""},
		"Google's limit":  {403, `{"error_code":"rate_limit_exceeded"}`, false, false, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(oauthtest.New(oauthtest.Options{}))
			c.HTTP.Transport = respond(tt.status, tt.body)
			_, err := c.Refresh(t.Context(), "a token")
			e, ok := errors.AsType[*oauthdevice.Error](err)
			if !ok || e.RefusesClient() != tt.refusesClient || e.ClientGone() != tt.gone || e.RateLimited() != tt.limit || e.Subtype != tt.subtype {
				t.Errorf("%v: client refused %t, gone %t, rate limited %t, subtype %q", err, e.RefusesClient(), e.ClientGone(), e.RateLimited(), e.Subtype)
			}
		})
	}
}

func TestUnreachableServer(t *testing.T) {
	c := newClient(oauthtest.New(oauthtest.Options{}))
	c.UserinfoURL = "http://a.test/userinfo"
	c.HTTP.Transport = roundTrip(func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF })
	_, account := c.Account(t.Context(), "a")
	_, poll := c.Poll(t.Context(), "a device code")
	for _, err := range []error{account, poll, c.Revoke(t.Context(), "r")} {
		e, ok := errors.AsType[*oauthdevice.Error](err)
		if !ok || !errors.Is(err, io.ErrUnexpectedEOF) || !e.Temporary() || strings.Contains(err.Error(), "a.test") {
			t.Errorf("got %v", err)
		}
	}
	if c.Reachable(t.Context()) {
		t.Error("reachable")
	}
	for _, status := range []int{200, 405, 502} {
		c.HTTP.Transport = respond(status, "")
		if !c.Reachable(t.Context()) {
			t.Errorf("unreachable although it answers %d", status)
		}
	}
}

func TestInvalidURL(t *testing.T) {
	c := &oauthdevice.Client{TokenURL: "http://%zz", RevokeURL: "http://%zz", UserinfoURL: "http://%zz"}
	_, err := c.Account(t.Context(), "a")
	for _, err := range []error{err, c.Revoke(t.Context(), "r")} {
		if _, ok := errors.AsType[*oauthdevice.Error](err); !ok || strings.Contains(err.Error(), "%zz\":") {
			t.Errorf("got %v", err)
		}
	}
	if c.Reachable(t.Context()) {
		t.Error("reachable")
	}
}

// A body that is cut off after a 200 does not undo a revocation.
func TestRevokeCutOff(t *testing.T) {
	c := newClient(oauthtest.New(oauthtest.Options{}))
	for status, ok := range map[int]bool{200: true, 503: false} {
		c.HTTP.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			body := io.MultiReader(strings.NewReader("{"), cutOff{})
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(body), Request: r}, nil
		})
		if err := c.Revoke(t.Context(), "r"); (err == nil) != ok {
			t.Errorf("status %d: %v", status, err)
		}
	}
}

type cutOff struct{}

func (cutOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestRetryAfter(t *testing.T) {
	c := newClient(oauthtest.New(oauthtest.Options{}))
	c.HTTP.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 503, Header: http.Header{"Retry-After": {"90"}}, Body: http.NoBody, Request: r}, nil
	})
	_, err := c.Refresh(t.Context(), "r")
	if e, ok := errors.AsType[*oauthdevice.Error](err); !ok || e.RetryAfter != 90*time.Second {
		t.Errorf("got %v", err)
	}
}

func TestAuthorizationError(t *testing.T) {
	for in, want := range map[string]struct{ code, description string }{
		oauthdevice.AccessDenied:        {oauthdevice.AccessDenied, ""},
		oauthdevice.AdminPolicyEnforced: {oauthdevice.AdminPolicyEnforced, ""},
		"server_error":                  {"server_error", ""},
		"made up\x1b[31m":               {oauthdevice.InvalidRequest, "made up[31m"},
	} {
		e := oauthdevice.NewAuthorizationError(in)
		if e.Op != oauthdevice.OpAuthorization || e.Code != want.code || e.Description != want.description {
			t.Errorf("%q: %+v", in, e)
		}
	}
}

func TestBadAuthorization(t *testing.T) {
	c := newClient(oauthtest.New(oauthtest.Options{}))
	for name, body := range map[string]string{
		"no device_code":               `{"user_code":"AB","verification_uri":"https://x.test/"}`,
		"no user_code":                 `{"device_code":"d","verification_uri":"https://x.test/"}`,
		"user_code with an escape":     `{"device_code":"d","user_code":"A\u001bB","verification_uri":"https://x.test/"}`,
		"user_code too long":           `{"device_code":"d","user_code":"` + strings.Repeat("A", 65) + `","verification_uri":"https://x.test/"}`,
		"no verification_uri":          `{"device_code":"d","user_code":"AB"}`,
		"verification_uri of a script": `{"device_code":"d","user_code":"AB","verification_uri":"javascript:alert(1)"}`,
		"verification_uri of no host":  `{"device_code":"d","user_code":"AB","verification_uri":"https:///x"}`,
	} {
		c.HTTP.Transport = respond(200, body)
		if _, err := c.Authorize(t.Context(), ""); !errors.Is(err, oauthdevice.ErrBadAuthorization) || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Absent, quoted and extreme values of expires_in and interval.
func TestAuthorizationTimes(t *testing.T) {
	c := newClient(oauthtest.New(oauthtest.Options{}))
	for values, want := range map[string]struct{ lifetime, interval time.Duration }{
		``:                                      {5 * time.Minute, 5 * time.Second},
		`,"expires_in":1800,"interval":10`:      {30 * time.Minute, 10 * time.Second},
		`,"expires_in":"1800","interval":"7.5"`: {30 * time.Minute, 7 * time.Second},
		`,"expires_in":1e9,"interval":1e9`:      {24 * time.Hour, 5 * time.Minute},
		`,"interval":-1`:                        {5 * time.Minute, 5 * time.Second},
		`,"interval":18446744074`:               {5 * time.Minute, 5 * time.Minute}, // overflows a Duration
	} {
		c.HTTP.Transport = respond(200, `{"device_code":"d","user_code":"AB","verification_uri":"https://x.test/"`+values+`}`)
		a, err := c.Authorize(t.Context(), "")
		if err != nil {
			t.Errorf("%s: %v", values, err)
			continue
		}
		if left := time.Until(a.ExpiresAt); left > want.lifetime || left < want.lifetime-time.Minute || a.Interval != want.interval {
			t.Errorf("%s: lifetime %v, interval %v", values, left, a.Interval)
		}
	}
}

func TestAccount(t *testing.T) {
	s := oauthtest.New(oauthtest.Options{NoIDToken: true})
	c := newClient(s)
	c.Scopes = append(c.Scopes, "openid", "email")
	c.UserinfoURL = "http://a.test/userinfo"
	a, err := c.Authorize(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	s.Approve(a.UserCode)
	tok, err := c.Poll(t.Context(), a.DeviceCode)
	if err != nil || tok.Account != "" {
		t.Fatalf("%v, %v", tok, err)
	}
	if account, err := c.Account(t.Context(), tok.Access); err != nil || account != "person@example.org" {
		t.Errorf("%q, %v", account, err)
	}
	_, err = c.Account(t.Context(), oauthtest.Mark)
	if code(err) != oauthdevice.InvalidRequest || strings.Contains(err.Error(), oauthtest.Mark) {
		t.Errorf("unknown token: %v", err)
	}
	for _, claims := range []string{`{}`, `{"email":7}`, `[]`, ``} {
		c.HTTP.Transport = respond(200, claims)
		if account, err := c.Account(t.Context(), "a"); err != nil || account != "" {
			t.Errorf("%s: %q, %v", claims, account, err)
		}
	}
}

func TestMissingScopes(t *testing.T) {
	tok := &oauthdevice.Token{Scopes: []string{"a", "https://www.googleapis.com/auth/userinfo.email"}}
	if got := tok.MissingScopes([]string{"a", "b", "openid", "email"}); len(got) != 1 || got[0] != "b" {
		t.Errorf("got %q", got)
	}
}

func TestRefreshWithoutToken(t *testing.T) {
	c := newClient(oauthtest.New(oauthtest.Options{}))
	if _, err := c.Refresh(context.Background(), ""); code(err) != oauthdevice.InvalidGrant {
		t.Errorf("got %v", err)
	}
}
