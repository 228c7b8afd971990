package httperror_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pickerd/oauthdevice/httperror"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, time.May, 1, 12, 0, 0, 0, time.UTC)
	format := func(t time.Time) string { return t.Format(http.TimeFormat) }
	for _, tt := range []struct {
		name, retryAfter, date string
		want                   time.Duration
	}{
		{"absent", "", "", 0},
		{"seconds", "30", "", 30 * time.Second},
		{"seconds with spaces", " 30 ", "", 30 * time.Second},
		{"zero", "0", "", 0},
		{"negative", "-30", "", 0},
		{"a fraction", "1.5", "", 0},
		{"words", "soon", "", 0},
		{"above the maximum", "99999999999", "", httperror.MaxRetryAfter},
		{"above 64 bits", "99999999999999999999999", "", httperror.MaxRetryAfter},
		{"date without Date", format(now.Add(time.Minute)), "", time.Minute},
		{"date with a bad Date", format(now.Add(time.Minute)), "yesterday", time.Minute},
		{"date in the past", format(now.Add(-time.Minute)), "", 0},
		{"date far ahead", format(now.AddDate(1, 0, 0)), "", httperror.MaxRetryAfter},
		// The box's clock is a month behind the server's.
		{"date with Date", format(now.AddDate(0, 1, 0).Add(30 * time.Second)), format(now.AddDate(0, 1, 0)), 30 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{"Retry-After": {tt.retryAfter}, "Date": {tt.date}}
			if got := httperror.RetryAfter(h, now); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("30", "")
	f.Add("Fri, 01 May 2026 12:00:30 GMT", "Fri, 01 May 2026 12:00:00 GMT")
	f.Add("99999999999999999999", "x")
	f.Fuzz(func(t *testing.T, retryAfter, date string) {
		h := http.Header{"Retry-After": {retryAfter}, "Date": {date}}
		if d := httperror.RetryAfter(h, time.Unix(0, 0)); d < 0 || d > httperror.MaxRetryAfter {
			t.Errorf("got %v", d)
		}
	})
}

func TestWithoutURL(t *testing.T) {
	const secret = "s3cr3t"
	err := error(&url.Error{Op: "Get", URL: "http://a.test/" + secret, Err: context.DeadlineExceeded})
	if got := httperror.WithoutURL(err); !errors.Is(got, context.DeadlineExceeded) || strings.Contains(got.Error(), secret) {
		t.Errorf("got %v", got)
	}
	if got := httperror.WithoutURL(context.Canceled); got != context.Canceled {
		t.Errorf("an error without a URL: %v", got)
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"":                             "",
		"plain text":                   "plain text",
		"Grüße, 世界":                    "Grüße, 世界",
		"a\x1b[31mb\r\nc\x00":          "a[31mbc",
		"a\xffb":                       "ab",
		"right\u202eleft":              "rightleft",
		strings.Repeat("é", 20):        strings.Repeat("é", 20),
		strings.Repeat("é", 21):        strings.Repeat("é", 20),
		"\n" + strings.Repeat("x", 20): strings.Repeat("x", 20),
	} {
		if got := httperror.Printable(in, 20); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("a\x1b[31mb\xff", 3)
	f.Fuzz(func(t *testing.T, s string, maxRunes int) {
		if maxRunes < 0 {
			return
		}
		got := httperror.Printable(s, maxRunes)
		if utf8.RuneCountInString(got) > maxRunes || !utf8.ValidString(got) ||
			strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("got %q", got)
		}
	})
}

func TestIsHTML(t *testing.T) {
	for body, want := range map[string]bool{
		"<html>": true, " \n<!DOCTYPE html>": true, `{"a":"<"}`: false, "": false, "text": false,
	} {
		if got := httperror.IsHTML([]byte(body)); got != want {
			t.Errorf("%q: got %t", body, got)
		}
	}
}
