package snapshot_test

import (
	"net/http"
	"strings"
	"testing"

	"pickerd/display"
)

// TestWrongOptions checks that wrong parameters get a sentence.
func TestWrongOptions(t *testing.T) {
	g := newGallery(t, false)
	for query, say := range map[string]string{
		"w=15": "w must", "w=3841": "w must", "w=": "w must", "w=1e3": "w must", "w=-20": "w must", "h=99999999999999999999": "h must", "h=15&w=20": "h must",
		"rotate=45": "rotate must", "rotate=": "rotate must", "rotate=-90": "rotate must", "colors=1": "colors must", "colors=257": "colors must", "colors=all": "colors must",
		"dither=yes": "dither must", "width=100": `no parameter "width"`, "W=100": `no parameter "W"`, "w=100&t=1": `no parameter "t"`,
		"w=100&w=200": "w must be there once", "after=a&after=b": "after must be there once", "w=%zz": "can't be read", "w=20;h=20": "can't be read",
	} {
		w := g.ask(t.Context(), http.MethodGet, "/screen.png?"+query)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), say) || !strings.HasSuffix(w.Body.String(), ".\n") {
			t.Errorf("%s: %d %q, want a sentence with %q", query, w.Code, w.Body, say)
		}
	}
	if n := g.server.Kept(); n != 0 {
		t.Errorf("%d bytes were drawn", n)
	}
}

// TestHeaders checks what programs need to know whether a picture is new.
func TestHeaders(t *testing.T) {
	for transient, cache := range map[bool]string{false: "no-cache", true: "no-store"} {
		g := newGallery(t, transient)
		g.pages.Set(display.Page{Title: "Kitchen"})
		const target = "/screen.jpg?w=64&h=36"
		get := g.ask(t.Context(), http.MethodGet, target)
		etag := get.Header().Get("ETag")
		if len(etag) < 8 || !strings.HasPrefix(etag, `"`) || !strings.HasSuffix(etag, `"`) {
			t.Fatalf("ETag %q", etag)
		}
		for name, tt := range map[string]struct {
			method, none string
			code         int
			body         bool
		}{
			"a client that has nothing":       {"GET", "", 200, true},
			"one that has it":                 {"GET", etag, 304, false},
			"one that has it, behind a proxy": {"GET", "W/" + etag, 304, false},
			"one that has several":            {"GET", `"a", ` + etag, 304, false},
			"one that has any":                {"GET", "*", 304, false},
			"one that has another":            {"GET", `"a"`, 200, true},
			"a head":                          {"HEAD", "", 200, false},
			"a head of one that has it":       {"HEAD", etag, 304, false},
		} {
			w := g.ask(t.Context(), tt.method, target, "If-None-Match", tt.none)
			h := w.Header()
			if w.Code != tt.code || (w.Body.Len() > 0) != tt.body || h.Get("ETag") != etag || h.Get("Cache-Control") != cache {
				t.Errorf("%s: %d, %d bytes, %v", name, w.Code, w.Body.Len(), h)
			}
			if tt.code == 200 && h.Get("Content-Length") != get.Header().Get("Content-Length") {
				t.Errorf("%s: %s bytes", name, h.Get("Content-Length"))
			}
		}
	}
}
