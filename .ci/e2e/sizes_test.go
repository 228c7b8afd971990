package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// outside lists the texts and buttons that don't fit on the screen, or lie over
// the QR code.
const outside = `(() => {
	const qr = document.getElementById("qr").getBoundingClientRect(), bad = [];
	for (const id of ["device", "title", "text", "steps", "hint", "qr", "typed", "codeline", "left", "receipt", "progress", "problem", "pick", "cancel"]) {
		const e = document.getElementById(id), r = e.getBoundingClientRect();
		if (!r.width || !r.height || getComputedStyle(e).visibility === "hidden") continue;
		if (r.left < 0 || r.top < 0 || r.right > innerWidth + 1 || r.bottom > innerHeight + 1) bad.push(id + " is cut off");
		if (id !== "qr" && qr.width && r.left < qr.right && r.right > qr.left && r.top < qr.bottom && r.bottom > qr.top) bad.push(id + " covers the QR code");
		if (parseFloat(getComputedStyle(e).fontSize) < Math.min(innerWidth, innerHeight) / 60) bad.push(id + " is too small to read");
	}
	return bad.join(", ");
})()`

// TestScreensFitEverySize looks at the screens on everything that people hang
// on a wall.
func TestScreensFitEverySize(t *testing.T) {
	g := newGoogle(t)
	b := newBox(t, g, t.TempDir())
	screen := newBrowser(t).open(t, 1920, 1080, b.screen)
	look := func(state string) {
		t.Helper()
		screen.untilState(state)
		for _, size := range [][2]int64{{1280, 720}, {1920, 1080}, {3840, 2160}, {1080, 1920}, {720, 1280}, {1024, 768}, {800, 480}} {
			name := fmt.Sprintf("%s-%dx%d", state, size[0], size[1])
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
