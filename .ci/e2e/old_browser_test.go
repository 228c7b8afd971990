package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/device/screen/screentest"
	"pickerd/display"
	"pickerd/display/web"
	"pickerd/display/words"
)

// An oldBrowser opens a page that reports: chromedp needs a newer browser than this. The
// reports are the bodies of POST /report.
type oldBrowser struct {
	t       *testing.T
	reports chan []byte
}

// openOld opens the page of a handler in the browser that OLD_CHROMIUM names, with a
// script before its own.
func openOld(t *testing.T, page http.Handler, script string) *oldBrowser {
	t.Helper()
	path := os.Getenv("OLD_CHROMIUM")
	if path == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("OLD_CHROMIUM must name a Chromium of 2018")
		}
		t.Skip("set OLD_CHROMIUM to a Chromium of 2018, see README.md")
	}
	b := &oldBrowser{t, make(chan []byte, 100)}
	ctx, cancel := context.WithCancel(t.Context())
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			rec := httptest.NewRecorder()
			page.ServeHTTP(rec, r)
			for name, values := range rec.Header() {
				if name != "Content-Length" {
					w.Header()[name] = values
				}
			}
			w.WriteHeader(rec.Code)
			_, _ = w.Write(bytes.Replace(rec.Body.Bytes(), []byte("<script"), []byte(`<script src="planted.js"></script><script`), 1))
		case "/planted.js":
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = io.WriteString(w, script)
		case "/report":
			body, _ := io.ReadAll(r.Body)
			select {
			case b.reports <- body:
			case <-ctx.Done():
			}
		default:
			page.ServeHTTP(w, r)
		}
	}))
	dir := t.TempDir()
	cmd := exec.CommandContext(ctx, path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
		"--remote-debugging-port=0", "--user-data-dir="+dir, "--window-size=1920,1080", srv.URL+"/")
	cmd.Env = append(os.Environ(), "HOME="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was killed
		srv.CloseClientConnections()
		srv.Close()
	})
	return b
}

// next waits for a report that says true, and fails if there is none.
func (b *oldBrowser) next(what string, v any, ok func() bool) {
	b.t.Helper()
	end := time.NewTimer(maxWait)
	defer end.Stop()
	var last []byte
	for {
		select {
		case last = <-b.reports:
			if err := json.Unmarshal(last, v); err != nil {
				b.t.Fatal(err)
			}
			if ok() {
				return
			}
		case <-end.C:
			b.t.Fatalf("timed out waiting until %s; the last report is %s", what, last)
		}
	}
}

// reporting sends what the page shows each time that it changes.
const reporting = `"use strict";
const errors = [];
addEventListener("error", e => errors.push(e.message || String(e.target.src)), true);
addEventListener("unhandledrejection", e => errors.push(String(e.reason)));
let reported;
setInterval(() => {
	if (document.readyState === "loading") return;
	const id = name => document.getElementById(name), front = document.querySelector(".slide.on img.front"), r = id("qr") && id("qr").getBoundingClientRect();
	const now = JSON.stringify({
		agent: navigator.userAgent, errors,
		state: document.body.dataset.state, laid: document.body.dataset.laid === "yes", picture: !!id("picture"),
		title: id("title").textContent, size: parseFloat(getComputedStyle(id("title")).fontSize),
		code: r ? [r.left, r.top, r.width, r.height].map(Math.round) : [], drawn: id("qr").complete && id("qr").naturalWidth > 0,
		photo: front ? front.naturalWidth : 0, menu: !id("menu").hidden,
	});
	if (now === reported) return;
	reported = now;
	const q = new XMLHttpRequest();
	q.open("POST", "report");
	q.send(now);
}, 100);`

// TestOldBrowser pairs, picks and shows photos on a browser of 2018: the oldest Chromium
// that a package of npm has inside itself.
func TestOldBrowser(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	b := newBox(t, g, t.TempDir())
	at, err := url.Parse(b.screen)
	if err != nil {
		t.Fatal(err)
	}
	screen := openOld(t, &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(at)
		r.Out.Host = r.In.Host // else the box takes a request for one of another site
	}}, reporting)
	var page struct {
		Agent, State, Title  string
		Errors               []string
		Laid, Picture, Drawn bool
		Menu                 bool
		Size                 float64
		Code                 []int // left, top, width, height
		Photo                int
	}
	// On a busy machine the picture of the watchdog may come first. It has to go.
	check := func() {
		t.Helper()
		if len(page.Errors) > 0 {
			t.Errorf("%s: errors %q", page.State, page.Errors)
		}
	}
	screen.next("the code is on the screen", &page, func() bool { return page.State == "pairing" && page.Laid && page.Drawn && !page.Picture })
	check()
	t.Log(page.Agent)
	// The code is at the right, with words in a size for a television beside it.
	if c := page.Code; c[2] != c[3] || c[2] < 600 || c[0] < 960 || c[0]+c[2] > 1920 || c[1] < 0 || c[1]+c[3] > 1080 || page.Size < 50 {
		t.Errorf("the code is at %v, the title has %v px", c, page.Size)
	}
	b.until("the box is paired", func() bool {
		s := b.status()
		return s != nil && s.Pairing != nil && g.auth.Approve(s.Pairing.UserCode)
	})
	screen.next("photos can be chosen", &page, func() bool { return page.State == "picking" && page.Laid && page.Drawn && !page.Picture })
	check()
	pick := b.untilStatus("a session", func(s *device.Status) bool { return s.Pick != nil })
	// Without the film, which this browser can't play.
	if err := g.photos.Choose(pick.Pick.SessionID, g.items[0].ID, g.items[1].ID); err != nil {
		t.Fatal(err)
	}
	screen.next("a photo is on the screen", &page, func() bool { return page.State == "showing" && page.Laid && page.Photo > 0 && !page.Picture })
	check()
	res, err := http.Post(b.screen+"key/menu", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	screen.next("the menu is on the screen", &page, func() bool { return page.Menu && !page.Picture })
	check()
}

// TestBoxesApartOld does what TestBoxesApart does on a browser of 2018: in a language
// that is written from the left, one from the right, and one without spaces.
func TestBoxesApartOld(t *testing.T) {
	t.Parallel()
	for n, code := range []string{"de", "ar", "ja"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			w, err := words.For(code)
			if err != nil {
				t.Fatal(err)
			}
			board := new(display.Board[display.Page])
			page := web.New(pageOf(board, noMedia))
			srv := httptest.NewServer(page)
			t.Cleanup(srv.Close)
			var pages []screentest.Page
			for i, p := range screentest.Pages(w, time.Now()) {
				if i%3 == n {
					pages = append(pages, p)
				}
			}
			list := messages(t, pages, board, srv.URL+"/")
			board.Set(pages[0].Page)
			screen := openOld(t, page, `"use strict";
Element.prototype.checkVisibility = function () { return this.getClientRects().length > 0 && getComputedStyle(this).visibility === "visible"; };
const begin = setInterval(() => {
	if (!document.body || document.body.dataset.laid !== "yes" || document.documentElement.lang !== "`+code+`") return;
	clearInterval(begin);
	stream.close();
	connect = take = ask = () => {};
	showButtons = () => {};
	const loaded = [];
	document.fonts.forEach(f => loaded.push(f.load()));
	Promise.all(loaded).then(() => {
		`+boxesApart+`;
		const q = new XMLHttpRequest();
		q.open("POST", "report");
		q.send(JSON.stringify(boxesApart(`+list+`)));
	});
}, 100);`)
			var bad []string
			screen.next("the pages are laid out", &bad, func() bool { return true })
			for _, s := range slices.Compact(bad) {
				t.Error(strings.TrimSpace(s))
			}
		})
	}
}

// TestOldOrientation checks that a photo is upright in a browser that does not know its
// Exif orientation: the corners have the colours of the upright picture.
func TestOldOrientation(t *testing.T) {
	t.Parallel()
	board := new(display.Board[display.Page])
	board.Set(display.Page{State: "showing", Slide: &display.Slide{Media: []display.Media{{File: "j13-exif6-afterjfif-stray.jpg"}}}})
	screen := openOld(t, web.New(pageOf(board, func(file string) (*os.File, error) { return os.Open("../../display/photo/testdata/media/" + file) })), `"use strict";
const begin = setInterval(() => {
	const front = document.querySelector(".slide.on .front");
	if (!front) return;
	clearInterval(begin);
	const c = document.createElement("canvas"), d = c.getContext("2d");
	[c.width, c.height] = [front.naturalWidth || front.width, front.naturalHeight || front.height];
	d.drawImage(front, 0, 0);
	const q = new XMLHttpRequest(), at = (x, y) => Array.from(d.getImageData(x * c.width, y * c.height, 1, 1).data).slice(0, 3);
	q.open("POST", "report");
	q.send(JSON.stringify([[c.width, c.height, 0], at(.2, .2), at(.8, .2), at(.2, .8), at(.8, .8)]));
}, 100);`)
	var got [][3]int
	screen.next("the photo is on the screen", &got, func() bool { return true })
	want := [][3]int{{320, 240, 0}, {0xc8, 0x3c, 0x28}, {0x3c, 0xa0, 0x3c}, {0x28, 0x5a, 0xc8}, {0xe6, 0xc8, 0x3c}}
	for i, w := range want {
		for k := range w {
			if d := got[i][k] - w[k]; d < -8 || d > 8 {
				t.Fatalf("size and corners are %v, want %v", got, want)
			}
		}
	}
}
