package gateway_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	g "maragu.dev/gomponents"

	"pickerd/display/words"
	"pickerd/oauthdevice/gateway"
)

// A document is a page as a browser reads it.
type document struct {
	t    *testing.T
	root *html.Node
}

func read(t *testing.T, page g.Node) document {
	t.Helper()
	root, err := html.Parse(send(t, page).Body)
	if err != nil {
		t.Fatal(err)
	}
	return document{t, root}
}

// all returns the elements with a name, or all elements for "".
func (d document) all(name string) (found []*html.Node) {
	for n := range d.root.Descendants() {
		if n.Type == html.ElementNode && (name == "" || n.Data == name) {
			found = append(found, n)
		}
	}
	return found
}

// one returns the only element with a name.
func (d document) one(name string) *html.Node {
	d.t.Helper()
	found := d.all(name)
	if len(found) != 1 {
		d.t.Fatalf("%d elements %s, want 1", len(found), name)
	}
	return found[0]
}

// id returns the only element with an ID, nil if there is none.
func (d document) id(id string) *html.Node {
	d.t.Helper()
	var found *html.Node
	for _, n := range d.all("") {
		if attribute(n, "id") == id {
			if found != nil {
				d.t.Errorf("two elements have the ID %s", id)
			}
			found = n
		}
	}
	return found
}

// refresh returns the content of the element that leads on, "" without one.
func (d document) refresh() string {
	for _, n := range d.all("meta") {
		if attribute(n, "http-equiv") == "refresh" {
			return attribute(n, "content")
		}
	}
	return ""
}

// attribute returns the value of an attribute, "" without it and for nil.
func attribute(n *html.Node, key string) string {
	if n == nil {
		return ""
	}
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// text returns the text in an element, "" for nil.
func text(n *html.Node) string {
	if n == nil {
		return ""
	}
	var s strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			s.WriteString(c.Data)
		}
	}
	return s.String()
}

// checkTags checks that elements are closed and nested, and that no attribute is
// given twice: a browser would not say so.
func checkTags(t *testing.T, source string) {
	t.Helper()
	void := []string{"meta", "link", "input"}
	var open []string
	tokens := html.NewTokenizer(strings.NewReader(source))
	for {
		switch kind := tokens.Next(); kind {
		case html.ErrorToken:
			if len(open) > 0 {
				t.Errorf("open at the end: %v", open)
			}
			return
		case html.StartTagToken, html.SelfClosingTagToken:
			tag := tokens.Token()
			var keys []string
			for _, a := range tag.Attr {
				if slices.Contains(keys, a.Key) {
					t.Errorf("%s has two attributes %s", tag.Data, a.Key)
				}
				keys = append(keys, a.Key)
			}
			if !slices.Contains(void, tag.Data) {
				open = append(open, tag.Data)
			}
		case html.EndTagToken:
			tag := tokens.Token()
			if len(open) == 0 || open[len(open)-1] != tag.Data {
				t.Fatalf("</%s> closes %v", tag.Data, open)
			}
			open = open[:len(open)-1]
		}
	}
}

// key is the form of a text's key.
var key = regexp.MustCompile(`\b(page|signin|phone|relay|gateway|notice)\.[a-z_]+`)

// checkDocument checks what all pages have in common.
func checkDocument(t *testing.T, d document, w *words.Words) {
	t.Helper()
	direction := "ltr"
	if w.RightToLeft {
		direction = "rtl"
	}
	if n := d.one("html"); attribute(n, "lang") != w.Code || attribute(n, "dir") != direction {
		t.Errorf("lang %q, dir %q", attribute(n, "lang"), attribute(n, "dir"))
	}
	d.one("main")
	if title, heading := text(d.one("title")), text(d.one("h1")); title == "" || title != heading {
		t.Errorf("title %q, heading %q", title, heading)
	}
	if got := attribute(d.one("link"), "href"); got != gateway.StylePath {
		t.Errorf("style sheet %q", got)
	}
	if found := key.FindString(text(d.root)); found != "" {
		t.Errorf("%s has no text", found)
	}
	known := []string{"html", "head", "meta", "title", "link", "body", "main", "h1", "p", "bdi", "span", "a", "form", "label", "input", "button"}
	for _, n := range d.all("") {
		if !slices.Contains(known, n.Data) {
			t.Errorf("an element %s", n.Data)
		}
		for _, a := range n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("%s has the attribute %s", n.Data, a.Key)
			}
		}
		if id := attribute(n, "id"); id != "" {
			d.id(id)
		}
		if n.Data == "input" && attribute(n, "type") != "hidden" && !slices.ContainsFunc(d.all("label"), func(l *html.Node) bool {
			return attribute(l, "for") == attribute(n, "id") && text(l) != ""
		}) {
			t.Errorf("the field %s has no label", attribute(n, "name"))
		}
		if (n.Data == "button" || n.Data == "a") && text(n) == "" {
			t.Errorf("%s %s has no text", n.Data, attribute(n, "id"))
		}
	}
	if refresh := d.refresh(); refresh != "" && !strings.HasPrefix(refresh, "0; url=https://") {
		t.Errorf("refresh %q: a pause is hard on people who need time", refresh)
	}
}
