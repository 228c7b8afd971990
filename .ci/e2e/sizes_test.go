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

// outside lists the texts and buttons that don't fit on the screen, are too
// small, or cover each other.
const outside = `(() => {
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

// fits turns a screen to each size and looks whether everything is where it can
// be read, and scanned.
func (tb *tab) fits(what string, scan bool) {
	tb.t.Helper()
	for _, size := range [][2]int64{{1280, 720}, {1920, 1080}, {3840, 2160}, {1080, 1920}, {720, 1280}, {1024, 768}, {800, 480}} {
		name := fmt.Sprintf("%s-%dx%d", what, size[0], size[1])
		tb.do("turn to "+name, chromedp.EmulateViewport(size[0], size[1]), chromedp.Sleep(700*time.Millisecond))
		tb.save(name)
		bad, err := chromedp.Run(tb.ctx, chromedp.Evaluate[string](outside))
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

// The screens of the other ways in.
func TestWaysFitEverySize(t *testing.T) {
	chromium := newBrowser(t)
	for _, method := range []string{"paste", "import", "device"} { // the last is refused: blocked
		g := googleLike(t, oauthtest.Options{Interval: time.Second, RefuseScope: true})
		b := configured(t, g, t.TempDir())
		b.env = []string{"PICKERD_PAIRING_METHODS=" + method, "PICKERD_PAIRING_ADDRESS=http://192.168.100.200:8420",
			"PICKERD_GOOGLE_DESKTOP_CLIENT_FILE=" + clientFile(t, g, oauthtest.Desktop)}
		b.start()
		screen := chromium.open(t, 1920, 1080, b.screen)
		screen.until("['pairing', 'blocked'].includes(document.body.dataset.state) && document.getElementById('steps').children.length > 0")
		screen.fits("way-"+method, method == "paste")
		b.stop()
	}
}

// TestScreensFitEverySize looks at the screens on everything that people hang
// on a wall.
func TestScreensFitEverySize(t *testing.T) {
	g := newGoogle(t)
	b := newBox(t, g, t.TempDir())
	screen := newBrowser(t).open(t, 1920, 1080, b.screen)
	look := func(state string, more ...string) {
		t.Helper()
		screen.untilState(state)
		screen.fits(state+strings.Join(more, ""), state == "pairing" || state == "picking")
	}
	look("pairing")
	down := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
	g.auth.Fail(oauthtest.OpPoll, slices.Repeat([]http.HandlerFunc{down}, 6)...)
	screen.until("!document.getElementById('problem').hidden")
	look("pairing", "-trouble")
	screen.until("document.getElementById('problem').hidden")
	g.auth.Approve(g.auth.UserCode())
	look("picking")
	b.tell("cancel")
	look("idle")
	b.tell("pick")
	screen.untilState("picking")
	if err := g.photos.Choose(g.photos.Open()[0], "sample-sunset"); err != nil {
		t.Fatal(err)
	}
	look("showing")
}
