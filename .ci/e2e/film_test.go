package e2e

import (
	"testing"

	"github.com/chromedp/chromedp"

	"pickerd/display"
)

// TestFilmEnd checks that a film that is longer than a photo's time plays once to its
// end when another slide follows, and again when none does any more.
func TestFilmEnd(t *testing.T) {
	board, url := pageServer(t, "")
	board.Set(display.Page{State: "showing", Slide: &display.Slide{Media: []display.Media{{File: "good.png"}}}})
	tb := newBrowser(t).open(t, 1280, 720, url)
	tb.until("document.querySelector('.slide.on img.front')")
	tb.do("shorten the interval", chromedp.Evaluate[chromedp.Void]("look.interval = 2"))
	film := &display.Slide{Media: []display.Media{{File: "film.mp4", Video: true}}}
	board.Set(display.Page{State: "showing", Slide: film, Next: &display.Slide{Media: []display.Media{{File: "good.png"}}}})
	tb.until("document.querySelector('.slide.on video') && document.querySelector('.slide.on video').ended")
	board.Set(display.Page{State: "showing", Slide: film})
	tb.until("!document.querySelector('.slide.on video').ended && document.querySelector('.slide.on video').loop")
}
