package e2e

import (
	"testing"

	"github.com/chromedp/chromedp"

	"pickerd/display/words"
)

// TestLanguages checks that the page uses the screen's language, its direction of
// writing and the bundled fonts, and shows the clock and captions.
func TestLanguages(t *testing.T) {
	g := newGoogle(t)
	chromium := newBrowser(t)
	for _, code := range []string{"ar", "ja"} {
		w, err := words.For(code)
		if err != nil {
			t.Fatal(err)
		}
		b := configured(t, g, t.TempDir())
		b.env = []string{"PICKERD_DISPLAY_LANGUAGE=" + code, "PICKERD_SLIDESHOW_CLOCK=true", "PICKERD_SLIDESHOW_CAPTIONS=true"}
		b.start()
		screen := chromium.open(t, 1280, 720, b.screen)
		screen.until("!document.getElementById('scan').hidden")
		dir := "ltr"
		if w.RightToLeft {
			dir = "rtl"
		}
		screen.until("document.documentElement.lang === '" + code + "' && document.documentElement.dir === '" + dir + "'")
		if got, want := screen.text("hint"), w.Say("page.pair_hint"); got != want {
			t.Errorf("%s: the hint is %q, want %q", code, got, want)
		}
		screen.until("document.querySelector('[data-text=or_open]').textContent === '" + w.Say("screen.or_open") + "'")
		screen.until("[...document.fonts].filter(f => f.status === 'loaded').length > 1")
		if text, _ := screen.scan(); text == "" {
			t.Errorf("%s: empty QR code", code)
		}
		screen.save("language-" + code)
		g.auth.Approve(screen.text("code"))
		screen.untilState("picking")
		screen.do("watch the receipt", chromedp.Evaluate[chromedp.Void](`new MutationObserver(() => {
			window.receiptSeen ||= !document.getElementById("clock").hidden && !document.getElementById("receipt").hidden;
		}).observe(document.body, {attributes: true, childList: true, subtree: true}); true`)) // it stands for seconds
		if err := g.photos.Choose(g.photos.Open()[0], "sample-lighthouse", "sample-birches"); err != nil {
			t.Fatal(err)
		}
		screen.untilState("showing")
		screen.until("document.querySelectorAll('.slide.on .front').length === 2")
		screen.until("window.receiptSeen")
		screen.until("document.getElementById('receipt').hidden && !document.getElementById('caption').hidden")
		screen.save("pair-" + code)
		b.stop()
	}
}
