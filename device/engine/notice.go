package engine

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"strings"
	"time"

	"pickerd/device"
	"pickerd/device/fetch"
	"pickerd/device/inet"
	"pickerd/oauthdevice"
	"pickerd/picker"
)

// A notice says how a failure is treated that people are told of. display/words
// has its sentences, by code.
type notice struct {
	Code     string
	Quiet    time.Duration // how long a failure that heals is not shown
	Pause    time.Duration // the shortest wait before the next try
	Heals    bool          // ends without anybody; logged as a warning
	Operator bool          // an operator must change something at Google or in the configuration
	Offline  bool          // explains every later failure
	Disk     bool          // nothing can be stored: nobody is asked for anything
	Until    success       // ends it
}

// A success is what ends a notice.
type success int

const (
	nextStep success = iota // any step that goes through; of a download also a photo
	resumed                 // as nextStep, but photos that were under way don't count
	opened                  // a picking session is created
	signedIn                // an account is paired
)

// notices is the one table of failures, by code.
var notices = index([]notice{
	{Code: "no_network", Quiet: hiccup, Heals: true, Offline: true},
	{Code: "not_google", Quiet: hiccup, Heals: true, Offline: true},
	{Code: "proxy", Quiet: hiccup, Heals: true, Offline: true},
	{Code: "clock", Quiet: hiccup, Heals: true, Offline: true},
	{Code: "server_trouble", Quiet: hiccup, Heals: true},
	{Code: "gateway_down", Quiet: hiccup, Heals: true},
	{Code: "rate_limited", Pause: 2 * time.Minute, Heals: true, Until: resumed},
	{Code: "too_many_sessions", Pause: 10 * time.Second, Heals: true},

	{Code: "denied", Until: signedIn},
	{Code: "code_spent", Until: signedIn},
	{Code: "admin_policy", Until: signedIn},
	{Code: "org_internal", Until: signedIn},
	{Code: "scope_missing", Until: signedIn},

	{Code: "no_photos_account", Pause: 5 * time.Second, Quiet: 12 * time.Second, Heals: true, Until: opened},
	{Code: "photos_lost", Until: opened},
	{Code: "bad_link", Pause: 10 * time.Second, Heals: true},
	{Code: "bad_answer", Pause: 10 * time.Second, Heals: true},

	// refusedError fills in the method that was refused, and the others.
	{Code: "client_refused", Pause: 5 * time.Minute, Operator: true},
	{Code: "scope_refused", Pause: 5 * time.Minute, Operator: true},
	{Code: "gateway_refused", Pause: 5 * time.Minute, Operator: true},
	{Code: "no_lan", Quiet: hiccup, Heals: true, Offline: true},
	{Code: "forgetting", Quiet: hiccup, Heals: true},
	{Code: "only_import", Until: signedIn},
	{Code: "testing_project", Until: signedIn},
	{Code: "grant_revoked", Until: signedIn},
	{Code: "client_gone", Until: signedIn},
	{Code: "reauth_required", Until: signedIn},
	{Code: Damaged, Until: signedIn},
	{Code: "key_lost", Until: signedIn},
	{Code: "api_disabled", Pause: time.Minute, Operator: true},
	{Code: "refused", Pause: time.Minute, Operator: true},

	{Code: "no_room", Until: opened},
	{Code: device.DiskFull, Pause: 10 * time.Second, Disk: true},
	{Code: device.DiskReadOnly, Pause: 10 * time.Second, Disk: true},
	{Code: device.DiskFailed, Pause: 10 * time.Second, Disk: true},
	{Code: "internal", Pause: 10 * time.Second},
	{Code: "pair_again", Until: signedIn},
})

// Damaged is the code of the notice that the database could not be read and was
// begun anew, for store.Options.Warning.
const Damaged = "state_damaged"

// problem returns what is shown of a notice.
func (n notice) problem() *device.Problem {
	return &device.Problem{Code: n.Code, Operator: n.Operator, Offline: n.Offline, Disk: n.Disk}
}

func index(list []notice) map[string]notice {
	m := make(map[string]notice, len(list))
	for _, n := range list {
		m[n.Code] = n
	}
	return m
}

// noticeOf returns how an error is treated.
func noticeOf(err error) notice {
	n, ok := notices[codeFor(err)]
	if !ok {
		n = notices["internal"]
	}
	return n
}

func codeFor(err error) string {
	if p := device.DiskProblem(err); p != nil {
		return p.Code
	}
	switch {
	case errors.Is(err, fetch.ErrDiskFull):
		return device.DiskFull
	case errors.Is(err, fetch.ErrNoRoom):
		return "no_room"
	case errors.Is(err, fetch.ErrPage):
		return "not_google"
	}
	if e, ok := errors.AsType[*gatewayError](err); ok {
		return e.code()
	}
	if e, ok := errors.AsType[*refusedError](err); ok && e.Gateway {
		return "gateway_refused"
	}
	if _, ok := errors.AsType[*ScopeError](err); ok {
		return "scope_missing"
	}
	if _, ok := errors.AsType[*listenError](err); ok {
		return "no_lan"
	}
	if errors.Is(err, device.ErrForgetting) && (answers(err) || err == device.ErrForgetting) {
		return "forgetting"
	}
	if errors.Is(err, errOnlyImport) {
		return "only_import"
	}
	if _, ok := errors.AsType[*fetch.ListError](err); ok {
		return "photos_lost"
	}
	if _, ok := errors.AsType[*linkError](err); ok {
		return "bad_link"
	}
	if e, ok := errors.AsType[*picker.Error](err); ok {
		return pickerCode(e)
	}
	if e, ok := errors.AsType[*oauthdevice.Error](err); ok {
		return oauthCode(e)
	}
	if isNetworkError(err) {
		return "no_network"
	}
	return "internal"
}

// oauthCode returns the code of the notice for an error of the authorization
// server.
func oauthCode(e *oauthdevice.Error) string {
	if e.RefusesClient() {
		return "client_refused"
	}
	switch e.Code {
	case oauthdevice.RateLimitExceeded:
		return "rate_limited"
	case oauthdevice.InvalidScope:
		return "scope_refused"
	case oauthdevice.AccessDenied, oauthdevice.AuthorizationDeclined:
		return "denied"
	case oauthdevice.AdminPolicyEnforced:
		return "admin_policy"
	case oauthdevice.OrgInternal:
		return "org_internal"
	case oauthdevice.InvalidGrant, oauthdevice.ExpiredToken:
		return "code_spent"
	case oauthdevice.InvalidRequest:
		if e.Op == oauthdevice.OpAuthorization {
			return "code_spent"
		}
	case "":
		if errors.Is(e.Err, oauthdevice.ErrMetadata) {
			return "gateway_refused"
		}
		return wireCode(e.HTTPStatus, e.Err, e.Op == "poll" || e.Op == "exchange")
	}
	switch {
	case e.Temporary():
		return "server_trouble"
	case e.Op == "poll" && e.Code != oauthdevice.UnsupportedGrantType:
		return "code_spent" // a code of which we know only that it has ended
	}
	return "refused"
}

// pickerCode returns the code of the notice for an error of the Picker API.
func pickerCode(e *picker.Error) string {
	switch {
	case e.Err != nil, e.HTTPStatus == http.StatusProxyAuthRequired:
		return wireCode(e.HTTPStatus, e.Err, false)
	case e.Code == picker.FailedPrecondition && e.Op == "sessions.create":
		return "no_photos_account"
	case e.Reason == picker.ReasonServiceDisabled:
		return "api_disabled"
	case e.Reason == picker.ReasonScopeInsufficient:
		return "scope_missing"
	case e.Code == picker.PermissionDenied && strings.Contains(e.Message, "disabled"):
		return "api_disabled" // details are optional
	case e.Code == picker.ResourceExhausted && e.Op == "sessions.create":
		return "too_many_sessions"
	case e.Temporary():
		return "server_trouble"
	case e.Code == picker.FailedPrecondition:
		return "server_trouble" // the list is not ready although the session says so
	}
	return "refused"
}

// wireCode is for failures without an error from the server itself. once is for
// requests that are answered only once.
func wireCode(status int, err error, once bool) string {
	switch {
	case isClockError(err):
		return "clock"
	case isIntercepted(err):
		return "not_google"
	case inet.IsProxyError(err), status == http.StatusProxyAuthRequired:
		return "proxy"
	case status == 0:
		return "no_network"
	case status >= 500:
		return "server_trouble"
	case status == 429:
		return "rate_limited"
	case errors.Is(err, oauthdevice.ErrNotOAuth), errors.Is(err, picker.ErrNotAPI):
		return "not_google"
	case once && errors.Is(err, oauthdevice.ErrMalformedResponse):
		return "code_spent"
	}
	return "bad_answer"
}

// isClockError reports whether a certificate was refused because the box
// believes that it is another year.
func isClockError(err error) bool {
	e, ok := errors.AsType[x509.CertificateInvalidError](err)
	return ok && e.Reason == x509.Expired
}

// isIntercepted reports whether a proxy or a portal answered instead of the
// server: with another certificate, or without TLS.
func isIntercepted(err error) bool {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return true
	}
	_, ok := errors.AsType[tls.RecordHeaderError](err)
	return ok || errors.Is(err, http.ErrSchemeMismatch)
}
