// Package httperror reads what is left when an HTTP request fails: the pause
// that the server asked for, text that is safe to log, and whether another
// program, such as a captive portal, answered instead.
//
// Packages oauthdevice and picker share it. Each keeps its own error types,
// because their callers tell the two servers apart.
package httperror

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// MaxRetryAfter is the longest pause that RetryAfter returns.
const MaxRetryAfter = 24 * time.Hour

// RetryAfter returns how long a response asks the client to wait (RFC 9110
// §10.2.3). It is 0 without a usable Retry-After header.
//
// A date is compared with the response's own Date header, because this
// machine's clock may be wrong by years. now is used when there is none.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	var d time.Duration
	if s, err := strconv.ParseUint(v, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		d = time.Duration(min(s, uint64(MaxRetryAfter/time.Second))) * time.Second
	} else if t, err := http.ParseTime(v); err == nil {
		if date, err := http.ParseTime(h.Get("Date")); err == nil {
			now = date
		}
		d = t.Sub(now)
	}
	return min(max(d, 0), MaxRetryAfter)
}

// WithoutURL returns the cause of an error from an http.Client without the
// request's URL, which may contain a secret.
func WithoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// Printable returns at most maxRunes runes of s without invalid UTF-8 and
// without runes that are not printable, so that a server cannot inject control
// characters into a log or a terminal.
func Printable(s string, maxRunes int) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if r := []rune(s); len(r) > maxRunes {
		return string(r[:maxRunes])
	}
	return s
}

// IsHTML reports whether a body looks like a page of HTML or XML. An API that
// speaks JSON never sends one; captive portals and proxies do.
func IsHTML(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimSpace(body), []byte("<"))
}
