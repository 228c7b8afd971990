package snapshot_test

import (
	"bytes"
	"image"
	"image/color"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"pickerd/display"
)

// TestCode checks that a phone reads the code from a picture of each kind.
func TestCode(t *testing.T) {
	const code = "https://www.google.com/device?user_code=GQVQ-JKEC"
	g := newGallery(t, false)
	g.pages.Set(display.Page{Title: "Scan this code", Text: "with a phone", QR: code, Link: "https://www.google.com/device", Code: "GQVQ-JKEC"})
	for _, target := range []string{
		"/screen.jpg?w=400&h=240", "/screen.png?w=400&h=240&colors=16&dither=floyd", "/screen.png?w=250&h=122&colors=2&dither=floyd",
		"/screen.jpg?w=250&h=122&colors=4", "/screen.png?w=240&h=400&rotate=90", "/screen.png?w=240&h=400&rotate=270",
	} {
		m, _ := g.get(t, target)
		bitmap, err := gozxing.NewBinaryBitmapFromImage(m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
		if err != nil || got.GetText() != code {
			t.Errorf("%s: the code reads %v (%v)", target, got, err)
		}
	}
}

// TestKinds checks the files that clients get.
func TestKinds(t *testing.T) {
	g := newGallery(t, false)
	photo := g.put(t, "photo.png", 64, 32, color.NRGBA{200, 100, 50, 255}) // brightness 124
	g.pages.Set(display.Page{Slide: photo, Style: display.Style{Look: display.Look{Fill: true}}})
	for target, tt := range map[string]struct {
		kind string
		w, h int
		at   color.Color // in the middle
	}{
		"/screen.png?h=32":                        {"png", 1920, 32, color.NRGBA{200, 100, 50, 255}},
		"/screen.jpg?w=64":                        {"jpeg", 64, 1080, color.NRGBA{200, 100, 50, 255}},
		"/screen.png?w=17&h=16":                   {"png", 17, 16, color.NRGBA{200, 100, 50, 255}},
		"/screen.png?w=40&h=64&rotate=90":         {"png", 40, 64, color.NRGBA{200, 100, 50, 255}},
		"/screen.png?w=64&h=32&colors=2":          {"png", 64, 32, color.Gray{0}},
		"/screen.png?w=63&h=32&colors=4":          {"png", 63, 32, color.Gray{85}},
		"/screen.png?w=65&h=32&colors=16":         {"png", 65, 32, color.Gray{119}},
		"/screen.png?w=65&h=32&colors=17":         {"png", 65, 32, color.Gray{128}},
		"/screen.png?w=64&h=32&colors=256":        {"png", 64, 32, color.Gray{124}},
		"/screen.jpg?w=64&h=32&colors=16":         {"jpeg", 64, 32, color.Gray{119}},
		"/screen.png?w=64&h=32&dither=floyd":      {"png", 64, 32, color.NRGBA{200, 100, 50, 255}},
		"/screen.png?w=64&h=32&rotate=0&after=no": {"png", 64, 32, color.NRGBA{200, 100, 50, 255}},
	} {
		w := g.ask(t.Context(), http.MethodGet, target)
		if got := w.Header().Get("Content-Type"); got != "image/"+tt.kind {
			t.Errorf("%s: %s", target, got)
		}
		m, kind, err := image.Decode(w.Body)
		if err != nil || kind != tt.kind || m.Bounds() != image.Rect(0, 0, tt.w, tt.h) {
			t.Errorf("%s: %s of %v, %v", target, kind, m.Bounds(), err)
			continue
		}
		if got := m.At(tt.w/2, tt.h/2); apart(got, tt.at) > 3 {
			t.Errorf("%s: %v, want %v", target, got, tt.at)
		}
	}
}

// apart returns the largest difference of a color channel, of 255.
func apart(a, b color.Color) (most int) {
	r1, g1, b1, _ := a.RGBA()
	r2, g2, b2, _ := b.RGBA()
	for _, d := range []int{int(r1>>8) - int(r2>>8), int(g1>>8) - int(g2>>8), int(b1>>8) - int(b2>>8)} {
		most = max(most, d, -d)
	}
	return most
}

// TestDither checks that dithering keeps the brightness of an area, with the colors of
// the palette alone, and leaves black and white as they are.
func TestDither(t *testing.T) {
	g := newGallery(t, false)
	for name, tt := range map[string]struct {
		grey uint8
		mean float64
	}{"grey.png": {100, 100}, "white.png": {255, 255}, "black.png": {0, 0}} {
		g.pages.Set(display.Page{Slide: g.put(t, name, 64, 32, color.Gray{tt.grey}), Style: display.Style{Look: display.Look{Fill: true}}})
		m, _ := g.get(t, "/screen.png?w=128&h=64&colors=2&dither=floyd")
		p, ok := m.(*image.Paletted)
		if !ok || len(p.Palette) != 2 {
			t.Fatalf("%T", m)
		}
		sum := 0
		for _, i := range p.Pix {
			sum += 255 * int(i)
		}
		if mean := float64(sum) / float64(len(p.Pix)); mean < tt.mean-4 || mean > tt.mean+4 {
			t.Errorf("%s: mean %.1f, want %.0f", name, mean, tt.mean)
		}
	}
}

// TestSecrets checks that no picture has the code with which a box is set up, or with
// which a phone becomes its remote.
func TestSecrets(t *testing.T) {
	g := newGallery(t, false)
	without := display.Page{State: "setup", Title: "This box is not set up yet", Menu: &display.Menu{Title: "Kitchen", Items: []display.MenuItem{{ID: "back", Label: "Back"}}}}
	with := without
	with.Own = &display.Own{QR: "http://192.0.2.7/setup/k7m2qpxw", Link: "http://192.0.2.7/setup/k7m2qpxw", Hint: "k7m2qpxw", Steps: []string{"k7m2qpxw"}}
	menu := *without.Menu
	menu.QR, menu.QRLabel = "http://192.0.2.7/remote/k7m2qpxw", "A phone as remote"
	with.Menu = &menu
	for _, menus := range []bool{true, false} {
		if !menus {
			with.Menu, without.Menu = nil, nil
		}
		var files [2][]byte
		for i, page := range []display.Page{without, with} {
			g.pages.Set(page)
			w := g.ask(t.Context(), http.MethodGet, "/screen.png?w=640&h=360", "Host", "localhost")
			files[i] = w.Body.Bytes()
		}
		if len(files[0]) == 0 || !bytes.Equal(files[0], files[1]) {
			t.Errorf("the picture of a page differs with its code (menu: %t)", menus)
		}
	}
	if menu.QR == "" {
		t.Error("the page of others has lost its code")
	}
}

// TestNight checks that the picture is black while the screen is off.
func TestNight(t *testing.T) {
	g := newGallery(t, false)
	photo := g.put(t, "photo.png", 64, 36, red)
	g.pages.Set(display.Page{Slide: photo, Night: true, TimeOfDay: display.TimeOfDay{Clock: "3:00"}})
	m, _ := g.get(t, "/screen.png?w=64&h=36")
	for i := range 64 * 36 {
		if apart(m.At(i%64, i/64), color.Black) != 0 {
			t.Fatalf("%v at %d,%d", m.At(i%64, i/64), i%64, i/64)
		}
	}
	if n := g.opened.Load(); n != 0 {
		t.Errorf("%d photos read for a black picture", n)
	}
}

// TestFilm checks that a film without a still has its mark.
func TestFilm(t *testing.T) {
	g := newGallery(t, false)
	g.putFilm(t)
	g.pages.Set(display.Page{Slide: slide("film.mp4")})
	m, _ := g.get(t, "/screen.png?w=320&h=180")
	if c := m.At(160, 90); apart(c, color.Black) < 200 {
		t.Errorf("%v in the middle, where the mark is", c)
	}
}

// TestMemory checks how many bytes a large picture takes while it is drawn, and that only
// its file remains. The film has no still, so that no decoder counts.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("draws a large picture")
	}
	const side = 1200
	g := newGallery(t, false)
	g.putFilm(t)
	g.pages.Set(display.Page{Slide: slide("film.mp4")})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	w := g.ask(t.Context(), http.MethodHead, "/screen.jpg?w=1200&h=1200&rotate=90")
	runtime.ReadMemStats(&after)
	if w.Code != http.StatusOK {
		t.Fatal(w.Code)
	}
	// Per pixel: the photo (4), the photo in its size (4), the screen (4), the
	// screen turned (4). Not all of them are there at once.
	if perPixel := float64(after.TotalAlloc-before.TotalAlloc-4<<20) / side / side; perPixel > 17.5 {
		t.Errorf("%.1f bytes per pixel", perPixel)
	}
	if grown := int(after.HeapAlloc) - int(before.HeapAlloc); grown > g.server.Kept()+2<<20 {
		t.Errorf("%d bytes remain, %d of them of a picture", grown, g.server.Kept())
	}
}

// putFilm makes a film without a still.
func (g *gallery) putFilm(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(g.dir, "film.mp4"), []byte("\x00\x00\x00\x10ftypmp42\x00\x00\x00\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
}
