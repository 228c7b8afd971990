package servers

import (
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"

	browsing "pickerd/oauthdevice/oauthtest/browser"
)

// A browser fails the test instead of returning errors.
type browser struct {
	*browsing.Browser
	t *testing.T
}

func newBrowser(t *testing.T, rt http.RoundTripper) *browser {
	t.Helper()
	return &browser{Browser: browsing.New(rt), t: t}
}

func (b *browser) open(address string) {
	b.t.Helper()
	if err := b.Open(b.t.Context(), address); err != nil {
		b.t.Fatal(err)
	}
}

func (b *browser) submit(fill map[string]string) {
	b.t.Helper()
	if err := b.Submit(b.t.Context(), fill); err != nil {
		b.t.Fatalf("%v at %s:\n%s", err, b.At.Path, b.Page)
	}
}

var buttonClick = regexp.MustCompile(`(?i)<button[^>]*onclick="location\.href='([^']*)'"[^>]*>([^<]*)<`)

// tap taps a button by its text.
func (b *browser) tap(text string) {
	b.t.Helper()
	for _, m := range buttonClick.FindAllStringSubmatch(b.Page, -1) {
		if strings.TrimSpace(m[2]) == text {
			b.open(html.UnescapeString(m[1]))
			return
		}
	}
	b.t.Fatalf("no button %q at %s:\n%s", text, b.At.Path, b.Page)
}

// next returns the address to which the page leads on at once.
func (b *browser) next() string {
	b.t.Helper()
	to := b.Next()
	if to == "" {
		b.t.Fatalf("the page at %s does not lead on:\n%s", b.At.Path, b.Page)
	}
	return to
}

// signIn opens an address that asks for a user, signs in and follows the redirects:
// for a device to the page that asks for consent, for an authorization code to the
// client's redirect_uri.
func (b *browser) signIn(address string) {
	b.t.Helper()
	b.open(address)
	b.submit(map[string]string{"username": userName, "password": password})
}
