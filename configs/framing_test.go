package configs_test

import (
	"net/url"
	"strings"
	"testing"

	"pickerd/configs"
)

// Which texts may be sources in the policy of the page.
func TestOrigins(t *testing.T) {
	for source, want := range map[string]bool{
		"https://home.example":         true,
		"http://home.example:8123":     true,
		"https://*.home.example":       true,
		"http://homeassistant":         true,
		"http://127.0.0.1:8123":        true,
		"":                             false,
		"*":                            false,
		"https:":                       false,
		"https://":                     false,
		"https://*":                    false,
		"https://*.example":            false,
		"https://a.*.example":          false,
		"'self'":                       false,
		"home.example":                 false,
		"ftp://home.example":           false,
		"HTTPS://home.example":         false,
		"https://home.example/":        false,
		"https://home.example:":        false,
		"https://home.example:0":       false,
		"https://home.example:65536":   false,
		"https://home.example:+80":     false,
		"https://home..example":        false,
		"https://-home.example":        false,
		"https://home.example; x":      false,
		"https://home.example *":       false,
		"https://user@home.example":    false,
		"https://[::1]":                false,
		"https://bücher.example":       false,
		"https://home.example\r\nX: y": false,
		"https://" + strings.Repeat("a.", 150) + "example": false,
	} {
		if got := configs.IsOrigin(source); got != want {
			t.Errorf("%q: %v, want %v", source, got, want)
		}
	}
}

// A wrong origin, and too many, are errors of their key.
func TestFrameAncestors(t *testing.T) {
	for text, want := range map[string]string{
		"https://home.example,http://home.example:8123": "",
		"https://home.example/board":                    "is not an origin",
		strings.Repeat("https://home.example,", 17):     "more than 16",
	} {
		_, err := configs.Load("", func(name string) string {
			if name == "PICKERD_HTTP_FRAME_ANCESTORS" {
				return text
			}
			return map[string]string{"PICKERD_GOOGLE_CLIENT_ID": "i", "PICKERD_GOOGLE_CLIENT_SECRET": "s"}[name]
		})
		if want == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// FuzzIsOrigin checks that what is taken for an origin can't change the policy, and is
// one to package url too.
func FuzzIsOrigin(f *testing.F) {
	for _, s := range []string{"https://home.example", "http://*.home.example:1", "https://a;b", "https://a,b", "https://a b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		if !configs.IsOrigin(source) {
			return
		}
		u, err := url.Parse(strings.Replace(source, "*.", "", 1))
		if err != nil || strings.ContainsAny(source, "; ,'\r\n") || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
			t.Errorf("%q is taken for an origin: %v", source, err)
		}
	})
}
