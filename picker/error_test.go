package picker_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"pickerd/oauthdevice/httperror"
	"pickerd/picker"
	"pickerd/picker/pickertest"
)

func TestSecrets(t *testing.T) {
	c, _ := newClient(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	_, err := c.GetSession(t.Context(), "session-"+pickertest.Mark)
	if err == nil || strings.Contains(err.Error(), pickertest.Mark) || strings.Contains(err.Error(), "p.test") {
		t.Errorf("got %v", err)
	}
	_, err = c.OpenMedia(t.Context(), "http://m.test/"+pickertest.Mark, "=d")
	if err == nil || strings.Contains(err.Error(), pickertest.Mark) {
		t.Errorf("got %v", err)
	}
}

// Each response becomes one *Error.
func TestError(t *testing.T) {
	for name, tt := range map[string]struct {
		status       int
		body         string
		code, reason string
		is           error
		temporary    bool
		text         string
	}{
		"envelope": {400, `{"error":{"status":"FAILED_PRECONDITION","message":"not yet"}}`,
			picker.FailedPrecondition, "", nil, false, "sessions.get: HTTP 400 FAILED_PRECONDITION: not yet"},
		"envelope without a message": {404, `{"error":{"status":"NOT_FOUND"}}`,
			picker.NotFound, "", nil, false, "sessions.get: HTTP 404 NOT_FOUND"},
		"reason": {403, `{"error":{"status":"PERMISSION_DENIED","message":"disabled","details":[{},{"reason":"SERVICE_DISABLED"},{"reason":"OTHER"}]}}`,
			picker.PermissionDenied, picker.ReasonServiceDisabled, nil, false, "sessions.get: HTTP 403 PERMISSION_DENIED: disabled"},
		"escapes": {400, `{"error":{"status":"X\u001b[31m","message":"a\nb"}}`,
			"X[31m", "", nil, false, "sessions.get: HTTP 400 X[31m: ab"},
		"unavailable": {503, `{"error":{"status":"UNAVAILABLE"}}`,
			picker.Unavailable, "", nil, true, "sessions.get: HTTP 503 UNAVAILABLE"},
		"rate limit": {429, `{"error":{"status":"RESOURCE_EXHAUSTED"}}`,
			picker.ResourceExhausted, "", nil, true, "sessions.get: HTTP 429 RESOURCE_EXHAUSTED"},
		"request timeout":      {408, `{"error":{"status":"CANCELLED"}}`, "CANCELLED", "", nil, true, "sessions.get: HTTP 408 CANCELLED"},
		"404 without envelope": {404, `{}`, picker.NotFound, "", nil, false, "sessions.get: HTTP 404 NOT_FOUND"},
		"429 without envelope": {429, ``, picker.ResourceExhausted, "", nil, true, "sessions.get: HTTP 429 RESOURCE_EXHAUSTED"},
		"401 without envelope": {401, ``, picker.Unauthenticated, "", nil, false, "sessions.get: HTTP 401 UNAUTHENTICATED"},
		"404 of a portal":      {404, `<html>`, "", "", picker.ErrNotAPI, true, "sessions.get: HTTP 404: response is not from the Picker API"},
		"403 of a proxy":       {403, `denied`, "", "", picker.ErrNotAPI, true, "sessions.get: HTTP 403: response is not from the Picker API"},
		"redirect":             {302, ``, "", "", picker.ErrNotAPI, true, "sessions.get: HTTP 302: response is not from the Picker API"},
		"page of a portal":     {200, `<html>`, "", "", picker.ErrNotAPI, true, "sessions.get: HTTP 200: response is not from the Picker API"},
		"cut off":              {200, `{"id":`, "", "", picker.ErrMalformedResponse, true, "sessions.get: HTTP 200: malformed response"},
		"wrong type":           {200, `{"id":7}`, "", "", picker.ErrMalformedResponse, true, "sessions.get: HTTP 200: malformed response"},
		"too long":             {200, strings.Repeat(" ", 4<<20) + `{}`, "", "", picker.ErrMalformedResponse, true, "sessions.get: HTTP 200: malformed response"},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := newClient(respond(tt.status, tt.body))
			_, err := c.GetSession(t.Context(), "s")
			e, ok := errors.AsType[*picker.Error](err)
			if !ok || e.HTTPStatus != tt.status || e.Code != tt.code || e.Reason != tt.reason || e.Temporary() != tt.temporary || err.Error() != tt.text {
				t.Errorf("%+v: %q", err, err)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("%v is not %v", err, tt.is)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	// The server's clock is a month ahead of this machine's.
	server := time.Now().Add(30 * 24 * time.Hour)
	for name, tt := range map[string]struct {
		header   http.Header
		min, max time.Duration
	}{
		"date": {http.Header{"Date": {server.UTC().Format(http.TimeFormat)}, "Retry-After": {server.Add(30 * time.Second).UTC().Format(http.TimeFormat)}},
			29 * time.Second, time.Minute},
		"long":   {http.Header{"Retry-After": {"99999999999"}}, httperror.MaxRetryAfter, httperror.MaxRetryAfter},
		"absent": {http.Header{}, 0, 0},
	} {
		c, _ := newClient(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for k, v := range tt.header {
				w.Header()[k] = v
			}
			w.WriteHeader(503)
		}))
		_, err := c.GetSession(t.Context(), "s")
		if e, ok := errors.AsType[*picker.Error](err); !ok || e.RetryAfter < tt.min || e.RetryAfter > tt.max {
			t.Errorf("%s: %+v", name, err)
		}
	}
}
