package web

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pickerd/display"
	"pickerd/display/httpserve"
	"pickerd/display/typeface"
)

type rig struct {
	pages display.Board[display.Page]
	web   *Server
	srv   *httptest.Server
	picks int
	err   error

	alive   bool
	asked   string // of the rest
	touched bool
}

// The rig is the screen too.
func (r *rig) Pages() *display.Board[display.Page] { return &r.pages }

func (r *rig) Do(_ context.Context, w display.Wish) error {
	switch w.Verb {
	case display.Pick:
		r.picks++
	case display.Stay:
		r.touched = true
	default:
		r.asked = string(w.Verb)
	}
	return r.err
}

func (r *rig) Choose(_ context.Context, id string) error {
	r.asked = "item " + id
	return r.err
}

var look = display.Style{Look: display.Look{Fade: 1200 * time.Millisecond, Interval: 10 * time.Second}}

func newRig(t *testing.T) *rig {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.jpg"), []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &rig{alive: true}
	r.pages.Set(display.Page{Style: look})
	r.web = New(Config{
		Screen: r,
		Key:    func(_ context.Context, name string) error { r.asked = "key " + name; return r.err },
		Font:   typeface.File,
		Alive:  func() bool { return r.alive },
		Log:    slog.New(slog.DiscardHandler),
	})
	r.serve(t, dir)
	r.srv = httptest.NewServer(r.web)
	t.Cleanup(r.srv.Close)
	return r
}

// serve makes the files of a folder the media of the page.
func (r *rig) serve(t *testing.T, dir string) {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	r.web.cfg.Media = root.Open
}

func (r *rig) get(t *testing.T, path string, header ...string) (*http.Response, string) {
	t.Helper()
	return r.send(t, http.MethodGet, path, header...)
}

func (r *rig) send(t *testing.T, method, path string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.srv.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestEverythingIsEmbedded(t *testing.T) {
	err := fs.WalkDir(assets, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := assets.ReadFile(path)
		for _, outside := range []string{"http://", "https://", "//cdn", "@import", "url("} {
			data := strings.ReplaceAll(string(data), "url(fonts/", "")
			if strings.Contains(data, outside) {
				t.Errorf("%s refers to %s", path, outside)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t)
	for path, kind := range map[string]string{"/": "text/html", "/pickerd.css": "text/css", "/pickerd.js": "text/javascript", "/stream.js": "text/javascript", "/slides.js": "text/javascript"} {
		resp, body := r.get(t, path)
		if resp.StatusCode != 200 || !strings.HasPrefix(resp.Header.Get("Content-Type"), kind) || body == "" {
			t.Errorf("%s: %d %s", path, resp.StatusCode, resp.Header.Get("Content-Type"))
		}
	}
	// Also what is not a file of the page, and what is not there.
	for _, path := range []string{"/", "/pickerd.css", "/pickerd.js", "/media/a.jpg", "/screen.json", "/healthz", "/none"} {
		resp, _ := r.get(t, path, "Origin", "http://evil.test")
		if h := resp.Header; !strict(h.Get("Content-Security-Policy")) || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: headers %v", path, h)
		}
	}
}

// strict reports whether a policy lets a page load from its own host alone, and no
// other page show it.
func strict(policy string) bool {
	for directive := range strings.SplitSeq(policy, ";") {
		name, from, _ := strings.Cut(strings.TrimSpace(directive), " ")
		own := from == "'self'" && name != "default-src" && name != "frame-ancestors"
		if from != "'none'" && !own {
			return false
		}
	}
	return strings.Contains(policy, "default-src 'none'") && strings.Contains(policy, "frame-ancestors 'none'") && strings.Contains(policy, "base-uri 'none'")
}

func TestQR(t *testing.T) {
	r := newRig(t)
	if resp, _ := r.get(t, "/qr.svg"); resp.StatusCode != 404 {
		t.Errorf("without a code: %d", resp.StatusCode)
	}
	r.pages.Set(display.Page{QR: "https://g.test/device?user_code=AB"})
	resp, body := r.get(t, "/qr.svg")
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "image/svg+xml" || !strings.Contains(body, "crispEdges") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

func TestMedia(t *testing.T) {
	r := newRig(t)
	resp, body := r.get(t, "/media/a.jpg", "Range", "bytes=2-4")
	if resp.StatusCode != 206 || body != "234" {
		t.Errorf("range: %d %q", resp.StatusCode, body)
	}
	for _, path := range []string{"/media/none.jpg", "/media/..%2f..%2fetc%2fpasswd", "/media/.", "/media/"} {
		if resp, _ := r.get(t, path); resp.StatusCode != 404 {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
}

func TestWishes(t *testing.T) {
	r := newRig(t)
	if resp, _ := r.send(t, http.MethodPost, "/pick"); resp.StatusCode != 202 || r.picks != 1 {
		t.Errorf("%d", resp.StatusCode)
	}
	for _, h := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "http://evil.test"}} {
		if resp, _ := r.send(t, http.MethodPost, "/pick", h...); resp.StatusCode != 403 || r.picks != 1 {
			t.Errorf("%v: %d", h, resp.StatusCode)
		}
	}
	r.err = errors.New("a pick is under way already")
	if resp, _ := r.send(t, http.MethodPost, "/pick"); resp.StatusCode != 409 {
		t.Errorf("%d", resp.StatusCode)
	}
	if resp, _ := r.get(t, "/pick"); resp.StatusCode != 405 {
		t.Errorf("GET: %d", resp.StatusCode)
	}
}

func TestHealth(t *testing.T) {
	r := newRig(t)
	if resp, _ := r.get(t, "/healthz"); resp.StatusCode != 200 {
		t.Errorf("%d", resp.StatusCode)
	}
	r.alive = false
	if resp, _ := r.get(t, "/healthz"); resp.StatusCode != 503 {
		t.Errorf("%d", resp.StatusCode)
	}
}

func TestEvents(t *testing.T) {
	r := newRig(t)
	until := time.Now().Add(90 * time.Second)
	r.pages.Set(display.Page{State: "pairing", QR: "https://g.test/d", Code: "AB-CD", Ends: display.Ends{Until: until}})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.srv.URL+"/events?w=2560&h=99999", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	next := func() (m message) {
		t.Helper()
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				if err := json.Unmarshal([]byte(data), &m); err != nil {
					t.Fatal(err)
				}
				return m
			}
		}
		t.Fatal("the stream ended")
		return m
	}
	m := next()
	if m.Code != "AB-CD" || m.Left < 85 || m.Left > 90 || m.Modules == 0 || !strings.HasPrefix(m.QR, "qr.svg?") {
		t.Errorf("%+v", m)
	}
	if w, h := r.web.ScreenSize(); w != 2560 || h != maxSide {
		t.Errorf("screen size %d by %d", w, h)
	}
	r.pages.Set(display.Page{State: "showing", Slide: &display.Slide{Media: []display.Media{{File: "a.jpg"}}, Alt: "Photo 1 of 1"}})
	if m := next(); m.Slide == nil || m.Slide.Media[0].Src != "media/a.jpg" || m.QR != "" {
		t.Errorf("%+v", m)
	}
}

func TestMoreWishes(t *testing.T) {
	r := newRig(t)
	for path, want := range map[string]string{"/forget": "ask-forget", "/key/up": "key up", "/menu/a%20b": "item a b", "/next": "next"} {
		if resp, _ := r.send(t, http.MethodPost, path); resp.StatusCode != 202 || r.asked != want {
			t.Errorf("%s: %d, %q", path, resp.StatusCode, r.asked)
		}
		if resp, _ := r.send(t, http.MethodPost, path, "Sec-Fetch-Site", "cross-site"); resp.StatusCode != 403 {
			t.Errorf("%s from another page: %d", path, resp.StatusCode)
		}
	}
}

// Nothing of a guest is kept by a browser; at home photos are, for an hour, until
// somebody is forgotten.
func TestKept(t *testing.T) {
	r := newRig(t)
	if resp, _ := r.get(t, "/media/a.jpg"); !strings.Contains(resp.Header.Get("Cache-Control"), "max-age") {
		t.Errorf("at home: %q", resp.Header.Get("Cache-Control"))
	}
	r.web.cfg.Transient = true
	for _, path := range []string{"/media/a.jpg", "/", "/screen.json"} {
		if resp, _ := r.get(t, path); resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s of a guest: %q", path, resp.Header.Get("Cache-Control"))
		}
	}
	w := httptest.NewRecorder()
	r.web.ServeHTTP(w, httptest.NewRequest("GET", "/clear", nil))
	if got := w.Header().Get("Clear-Site-Data"); w.Code != 303 || !strings.Contains(got, `"cache"`) || strings.Contains(got, "cookies") {
		t.Errorf("%d, %q", w.Code, got)
	}
}

// The page script reads these names.
func TestMessageJSON(t *testing.T) {
	now := time.Now()
	offer := func(v display.Verb) display.Offer {
		return display.Offer{Wish: display.Wish{Verb: v}, Label: "do " + string(v)}
	}
	slide := func(file string) *display.Slide {
		return &display.Slide{Media: []display.Media{{File: file, Video: true}, {File: "b"}}, Alt: "alt", Caption: "caption"}
	}
	full := display.Page{Ends: display.Ends{Until: now.Add(time.Minute), RetryAt: now.Add(2 * time.Second), LeavesAt: now.Add(3 * time.Second)}, State: "state", Device: "device", Title: "title", Text: "text", Steps: []string{"step"}, Hint: "hint", QR: "qr",
		Link: "link", Code: "code", Spoken: "spoken", Problem: "problem", Remedy: "remedy",
		Progress: &display.Progress{Done: 1, Total: 2, Failed: 3}, Slide: slide("a"), Next: slide("c"), Playing: display.Playing{Paused: "paused", Muted: true, Since: time.UnixMilli(1234), NextAt: now.Add(4 * time.Second), Volume: &display.Volume{Label: "volume"}}, Receipt: "receipt",
		Account: "account", TimeOfDay: display.TimeOfDay{Clock: "clock", Date: "date"}, Night: true, Viewers: display.Viewers{Visit: "visit"},
		Offers: []display.Offer{offer(display.Pick), offer(display.Cancel), offer(display.Renew), offer(display.AskForget), offer(display.Stay), offer(display.Next)},
		Menu: &display.Menu{Title: "title", Text: "text", Facts: []display.Fact{{Name: "name", Value: "value"}},
			Items: []display.MenuItem{{ID: "id", Label: "label"}}, Selected: 1, QR: "menu", QRLabel: "for"}}
	plain := styleID(display.Style{})
	const slideJSON = `{"media":[{"src":"media/%s","video":true},{"src":"media/b"}],"alt":"alt","caption":"caption"}`
	for _, tt := range []struct {
		page display.Page
		want string
	}{
		{display.Page{}, `{"state":"","style":"` + plain + `"}`},
		{display.Page{Menu: &display.Menu{}, Slide: &display.Slide{}, Progress: &display.Progress{}},
			`{"state":"","style":"` + plain + `","menu":{"title":"","items":null,"selected":0},"slide":{"media":null,"alt":""},"progress":{"done":0,"total":0}}`},
		{full, `{"state":"state","style":"` + plain + `","device":"device","title":"title","text":"text","steps":["step"],"hint":"hint",
			"qr":"qr.svg?` + httpserve.Digest([]byte("qr")) + `","qr_link":"qr","qr_modules":29,"link":"link","code":"code","spoken":"spoken","left":60,
			"problem":"problem","remedy":"remedy","retry_in":2,"progress":{"done":1,"total":2,"failed":3},
			"slide":` + fmt.Sprintf(slideJSON, "a") + `,"next":` + fmt.Sprintf(slideJSON, "c") + `,
			"paused":"paused","muted":true,"since":1234,"next_in":4,"volume":{"label":"volume","percent":0},"receipt":"receipt","account":"account","clock":"clock","date":"date","night":true,"leaves":3,"visit":"visit",
			"pick":"do pick","cancel":"do cancel","renew":"do renew","forget":"do ask-forget","stay":"do stay",
			"menu":{"title":"title","text":"text","facts":[["name","value"]],"items":[{"id":"id","label":"label"}],"selected":1,
				"qr":"menu.svg?` + httpserve.Digest([]byte("menu")) + `","qr_link":"menu","qr_label":"for"}}`},
	} {
		data, err := json.Marshal(messageOf(tt.page, now))
		if err != nil {
			t.Fatal(err)
		}
		var got, want map[string]any
		if err := errors.Join(json.Unmarshal(data, &got), json.Unmarshal([]byte(tt.want), &want)); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s\nwant %s", data, tt.want)
		}
	}
}

func TestMenu(t *testing.T) {
	p := display.Page{Menu: &display.Menu{Title: "Kitchen", Items: []display.MenuItem{{ID: "pick", Label: "Choose photos"}}, QR: "http://192.0.2.7/remote/k", QRLabel: "Scan"},
		Ends: display.Ends{LeavesAt: time.Now().Add(42 * time.Second)}, Offers: []display.Offer{{Wish: display.Wish{Verb: display.Stay}, Label: "Stay"}}, Viewers: display.Viewers{Visit: "v"}}
	m := messageOf(p, time.Now())
	if m.Menu.Items[0] != (display.MenuItem{ID: "pick", Label: "Choose photos"}) || !strings.HasPrefix(m.Menu.QR, "menu.svg?") || m.Menu.QRLink != p.Menu.QR || m.Leaves != 42 || m.Stay != "Stay" || m.Visit != "v" {
		t.Errorf("%+v %+v", m, m.Menu)
	}
	r := newRig(t)
	if resp, _ := r.get(t, "/menu.svg"); resp.StatusCode != 404 {
		t.Errorf("the code of no menu: %d", resp.StatusCode)
	}
	r.pages.Set(p)
	if resp, body := r.get(t, "/menu.svg"); resp.StatusCode != 200 || !strings.Contains(body, "<svg") {
		t.Errorf("the code of a menu: %d", resp.StatusCode)
	}
}

func TestScreenSizeDefault(t *testing.T) {
	r := newRig(t)
	if w, h := r.web.ScreenSize(); w != 0 || h != 0 {
		t.Errorf("%d by %d", w, h)
	}
}
