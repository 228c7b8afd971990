package e2e

import (
	"fmt"
	"net/http"
	"regexp"
	"testing"
	"time"

	browsing "pickerd/oauthdevice/oauthtest/browser"
)

// A handset is a phone that does for a person what the gateway's pages ask for.
type handset struct {
	*browsing.Browser
	t testing.TB
}

// newHandset returns a phone of the cluster with an address of this machine.
func (c *cluster) newHandset(address string) *handset {
	c.t.Helper()
	b := browsing.New(c.client(address).Transport)
	b.HTTP.Timeout = maxWait
	return &handset{Browser: b, t: c.t}
}

// open opens an address and follows its redirects.
func (h *handset) open(address string) {
	h.t.Helper()
	if err := h.Open(h.t.Context(), address); err != nil {
		h.t.Error(err)
	}
}

// confirm scans a link and says that the code is on the screen. It returns the
// address of the consent page, "" if there was another page.
func (h *handset) confirm(link string) string {
	h.t.Helper()
	h.open(link)
	if err := h.Submit(h.t.Context(), map[string]string{"answer": "yes"}); err != nil {
		return ""
	}
	return h.Next()
}

// waits reports whether the page waits for the screen.
func (h *handset) waits() bool {
	return h.Status == http.StatusOK && h.At.Path == "/wait"
}

// isOver reports whether a page that waited says that the sign-in is lost.
func (h *handset) isOver() bool {
	return !h.waits() && h.Status < http.StatusInternalServerError
}

// reload loads the page again and again until ok, a little faster than a browser does.
func (h *handset) reload(what string, ok func() bool) {
	h.t.Helper()
	deadline := time.NewTimer(maxWait)
	defer deadline.Stop()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
			h.open(h.At.String())
		case <-deadline.C:
			h.t.Fatalf("timed out waiting until %s; the phone shows %s", what, h.shown())
		}
	}
}

// shown describes the page, for messages.
func (h *handset) shown() string {
	title := regexp.MustCompile(`<title>([^<]*)`).FindStringSubmatch(h.Page)
	return fmt.Sprintf("%d %q", h.Status, title)
}
