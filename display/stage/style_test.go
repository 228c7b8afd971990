package stage

import (
	"bytes"
	"image"
	"image/png"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/display"
	"pickerd/display/words"
)

// The screen takes over another look, language and caption while it shows a page.
func TestStyle(t *testing.T) {
	inTheatre(t, nil, func(t *testing.T, th *theatre) {
		m := image.NewRGBA(image.Rect(0, 0, 200, 360))
		for i := range 200 * 360 {
			m.Set(i%200, i/200, greenC)
		}
		var b bytes.Buffer
		if err := png.Encode(&b, m); err != nil {
			t.Fatal(err)
		}
		th.write("a", b.Bytes())
		th.show(display.Page{Slide: slide("a")})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if middle, edge := th.screen.at(0.5, 0.5), th.screen.at(0.05, 0.5); middle != green || edge != 0 {
			t.Fatalf("fit: %06x, %06x at the edge", middle, edge)
		}
		th.style.Fill = true
		th.screen.takeBlends()
		th.show(display.Page{Slide: slide("a")})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if edge := th.screen.at(0.05, 0.5); edge != green || len(th.screen.takeBlends()) == 0 {
			t.Errorf("fill: %06x at the edge, or no fade", edge)
		}
		th.style.Fill, th.style.Plain, th.style.Fade = false, false, 0
		th.show(display.Page{Slide: slide("a")})
		if edge := th.screen.at(0.05, 0.5); edge == green || edge == 0 || len(th.screen.takeBlends()) > 0 {
			t.Errorf("blurred: %06x at the edge, or a fade", edge)
		}

		captioned := slide("a")
		captioned.Caption = "9 March 2026"
		th.screen.takeParts()
		th.show(display.Page{Slide: captioned})
		if len(th.screen.takeParts()) == 0 {
			t.Error("the caption does not appear")
		}
		th.show(display.Page{Slide: slide("a")})
		if len(th.screen.takeParts()) == 0 {
			t.Error("the caption stays")
		}

		fetching := display.Page{Title: "x", Progress: &display.Progress{Done: 1, Total: 2}}
		th.show(fetching)
		th.screen.takeParts()
		th.show(fetching)
		if n := len(th.screen.takeParts()); n > 0 {
			t.Errorf("%d parts are drawn again without a change", n)
		}
		for _, code := range []string{"de", "ar"} {
			w, err := words.For(code)
			if err != nil {
				t.Fatal(err)
			}
			th.style.Words = w
			th.show(fetching)
			if len(th.screen.takeParts()) == 0 {
				t.Errorf("%s: nothing changes", code)
			}
		}
	})
}
