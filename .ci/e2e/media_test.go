package e2e

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"math"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pickerd/display"
	"pickerd/display/photo"
	"pickerd/display/web"
)

// A witness is a web.Viewer that passes on what the browser can't show.
type witness chan lack

// A lack is a file that the browser can't show, perhaps with its still in its place.
type lack struct {
	file  string
	still bool
}

func (w witness) Leave()                                  {}
func (w witness) Cannot(file string, still bool, _ error) { w <- lack{file, still} }
func (w witness) Plays(string, time.Duration)             {}

// told waits until the browser has told that it can't show a file, and reports whether
// it shows its still. The page has it on the screen before the box knows.
func (w witness) told(t *testing.T, file string) (still bool) {
	t.Helper()
	tooLong := time.After(maxWait)
	for {
		select {
		case l := <-w:
			if l.file == file {
				return l.still
			}
		case <-tooLong:
			t.Fatalf("%s: the box was told nothing", file)
		}
	}
}

const mediaDir = "../../display/photo/testdata/media"

// mediaServer serves the page with the files of mediaDir, films with a still as they
// are in the store.
func mediaServer(t *testing.T) (board *display.Board[display.Page], w witness, url string) {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 320, 240))
	draw.Draw(m, m.Bounds(), image.NewUniform(color.RGBA{0x3c, 0xa0, 0x3c, 255}), image.Point{}, draw.Src)
	var poster bytes.Buffer
	if err := jpeg.Encode(&poster, m, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	open := func(name string) (*os.File, error) {
		if !strings.HasPrefix(name, "v") {
			return os.Open(filepath.Join(mediaDir, name))
		}
		video, err := os.ReadFile(filepath.Join(mediaDir, name))
		if err != nil {
			return nil, err
		}
		b := bytes.NewBuffer(bytes.Clone(video))
		if err := photo.WriteStill(b, bytes.NewReader(video), poster.Bytes()); err != nil {
			return nil, err
		}
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err != nil {
			if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
				return nil, err
			}
		}
		return os.Open(path)
	}
	board, w = new(display.Board[display.Page]), make(witness, 100)
	cfg := pageOf(board, open)
	cfg.Join = func() web.Viewer { return w }
	srv := httptest.NewServer(web.New(cfg))
	t.Cleanup(func() { srv.CloseClientConnections() })
	return board, w, srv.URL + "/"
}

// quadrants are the right colors of the cases: left and right above, then below.
var quadrants = []color.RGBA{{0xc8, 0x3c, 0x28, 255}, {0x3c, 0xa0, 0x3c, 255}, {0x28, 0x5a, 0xc8, 255}, {0xe6, 0xc8, 0x3c, 255}}

// lab returns a color of sRGB in CIE L*a*b*, whose distances are ΔE.
func lab(c color.Color) [3]float64 {
	r16, g16, b16, _ := c.RGBA()
	lin := func(v uint32) float64 {
		f := float64(v) / 0xffff
		if f <= 0.04045 {
			return f / 12.92
		}
		return math.Pow((f+0.055)/1.055, 2.4)
	}
	r, g, b := lin(r16), lin(g16), lin(b16)
	f := func(t float64) float64 {
		if t > 216.0/24389 {
			return math.Cbrt(t)
		}
		return (24389.0/27*t + 16) / 116
	}
	x, y, z := f((0.4124*r+0.3576*g+0.1805*b)/0.9505), f(0.2126*r+0.7152*g+0.0722*b), f((0.0193*r+0.1192*g+0.9505*b)/1.089)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

func deltaE(a, b color.Color) float64 {
	p, q := lab(a), lab(b)
	return math.Sqrt((p[0]-q[0])*(p[0]-q[0]) + (p[1]-q[1])*(p[1]-q[1]) + (p[2]-q[2])*(p[2]-q[2]))
}

// otherColors are cases that don't have the colors of the quadrants in Chromium: profiles
// are its own affair, and it turns no PNG whose orientation follows the pixels.
var otherColors = []string{"c01", "j14", "m01", "p06", "p07", "w03"}

// TestMediaCases shows each case in Chromium: its colors where they should be, the still
// of a film with a mark, or words.
func TestMediaCases(t *testing.T) {
	board, w, url := mediaServer(t)
	tb := newBrowser(t).open(t, 640, 480, url) // each pixel of a case takes two
	entries, err := os.ReadDir(mediaDir)
	if err != nil {
		t.Fatal(err)
	}
	cases := 0
	for i, e := range entries {
		name := e.Name()
		if filepath.Ext(name) == ".md" {
			continue
		}
		cases++
		video := strings.HasPrefix(name, "v")
		board.Set(display.Page{State: "showing", Slide: &display.Slide{Media: []display.Media{{File: name, Video: video}}}, Playing: display.Playing{Paused: fmt.Sprint(i)}})
		tb.until(fmt.Sprintf("document.getElementById('paused').textContent === '%d' && (slides.none || slides.shown === slides.wanted && getComputedStyle(document.getElementById('slides')).opacity === '1')", i))
		if video {
			tb.until("slides.layer.querySelector('.unplayed') || (v => v.readyState >= 2 && v.currentTime > 0)(slides.layer.querySelector('video'))") // else its poster may still be there
		}
		if name == "x03.heic" {
			tb.until("document.getElementById('title').textContent === \"These photos can't be shown here\"")
			if w.told(t, name) {
				t.Errorf("%s: the box was told of a still", name)
			}
			continue
		}
		want := quadrants
		switch {
		case strings.HasPrefix(name, "v05"), name == "v14-trunc.mp4":
			want = []color.RGBA{quadrants[1], quadrants[1], quadrants[1], quadrants[1]} // the still
			tb.until("slides.layer.querySelector('.unplayed img')")
			if !w.told(t, name) {
				t.Errorf("%s: the box was not told of the still", name)
			}
		case strings.HasPrefix(name, "p04"):
			ground := color.RGBA{photo.Ground >> 16, photo.Ground >> 8 & 255, photo.Ground & 255, 255}
			want = []color.RGBA{ground, ground, ground, ground}
		case slices.Contains(otherColors, name[:3]):
			want = nil
		}
		m := tb.picture()
		tb.save("media-" + name)
		at := []image.Point{{60, 60}, {580, 60}, {60, 420}, {580, 420}}
		if name[:3] == "w02" || name[:3] == "j13" { // upright, 240 by 320
			at = []image.Point{{180, 60}, {460, 60}, {180, 400}, {460, 400}}
		}
		switch name {
		case "g06-trunc.gif", "j09-trunc60.jpg", "p08-text-between-idat.png":
			want = want[:2] // the rest is missing
		case "w05-trunc.webp":
			want = nil // Chromium draws nothing of it
		}
		for i, c := range want {
			if d := deltaE(m.At(at[i].X, at[i].Y), c); d > 2 {
				t.Errorf("%s: %v at %v, want %v: ΔE %.1f", name, m.At(at[i].X, at[i].Y), at[i], c, d)
			}
		}
	}
	if cases < 30 {
		t.Errorf("only %d cases", cases)
	}
	name := strings.Repeat("W", 90) + ".jpg"
	board.Set(display.Page{State: "showing", Slide: &display.Slide{Media: []display.Media{{File: "w01-lossy.webp"}}, Caption: name}})
	tb.until("document.getElementById('caption').textContent === '" + name + "'")
	tb.save("media-caption")
	tb.until("(r => r.left >= 0 && r.right <= innerWidth && r.bottom <= innerHeight && document.getElementById('caption').scrollWidth <= r.width + 1)(document.getElementById('caption').getBoundingClientRect())")
}
