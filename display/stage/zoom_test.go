package stage

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/display"
	"pickerd/display/pixel"
)

// putScale makes a photo of w by h pixels that is redder to the right and greener to the
// bottom, in a file whose name has a motion.
func (th *theatre) putScale(w, h int, m display.Motion) (name string) {
	th.t.Helper()
	p := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		p.Set(i%w, i/w, color.RGBA{uint8(i % w * 255 / (w - 1)), uint8(i / w * 255 / (h - 1)), 0, 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, p); err != nil {
		th.t.Fatal(err)
	}
	for i := 0; ; i++ {
		if name = fmt.Sprintf("%d-%dx%d", i, w, h); (display.Media{File: name}).Motion() == m {
			th.write(name, b.Bytes())
			return name
		}
	}
}

// shows checks that a place of the screen shows a part of its photo: the place and the part
// in shares of them.
func (th *theatre) shows(what string, at image.Rectangle, m display.Motion, gone float64) {
	th.t.Helper()
	synctest.Wait()
	seen, f := th.screen.picture().Sub(at), m.Factor(gone)
	for _, corner := range []image.Point{{0, 0}, {1, 0}, {0, 1}, {1, 1}} {
		p := seen.Row(corner.Y * (seen.H - 1))[corner.X*(seen.W-1)]
		x, y := m.X+(float64(corner.X)-m.X)/f, m.Y+(float64(corner.Y)-m.Y)/f
		if r, g := float64(p>>16&0xff), float64(p>>8&0xff); math.Abs(r-255*x) > 4 || math.Abs(g-255*y) > 4 {
			th.t.Errorf("%s: corner %v shows %06x, want %.0f and %.0f", what, corner, p, 255*x, 255*y)
		}
	}
}

// Photos move in their frames, each in its direction: those whose motion ends with the whole
// photo begin so enlarged that the motion does not jump.
func TestZoom(t *testing.T) {
	whole := image.Rect(0, 0, 640, 360)
	for _, m := range []display.Motion{{X: 0, Y: 0}, {X: 1, Y: 0.5}, {X: 1, Y: 0, Out: true}} {
		inTheatre(t, nil, func(t *testing.T, th *theatre) {
			th.style.Zoom = true
			th.put("a", blueC)
			th.show(display.Page{Slide: slide("a")})
			name := th.putScale(640, 360, m)
			th.show(display.Page{Slide: slide(name)})
			time.Sleep(990 * time.Millisecond) // nearly the fade
			th.shows("in the fade", whole, m, 0)
			time.Sleep(30 * time.Millisecond)
			th.shows("after it", whole, m, 0)
			before := th.screen.count()
			time.Sleep(5 * time.Second)
			th.shows("halfway", whole, m, 0.5)
			if n := th.screen.count() - before; n < 120 || n > 126 {
				t.Errorf("%d pictures in five seconds", n)
			}
			time.Sleep(6 * time.Second)
			th.shows("at the end", whole, m, 1)
			before = th.screen.count()
			time.Sleep(30 * time.Second)
			if th.screen.count() > before {
				t.Error("it goes on for ever")
			}
		})
	}
}

// Two photos move in a frame each, and nothing else is drawn.
func TestZoomPair(t *testing.T) {
	in, out := display.Motion{Y: 0.5}, display.Motion{X: 1, Out: true}
	for _, tt := range []struct {
		mat         bool
		left, right image.Rectangle
	}{
		{false, image.Rect(33, 0, 303, 360), image.Rect(336, 0, 606, 360)},
		{true, image.Rect(60, 27, 290, 333), image.Rect(350, 27, 579, 333)},
	} {
		inTheatre(t, nil, func(t *testing.T, th *theatre) {
			th.style.Zoom, th.style.Mat = true, tt.mat
			s := slide(th.putScale(300, 400, in), th.putScale(360, 480, out))
			if tt.mat {
				d := s.Drift()
				tt.left, tt.right = tt.left.Add(d), tt.right.Add(d)
			}
			th.show(display.Page{Slide: s})
			time.Sleep(1050 * time.Millisecond)
			th.screen.takeParts()
			time.Sleep(5 * time.Second)
			th.shows("left", tt.left, in, 0.5)
			th.shows("right", tt.right, out, 0.5)
			for _, r := range th.screen.takeParts() {
				if r != tt.left && r != tt.right {
					t.Fatalf("mat %t: %v is drawn", tt.mat, r)
				}
			}
		})
	}
}

// A motion halts in a pause and under a menu and goes on from there, begins and ends when it
// is switched on and off.
func TestZoomHalts(t *testing.T) {
	inTheatre(t, nil, func(t *testing.T, th *theatre) {
		m, whole := display.Motion{X: 1, Out: true}, image.Rect(0, 0, 640, 360)
		name := th.putScale(640, 360, m)
		th.style.Zoom, th.style.Fade = true, 0
		th.show(display.Page{Slide: slide(name)})
		time.Sleep(3 * time.Second)
		for _, p := range []display.Page{{Playing: display.Playing{Paused: "Paused"}}, {Menu: &display.Menu{Title: "Menu"}}} {
			p.Slide = slide(name)
			th.show(p)
			before := th.screen.count()
			time.Sleep(7 * time.Second)
			if n := th.screen.count() - before; n > 1 { // one may be that of a place for the words
				t.Errorf("%d pictures in a pause", n)
			}
			th.show(display.Page{Slide: slide(name)})
			time.Sleep(50 * time.Millisecond)
			th.shows("after a pause", whole, m, 0.3)
		}
		th.style.Zoom = false
		th.show(display.Page{Slide: slide(name)})
		th.shows("off", whole, display.Motion{}, 0)
		before := th.screen.count()
		time.Sleep(time.Second)
		if th.screen.count() > before {
			t.Error("off: it moves")
		}
		th.style.Zoom = true
		th.show(display.Page{Slide: slide(name)})
		time.Sleep(5 * time.Second)
		th.shows("on", whole, m, 0.5)
	})
}

// Videos and animated photos move by themselves.
func TestZoomOthers(t *testing.T) {
	inTheatre(t, nil, func(t *testing.T, th *theatre) {
		th.style.Zoom, th.style.Fade = true, 0
		th.putMoving("a.gif", 200, 640, 360, redC, greenC)
		th.write("b.mp4", []byte("no still"))
		for name, most := range map[string]int{"a.gif": 3, "b.mp4": 0} {
			th.show(display.Page{Slide: slide(name)})
			time.Sleep(100 * time.Millisecond)
			before := th.screen.count()
			time.Sleep(5 * time.Second)
			if n := th.screen.count() - before; n > most {
				t.Errorf("%s: %d pictures", name, n)
			}
		}
	})
}

// A step of a motion with a caption and a clock over it: the whole screen, and two frames in
// a mat. The best time counts, beside that of enlarging the middle of the whole screen.
func BenchmarkMotion(b *testing.B) {
	dst, src := pixel.New(1920, 1080), pixel.New(1920, 1080)
	frames := map[string][]image.Rectangle{
		"whole": {image.Rect(0, 0, 1920, 1080)},
		"mat":   {image.Rect(180, 81, 869, 999), image.Rect(1049, 81, 1738, 999)},
	}
	for name, parts := range frames {
		b.Run(name, func(b *testing.B) {
			best := [2]time.Duration{time.Hour, time.Hour}
			for b.Loop() {
				for i, do := range []func(){
					func() { pixel.Zoom(dst, src, 1.03, 0.5, 0.5) },
					func() {
						for _, r := range parts {
							pixel.Zoom(dst.Sub(r), src.Sub(r), 1.03, 1, 0)
						}
					},
				} {
					start := time.Now()
					do()
					best[i] = min(best[i], time.Since(start))
				}
			}
			b.ReportMetric(best[1].Seconds()/best[0].Seconds(), "×middle")
			b.ReportMetric(1/best[1].Seconds(), "pictures/s")
		})
	}
}
