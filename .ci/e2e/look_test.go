package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"pickerd/display"
)

// lookPages are pages with everything that can be on them, by state.
func lookPages() map[string]display.Page {
	device, picker := "https://www.google.com/device", "https://photos.google.com/picker/"+strings.Repeat("aB3d", 22)
	idle := display.Page{State: "idle", Device: "Living room", Title: "No photos yet", Text: "Press OK to choose photos with your phone.", Account: "Linked to mira@example.org",
		Offers: []display.Offer{{Wish: display.Wish{Verb: display.Pick}, Label: "Choose photos"}, {Wish: display.Wish{Verb: display.AskForget}, Label: "Forget this account"}}}
	menu := idle
	menu.State = "menu"
	menu.Menu = &display.Menu{Title: "Living room", Text: "Some words.", Facts: []display.Fact{{Name: "Address", Value: "http://192.0.2.7/"}},
		Items: []display.MenuItem{{ID: "pick", Label: "Choose photos"}, {ID: "about", Label: "About this screen"}, {ID: "back", Label: "Back"}}, Selected: 1,
		QR: "http://192.0.2.7/remote/x", QRLabel: "Scan for a remote on your phone"}
	return map[string]display.Page{
		"pairing": {State: "pairing", Title: "Show your photos on Living room", Device: "Living room",
			Steps: []string{"Scan the code with your phone and sign in to Google.", "Choose photos in Google Photos and tap Done.", "They appear here."},
			Hint:  "This screen sees only the photos you choose, to show them here.", QR: device + "?user_code=GQVQ-JKEC", Link: device, Code: "GQVQ-JKEC",
			Ends: display.Ends{Until: time.Now().Add(29 * time.Minute)}, Offers: []display.Offer{{Wish: display.Wish{Verb: display.Renew}, Label: "New code"}}},
		"picking": {State: "picking", Title: "Choose your photos", Device: "Living room",
			Steps: []string{"Scan the code with the phone you signed in with.", "Choose photos in Google Photos and tap Done."},
			Hint:  "Looking for an album? Search for its name in Google Photos.", QR: picker, Link: picker, Ends: display.Ends{Until: time.Now().Add(25 * time.Minute)}, Offers: []display.Offer{{Wish: display.Wish{Verb: display.Cancel}, Label: "Cancel"}}},
		"fetching": {State: "fetching", Title: "Your photos are on their way", Device: "Living room", Progress: &display.Progress{Done: 7, Total: 24, Failed: 1},
			Problem: "No internet connection.", Remedy: "Check this screen's network.", Offers: []display.Offer{{Wish: display.Wish{Verb: display.Cancel}, Label: "Stop"}}},
		"idle": idle,
		"menu": menu,
	}
}

// smallTexts lists the texts on the page that are smaller than so many pixels.
const smallTexts = `(least => {
	const bad = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walker.nextNode()) {
		const e = walker.currentNode.parentElement, r = e.getBoundingClientRect();
		if (!walker.currentNode.textContent.trim() || r.width < 2 || r.height < 2 || e.closest(".heard")) continue;
		if (parseFloat(getComputedStyle(e).fontSize) < least) bad.push((e.id || e.tagName) + " " + getComputedStyle(e).fontSize);
	}
	return bad.join(", ");
})(%d)`

// The code with its quiet zone takes 65 to 70 % of a landscape screen's height.
// The words beside it are no higher, and texts on small screens can be read.
func TestProportions(t *testing.T) {
	board, url := pageServer(t, "")
	tb := newBrowser(t).open(t, 1920, 1080, url)
	ask := func(what, script string) string {
		t.Helper()
		s, err := chromedp.Run(tb.ctx, chromedp.Evaluate[string](script))
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		return s
	}
	for state, p := range lookPages() {
		board.Set(p)
		tb.untilState(state)
		for _, size := range []struct{ w, h, least int64 }{{1920, 1080, 16}, {1280, 720, 16}, {3840, 2160, 16}, {2560, 1080, 16}, {1080, 1920, 16}, {800, 480, 16}, {480, 320, 12}} {
			name := fmt.Sprintf("look-%s-%dx%d", state, size.w, size.h)
			tb.do("turn to "+name, chromedp.EmulateViewport(size.w, size.h))
			tb.until(fmt.Sprintf("innerWidth === %d && innerHeight === %d && document.fonts.status === 'loaded'", size.w, size.h))
			tb.untilSettled(size.w, size.h)
			tb.save(name)
			if bad := ask(name, misplaced); bad != "" {
				t.Errorf("%s: %s", name, bad)
			}
			if bad := ask(name, fmt.Sprintf(smallTexts, size.least)); bad != "" {
				t.Errorf("%s: smaller than %d px: %s", name, size.least, bad)
			}
			if p.QR == "" {
				continue
			}
			if text, share := tb.scan(); text != p.QR {
				t.Errorf("%s: scanned %q", name, text)
			} else if size.w > size.h && size.h >= 720 && (share < 0.65 || share > 0.70) {
				t.Errorf("%s: the code takes %.3f of the height", name, share)
			} else if size.w > size.h && (share < 0.60 || share > 0.72) { // whole pixels are coarse here
				t.Errorf("%s: the code takes %.3f of the height", name, share)
			}
			if size.w < size.h || size.h < 720 {
				continue
			}
			if bad := ask(name, `(() => {
				const box = id => document.getElementById(id).getBoundingClientRect(), code = box("qr"), words = box("column"), near = (a, b) => Math.abs(a - b) < 2;
				const buttons = box("buttons");
				return [near(code.top, words.top) || "the words do not begin with the code", near(code.bottom, words.bottom) || "the words do not end with the code",
					near(code.right, buttons.right) || "the buttons do not end with the code", near(words.left, innerWidth - code.right) || "the margins differ"].filter(x => x !== true).join(", ");
			})()`); bad != "" {
				t.Errorf("%s: %s", name, bad)
			}
		}
	}
	board.Set(lookPages()["picking"])
	tb.untilState("picking")
	tb.do("turn", chromedp.EmulateViewport(1920, 1080))
	tb.until("innerWidth === 1920 && parseFloat(getComputedStyle(document.getElementById('link')).fontSize) < 0.8 * parseFloat(getComputedStyle(document.getElementById('left')).fontSize)")
}

// slowTimers lets a test's clock run the timers of five seconds and more.
const slowTimers = `(() => {
	const set = setTimeout, clear = clearTimeout, waiting = new Map();
	let now = 0, last = 1e9;
	window.setTimeout = (f, ms, ...args) => {
		if (!(ms >= 5000)) return set(f, ms, ...args);
		waiting.set(++last, {at: now + ms, f: () => f(...args)});
		return last;
	};
	window.clearTimeout = id => { waiting.delete(id) || clear(id); };
	window.pass = ms => {
		now += ms;
		for (const [id, t] of waiting) if (t.at <= now) { waiting.delete(id); t.f(); }
	};
})()`

// Buttons fade 10 s after the last key or movement of a pointer, and appear with
// the next. They keep the focus, can't be pressed unseen, and stay where a screen
// reader finds them.
func TestButtonsFade(t *testing.T) {
	board, url := pageServer(t, "")
	board.Set(lookPages()["idle"])
	tb := newBrowser(t).open(t, 1280, 720, "about:blank")
	tb.do("take over the clock", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: slowTimers})
		return err
	}))
	tb.do("open the page", chromedp.Navigate(url))
	tb.untilState("idle")
	pass := func(ms int) {
		t.Helper()
		tb.do("wait", chromedp.Evaluate[chromedp.Void](fmt.Sprintf("pass(%d)", ms)))
	}
	opacity := func(want string) {
		t.Helper()
		tb.until("getComputedStyle(document.getElementById('buttons')).opacity === '" + want + "'")
	}
	opacity("1")
	pass(9900)
	opacity("1")
	tb.do("move the mouse", chromedp.Evaluate[chromedp.Void]("dispatchEvent(new PointerEvent('pointermove'))"))
	pass(9900)
	opacity("1")
	pass(200)
	opacity("0")
	tb.until("getComputedStyle(document.getElementById('buttons')).visibility === 'visible'")

	tb.do("right", chromedp.KeyEvent("\u0303"))
	opacity("1")
	tb.until("document.activeElement.id === 'pick'")
	pass(10000)
	opacity("0")
	tb.until("document.activeElement.id === 'pick'")
	tb.do("count clicks", chromedp.Evaluate[chromedp.Void]("window.clicks = 0; document.getElementById('pick').onclick = () => clicks++"))
	tb.do("OK", chromedp.KeyEvent("\r"))
	opacity("1")
	tb.until("clicks === 0 && document.activeElement.id === 'pick'")
	tb.do("OK", chromedp.KeyEvent("\r"))
	tb.until("clicks === 1")

	pass(10000)
	opacity("0")
	tb.do("focus without a key", chromedp.Evaluate[chromedp.Void]("document.getElementById('more').focus()"))
	opacity("1")
}

// The ring around what has the focus touches nothing else, and is on the screen.
func TestFocusRing(t *testing.T) {
	board, url := pageServer(t, "")
	tb := newBrowser(t).open(t, 1280, 720, url)
	for _, state := range []string{"pairing", "picking", "fetching", "idle", "menu"} {
		board.Set(lookPages()[state])
		tb.untilState(state)
		tb.until("document.getElementById('menu').hidden === " + fmt.Sprint(state != "menu"))
		for _, size := range [][2]int64{{1920, 1080}, {800, 480}, {480, 320}, {1080, 1920}} {
			tb.do("turn", chromedp.EmulateViewport(size[0], size[1]))
			tb.until(fmt.Sprintf("innerWidth === %d && innerHeight === %d && document.fonts.status === 'loaded'", size[0], size[1]))
			tb.untilSettled(size[0], size[1])
			tb.do("a key", chromedp.KeyEvent("\u0303")) // rings are for those who use keys
			bad, err := chromedp.Run(tb.ctx, chromedp.Evaluate[string](`(() => {
				const bad = [], menu = !document.getElementById("menu").hidden;
				const seen = e => e.getBoundingClientRect().width > 2 && !e.closest(".heard");
				for (const b of [...document.querySelectorAll(menu ? "#items button" : "#buttons button")].filter(seen)) {
					b.focus();
					const s = getComputedStyle(b), ring = parseFloat(s.outlineWidth) + parseFloat(s.outlineOffset), r = b.getBoundingClientRect();
					if (s.outlineStyle !== "solid" || parseFloat(s.outlineOffset) <= 0) bad.push((b.id || b.dataset.id) + " has no ring");
					if (r.left < ring || r.top < ring || r.right + ring > innerWidth || r.bottom + ring > innerHeight) bad.push((b.id || b.dataset.id) + "'s ring is cut off");
					const others = menu ? "#items button, #menutitle, #menutext, #menuqr" : "#buttons button, #qr, #title, #text, #hint, #account, #byhand p, .bar";
					for (const o of [...document.querySelectorAll(others)].filter(o => o !== b && seen(o))) {
						const q = o.getBoundingClientRect();
						if (r.left - ring < q.right && r.right + ring > q.left && r.top - ring < q.bottom && r.bottom + ring > q.top) bad.push((b.id || b.dataset.id) + "'s ring touches " + (o.id || o.dataset.id));
					}
				}
				return bad.join(", ");
			})()`))
			if err != nil || bad != "" {
				t.Errorf("%s at %v: %s %v", state, size, bad, err)
			}
		}
	}
}

// A video has its still as poster, which is shown where the video can't be.
func TestPoster(t *testing.T) {
	g := newGoogle(t)
	b := newBox(t, g, t.TempDir())
	screen := newBrowser(t).open(t, 1280, 720, b.screen)
	b.untilStatus("paired", g.approve)
	screen.untilState("picking")
	if err := g.photos.Choose(g.photos.Open()[0], "sample-waves"); err != nil {
		t.Fatal(err)
	}
	screen.untilState("showing")
	screen.until("document.querySelector('.slide.on video')")
	poster := attribute(t, screen, ".slide.on video", "poster")
	if src := attribute(t, screen, ".slide.on video", "src"); poster != strings.Replace(src, "media/", "still/", 1) {
		t.Errorf("the poster of %s is %q", src, poster)
	}
	screen.do("load the poster", chromedp.Evaluate[chromedp.Void]("window.still = new Image(); still.src = document.querySelector('.slide.on video').poster"))
	screen.until("still.complete && still.naturalWidth === 960 && still.naturalHeight === 540")
}
