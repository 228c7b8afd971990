package httpserve_test

import (
	"net/netip"
	"testing"

	"pickerd/display/httpserve"
)

func TestHostOf(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1":         "192.0.2.1",
		"2001:db8:1:2::1":   "2001:db8:1:2::",
		"2001:db8:1:2:f::9": "2001:db8:1:2::",
		"2001:db8:1:3::1":   "2001:db8:1:3::",
		"fe80::1":           "fe80::",
	} {
		if got := httpserve.HostOf(netip.MustParseAddr(text)).String(); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	if got := httpserve.HostOf(netip.Addr{}); got.IsValid() {
		t.Errorf("no address: %s", got)
	}
	h := httpserve.NewHosts(9, func() *int { return new(int) })
	first := h.Get(netip.MustParseAddr("2001:db8::1"))
	if h.Get(netip.MustParseAddr("2001:db8::2")) != first || h.Get(netip.MustParseAddr("2001:db8:0:1::1")) == first {
		t.Error("records are not kept per network")
	}
	if found, ok := h.Find(netip.MustParseAddr("2001:db8::3")); !ok || found != first {
		t.Error("the record of the network is not found")
	}
}
