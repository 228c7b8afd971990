package httpserve

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

func TestHosts(t *testing.T) {
	made := 0
	h := NewHosts(2, func() *int { made++; n := made; return &n })
	a, b, c := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("192.0.2.3")
	if _, ok := h.Find(a); ok || h.Len() != 0 {
		t.Error("a record before the first")
	}
	first := h.Get(a)
	if h.Get(a) != first || made != 1 {
		t.Errorf("%d records for one address", made)
	}
	if found, ok := h.Find(a); !ok || found != first {
		t.Error("the record is not found")
	}
	h.Get(b)
	if h.Len() != 2 {
		t.Errorf("%d records, want 2", h.Len())
	}
	h.Get(c)
	if _, ok := h.Find(a); ok || h.Len() != 1 {
		t.Errorf("%d records, want only the newest", h.Len())
	}
}

func TestRemoteAddr(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1:5000":          "192.0.2.1",
		"[::ffff:192.0.2.1]:5000": "192.0.2.1",
		"[fe80::1%eth0]:5000":     "fe80::1",
		"@":                       "invalid IP",
		"":                        "invalid IP",
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = text
		if got := RemoteAddr(r).String(); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestDigest(t *testing.T) {
	if a, b := Digest([]byte("a")), Digest([]byte("b")); a == b || a != Digest([]byte("a")) {
		t.Errorf("%s, %s", a, b)
	}
}

func TestSecurityHeaders(t *testing.T) {
	h := http.Header{}
	SecurityHeaders(h, "default-src 'none'")
	for name, want := range map[string]string{"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff",
		"X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
