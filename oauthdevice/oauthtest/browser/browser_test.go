package browser_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"pickerd/oauthdevice/oauthtest"
	"pickerd/oauthdevice/oauthtest/browser"
)

const form = `<form method="post" action="/answer?a=1&amp;b=2">
<input type="hidden" name="state" value="x&amp;y"><input name="user_code">
<button name="answer" value="yes">Yes</button><button name="answer" value="no">No</button></form>`

// site sets a cookie, redirects to a form, and shows what it is sent.
func site(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/":
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1"})
		http.Redirect(w, r, "/form", http.StatusFound)
	case "/form":
		_, _ = io.WriteString(w, form)
	case "/answer":
		_, err := r.Cookie("seen")
		fmt.Fprintf(w, "%s %s %t %s", r.Header.Get("Origin"), r.URL.RawQuery, err == nil, r.FormValue("state")+r.PostFormValue("user_code")+r.PostFormValue("answer"))
	case "/next":
		_, _ = io.WriteString(w, `<meta http-equiv="refresh" content="0; url=https://site.test/?a&amp;b">`)
	case "/cut":
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "a part")
	default:
		http.NotFound(w, r)
	}
}

func TestBrowser(t *testing.T) {
	b := browser.New(oauthtest.InProcess(http.HandlerFunc(site)))
	open := func(address string) {
		t.Helper()
		if err := b.Open(t.Context(), address); err != nil {
			t.Fatal(err)
		}
	}
	open("https://site.test/")
	if b.Status != 200 || b.At.String() != "https://site.test/form" || b.Page != form || b.Next() != "" {
		t.Errorf("%d at %s", b.Status, b.At)
	}
	if err := b.Submit(t.Context(), map[string]string{"colour": "red"}); err == nil {
		t.Error("a field that the form does not have was filled in")
	}
	if err := b.Submit(t.Context(), map[string]string{"user_code": "ABC", "answer": "no"}); err != nil {
		t.Fatal(err)
	}
	if want := "https://site.test a=1&b=2 true x&yABCno"; b.Page != want {
		t.Errorf("the site got %q, want %q", b.Page, want)
	}
	if err := b.Submit(t.Context(), nil); err == nil {
		t.Error("a page without a form was submitted")
	}
	open("next")
	if to := b.Next(); to != "https://site.test/?a&b" {
		t.Errorf("leads to %q", to)
	}
	open("/nothing")
	if b.Status != 404 {
		t.Errorf("status %d", b.Status)
	}
}

// A page that is cut off, or that does not come, has no status.
func TestNoPage(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(site))
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	b := browser.New(tr)
	if err := b.Open(t.Context(), server.URL+"/cut"); err != nil || b.Status != 0 {
		t.Errorf("cut off: %d, %v", b.Status, err)
	}
	server.Close()
	if err := b.Open(t.Context(), server.URL+"/"); err == nil || b.Status != 0 || b.Page != "" {
		t.Errorf("no server: %d, %v", b.Status, err)
	}
	if err := b.Open(t.Context(), "://"); err == nil {
		t.Error("opened what is not an address")
	}
}
