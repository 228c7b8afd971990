package e2e

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"pickerd/display"
	"pickerd/display/typeface"
	"pickerd/display/web"
)

// pageServer serves the page of a board that the test sets. The first request for a
// path with the prefix broken fails.
func pageServer(t *testing.T, broken string) (board *display.Board[display.Page], url string) {
	t.Helper()
	dir := t.TempDir()
	img := image.NewRGBA(image.Rect(0, 0, 1280, 720))
	draw.Draw(img, img.Bounds(), image.NewUniform(color.RGBA{200, 220, 90, 255}), image.Point{}, draw.Src)
	var good bytes.Buffer
	if err := png.Encode(&good, img); err != nil {
		t.Fatal(err)
	}
	film, err := os.ReadFile("../../picker/pickertest/samples/waves.mp4")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{
		"film.mp4": film,
		"good.png": good.Bytes(),
		"cut.png":  append(bytes.Clone(good.Bytes()[:40]), make([]byte, 2000)...), // with an intact header
		"bad.mp4":  append([]byte("\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isomiso2"), make([]byte, 5000)...),
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	board = new(display.Board[display.Page])
	page := web.New(pageOf(board, func(f string) (*os.File, error) { return os.Open(filepath.Join(dir, f)) }))
	var failed atomic.Bool
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if broken != "" && strings.HasPrefix(r.URL.Path, broken) && !failed.Swap(true) {
			http.Error(w, "broken once", http.StatusServiceUnavailable)
			return
		}
		page.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { srv.CloseClientConnections() }) // the event stream is open as long as the tab
	return board, srv.URL + "/"
}

// pageOf configures the server of a page without a daemon.
func pageOf(board *display.Board[display.Page], media func(file string) (*os.File, error)) web.Config {
	return web.Config{Screen: still{board}, Alive: func() bool { return true }, Key: func(context.Context, string) error { return nil },
		Font: typeface.File, Media: media, Log: slog.New(slog.DiscardHandler)}
}

// noMedia is the media of a page without photos.
func noMedia(string) (*os.File, error) { return nil, os.ErrNotExist }

// still is a screen that grants nothing.
type still struct{ board *display.Board[display.Page] }

func (s still) Pages() *display.Board[display.Page]  { return s.board }
func (still) Do(context.Context, display.Wish) error { return nil }
func (still) Choose(context.Context, string) error   { return nil }

// TestRetry checks that the page loads again what failed to load once.
func TestRetry(t *testing.T) {
	chromium := newBrowser(t)
	board, url := pageServer(t, "/qr.svg")
	board.Set(display.Page{State: "pairing", Title: "x", QR: "https://g.test/device?user_code=A", Link: "https://g.test/device", Code: "A"})
	tb := chromium.open(t, 1280, 720, url)
	if text, _ := tb.scan(); text != "https://g.test/device?user_code=A" {
		t.Errorf("scanned %q", text)
	}
	board, url = pageServer(t, "/media/")
	board.Set(display.Page{State: "showing", Slide: &display.Slide{Media: []display.Media{{File: "good.png"}}}})
	chromium.open(t, 1280, 720, url).until("document.querySelector('.slide.on img.front')")
}

// TestBrokenMedia checks that a file that can't be fetched never covers a good one, and
// that one that can't be shown gives way to the next, or to words.
func TestBrokenMedia(t *testing.T) {
	chromium := newBrowser(t)
	board, url := pageServer(t, "")
	good := &display.Slide{Media: []display.Media{{File: "good.png"}}}
	board.Set(display.Page{State: "showing", Slide: good})
	tb := chromium.open(t, 1280, 720, url)
	settled := "[...document.querySelectorAll('#slides, .slide.on')].every(e => getComputedStyle(e).opacity === '1')"
	tb.until("document.querySelector('.slide.on img.front') && " + settled)
	board.Set(display.Page{State: "showing", Slide: &display.Slide{Media: []display.Media{{File: "none.png"}}}, Receipt: "none"})
	tb.until("document.getElementById('receipt').textContent === 'none' && slides.again")
	tb.until("(before => { layOut(page); return received === before; })(received)") // countdowns go on
	if m := mean(tb.picture(), 0.5); m[0] < 150 {
		t.Errorf("the good photo is covered: %v", m)
	}
	for _, bad := range []display.Media{{File: "cut.png"}, {File: "bad.mp4", Video: true}} {
		broken := &display.Slide{Media: []display.Media{bad}}
		board.Set(display.Page{State: "showing", Slide: broken, Receipt: bad.File})
		tb.until("document.getElementById('receipt').textContent === '" + bad.File + "' && document.getElementById('title').textContent === \"These photos can't be shown here\" && !document.querySelector('.slide.on')")
		tb.untilVisible("text")
		board.Set(display.Page{State: "showing", Slide: good})
		tb.until("document.getElementById('title').textContent === '' && document.querySelector('.slide.on img.front')")
		board.Set(display.Page{State: "showing", Slide: broken, Next: good, Receipt: "next"})
		tb.until("document.getElementById('receipt').textContent === 'next' && slides.wanted === 'media/" + bad.File + "' && slides.lacks.length === 1 && slides.shown === 'media/good.png' && " + settled)
		if m := mean(tb.picture(), 0.5); m[0] < 150 {
			t.Errorf("%s: the next photo is not seen: %v", bad.File, m)
		}
	}
}
