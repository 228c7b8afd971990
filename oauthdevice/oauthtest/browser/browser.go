// Package browser is a phone's browser for tests, without a screen and without
// scripts. It follows redirects, keeps cookies and submits forms.
package browser

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
)

// maxPage bounds a page, in bytes.
const maxPage = 1 << 20

// A Browser shows one page at a time.
type Browser struct {
	HTTP *http.Client

	Status int      // of the page; 0 if there is none, or only a part of it
	At     *url.URL // its address, after redirects; nil before the first page
	Page   string   // its HTML
}

// New returns a browser. Its requests go through rt, or http.DefaultTransport if that
// is nil.
func New(rt http.RoundTripper) *Browser {
	jar, _ := cookiejar.New(nil) // fails for no options
	return &Browser{HTTP: &http.Client{Jar: jar, Transport: rt}}
}

// Open opens an address, which may be relative to the page's. It fails if there is no
// answer; what the answer says is in Status.
func (b *Browser) Open(ctx context.Context, address string) error {
	to, err := b.resolve(address)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, to, nil)
	if err != nil {
		return err
	}
	return b.do(req)
}

func (b *Browser) do(req *http.Request) error {
	b.Status, b.Page = 0, ""
	resp, err := b.HTTP.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(io.LimitReader(resp.Body, maxPage))
	b.At, b.Page = resp.Request.URL, string(page)
	if err == nil {
		b.Status = resp.StatusCode
	}
	return nil
}

func (b *Browser) resolve(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	if b.At != nil {
		u = b.At.ResolveReference(u)
	}
	return u.String(), nil
}

var (
	formAction = regexp.MustCompile(`(?i)<form[^>]* action="([^"]*)"`)
	inputTag   = regexp.MustCompile(`(?i)<input[^>]*>`)
	buttonTag  = regexp.MustCompile(`(?i)<button[^>]*>`)
	nameAttr   = regexp.MustCompile(`(?i) name="([^"]*)"`)
	valueAttr  = regexp.MustCompile(`(?i) value="([^"]*)"`)
	refreshTo  = regexp.MustCompile(`(?i)<meta http-equiv="refresh" content="0; url=([^"]*)"`)
)

// Submit fills in the page's first form, with its hidden fields, and sends it. A
// button is pressed by its name and value in fill.
func (b *Browser) Submit(ctx context.Context, fill map[string]string) error {
	action := formAction.FindStringSubmatch(b.Page)
	if action == nil {
		return errors.New("the page has no form")
	}
	form := url.Values{}
	for _, tag := range inputTag.FindAllString(b.Page, -1) {
		name := nameAttr.FindStringSubmatch(tag)
		if name == nil {
			continue
		}
		form.Set(name[1], fill[name[1]])
		if v := valueAttr.FindStringSubmatch(tag); v != nil {
			form.Set(name[1], html.UnescapeString(v[1]))
		}
	}
	for _, tag := range buttonTag.FindAllString(b.Page, -1) {
		name, value := nameAttr.FindStringSubmatch(tag), valueAttr.FindStringSubmatch(tag)
		if name != nil && value != nil && fill[name[1]] == value[1] {
			form.Set(name[1], value[1])
		}
	}
	for name := range fill {
		if !form.Has(name) {
			return fmt.Errorf("the form has no %q", name)
		}
	}
	to, err := b.resolve(html.UnescapeString(action[1]))
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", b.At.Scheme+"://"+b.At.Host)
	return b.do(req)
}

// Next returns the address to which the page leads on at once by a refresh, "" if it
// does not.
func (b *Browser) Next() string {
	if m := refreshTo.FindStringSubmatch(b.Page); m != nil {
		return html.UnescapeString(m[1])
	}
	return ""
}
