package wifi_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pickerd/device/wifi"
)

// Phones that ask whether they are in the Internet are led to the page.
func TestPortal(t *testing.T) {
	c := wifi.New(wifi.Config{})
	page := "http://10.84.20.1/setup/key"
	h := c.Portal(func() string { return page }, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "page of the box") }))
	for _, tt := range []struct {
		host, path, from string
		status           int
		to               string
	}{
		{"captive.apple.com", "/hotspot-detect.html", "10.84.20.7:1", 302, page},
		{"connectivitycheck.gstatic.com", "/generate_204", "10.84.20.7:1", 302, page},
		{"www.msftconnecttest.com", "/connecttest.txt", "10.84.20.7:1", 302, page},
		{"detectportal.firefox.com", "/canonical.html", "10.84.20.7:1", 302, page},
		{"nmcheck.gnome.org", "/check_network_status.txt", "[::ffff:10.84.20.7]:1", 302, page},
		{"10.84.20.1", "/", "10.84.20.7:1", 302, page},
		{"10.84.20.1", "/setup/key", "10.84.20.7:1", 200, ""},
		{"captive.apple.com", "/setup/key", "10.84.20.7:1", 302, page},
		{"captive.apple.com", "/hotspot-detect.html", "192.168.1.7:1", 403, ""},
		{"10.84.20.1", "/setup/key", "[2001:db8::1]:1", 403, ""},
		{"10.84.20.1", "/setup/key", "@", 403, ""},
	} {
		r := httptest.NewRequest(http.MethodGet, "http://"+tt.host+tt.path, nil)
		r.RemoteAddr = tt.from
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tt.status || w.Header().Get("Location") != tt.to {
			t.Errorf("%s%s from %s: %d %q", tt.host, tt.path, tt.from, w.Code, w.Header().Get("Location"))
		}
	}
	page = ""
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "http://captive.apple.com/", nil)
	r.RemoteAddr = "10.84.20.7:1"
	if h.ServeHTTP(w, r); w.Code != http.StatusNotFound {
		t.Errorf("without a page: %d", w.Code)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestFindPortal(t *testing.T) {
	const probe = "http://connectivitycheck.gstatic.com/generate_204"
	for _, tt := range []struct {
		name     string
		status   int
		location string
		body     string
		want     string
	}{
		{"Internet", 204, "", "", ""},
		{"Internet behind a proxy", 200, "", "", ""},
		{"server in trouble", 503, "", "busy", ""},
		{"portal redirects", 302, "https://portal.test/login?box=1", "", "https://portal.test/login?box=1"},
		{"portal redirects within the host", 302, "/login", "", "http://connectivitycheck.gstatic.com/login"},
		{"portal answers itself", 200, "", "<html>", probe},
		{"portal says so (RFC 6585)", 511, "", "<html>", probe},
		{"no scheme of the web", 302, "javascript:alert(1)", "", probe},
		{"no address", 302, "http://%zz", "", probe},
		{"name and password", 302, "http://a:b@portal.test/", "", "http://portal.test/"},
		{"long", 302, "http://portal.test/" + strings.Repeat("x", 600), "", probe},
	} {
		got := wifi.FindPortal(t.Context(), roundTrip(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: tt.status, Header: http.Header{"Location": {tt.location}}, Body: io.NopCloser(strings.NewReader(tt.body)), Request: r}, nil
		}))
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	if got := wifi.FindPortal(t.Context(), roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("offline") })); got != "" {
		t.Errorf("offline: %q", got)
	}
}
