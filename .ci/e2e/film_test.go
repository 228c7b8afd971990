package e2e

import (
	"testing"
	"time"

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

// TestFilmUnwanted checks that a film that was loaded when another slide was wanted already
// is let go of.
func TestFilmUnwanted(t *testing.T) {
	board, url := pageServer(t, "")
	good := &display.Slide{Media: []display.Media{{File: "good.png"}}}
	board.Set(display.Page{State: "showing", Slide: good})
	tb := newBrowser(t).open(t, 1280, 720, url)
	tb.until("document.querySelector('.slide.on img.front')")
	tb.do("hold films back", chromedp.Evaluate[chromedp.Void](`{
		const load = slides.load;
		slides.load = slide => load.call(slides, slide).then(fronts => new Promise(ok => {
			if (!slide.media[0].video) return ok(fronts);
			window.unwanted = fronts[0].querySelector("video");
			window.release = () => ok(fronts);
		}));
	}`))
	board.Set(display.Page{State: "showing", Slide: &display.Slide{Media: []display.Media{{File: "film.mp4", Video: true}}}})
	tb.until("window.unwanted && unwanted.hasAttribute('src')")
	board.Set(display.Page{State: "showing", Slide: good})
	tb.until("slides.wanted === slides.shown")
	tb.do("release the film", chromedp.Evaluate[chromedp.Void]("release()"))
	tb.until("!unwanted.hasAttribute('src')")
}

// TestFilmAnew checks that a film that is alone on the wall, and so repeats by itself,
// begins anew when somebody goes back to its beginning, and with no other page.
func TestFilmAnew(t *testing.T) {
	board, url := pageServer(t, "")
	began := time.Now()
	film := display.Slide{Media: []display.Media{{File: "film.mp4", Video: true}}}
	page := display.Page{State: "showing", Slide: &film}
	page.Since = began
	board.Set(page)
	tb := newBrowser(t).open(t, 1280, 720, url)
	tb.until("films.now().length && films.now()[0].loop && films.now()[0].currentTime > 0.2")
	held := film
	held.Position = display.Position{Began: began, Held: began}
	page.Slide = &held
	board.Set(page)
	tb.until("films.now()[0].paused && !films.now()[0].seeking && (films.now()[0].currentTime = 2)") // it may have been about to repeat
	tb.until("!films.now()[0].seeking")
	at := evaluated(tb, "String(films.now()[0].currentTime)")
	page.Title = "another page"
	board.Set(page)
	tb.until("page.title === 'another page'")
	if got := evaluated(tb, "String(films.now()[0].currentTime)"); got != at || at == "0" {
		t.Errorf("another page brings the film from %s to %s s", at, got)
	}
	page.Since = began.Add(time.Second)
	board.Set(page)
	tb.until("films.now()[0].currentTime === 0 && films.now()[0].paused")
}
