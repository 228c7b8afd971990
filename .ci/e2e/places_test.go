package e2e

import (
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"pickerd/display"
	"pickerd/display/photo"
	"pickerd/display/pixel"
	"pickerd/display/web"
)

// photosOf makes white photos of some sizes, each with a file's name such as "1600x900.png",
// and a page that shows them.
func photosOf(t *testing.T, sizes ...image.Point) (board *display.Board[display.Page], url string, files []string) {
	dir := t.TempDir()
	for _, s := range sizes {
		m := image.NewGray(image.Rectangle{Max: s})
		draw.Draw(m, m.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
		name := fmt.Sprintf("%dx%d.png", s.X, s.Y)
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(f, m); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		files = append(files, name)
	}
	board = new(display.Board[display.Page])
	srv := httptest.NewServer(web.New(pageOf(board, func(f string) (*os.File, error) { return os.Open(filepath.Join(dir, f)) })))
	t.Cleanup(func() { srv.CloseClientConnections() })
	return board, srv.URL + "/", files
}

// TestPlaces checks that the page puts photos where screens without a browser have them:
// what layout.js computes, and the boxes and pixels that Chromium makes of it.
func TestPlaces(t *testing.T) {
	shapes := []image.Point{{4000, 3000}, {3000, 4000}, {3000, 2000}, {1600, 1000}, {1565, 1000}, {1564, 1000}, {20, 12}, {5000, 100}, {1280, 720}}
	board, url, files := photosOf(t, image.Pt(800, 600), image.Pt(600, 800))
	slide := &display.Slide{Media: []display.Media{{File: files[0], Item: "c"}, {File: files[1]}}}
	drift := slide.Drift()
	looks := []display.Look{{}, {Fill: true}, {Auto: true}, {Mat: true}}
	layout := func(l display.Look) photo.Layout {
		return photo.Layout{Fill: l.Fill, Auto: l.Auto, Mat: l.Mat, Drift: drift}
	}
	type box struct {
		X, Y, W, H int
		Cover      bool
	}
	var cases [][]any
	var want [][]box
	for _, l := range looks {
		for _, s := range []image.Point{{1920, 1080}, {1080, 1920}, {1024, 768}, {1024, 600}, {3839, 2161}, {500, 500}} {
			for _, a := range shapes {
				for _, b := range append([]image.Point{{}}, shapes[:4]...) {
					photos, sides := []image.Point{a}, [][]int{{a.X, a.Y}}
					if b.X > 0 {
						photos, sides = append(photos, b), append(sides, []int{b.X, b.Y})
					}
					var boxes []box
					for _, p := range layout(l).Places(s.X, s.Y, photos) {
						boxes = append(boxes, box{p.Min.X, p.Min.Y, p.Dx(), p.Dy(), p.Cover})
					}
					cases = append(cases, []any{map[string]bool{"fill": l.Fill, "auto": l.Auto, "mat": l.Mat}, []int{drift.X, drift.Y}, s.X, s.Y, sides})
					want = append(want, boxes)
				}
			}
		}
	}
	tb := newBrowser(t).open(t, 1024, 600, url)
	asked, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	tb.until("typeof placesOf === 'function'")
	var got [][]box
	if err := json.Unmarshal([]byte(evaluated(tb, fmt.Sprintf("JSON.stringify(%s.map(c => placesOf(...c)))", asked))), &got); err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if fmt.Sprint(got[i]) != fmt.Sprint(want[i]) {
			t.Errorf("%v: %v, want %v", cases[i], got[i], want[i])
		}
	}

	tb.do("hide the buttons", chromedp.Evaluate[chromedp.Void]("document.getElementById('foot').style.display = 'none'"))
	for _, size := range []image.Point{{1024, 600}, {600, 1024}} {
		tb.do("turn", chromedp.EmulateViewport(int64(size.X), int64(size.Y)))
		for i, look := range looks {
			look.Plain = !look.Mat
			board.Set(display.Page{State: "showing", Slide: slide, Style: display.Style{Look: look}})
			tb.until(fmt.Sprintf("innerWidth === %d && document.querySelectorAll('.slide').length === 1 && document.body.classList.contains('mat') === %t && look.fill === %t && look.auto === %t && getComputedStyle(document.getElementById('slides')).opacity === '1'", size.X, look.Mat, look.Fill, look.Auto))
			l := layout(look)
			l.Plain = look.Plain
			photos := []image.Point{{800, 600}, {600, 800}}
			wantBoxes := ""
			for _, p := range l.Places(size.X, size.Y, photos) {
				wantBoxes += fmt.Sprint(p.Rectangle, " ")
			}
			if boxes := evaluated(tb, `[...document.querySelectorAll(".front")].map(e => e.getBoundingClientRect()).map(r => "(" + r.left + "," + r.top + ")-(" + r.right + "," + r.bottom + ") ").join("")`); boxes != wantBoxes {
				t.Errorf("look %d on %v: photos are at %s, want %s", i, size, boxes, wantBoxes)
			}
			var decoded []*photo.Photo
			for _, p := range photos {
				m := pixel.New(p.X, p.Y)
				m.Fill(m.Bounds(), 0xffffff)
				decoded = append(decoded, photo.FromImage(m))
			}
			tb.compare(fmt.Sprintf("look %d on %v", i, size), photo.Compose(size.X, size.Y, decoded, l).Still)
		}
	}
}

// compare checks that the page looks like a picture, but for a few pixels in the corners of a
// mat's bevel.
func (tb *tab) compare(what string, want image.Image) {
	tb.t.Helper()
	got, differ := tb.picture(), 0
	for y := range want.Bounds().Dy() {
		for x := range want.Bounds().Dx() {
			r, g, b, _ := got.At(x, y).RGBA()
			wr, wg, wb, _ := want.At(x, y).RGBA()
			if r>>8 != wr>>8 || g>>8 != wg>>8 || b>>8 != wb>>8 {
				differ++
			}
		}
	}
	if differ > 16 {
		tb.t.Errorf("%s: %d pixels differ", what, differ)
	}
}
