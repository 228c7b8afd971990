package oauthdevice

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"pickerd/httperror"
)

// Error codes of RFC 6749 §5.2, RFC 8628 §3.5 and Google's additions.
const (
	AuthorizationPending = "authorization_pending"
	SlowDown             = "slow_down"
	AccessDenied         = "access_denied"
	ExpiredToken         = "expired_token"
	InvalidGrant         = "invalid_grant"
	InvalidScope         = "invalid_scope"
	InvalidClient        = "invalid_client"
	InvalidRequest       = "invalid_request"
	InvalidToken         = "invalid_token"
	UnauthorizedClient   = "unauthorized_client"
	UnsupportedGrantType = "unsupported_grant_type"
	AdminPolicyEnforced  = "admin_policy_enforced"
	OrgInternal          = "org_internal"
	RateLimitExceeded    = "rate_limit_exceeded"
	maxDescription       = 200
)

// ErrMalformedResponse means that the server answered 200 with a body that can't be
// used: cut off, empty or without a token. A device_code whose poll ended so may
// have been spent on it and must not be polled on with.
var ErrMalformedResponse = errors.New("the answer was cut off or unusable")

// ErrNotOAuth means that something answered that is not an OAuth server: a
// captive portal or a proxy with a page of its own.
var ErrNotOAuth = errors.New("the answer is not from an OAuth server")

// An Error is what the server, or the way to it, said instead of yes.
// Its text never holds a token, a code or an address.
type Error struct {
	Op          string        // what was asked: "device authorization", "poll", "refresh", "revoke"
	HTTPStatus  int           // 0 when no answer came
	Code        string        // the "error" member (or Google's "error_code"); empty when there is none
	Description string        // "error_description", for operators; decides nothing
	RetryAfter  time.Duration // what the server asked for; 0 when it didn't
	Err         error         // the cause when there is no Code
}

func (e *Error) Error() string {
	switch {
	case e.Code != "" && e.Description != "":
		return fmt.Sprintf("%s: %s (%s)", e.Op, e.Code, e.Description)
	case e.Code != "":
		return e.Op + ": " + e.Code
	case e.HTTPStatus != 0:
		return fmt.Sprintf("%s: HTTP %d: %v", e.Op, e.HTTPStatus, cmp.Or(e.Err, errors.New("no error code")))
	}
	return fmt.Sprintf("%s: %v", e.Op, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Temporary reports whether the same request may succeed later: no answer, a
// server in trouble, a rate limit, or an answer that is not the server's own.
// A broken 200 is not temporary; what it means depends on what was asked.
func (e *Error) Temporary() bool {
	switch {
	case errors.Is(e.Err, ErrMalformedResponse):
		return false
	case e.Code == RateLimitExceeded, e.Code == "temporarily_unavailable", e.Code == "server_error", e.Code == "internal_failure":
		return true
	case e.HTTPStatus == http.StatusTooManyRequests || e.HTTPStatus >= 500:
		return true
	}
	// Decided by the error string only (Google answers "keep waiting" with 428
	// or 403); an answer without one is somebody else's page.
	return e.Code == ""
}

// fail makes an *Error of what the library returned and what the wire saw.
// secrets are those of the request: a server that echoes one must not get it
// into a log.
func fail(op string, err error, w *wire, secrets ...Secret) error {
	e := &Error{Op: op, HTTPStatus: w.status, RetryAfter: w.retryAfter}
	if re, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		e.Code = cmp.Or(printable(re.ErrorCode, secrets), printable(w.googleErrorCode(), secrets))
		e.Description = printable(re.ErrorDescription, secrets)
		if e.Code == "" {
			e.Err = ErrNotOAuth
		}
		return e
	}
	switch {
	case w.status == 0:
		e.Err = httperror.WithoutURL(err)
	case w.ok() && !httperror.IsHTML(w.body):
		e.Err = ErrMalformedResponse
	default:
		e.Err = ErrNotOAuth
	}
	return e
}

// printable makes text from a server safe to log. secrets are those of the
// request, which the server may echo.
func printable(s string, secrets []Secret) string {
	for _, secret := range secrets {
		if secret != "" {
			s = strings.ReplaceAll(s, string(secret), hidden)
		}
	}
	return httperror.Printable(s, maxDescription)
}
