package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"pickerd/oauthdevice/oauthtest"
)

// misplaced lists the texts and buttons that do not fit on the screen, are too
// small, or cover each other.
const misplaced = `(() => {
	const bad = [], seen = [];
	for (const id of ["qr", "device", "title", "text", "steps", "hint", "typed", "codeline", "left", "account", "receipt", "progress", "problem", "more", "pick", "cancel", "renew", "forget"]) {
		const e = document.getElementById(id), r = e.getBoundingClientRect(), style = getComputedStyle(e);
		if (!r.width || !r.height || style.visibility === "hidden") continue;
		if (r.left < 0 || r.top < 0 || r.right > innerWidth + 1 || r.bottom > innerHeight + 1) bad.push(id + " is cut off");
		if (parseFloat(style.fontSize) < Math.min(innerWidth, innerHeight) / 60) bad.push(id + " is too small to read");
		for (const [other, o] of seen) {
			if (r.left < o.right - 1 && r.right > o.left + 1 && r.top < o.bottom - 1 && r.bottom > o.top + 1) bad.push(id + " covers " + other);
		}
		seen.push([id, r]);
	}
	return bad.join(", ");
})()`

// untilSettled waits until a page has a size, and has been drawn in it without a
// transition that still runs.
func (tb *tab) untilSettled(width, height int64) {
	tb.t.Helper()
	tb.until(fmt.Sprintf("innerWidth === %d && innerHeight === %d", width, height))
	tb.drawn()
	tb.until("document.getAnimations().every(a => !(a instanceof CSSTransition) || a.playState !== 'running')")
}

// drawn waits until the page has drawn two frames.
func (tb *tab) drawn() {
	tb.t.Helper()
	tb.do("draw two frames", chromedp.Evaluate[chromedp.Void]("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))", chromedp.EvalAwaitPromise))
}

// checkSizes resizes a screen and checks that everything can be read and, if scan is
// set, scanned.
func (tb *tab) checkSizes(what string, scan bool) {
	tb.t.Helper()
	for _, size := range [][2]int64{{1280, 720}, {1920, 1080}, {3840, 2160}, {1080, 1920}, {720, 1280}, {1024, 768}, {800, 480}} {
		name := fmt.Sprintf("%s-%dx%d", what, size[0], size[1])
		tb.do("resize to "+name, chromedp.EmulateViewport(size[0], size[1]))
		tb.untilSettled(size[0], size[1])
		tb.save(name)
		bad, err := chromedp.Run(tb.ctx, chromedp.Evaluate[string](misplaced))
		if err != nil || bad != "" {
			tb.t.Errorf("%s: %s %v", name, bad, err)
		}
		if !scan {
			continue
		}
		if _, share := tb.scan(); share < 1.0/3 {
			tb.t.Errorf("%s: the QR code takes %.2f of the height", name, share)
		}
	}
}

// TestPairingLayout checks the screens of the other pairing methods.
func TestPairingLayout(t *testing.T) {
	chromium := newBrowser(t)
	for _, method := range []string{"paste", "import", "device"} { // the last is refused: blocked
		g := googleLike(t, oauthtest.Options{Interval: time.Second, RefuseScope: true})
		b := configured(t, g, t.TempDir())
		b.env = []string{"PICKERD_PAIRING_METHODS=" + method, "PICKERD_PAIRING_ADDRESS=http://192.168.100.200:8420",
			"PICKERD_GOOGLE_DESKTOP_CLIENT_FILE=" + clientFile(t, g, oauthtest.Desktop)}
		b.start()
		screen := chromium.open(t, 1920, 1080, b.screen)
		screen.until("['pairing', 'blocked'].includes(document.body.dataset.state) && document.getElementById('steps').children.length > 0")
		screen.checkSizes("way-"+method, method == "paste")
		b.stop()
	}
}

// TestLayout checks the screens of a pick, with a problem and without.
func TestLayout(t *testing.T) {
	g := newGoogle(t)
	b := newBox(t, g, t.TempDir())
	screen := newBrowser(t).open(t, 1920, 1080, b.screen)
	check := func(state string, more ...string) {
		t.Helper()
		screen.untilState(state)
		screen.checkSizes(state+strings.Join(more, ""), state == "pairing" || state == "picking")
	}
	check("pairing")
	down := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
	g.auth.Fail(oauthtest.OpPoll, slices.Repeat([]http.HandlerFunc{down}, 6)...)
	screen.until("!document.getElementById('problem').hidden")
	check("pairing", "-trouble")
	screen.until("document.getElementById('problem').hidden")
	g.auth.Approve(g.auth.UserCode())
	check("picking")
	b.tell("cancel")
	check("idle")
	b.tell("pick")
	screen.untilState("picking")
	if err := g.photos.Choose(g.photos.Open()[0], "sample-sunset"); err != nil {
		t.Fatal(err)
	}
	check("showing")
}
