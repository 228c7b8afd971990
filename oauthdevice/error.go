package oauthdevice

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"pickerd/oauthdevice/httperror"
)

// Error codes of RFC 6749 §5.2, RFC 8628 §3.5 and Google.
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

	serverError            = "server_error"            // RFC 6749 §4.1.2.1
	temporarilyUnavailable = "temporarily_unavailable" // RFC 6749 §4.1.2.1
	internalFailure        = "internal_failure"        // Google
)

// maxDescription bounds, in runes, text from the server that goes into errors.
const maxDescription = 200

var (
	// ErrMalformedResponse means a response with a 2xx status whose body is
	// cut off, empty or without a token. The code or token of the request may
	// be used up: a device_code must not be polled again.
	ErrMalformedResponse = errors.New("malformed response")
	// ErrNotOAuth means that the response is not from an OAuth server but,
	// for example, from a captive portal or a proxy.
	ErrNotOAuth = errors.New("response is not from an OAuth server")
	// ErrNoEndpoint means that the server has no endpoint for the request.
	ErrNoEndpoint = errors.New("the server has no such endpoint")
)

// An Error is a refusal by the server or a failure to reach it. Its text never
// contains a token, a code or an address.
type Error struct {
	Op          string        // the request: "device authorization", "poll", "exchange", "refresh", "revoke", "userinfo", "received", "continue", OpMetadata or OpAuthorization
	HTTPStatus  int           // 0 if there was no response
	Code        string        // the response's "error" or Google's "error_code"; empty if it has none
	Description string        // "error_description", for logs only
	RetryAfter  time.Duration // the pause that the server asked for; 0 for none
	Err         error         // the cause if there is no Code
}

// Error implements error.
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

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Temporary reports whether the same request may succeed later: no response, a
// server error, a rate limit, or a response from another program.
// ErrMalformedResponse is not temporary; its meaning depends on the request.
func (e *Error) Temporary() bool {
	switch {
	case errors.Is(e.Err, ErrMalformedResponse):
		return false
	case errors.Is(e.Err, ErrMetadata), errors.Is(e.Err, ErrNoEndpoint):
		return false
	case e.Code == RateLimitExceeded, e.Code == temporarilyUnavailable, e.Code == serverError, e.Code == internalFailure:
		return true
	case e.HTTPStatus == http.StatusTooManyRequests || e.HTTPStatus >= 500:
		return true
	}
	// Other statuses decide nothing: Google sends 428 or 403 for
	// authorization_pending. A response without a code is another program's.
	return e.Code == ""
}

// newError returns an *Error for an error of x/oauth2 and the response that tr
// saw. secrets are those of the request: a server may echo them, and they must
// not reach a log.
func newError(op string, err error, tr *transport, secrets ...Secret) error {
	e := &Error{Op: op, HTTPStatus: tr.status, RetryAfter: tr.retryAfter}
	if re, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		e.Code = cmp.Or(printable(re.ErrorCode, secrets), printable(tr.googleErrorCode(), secrets))
		e.Description = printable(re.ErrorDescription, secrets)
		if e.Code == "" {
			e.Err = ErrNotOAuth
		}
		return e
	}
	switch {
	case tr.status == 0:
		e.Err = httperror.WithoutURL(err)
	case tr.ok() && !httperror.IsHTML(tr.body):
		e.Err = ErrMalformedResponse
	default:
		e.Err = ErrNotOAuth
	}
	return e
}

// printable makes text from the server safe to log. secrets are those of the
// request, which the server may echo.
func printable(s string, secrets []Secret) string {
	for _, secret := range secrets {
		if secret != "" {
			s = strings.ReplaceAll(s, string(secret), hidden)
		}
	}
	return httperror.Printable(s, maxDescription)
}
