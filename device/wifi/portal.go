package wifi

import (
	"context"
	"io"
	"net/http"
	"net/netip"
	"time"

	"pickerd/device"
)

// accessNetwork is the network of the access point.
var accessNetwork = netip.PrefixFrom(netip.MustParseAddr(device.AccessAddress), int(accessPrefix)).Masked()

// Portal returns a handler for port 80 of device.AccessAddress. All names lead there in the
// box's network, and phones ask there whether they are in the Internet, for example
// for captive.apple.com/hotspot-detect.html or /generate_204: the answer leads to page,
// which phones then open by themselves. pages serves requests to that address itself;
// nil means that page is elsewhere.
func (c *Controller) Portal(page func() string, pages http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil || !accessNetwork.Contains(from.Addr().Unmap()) {
			http.Error(w, "This page is for phones in the network of this box.", http.StatusForbidden)
			return
		}
		c.Use()
		to := page()
		w.Header().Set("Cache-Control", "no-store")
		switch {
		case pages != nil && r.Host == device.AccessAddress && r.URL.Path != "/":
			pages.ServeHTTP(w, r)
		case to == "":
			http.Error(w, "This box needs no set-up.", http.StatusNotFound)
		default:
			http.Redirect(w, r, to, http.StatusFound)
		}
	})
}

const (
	// portalProbe answers 204 in the Internet. Google serves it, which the box asks for
	// photos anyway.
	portalProbe = "http://connectivitycheck.gstatic.com/generate_204"
	maxProbe    = 10 * time.Second
	maxPortal   = 512 // bytes of the address of its page
)

// FindPortal looks for a captive portal and returns the address of its page, "" if
// there is none.
func FindPortal(ctx context.Context, t http.RoundTripper) string {
	ctx, cancel := context.WithTimeout(ctx, maxProbe)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, portalProbe, nil)
	if err != nil {
		return ""
	}
	resp, err := t.RoundTrip(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	first := make([]byte, 1)
	n, _ := io.ReadFull(resp.Body, first)
	switch {
	case resp.StatusCode == http.StatusNoContent, resp.StatusCode == http.StatusOK && n == 0, resp.StatusCode >= 500 && resp.StatusCode != http.StatusNetworkAuthenticationRequired:
		return ""
	case resp.StatusCode < 300 || resp.StatusCode > 399:
		return portalProbe // the portal answers for every page
	}
	to, err := resp.Location()
	if err != nil || to.Scheme != "http" && to.Scheme != "https" || to.Host == "" {
		return portalProbe
	}
	to.User, to.Fragment = nil, ""
	text := to.String()
	if len(text) > maxPortal {
		return portalProbe // the portal leads from there to its page
	}
	return text
}
