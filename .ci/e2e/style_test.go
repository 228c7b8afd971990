package e2e

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"pickerd/display"
	"pickerd/display/words"
)

// TestStyle checks that an open page takes over another look and language without
// loading anything of the slide again.
func TestStyle(t *testing.T) {
	board, url := pageServer(t, "")
	arabic, err := words.For("ar")
	if err != nil {
		t.Fatal(err)
	}
	page := func(caption string, s display.Style, files ...string) display.Page {
		p := display.Page{State: "showing", Slide: &display.Slide{Caption: caption}, Style: s}
		for _, f := range files {
			p.Slide.Media = append(p.Slide.Media, display.Media{File: f})
		}
		return p
	}
	black, fill := display.Look{Plain: true}, display.Look{Plain: true, Fill: true}
	board.Set(page("", display.Style{Look: black}, "good.png"))
	tb := newBrowser(t).open(t, 1280, 1024, url)
	tb.until("document.querySelector('.slide.on img.front') && document.querySelectorAll('.slide').length === 1 && getComputedStyle(document.getElementById('slides')).opacity === '1'")
	tb.do("mark the slide", chromedp.Evaluate[chromedp.Void]("document.querySelector('.slide').marked = true; performance.clearResourceTimings()"))
	// top is whether there is a photo, and not black, at the upper edge.
	top := func() bool {
		c := tb.picture().At(320, 8)
		r, g, _, _ := c.RGBA()
		return r>>8 > 150 && g>>8 > 150
	}
	if top() {
		t.Error("fit: the photo fills the screen")
	}
	board.Set(page("a caption", display.Style{Look: fill}, "good.png"))
	tb.until("document.body.classList.contains('fill') && document.getElementById('caption').textContent === 'a caption'")
	if !top() {
		t.Error("fill: the photo does not fill the screen")
	}
	board.Set(page("", display.Style{Look: black, Words: arabic}, "good.png"))
	tb.until("document.documentElement.lang === 'ar' && document.documentElement.dir === 'rtl' && !document.body.classList.contains('fill')")
	tb.until(fmt.Sprintf("document.getElementById('more').textContent === %q && document.getElementById('caption').hidden", arabic.Say("screen.menu")))
	if top() {
		t.Error("fit again: the photo fills the screen")
	}
	tb.until("document.querySelector('.slide.on').marked && !performance.getEntriesByType('resource').some(e => e.name.includes('media/'))")

	// Two photos fill their halves.
	board.Set(page("", display.Style{Look: fill}, "good.png", "good.png"))
	tb.until("document.querySelectorAll('.slide.on.pair .front').length === 2 && document.querySelectorAll('.slide').length === 1 && document.body.classList.contains('fill')")
	if boxes := evaluated(tb, `[...document.querySelectorAll(".pair .front")].map(e => e.getBoundingClientRect()).map(r => [r.left, r.top, r.right, r.bottom].map(Math.round).join(" ")).join(", ")`); boxes != "0 0 634 1024, 646 0 1280 1024" {
		t.Errorf("two photos are at %s", boxes)
	}
	if !top() {
		t.Error("fill: two photos do not fill the screen")
	}
}
