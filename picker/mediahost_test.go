package picker_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker"
)

const googleAPI = picker.DefaultBaseURL

// TestMediaHost checks which hosts get the access token with a download.
func TestMediaHost(t *testing.T) {
	for _, tt := range []struct {
		api, baseURL string
		token        bool
	}{
		{googleAPI, "https://lh3.googleusercontent.com/x", true},
		{googleAPI, "https://googleusercontent.com/x", true},
		{googleAPI, "https://LH3.GoogleUserContent.COM/x", true},
		{googleAPI, "https://lh3.googleusercontent.com./x", true},
		{googleAPI, "https://lh3.googleusercontent.com:443/x", true},
		{googleAPI, "https://photos.google.com/x", true},
		{googleAPI, "https://photospicker.googleapis.com/x", true},
		{googleAPI, "http://lh3.googleusercontent.com/x", false},
		{googleAPI, "http://photospicker.googleapis.com/x", false},
		{googleAPI, "http://lh3.googleusercontent.com:443/x", false},
		{googleAPI, "https://lh3.googleusercontent.com:8443/x", false},
		{googleAPI, "https://googleusercontent.com.evil.example/x", false},
		{googleAPI, "https://evil-googleusercontent.com/x", false},
		{googleAPI, "https://googleusercontent.com..evil.example/x", false},
		{googleAPI, "https://lh3.googleusercontent.com../x", false},
		{googleAPI, "https://lh3.googleusercontent.com@evil.example/x", false},
		{googleAPI, "https://evil.example@lh3.googleusercontent.com/x", false},
		{googleAPI, "https://evil.example/?.googleusercontent.com", false},
		{googleAPI, "https://evil.example#.googleusercontent.com", false},
		{googleAPI, "https://evil.example%2F.googleusercontent.com/x", false},
		{googleAPI, "https://evil.example／.googleusercontent.com/x", false},
		{googleAPI, `https://evil.example\.googleusercontent.com/x`, false},
		{googleAPI, "https://googleusercontent.cоm/x", false}, // a Cyrillic letter
		{googleAPI, "https://com/x", false},
		{googleAPI, "https://192.0.2.1/x", false},
		{googleAPI, "https://[::1]/x", false},
		{googleAPI, "ftp://lh3.googleusercontent.com/x", false},
		{googleAPI, "//lh3.googleusercontent.com/x", false},
		{"https://photos.example:8443/api", "https://photos.example:8443/x", true},
		{"https://photos.example:8443/api", "https://Photos.Example/x", true},
		{"https://photos.example/api", "https://photos.example/x", true},
		{"https://photos.example/api", "http://photos.example/x", false},
		{"https://photos.example/api", "https://photos.example:8443/x", false},
		{"https://photos.example/api", "https://media.photos.example/x", false},
		{"https://photos.example/api", "https://lh3.googleusercontent.com/x", true},
		{"http://127.0.0.1:8420/photos", "http://127.0.0.1:8420/x", true},
		{"http://127.0.0.1:8420/photos", "https://127.0.0.1:8420/x", true},
		{"http://127.0.0.1:8420/photos", "http://127.0.0.1:8421/x", false},
		{"http://127.0.0.1:8420/photos", "http://127.0.0.2:8420/x", false},
		{"http://127.0.0.1:8420/photos", "http://lh3.googleusercontent.com/x", false},
		{"http://photos.test", "http://photos.test:80/x", true},
	} {
		sent := ""
		c, _ := newClient(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			sent = r.URL.Host + ": " + r.Header.Get("Authorization")
		}))
		c.BaseURL = tt.api
		m, err := c.OpenMedia(t.Context(), tt.baseURL, "=d")
		if err == nil {
			m.Body.Close()
		}
		if token := strings.Contains(sent, "Bearer "); token != tt.token || (err == nil) != tt.token {
			t.Errorf("%s with the API at %s: sent %q, %v", tt.baseURL, tt.api, sent, err)
		}
		if err == nil {
			continue
		}
		e, ok := errors.AsType[*picker.Error](err)
		if !ok || e.Temporary() || sent != "" {
			t.Errorf("%s: sent %q, %v; want no request and a lasting *Error", tt.baseURL, sent, err)
		}
		if strings.Contains(err.Error(), "evil") {
			t.Errorf("the address is in the error: %v", err)
		}
	}
}

// FuzzMediaHost checks that no address in a list brings the token to a host outside
// Google's domains. The host is that of the request as net/http sends it.
func FuzzMediaHost(f *testing.F) {
	for _, s := range []string{"https://lh3.googleusercontent.com/x", "https://googleusercontent.com.evil.example", "https://a@google.com", "https://[::1]:443", "https://evil.example／.google.com"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, baseURL string) {
		c, _ := newClient(nil)
		c.BaseURL = googleAPI
		c.HTTP = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.Header.Get("Authorization") == "" {
				return nil, oauthtest.ErrConnection
			}
			host := r.URL.Host
			again, err := url.Parse("https://" + host)
			if err != nil || r.URL.Scheme != "https" || r.URL.User != nil {
				t.Fatalf("the token was sent to %q", r.URL)
			}
			name := "." + strings.TrimSuffix(strings.ToLower(again.Hostname()), ".")
			if !strings.HasSuffix(name, ".google.com") && !strings.HasSuffix(name, ".googleapis.com") && !strings.HasSuffix(name, ".googleusercontent.com") {
				t.Fatalf("the token was sent to %q", r.URL)
			}
			return &http.Response{StatusCode: 200, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(""))}, nil
		})}
		if m, err := c.OpenMedia(t.Context(), baseURL, "=d"); err == nil {
			m.Body.Close()
		}
	})
}
