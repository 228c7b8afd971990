package paint

import (
	"fmt"
	"image"
	"log/slog"
	"strings"
	"testing"
	"time"

	"pickerd/display"
	"pickerd/display/photo"
	"pickerd/display/pixel"
	"pickerd/display/words"
)

// Captions and clock can be read over a mat and its bevel, around a white photo and a black one.
func TestMatContrast(t *testing.T) {
	w, err := words.For("en")
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []image.Point{{X: 1920, Y: 1080}, {X: 1080, Y: 1920}, {X: 1024, Y: 600}} {
		p, err := New(Config{W: size.X, H: size.Y, Words: w, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		for _, colour := range []uint32{0, 0xffffff} {
			m := pixel.New(1600, 900)
			m.Fill(m.Bounds(), colour)
			screen := photo.Compose(size.X, size.Y, []*photo.Photo{photo.FromImage(m)}, photo.Layout{Mat: true}).Still
			list := p.Page(display.Page{Slide: &display.Slide{Caption: "9 March 2026"}, TimeOfDay: display.TimeOfDay{Clock: "20:15", Date: "Sunday"}}, time.Now())
			plates := 0
			for _, it := range list {
				if !strings.HasPrefix(it.Key, "box/") {
					continue
				}
				plates++
				List{it}.Draw(screen, screen.Bounds())
				light := 0.0
				for y := it.Box.Min.Y; y < it.Box.Max.Y; y++ {
					for _, c := range screen.Row(y)[it.Box.Min.X+it.Box.Dy()/3 : it.Box.Max.X-it.Box.Dy()/3] { // without the round corners
						light = max(light, luminance(c))
					}
				}
				if ratio := (luminance(0xf4f2ee) + 0.05) / (light + 0.05); ratio < 4.5 {
					t.Errorf("%v, photo %06x: the plate at %v has a contrast of %.1f to its words", size, colour, it.Box, ratio)
				}
			}
			if plates != 2 {
				t.Errorf("%v: %d plates", size, plates)
			}
		}
	}
}

// The edges of a mat are at another place with most slides, so that they wear no line into
// a screen.
func TestMatDrift(t *testing.T) {
	left, top := map[int]int{}, map[int]int{}
	const slides = 500
	for i := range slides {
		s := display.Slide{Media: []display.Media{{Item: fmt.Sprint("item", i)}}}
		place := photo.Layout{Mat: true, Drift: s.Drift()}.Places(1920, 1080, []image.Point{{X: 1600, Y: 900}})[0]
		left[place.Min.X]++
		top[place.Min.Y]++
	}
	for _, edge := range []map[int]int{left, top} {
		for at, n := range edge {
			if n > slides*3/10 || len(edge) != 5 {
				t.Errorf("the edge is at %d with %d of %d slides, at %d places in all", at, n, slides, len(edge))
			}
		}
	}
}
