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
	for (const id of ["qr", "device", "title", "text", "steps", "hint", "typed", "codeline", "left", "account", "receipt", "progress", "problem", "pick", "cancel", "renew", "forget"]) {
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

// TestScreensFitEverySize looks at the screens on everything that people hang
// on a wall.
func TestScreensFitEverySize(t *testing.T) {
	g := newGoogle(t)
	b := newBox(t, g, t.TempDir())
	screen := newBrowser(t).open(t, 1920, 1080, b.screen)
	look := func(state string, more ...string) {
		t.Helper()
		screen.untilState(state)
		for _, size := range [][2]int64{{1280, 720}, {1920, 1080}, {3840, 2160}, {1080, 1920}, {720, 1280}, {1024, 768}, {800, 480}} {
			name := fmt.Sprintf("%s%s-%dx%d", state, strings.Join(more, ""), size[0], size[1])
			screen.do("turn to "+name, chromedp.EmulateViewport(size[0], size[1]), chromedp.Sleep(700*time.Millisecond))
			screen.save(name)
			bad, err := chromedp.Run(screen.ctx, chromedp.Evaluate[string](outside))
			if err != nil || bad != "" {
				t.Errorf("%s: %s %v", name, bad, err)
			}
			if state != "pairing" && state != "picking" {
				continue
			}
			if _, share := screen.scan(); share < 1.0/3 {
				t.Errorf("%s: the QR code takes %.2f of the height", name, share)
			}
		}
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
