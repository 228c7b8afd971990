package servers

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// A browser follows redirects and keeps cookies, for a person.
type browser struct {
	t    *testing.T
	http *http.Client
	at   *url.URL // the address of the page
	page string
}

func newBrowser(t *testing.T, rt http.RoundTripper) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, http: &http.Client{Jar: jar, Transport: rt}}
}

// open opens an address, which may be relative to the page.
func (b *browser) open(address string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.resolve(address), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	b.do(req)
}

func (b *browser) do(req *http.Request) {
	b.t.Helper()
	resp, err := b.http.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		b.t.Fatal(err)
	}
	b.at, b.page = resp.Request.URL, string(body)
}

func (b *browser) resolve(address string) string {
	b.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		b.t.Fatal(err)
	}
	if b.at != nil {
		u = b.at.ResolveReference(u)
	}
	return u.String()
}

var (
	formAction  = regexp.MustCompile(`(?i)<form[^>]* action="([^"]*)"`)
	inputTag    = regexp.MustCompile(`(?i)<input[^>]*>`)
	inputName   = regexp.MustCompile(`(?i) name="([^"]*)"`)
	inputValue  = regexp.MustCompile(`(?i) value="([^"]*)"`)
	buttonTag   = regexp.MustCompile(`(?i)<button[^>]*>`)
	refreshTo   = regexp.MustCompile(`(?i)<meta http-equiv="refresh" content="0; url=([^"]*)"`)
	buttonClick = regexp.MustCompile(`(?i)<button[^>]*onclick="location\.href='([^']*)'"[^>]*>([^<]*)<`)
)

// submit fills in the page's only form, with its hidden fields, and sends it. A button
// is pressed by giving its name and value.
func (b *browser) submit(fill map[string]string) {
	b.t.Helper()
	action := formAction.FindStringSubmatch(b.page)
	if action == nil {
		b.t.Fatalf("no form at %s:\n%s", b.at.Path, b.page)
	}
	form := url.Values{}
	for _, tag := range inputTag.FindAllString(b.page, -1) {
		name := inputName.FindStringSubmatch(tag)
		if name == nil {
			continue
		}
		form.Set(name[1], fill[name[1]])
		if v := inputValue.FindStringSubmatch(tag); v != nil {
			form.Set(name[1], html.UnescapeString(v[1]))
		}
	}
	for _, tag := range buttonTag.FindAllString(b.page, -1) {
		name, value := inputName.FindStringSubmatch(tag), inputValue.FindStringSubmatch(tag)
		if name != nil && value != nil && fill[name[1]] == value[1] {
			form.Set(name[1], value[1])
		}
	}
	for name := range fill {
		if !form.Has(name) {
			b.t.Fatalf("the form at %s has no %q", b.at.Path, name)
		}
	}
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.resolve(html.UnescapeString(action[1])), strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", b.at.Scheme+"://"+b.at.Host)
	b.do(req)
}

// tap taps a button by its text.
func (b *browser) tap(text string) {
	b.t.Helper()
	for _, m := range buttonClick.FindAllStringSubmatch(b.page, -1) {
		if strings.TrimSpace(m[2]) == text {
			b.open(html.UnescapeString(m[1]))
			return
		}
	}
	b.t.Fatalf("no button %q at %s:\n%s", text, b.at.Path, b.page)
}

// next returns the address to which the page leads on at once.
func (b *browser) next() string {
	b.t.Helper()
	m := refreshTo.FindStringSubmatch(b.page)
	if m == nil {
		b.t.Fatalf("the page at %s does not lead on:\n%s", b.at.Path, b.page)
	}
	return html.UnescapeString(m[1])
}

// signIn opens an address that asks for a user, signs in and follows the redirects:
// for a device to the page that asks for consent, for an authorization code to the
// client's redirect_uri.
func (b *browser) signIn(address string) {
	b.t.Helper()
	b.open(address)
	b.submit(map[string]string{"username": userName, "password": password})
}
