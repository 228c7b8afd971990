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
	"time"

	"pickerd/display"
	"pickerd/display/typeface"
	"pickerd/display/web"
	"pickerd/display/words"
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
	page := web.New(web.Config{Screen: still{board}, Alive: func() bool { return true }, Key: func(context.Context, string) error { return nil }, Log: slog.New(slog.DiscardHandler),
		Font: typeface.File, Words: words.English(), Look: display.Look{Fade: time.Second, Interval: 10 * time.Second},
		Media: func(f string) (*os.File, error) { return os.Open(filepath.Join(dir, f)) }})
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

// TestBrokenMedia checks that a broken file never covers a good one.
func TestBrokenMedia(t *testing.T) {
	chromium := newBrowser(t)
	board, url := pageServer(t, "")
	board.Set(display.Page{State: "showing", Slide: &display.Slide{Media: []display.Media{{File: "good.png"}}}})
	tb := chromium.open(t, 1280, 720, url)
	tb.until("document.querySelector('.slide.on img.front') && [...document.querySelectorAll('#slides, .slide.on')].every(e => getComputedStyle(e).opacity === '1')")
	for _, bad := range []display.Media{{File: "cut.png"}, {File: "bad.mp4", Video: true}, {File: "none.png"}} {
		board.Set(display.Page{State: "showing", Slide: &display.Slide{Media: []display.Media{bad}}, Receipt: bad.File})
		tb.until("document.getElementById('receipt').textContent === '" + bad.File + "' && slides.wanted === null")
		if m := mean(tb.picture(), 0.5); m[0] < 150 {
			t.Errorf("%s: the good photo is covered: %v", bad.File, m)
		}
	}
}
