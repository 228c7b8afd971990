package picker

import (
	"net/http"
	"testing"
	"time"

	"pickerd/httperror"
)

// The box believes that it is a month ago; the server means 30 seconds.
func TestRetryAfterAsADate(t *testing.T) {
	server := time.Now().Add(30 * 24 * time.Hour)
	h := http.Header{"Date": {server.UTC().Format(http.TimeFormat)}, "Retry-After": {server.Add(30 * time.Second).UTC().Format(http.TimeFormat)}}
	e := errorOf("x", &http.Response{StatusCode: 503, Header: h}, nil)
	if e.RetryAfter > time.Minute {
		t.Errorf("waits %v", e.RetryAfter)
	}
	e = errorOf("x", &http.Response{StatusCode: 503, Header: http.Header{"Retry-After": {"99999999999"}}}, nil)
	if e.RetryAfter != httperror.MaxRetryAfter {
		t.Errorf("a number that is too long: %v", e.RetryAfter)
	}
}
