package e2e

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A handset is a phone's browser that shows nothing. It does for a person what the
// gateway's pages ask for.
type handset struct {
	t       testing.TB
	http    *http.Client
	address string // of the phone, "" for this machine's
	status  int
	at      *url.URL
	page    string
}

func newHandset(t testing.TB) *handset {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return &handset{t: t, http: &http.Client{Jar: jar, Transport: tr, Timeout: maxWait}}
}

func (h *handset) do(req *http.Request) {
	h.t.Helper()
	if h.address != "" {
		req.Header.Set(testAddress, h.address)
	}
	resp, err := h.http.Do(req)
	if err != nil {
		h.t.Error(err)
		h.status, h.page = 0, ""
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		resp.StatusCode = 0 // cut off
	}
	h.status, h.at, h.page = resp.StatusCode, resp.Request.URL, string(body)
}

// open opens an address and follows its redirects.
func (h *handset) open(address string) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		h.t.Error(err)
		return
	}
	h.do(req)
}

var (
	hiddenField = regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]+)">`)
	leadsOn     = regexp.MustCompile(`<meta http-equiv="refresh" content="0; url=([^"]+)"`)
)

// next returns the address to which the page leads on, or "".
func (h *handset) next() string {
	if m := leadsOn.FindStringSubmatch(h.page); m != nil {
		return html.UnescapeString(m[1])
	}
	return ""
}

// confirm scans a link and says that the code is on the screen. It returns the
// address of the consent page, "" if there was another page.
func (h *handset) confirm(link string) string {
	h.t.Helper()
	h.open(link)
	m := hiddenField.FindStringSubmatch(h.page)
	if h.status != http.StatusOK || m == nil {
		return ""
	}
	form := url.Values{m[1]: {html.UnescapeString(m[2])}, "answer": {"yes"}}
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.at.Scheme+"://"+h.at.Host+"/confirm", strings.NewReader(form.Encode()))
	if err != nil {
		h.t.Error(err)
		return ""
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", h.at.Scheme+"://"+h.at.Host)
	h.do(req)
	return h.next()
}

// waits reports whether the page waits for the screen.
func (h *handset) waits() bool {
	return h.status == http.StatusOK && h.at.Path == "/wait"
}

// isOver reports whether a page that waited says that the sign-in is lost.
func (h *handset) isOver() bool {
	return !h.waits() && h.status < http.StatusInternalServerError
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
			h.open(h.at.String())
		case <-deadline.C:
			h.t.Fatalf("timed out waiting until %s; the phone shows %s", what, h.shown())
		}
	}
}

// shown describes the page, for messages.
func (h *handset) shown() string {
	title := regexp.MustCompile(`<title>([^<]*)`).FindStringSubmatch(h.page)
	return fmt.Sprintf("%d %q", h.status, title)
}
