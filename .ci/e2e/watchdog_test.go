package e2e

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"pickerd/display"
	"pickerd/display/web"
)

// faster makes the short timers of a page ten times as fast. The long ones wait for the
// server, which has real time.
const faster = `{
	const timeout = window.setTimeout, interval = window.setInterval;
	window.setTimeout = (f, ms) => timeout(f, ms > 10000 ? ms : ms / 10);
	window.setInterval = (f, ms) => interval(f, ms / 10);
}`

// A pictured is the server of a page whose script may be spoilt, and of green pictures
// of the screen.
type pictured struct {
	board  display.Board[display.Page]
	page   http.Handler
	script string // takes the place of pickerd.js, "" for none
	more   string // is added to pickerd.js

	mu    sync.Mutex
	asked []string // queries for pictures
}

func (p *pictured) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/screen.jpg":
		p.mu.Lock()
		p.asked = append(p.asked, r.URL.RawQuery)
		p.mu.Unlock()
		m := image.NewRGBA(image.Rect(0, 0, 192, 108))
		draw.Draw(m, m.Bounds(), image.NewUniform(color.RGBA{0, 160, 0, 255}), image.Point{}, draw.Src)
		w.Header().Set("Cache-Control", "no-cache")
		_ = jpeg.Encode(w, m, nil)
	case r.URL.Path == "/pickerd.js" && p.script != "":
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = io.WriteString(w, p.script)
	case r.URL.Path == "/pickerd.js":
		rec := httptest.NewRecorder()
		p.page.ServeHTTP(rec, r)
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = io.WriteString(w, rec.Body.String()+p.more)
	default:
		p.page.ServeHTTP(w, r)
	}
}

// pictures returns how many different pictures were asked for.
func (p *pictured) pictures() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	different := map[string]bool{}
	for _, q := range p.asked {
		different[q] = true
	}
	return len(different)
}

// TestWatchdog checks that the page shows the screen as a picture, and renews it, where
// its scripts can't run.
func TestWatchdog(t *testing.T) {
	t.Parallel()
	const throws = `const whole = layOutBars; layOutBars = p => { if (p.title === "bad") throw new Error("planted"); whole(p); };`
	for name, tt := range map[string]struct {
		script, more string
		scripts      bool
	}{
		"a script too new for the browser": {`let a; a ?!= 1;`, "", true},
		"a script that fails at once":      {`throw new Error("planted");`, "", true},
		"a page that can't be laid out":    {"", throws, true},
		"no scripts":                       {"", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &pictured{script: tt.script, more: tt.more}
			p.page = web.New(pageOf(&p.board, noMedia))
			srv := httptest.NewServer(p)
			t.Cleanup(srv.CloseClientConnections)
			p.board.Set(display.Page{State: "idle", Title: "bad"})
			tb := newBrowser(t).open(t, 1280, 720, "about:blank")
			tb.do("prepare", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
				if !tt.scripts {
					_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
					return err
				}
				_, err := chromedp.Call(ctx, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: faster})
				return err
			}), chromedp.Navigate(srv.URL))
			until(t, "the picture is there", func() bool { m := mean(tb.picture(), 1); return m[1] > 140 && m[0] < 20 }, nil, nil)
			if !tt.scripts {
				return // the browser loads the whole page again
			}
			until(t, "the picture is renewed", func() bool { return p.pictures() >= 3 }, nil, nil)
			p.board.Set(display.Page{State: "idle", Title: "good"})
			if tt.more != "" {
				tb.until(`!document.getElementById("picture") && document.getElementById("title").textContent === "good"`)
			}
		})
	}
}

// TestTelevisionKeys checks what the keys of remote controls do, by the names and codes
// that their browsers give them.
func TestTelevisionKeys(t *testing.T) {
	board, url := pageServer(t, "")
	board.Set(display.Page{State: "idle", Title: "x"})
	tb := newBrowser(t).open(t, 1280, 720, url)
	tb.until(`document.body.dataset.laid === "yes"`)
	tb.do("prepare", chromedp.Evaluate[chromedp.Void](`
		stream.close();
		connect = take = () => {};
		slides.show = () => {};
		window.sent = [];
		ask = (method, path) => { if (path !== "touch") sent.push(path); };
		window.press = (p, key, keyCode) => {
			layOut(p);
			sent = [];
			const e = new KeyboardEvent("keydown", {key, keyCode, bubbles: true, cancelable: true});
			document.body.dispatchEvent(e);
			return sent.join() + (e.defaultPrevented ? "" : " and the browser's own");
		};
		true`))
	const (
		photo   = `{state: "showing", slide: {media: [], alt: ""}}`
		menu    = `{state: "idle", menu: {title: "", items: [{id: "a", label: "A"}], selected: 0}}`
		picking = `{state: "picking", cancel: "Cancel"}`
		pin     = `{state: "idle", menu: {title: "", items: [{id: "1", label: "1"}], selected: 0, columns: 3}}`
	)
	for _, k := range []struct {
		on   string
		page string
		key  string
		code int
		want string
	}{
		{"Tizen, back", menu, "XF86Back", 10009, "key/back"},
		{"Tizen, back by its code", menu, "Unidentified", 10009, "key/back"},
		{"Tizen, play and pause", photo, "", 10252, "pause"},
		{"Tizen, next track", photo, "", 10233, "next"},
		{"Tizen, previous track", photo, "", 10232, "previous"},
		{"webOS, back", menu, "Unidentified", 461, "key/back"},
		{"webOS, back while choosing", picking, "", 461, "cancel"},
		{"webOS, play", photo, "", 415, "pause"},
		{"webOS, pause", photo, "", 19, "pause"},
		{"webOS, rewind", photo, "", 412, "previous"},
		{"webOS, forward", photo, "", 417, "next"},
		{"Android TV, back", menu, "GoBack", 0, "key/back"},
		{"Android TV, back by its other name", menu, "BrowserBack", 166, "key/back"},
		{"Android TV, play and pause", photo, "MediaPlayPause", 179, "pause"},
		{"Android TV, next track", photo, "MediaTrackNext", 176, "next"},
		{"Fire TV, back", picking, "", 4, "cancel"},
		{"Fire TV, play and pause", photo, "", 179, "pause"},
		{"Fire TV, rewind", photo, "", 227, "previous"},
		{"Fire TV, forward", photo, "", 228, "next"},
		{"Safari 10, right", photo, "", 39, "next"},
		{"Safari 10, up in the menu", menu, "", 38, "key/up"},
		{"Safari 10, digit", pin, "", 49, "menu/1"},
		{"keyboard, Escape", menu, "Escape", 27, "key/back"},
		{"keyboard, menu", photo, "ContextMenu", 93, "key/menu"},
		{"keyboard, letter", photo, "u", 85, " and the browser's own"},
	} {
		ctx, cancel := context.WithTimeout(tb.ctx, maxWait)
		got, err := chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf("press(%s, %q, %d)", k.page, k.key, k.code)))
		cancel()
		if err != nil || got != k.want {
			t.Errorf("%s: %q, %v, want %q", k.on, got, err, k.want)
		}
	}
}
