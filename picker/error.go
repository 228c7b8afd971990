package picker

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"pickerd/httperror"
)

// Values of Error.Code: google.rpc.Code names as the API answers them.
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

// Values of Error.Reason: from google.rpc.ErrorInfo, which may be absent.
const (
	ReasonServiceDisabled   = "SERVICE_DISABLED"
	ReasonScopeInsufficient = "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
)

var (
	// ErrMalformedResponse means a 200 whose body is cut off, too long or not what
	// the API answers.
	ErrMalformedResponse = errors.New("the answer was cut off or unusable")
	// ErrNotAPI means that something answered that is not the API: a captive
	// portal or a proxy with a page of its own.
	ErrNotAPI = errors.New("the answer is not from the Picker API")
)

// An Error is what the API, or the way to it, said instead of yes.
type Error struct {
	Op         string        // "sessions.create", "mediaItems.list", "media" …
	HTTPStatus int           // 0 when no answer came
	Code       string        // "status" of Google's error envelope, or what the HTTP status stands for
	Reason     string        // from the details, often empty
	Message    string        // for operators; decides nothing
	RetryAfter time.Duration // what the server asked for; 0 when it didn't
	Err        error         // the cause when there is no Code
}

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

func (e *Error) Unwrap() error { return e.Err }

// Temporary reports whether the same request may succeed later without
// anybody doing anything.
func (e *Error) Temporary() bool {
	switch {
	case e.HTTPStatus == 0, e.Err != nil:
		return true
	case e.HTTPStatus == http.StatusTooManyRequests, e.HTTPStatus == http.StatusRequestTimeout, e.HTTPStatus >= 500:
		return true
	}
	return false
}

const maxMessage = 300

// errorOf reads Google's error envelope. Bodies that are something else leave
// the HTTP status to speak.
func errorOf(op string, resp *http.Response, body []byte) *Error {
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

// codeOf maps an HTTP status without an envelope. 400 and 403 are left out: they
// may be a proxy's. Nor does a page of HTML say anything about the API: that a
// portal does not know a path is no proof that a session is gone.
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

func printable(s string) string { return httperror.Printable(s, maxMessage) }
