package photo_test

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"testing"
	"time"

	"pickerd/display/photo"
	"pickerd/display/pixel"
)

var (
	red   = color.RGBA{200, 0, 0, 255}
	green = color.RGBA{0, 200, 0, 255}
	blue  = color.RGBA{0, 0, 200, 255}
)

// banded returns an image whose left quarter is red and whose right one is blue.
func banded(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for r, c := range map[image.Rectangle]color.Color{image.Rect(0, 0, w/4, h): red, image.Rect(w/4, 0, w-w/4, h): green, image.Rect(w-w/4, 0, w, h): blue} {
		draw.Draw(m, r, image.NewUniform(c), image.Point{}, draw.Src)
	}
	return m
}

// decoded returns what becomes of a JPEG file with an orientation.
func decoded(t *testing.T, m image.Image, orientation byte) *photo.Photo {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	exif := "Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00" + string(rune(orientation)) + "\x00\x00\x00\x00\x00\x00\x00"
	data := append([]byte("\xff\xd8\xff\xe1\x00"+string(rune(len(exif)+2))+exif), b.Bytes()[2:]...)
	p, err := photo.Decode(t.Context(), bytes.NewReader(data), int64(len(data)), photo.Limit{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// name returns the colour of a pixel: "r", "g", "b", or "-" for black.
func name(m *pixel.Image, x, y int) string {
	p := m.Row(y)[x]
	for n, c := range map[string]uint32{"r": p >> 16 & 0xff, "g": p >> 8 & 0xff, "b": p & 0xff} {
		if c > 120 {
			return n
		}
	}
	return "-"
}

// across returns the colours at five places from the left edge to the right one, and
// down those from the upper to the lower one.
func across(m *pixel.Image) (s string) {
	for i := range 5 {
		s += name(m, 3+i*(m.W-7)/4, m.H/2)
	}
	return s
}

func down(m *pixel.Image) (s string) {
	for i := range 5 {
		s += name(m, m.W/2, 3+i*(m.H-7)/4)
	}
	return s
}

// TestFill checks what is seen of photos that fill the screen or their half of it.
func TestFill(t *testing.T) {
	fill, fit := photo.Layout{Fill: true, Plain: true}, photo.Layout{Plain: true}
	for _, tt := range []struct {
		name         string
		w, h         int
		photos       []*photo.Photo
		layout       photo.Layout
		across, down string
	}{
		{"of the screen's shape", 320, 180, []*photo.Photo{decoded(t, banded(160, 90), 1)}, fill, "rgggb", "ggggg"},
		{"wider", 180, 180, []*photo.Photo{decoded(t, banded(320, 160), 1)}, fill, "ggggg", "ggggg"},
		{"wider, whole", 180, 180, []*photo.Photo{decoded(t, banded(320, 160), 1)}, fit, "rgggb", "-ggg-"},
		{"higher", 320, 180, []*photo.Photo{decoded(t, banded(160, 320), 1)}, fill, "rgggb", "ggggg"},
		{"higher, whole", 320, 180, []*photo.Photo{decoded(t, banded(160, 320), 1)}, fit, "--g--", "ggggg"},
		{"turned by a quarter", 320, 180, []*photo.Photo{decoded(t, banded(160, 320), 6)}, fill, "ggggg", "rgggb"},
		{"turned by a half", 320, 180, []*photo.Photo{decoded(t, banded(160, 320), 3)}, fill, "bgggr", "ggggg"},
		{"turned and cut", 320, 180, []*photo.Photo{decoded(t, banded(320, 160), 6)}, fill, "ggggg", "ggggg"},
		{"turned, whole", 320, 180, []*photo.Photo{decoded(t, banded(320, 160), 6)}, fit, "--g--", "rgggb"},
		{"two", 640, 180, []*photo.Photo{decoded(t, banded(160, 320), 1), decoded(t, banded(160, 320), 1)}, fill, "rg-gb", "-----"},
		{"tiny", 320, 180, []*photo.Photo{decoded(t, banded(24, 24), 1)}, fill, "--g--", "-ggg-"},
	} {
		m := photo.Compose(tt.w, tt.h, tt.photos, tt.layout).Still
		if got := across(m); got != tt.across {
			t.Errorf("%s: from left to right %s, want %s", tt.name, got, tt.across)
		}
		if got := down(m); got != tt.down {
			t.Errorf("%s: from top to bottom %s, want %s", tt.name, got, tt.down)
		}
	}
}

// An animated photo fills the screen in each of its frames.
func TestFillAnimated(t *testing.T) {
	frame := func(c color.Color) *image.Paletted {
		m := image.NewPaletted(image.Rect(0, 0, 40, 80), color.Palette{c, red})
		draw.Draw(m, image.Rect(0, 0, 40, 10), image.NewUniform(red), image.Point{}, draw.Src)
		return m
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, &gif.GIF{Image: []*image.Paletted{frame(green), frame(blue)}, Delay: []int{10, 10}}); err != nil {
		t.Fatal(err)
	}
	p, err := photo.Decode(t.Context(), bytes.NewReader(b.Bytes()), int64(b.Len()), photo.Limit{})
	if err != nil {
		t.Fatal(err)
	}
	s := photo.Compose(160, 90, []*photo.Photo{p}, photo.Layout{Fill: true})
	if a, d := across(s.Still), down(s.Still); a != "ggggg" || d != "ggggg" {
		t.Errorf("the first frame: %s, %s", a, d)
	}
	if r, stay := s.Advance(130 * time.Millisecond); len(r) != 1 || r[0] != s.Still.Bounds() || stay != 70*time.Millisecond || across(s.Still) != "bbbbb" || down(s.Still) != "bbbbb" {
		t.Errorf("the second frame at %v, for %v: %s, %s", r, stay, across(s.Still), down(s.Still))
	}
}

// Two photos that fill their halves need no backing, smaller ones do.
func TestFillBacking(t *testing.T) {
	for n, blurred := range map[int]bool{320: false, 24: true} {
		p := decoded(t, banded(n, n), 1)
		m := photo.Compose(640, 180, []*photo.Photo{p, p}, photo.Layout{Fill: true}).Still
		if got := m.Row(2)[320] != 0; got != blurred {
			t.Errorf("photos of %d pixels: %06x between them", n, m.Row(2)[320])
		}
	}
}

// Fit keeps as many pixels as a layout needs.
func TestFitSize(t *testing.T) {
	for _, tt := range []struct {
		layout photo.Layout
		w, h   int
	}{{photo.Layout{}, 50, 100}, {photo.Layout{Fill: true}, 160, 320}} {
		if p := photo.FromImage(pixel.New(800, 1600)).Fit(160, 100, tt.layout); p.W != tt.w || p.H != tt.h {
			t.Errorf("%+v: %d by %d, want %d by %d", tt.layout, p.W, p.H, tt.w, tt.h)
		}
	}
}

// BenchmarkLayout measures both layouts of a 4:3 photo on a 16:9 screen, and of two
// upright ones.
func BenchmarkLayout(b *testing.B) {
	one := []*photo.Photo{photo.FromImage(pixel.New(1440, 1080))}
	two := []*photo.Photo{photo.FromImage(pixel.New(810, 1080)), photo.FromImage(pixel.New(810, 1080))}
	for name, photos := range map[string][]*photo.Photo{"one": one, "two": two} {
		for kind, l := range map[string]photo.Layout{"fit": {}, "black": {Plain: true}, "fill": {Fill: true}} {
			b.Run(name+"/"+kind, func(b *testing.B) {
				for b.Loop() {
					photo.Compose(1920, 1080, photos, l)
				}
			})
		}
	}
}
