package device

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"syscall"
	"time"

	"pickerd/display/words"
	"pickerd/oauthdevice"
	"pickerd/picker"
	"pickerd/store"
)

// A notice is how a failure that people are told of is treated. The words for it
// are display/words', under its code.
type notice struct {
	Code     string
	Quiet    time.Duration // how long a failure that heals is no news
	Pause    time.Duration // the shortest wait before the next try
	Heals    bool          // goes by itself; logged as a warning
	Operator bool          // somebody must change something at Google or in the configuration
	Offline  bool          // explains every failure after it
	Disk     bool          // nothing can be kept: nobody is asked for anything
	Stays    bool          // worth reading even when the next thing works
}

const hiccup = 5 * time.Second // a shorter failure is no news

// notices is the one table of failures, by code.
var notices = index([]notice{
	{Code: "no_network", Quiet: hiccup, Heals: true, Offline: true},
	{Code: "not_google", Quiet: hiccup, Heals: true, Offline: true},
	{Code: "clock", Quiet: hiccup, Heals: true, Offline: true},
	{Code: "server_trouble", Quiet: hiccup, Heals: true},
	{Code: "rate_limited", Pause: 2 * time.Minute, Heals: true},
	{Code: "too_many_sessions", Pause: 10 * time.Second, Heals: true},

	{Code: "denied", Stays: true},
	{Code: "code_spent", Stays: true},
	{Code: "admin_policy", Stays: true},
	{Code: "org_internal", Stays: true},
	{Code: "scope_missing", Stays: true},

	{Code: "no_photos_account", Pause: 5 * time.Second, Quiet: 12 * time.Second, Heals: true, Stays: true},
	{Code: "photos_lost", Stays: true},
	{Code: "bad_link", Pause: 10 * time.Second, Heals: true},
	{Code: "bad_answer", Pause: 10 * time.Second, Heals: true},

	// The way in that was refused, and the others, are filled in: refusedError.
	{Code: "client_refused", Pause: 5 * time.Minute, Operator: true},
	{Code: "scope_refused", Pause: 5 * time.Minute, Operator: true},
	{Code: "no_lan", Quiet: hiccup, Heals: true, Offline: true},
	{Code: "forgetting", Quiet: hiccup, Heals: true},
	{Code: "only_import", Stays: true},
	{Code: "testing_project"},
	{Code: Damaged},
	{Code: "key_lost"},
	{Code: "api_disabled", Pause: time.Minute, Operator: true},
	{Code: "refused", Pause: time.Minute, Operator: true},

	{Code: "no_room", Stays: true},
	{Code: "disk_full", Pause: 10 * time.Second, Stays: true, Disk: true},
	{Code: "disk_read_only", Pause: 10 * time.Second, Disk: true},
	{Code: "disk", Pause: 10 * time.Second, Disk: true},
	{Code: "internal", Pause: 10 * time.Second},
	{Code: "pair_again"},
})

// Damaged is the code of the notice that the database could not be read and was
// begun anew. It is for store.Options.Warning.
const Damaged = "state_damaged"

// problem is what is shown of a notice.
func (n notice) problem() *Problem {
	p := &Problem{Code: n.Code, key: "notice." + n.Code + ".message", operator: n.Operator, offline: n.Offline, disk: n.Disk, since: time.Now()}
	return p.inEnglish()
}

// english has the words for logs and for other programs.
var english = sync.OnceValue(words.English)

// inEnglish fills in what other programs get to read.
func (p *Problem) inEnglish() *Problem {
	p.Message, p.Remedy, p.Ways = p.in(english())
	return p
}

// in returns the words for a problem in a language.
func (p *Problem) in(w *words.Words) (message, remedy string, ways []string) {
	for _, method := range p.open {
		ways = append(ways, w.Say("page.way_"+method, "type", clientTypes[method]))
	}
	return w.Say(p.key, p.args...), w.Say("notice." + p.Code + ".remedy"), ways
}

func index(list []notice) map[string]notice {
	m := make(map[string]notice, len(list))
	for _, n := range list {
		m[n.Code] = n
	}
	return m
}

// noticeFor finds the words for an error.
func noticeFor(err error) notice {
	n, ok := notices[codeFor(err)]
	if !ok {
		n = notices["internal"]
	}
	return n
}

func codeFor(err error) string {
	if e, ok := errors.AsType[*storeError](err); ok {
		switch {
		case isFull(e.Err):
			return "disk_full"
		case errors.Is(e.Err, syscall.EROFS):
			return "disk_read_only"
		}
		return "disk"
	}
	switch {
	case errors.Is(err, errDiskFull):
		return "disk_full"
	case errors.Is(err, errNoRoom):
		return "no_room"
	case errors.Is(err, errPage):
		return "not_google"
	}
	if _, ok := errors.AsType[*ScopeError](err); ok {
		return "scope_missing"
	}
	if _, ok := errors.AsType[*doorError](err); ok {
		return "no_lan"
	}
	if errors.Is(err, ErrForgetting) && (answers(err) || err == ErrForgetting) {
		return "forgetting"
	}
	if errors.Is(err, errOnlyImport) {
		return "only_import"
	}
	if _, ok := errors.AsType[*listError](err); ok {
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
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errCut) || errors.Is(err, errStalled) {
		return "no_network"
	}
	return "internal"
}

// oauthCode is google-apis.md's OAuth table as codes of notices.
func oauthCode(e *oauthdevice.Error) string {
	switch e.Code {
	case oauthdevice.RateLimitExceeded:
		return "rate_limited"
	case oauthdevice.InvalidClient, oauthdevice.UnauthorizedClient:
		return "client_refused"
	case oauthdevice.InvalidScope:
		return "scope_refused"
	case oauthdevice.AccessDenied:
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
		return wireCode(e.HTTPStatus, e.Err, e.Op == "poll" || e.Op == "exchange")
	}
	if e.Temporary() {
		return "server_trouble"
	}
	return "refused"
}

func pickerCode(e *picker.Error) string {
	switch {
	case e.Err != nil:
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

// wireCode is for failures without a word from the server itself. once is for
// requests whose answer is given only once.
func wireCode(status int, err error, once bool) string {
	switch {
	case isClockError(err):
		return "clock"
	case isIntercepted(err):
		return "not_google"
	case status == 0:
		return "no_network"
	case status >= 500:
		return "server_trouble"
	case status == 429:
		return "rate_limited"
	case errors.Is(err, oauthdevice.ErrNotOAuth), errors.Is(err, picker.ErrNotAPI):
		return "not_google"
	case once && errors.Is(err, oauthdevice.ErrBrokenAnswer):
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

// isIntercepted reports whether somebody else answered in the server's place: a
// proxy or a portal with a certificate of its own, or without TLS.
func isIntercepted(err error) bool {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return true
	}
	_, ok := errors.AsType[tls.RecordHeaderError](err)
	return ok
}

// isFull reports whether a disk, or a quota on it, has no room.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// A storeError is the disk's.
type storeError struct{ Err error }

func (e *storeError) Error() string { return "store: " + e.Err.Error() }
func (e *storeError) Unwrap() error { return e.Err }

// DiskProblem returns what is wrong with the disk where that is why a wish failed,
// nil otherwise.
func DiskProblem(err error) *Problem {
	if _, ok := errors.AsType[*storeError](err); !ok {
		return nil
	}
	return noticeFor(err).problem()
}

// isDiskError reports whether a copy failed at the file, not at the network.
func isDiskError(err error) bool {
	_, ok := errors.AsType[*fs.PathError](err)
	return ok || store.IsDiskError(err)
}

// A ScopeError means that a grant lacks a permission: the person left it out.
type ScopeError struct{ Missing string }

func (e *ScopeError) Error() string { return "the grant lacks the scope " + e.Missing }

// A listError means that what was picked can no longer be listed.
type listError struct{ Err error }

func (e *listError) Error() string { return "what was picked can't be listed: " + e.Err.Error() }

// A linkError means that a server's link can't be put on a screen. It does not
// show the link, which is a secret.
type linkError struct {
	Op, What string
	Err      error
}

func (e *linkError) Error() string { return fmt.Sprintf("%s: %s: %v", e.Op, e.What, e.Err) }
func (e *linkError) Unwrap() error { return e.Err }
