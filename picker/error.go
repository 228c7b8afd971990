package picker

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"pickerd/oauthdevice/httperror"
)

// Values of Error.Code: names of google.rpc.Code.
const (
	InvalidArgument    = "INVALID_ARGUMENT"
	FailedPrecondition = "FAILED_PRECONDITION"
	Unauthenticated    = "UNAUTHENTICATED"
	PermissionDenied   = "PERMISSION_DENIED"
	NotFound           = "NOT_FOUND"
	AlreadyExists      = "ALREADY_EXISTS"
	ResourceExhausted  = "RESOURCE_EXHAUSTED"
	Internal           = "INTERNAL"
	Unavailable        = "UNAVAILABLE"
)

// Values of Error.Reason, from google.rpc.ErrorInfo.
const (
	ReasonServiceDisabled   = "SERVICE_DISABLED"
	ReasonScopeInsufficient = "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
)

var (
	// ErrMalformedResponse means a response with a 2xx status whose body is
	// cut off, too long or not what the API returns.
	ErrMalformedResponse = errors.New("malformed response")
	// ErrNotAPI means that the response is not from the API but, for example,
	// from a captive portal or a proxy.
	ErrNotAPI = errors.New("response is not from the Picker API")
)

// An Error is a refusal by the API or a failure to reach it. Its text never
// contains a token or an address.
type Error struct {
	Op         string        // "sessions.create", "mediaItems.list", "media" …
	HTTPStatus int           // 0 if there was no response
	Code       string        // "status" of Google's error envelope, or the equivalent of the HTTP status
	Reason     string        // from the envelope's details; often empty
	Message    string        // for logs only
	RetryAfter time.Duration // the pause that the server asked for; 0 for none
	Err        error         // the cause if there is no Code
}

// Error implements error.
func (e *Error) Error() string {
	switch {
	case e.HTTPStatus == 0:
		return fmt.Sprintf("%s: %v", e.Op, e.Err)
	case e.Err != nil:
		return fmt.Sprintf("%s: HTTP %d: %v", e.Op, e.HTTPStatus, e.Err)
	case e.Message != "":
		return fmt.Sprintf("%s: HTTP %d %s: %s", e.Op, e.HTTPStatus, e.Code, e.Message)
	}
	return fmt.Sprintf("%s: HTTP %d %s", e.Op, e.HTTPStatus, e.Code)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Temporary reports whether the same request may succeed later: no response, a
// server error, a rate limit, or a response that is not usable. An unusable address
// of an item stays so.
func (e *Error) Temporary() bool {
	switch {
	case errors.Is(e.Err, ErrBadMediaURL), errors.Is(e.Err, ErrForeignMedia):
		return false
	case e.HTTPStatus == 0, e.Err != nil:
		return true
	case e.HTTPStatus == http.StatusTooManyRequests, e.HTTPStatus == http.StatusRequestTimeout, e.HTTPStatus >= 500:
		return true
	}
	return false
}

// maxMessage bounds, in runes, text from the server that goes into errors.
const maxMessage = 300

// newError returns the error for a response: from Google's error envelope if
// the body has one, otherwise from the HTTP status.
func newError(op string, resp *http.Response, body []byte) *Error {
	e := &Error{Op: op, HTTPStatus: resp.StatusCode, RetryAfter: httperror.RetryAfter(resp.Header, time.Now())}
	var env struct {
		Error struct {
			Message string `json:"message"`
			Status  string `json:"status"`
			Details []struct {
				Reason string `json:"reason"`
			} `json:"details"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &env) != nil || env.Error.Status == "" {
		if !httperror.IsHTML(body) {
			e.Code = codeOf(resp.StatusCode)
		}
		if e.Code == "" {
			e.Err = ErrNotAPI
		}
		return e
	}
	e.Code, e.Message = printable(env.Error.Status), printable(env.Error.Message)
	for _, d := range env.Error.Details {
		if d.Reason != "" {
			e.Reason = printable(d.Reason)
			break
		}
	}
	return e
}

// codeOf returns the code for the HTTP status of a response that has no
// envelope and is not HTML, or "". A captive portal that answers 404 with a page
// does not prove that a session is gone. 400 and 403 have no code because they
// may come from a proxy.
func codeOf(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return Unauthenticated
	case http.StatusNotFound:
		return NotFound
	case http.StatusTooManyRequests:
		return ResourceExhausted
	}
	return ""
}

// printable makes text from the server safe to log.
func printable(s string) string { return httperror.Printable(s, maxMessage) }
