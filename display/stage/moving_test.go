package stage

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/display"
)

// putMoving makes a photo of two colors in turn, each shown for a delay in hundredths of
// a second.
func (th *theatre) putMoving(name string, delay int, w, h int, colors ...color.Color) {
	th.t.Helper()
	var g gif.GIF
	for _, c := range colors {
		g.Delay = append(g.Delay, delay)
		g.Image = append(g.Image, image.NewPaletted(image.Rect(0, 0, w, h), color.Palette{c}))
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, &g); err != nil {
		th.t.Fatal(err)
	}
	th.write(name, b.Bytes())
}

// TestMovingPair shows two moving photos side by side, each with its own delays, from
// their first frames on each time they come.
func TestMovingPair(t *testing.T) {
	inTheatre(t, nil, func(t *testing.T, th *theatre) {
		th.putMoving("a.gif", 50, 600, 800, redC, greenC)
		th.putMoving("b.gif", 80, 30, 40, blueC, redC, greenC)
		th.put("c", blueC)
		names := map[uint32]string{red: "r", green: "g", blue: "b"}
		for range 2 {
			th.show(display.Page{Slide: slide("a.gif", "b.gif")})
			time.Sleep(th.style.Look.Fade + 100*time.Millisecond)
			var seen string
			for range 10 {
				time.Sleep(200 * time.Millisecond)
				synctest.Wait()
				seen += fmt.Sprint(names[th.screen.at(0.25, 0.5)], names[th.screen.at(0.75, 0.5)], " ")
			}
			// From about 0.3 s on. The left one changes each 0.5 s, the right one each 0.8 s.
			if want := "rb rb gb gr rr rr rr gg gg rg "; seen != want {
				t.Errorf("seen %s, want %s", seen, want)
			}
			th.show(display.Page{Slide: slide("c")})
			time.Sleep(2 * th.style.Look.Fade)
		}
	})
}
