package stage

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/display"
	"pickerd/display/photo"
	"pickerd/display/pixel"
)

// While nothing changes nothing is drawn; a countdown draws its own line and
// nothing else.
func TestLittleWork(t *testing.T) {
	inTheatre(t, nil, func(t *testing.T, th *theatre) {
		th.show(display.Page{Title: "One moment…"})
		before := th.screen.count()
		time.Sleep(4 * time.Minute)
		th.show(display.Page{Title: "One moment…"})
		if th.screen.count() > before+1 { // once, when things change places
			t.Errorf("%d pictures while nothing changed", th.screen.count()-before)
		}
		th.show(display.Page{Title: "Scan", QR: "https://g.test/device", Link: "https://g.test/device", Code: "ABCD", Ends: display.Ends{Until: time.Now().Add(20 * time.Minute)}})
		time.Sleep(time.Until(time.Now().Truncate(5 * time.Minute).Add(5*time.Minute + 10*time.Second))) // away from a change of places
		synctest.Wait()
		th.screen.takeParts()
		before = th.screen.count()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := th.screen.count() - before; n != 10 {
			t.Errorf("%d pictures in ten seconds of a countdown", n)
		}
		area := 0
		for _, r := range th.screen.takeParts() {
			area += r.Dx() * r.Dy()
		}
		if area == 0 || area > 10*640*360/30 {
			t.Errorf("a countdown of ten seconds wrote %d pixels", area)
		}
	})
}

func TestFade(t *testing.T) {
	inTheatre(t, nil, func(t *testing.T, th *theatre) {
		th.put("a", redC)
		th.put("b", greenC)
		th.show(display.Page{Slide: slide("a"), Next: slide("b")})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := th.screen.at(0.5, 0.5); got != red {
			t.Fatalf("the first photo is %06x", got)
		}
		th.screen.takeBlends()
		th.show(display.Page{Slide: slide("b"), Next: slide("a")})
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		if got := th.screen.at(0.5, 0.5); got>>16 < 0x50 || got>>16 > 0xb0 {
			t.Errorf("half way the colour is %06x", got)
		}
		time.Sleep(600 * time.Millisecond)
		synctest.Wait()
		if got := th.screen.at(0.5, 0.5); got != green {
			t.Errorf("at the end the colour is %06x", got)
		}
		if n := len(th.screen.takeBlends()); n < 28 || n > 32 {
			t.Errorf("%d pictures in a fade of a second", n)
		}
		before := th.screen.count()
		time.Sleep(4 * time.Minute)
		synctest.Wait()
		if th.screen.count() != before {
			t.Errorf("%d pictures after the fade", th.screen.count()-before)
		}
	})
}

// News don't wait for a fade.
func TestNewsDuringFade(t *testing.T) {
	inTheatre(t, nil, func(t *testing.T, th *theatre) {
		th.put("a", redC)
		th.put("b", greenC)
		th.show(display.Page{Slide: slide("a"), Next: slide("b")})
		time.Sleep(2 * time.Second)
		th.show(display.Page{Slide: slide("b")})
		time.Sleep(100 * time.Millisecond)
		th.show(display.Page{Slide: slide("b"), Menu: &display.Menu{Title: "Menu", Items: []display.MenuItem{{Label: "Back"}}}})
		if got := th.screen.at(0.02, 0.5); got>>8&0xff > 0x60 || got == 0 {
			t.Errorf("the menu does not dim the photo: %06x", got)
		}
	})
}

// What can't be shown is reported, and the next photo is shown meanwhile: other displays
// may show it. Without a next one words say so.
func TestUnshowable(t *testing.T) {
	inTheatre(t, nil, func(t *testing.T, th *theatre) {
		th.put("good", blueC)
		th.write("bad", []byte("this is no photo, whatever it is called"))
		th.show(display.Page{Title: "Your photos are on their way"})
		th.show(display.Page{Slide: slide("bad"), Next: slide("good")})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if len(th.reported()) != 1 || th.reported()[0] != "bad" {
			t.Errorf("reported: %v", th.reported())
		}
		if got := th.screen.at(0.02, 0.5); got != blue {
			t.Errorf("the next photo is %06x", got)
		}
		th.show(display.Page{Slide: slide("bad")})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := th.screen.at(0.02, 0.5); got == blue || got == 0 {
			t.Errorf("alone it is %06x, want words", got)
		}
		th.show(display.Page{Slide: slide("good")})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := th.screen.at(0.5, 0.5); got != blue {
			t.Errorf("the good photo is %06x", got)
		}
		th.show(display.Page{Slide: slide("none")})
		time.Sleep(time.Second)
		synctest.Wait()
		if len(th.reported()) != 2 || th.reported()[1] != "none" {
			t.Errorf("reported: %v", th.reported())
		}
	})
}

// A video without a still is black with a mark, and none that is skipped.
func TestVideo(t *testing.T) {
	inTheatre(t, nil, func(t *testing.T, th *theatre) {
		box := append([]byte{0, 0, 0, 16}, "ftypisom\x00\x00\x00\x00"...)
		th.write("plain.mp4", box)
		th.show(display.Page{Slide: slide("plain.mp4")})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := th.screen.at(0.5, 0.5); got == 0 || len(th.reported()) > 0 {
			t.Errorf("no mark on a video: %06x, %v", got, th.reported())
		}
		var b, still bytes.Buffer
		m := image.NewRGBA(image.Rect(0, 0, 320, 180))
		for i := range m.Pix {
			m.Pix[i] = 255
		}
		if err := png.Encode(&still, m); err != nil {
			t.Fatal(err)
		}
		b.Write(box)
		if err := photo.WriteStill(&b, bytes.NewReader(box), still.Bytes()); err != nil {
			t.Fatal(err)
		}
		th.write("still.mp4", b.Bytes())
		th.show(display.Page{Slide: slide("still.mp4")})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := th.screen.at(0.2, 0.5); got != 0xffffff {
			t.Errorf("the still is %06x", got)
		}
	})
}

func TestNight(t *testing.T) {
	inTheatre(t, nil, func(t *testing.T, th *theatre) {
		th.put("a", redC)
		th.show(display.Page{Slide: slide("a")})
		time.Sleep(2 * time.Second)
		th.show(display.Page{Slide: slide("a"), Night: true, TimeOfDay: display.TimeOfDay{Clock: "23:00"}})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		for i, p := range th.screen.picture().Pix {
			if p != 0 {
				t.Fatalf("pixel %d is %06x at night", i, p)
			}
		}
		if !th.screen.isDark() {
			t.Error("the light is on")
		}
		before := th.screen.count()
		for i := range 20 { // the slideshow goes on, unseen
			th.show(display.Page{Slide: slide("a"), Next: slide(string(rune('b' + i))), Night: true})
			time.Sleep(10 * time.Second)
		}
		if th.screen.count() != before || len(th.reported()) > 0 {
			t.Errorf("%d pictures at night; loaded %v", th.screen.count()-before, th.reported())
		}
		th.show(display.Page{Slide: slide("a")})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := th.screen.at(0.5, 0.5); got != red || th.screen.isDark() {
			t.Errorf("in the morning: %06x, dark %v", got, th.screen.isDark())
		}
	})
}

// A night without a photo is as black, and words are back in the morning.
func TestNightOverWords(t *testing.T) {
	inTheatre(t, nil, func(t *testing.T, th *theatre) {
		th.put("a", redC)
		th.show(display.Page{Title: "No photos yet"})
		day := th.screen.picture()
		th.show(display.Page{Title: "No photos yet", Night: true})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		for i, p := range th.screen.picture().Pix {
			if p != 0 {
				t.Fatalf("pixel %d is %06x at night", i, p)
			}
		}
		th.show(display.Page{Title: "No photos yet"})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !slices.Equal(day.Pix, th.screen.picture().Pix) || th.screen.isDark() {
			t.Error("the morning looks different")
		}
		th.show(display.Page{Slide: slide("a")})
		time.Sleep(2 * time.Second)
		th.show(display.Page{Slide: slide("a"), Night: true})
		time.Sleep(2 * time.Second)
		th.show(display.Page{Title: "No photos yet"})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !slices.Equal(day.Pix, th.screen.picture().Pix) {
			t.Error("the morning after a night over a photo looks different")
		}
	})
}

// While a slide is made ready, a menu is there at once, and a code that is over
// is not.
func TestWhileLoading(t *testing.T) {
	held := make(chan struct{})
	inTheatre(t, func(c *Config) {
		open := c.Media
		held = make(chan struct{})
		c.Media = func(f string) (*os.File, error) { <-held; return open(f) }
	}, func(t *testing.T, th *theatre) {
		th.put("a", redC)
		th.show(display.Page{Title: "Scan", QR: "https://g.test/device", Link: "https://g.test/device"})
		before := th.screen.picture()
		th.show(display.Page{Slide: slide("a")})
		if slices.Equal(before.Pix, th.screen.picture().Pix) {
			t.Error("the code stays")
		}
		before = th.screen.picture()
		th.show(display.Page{Slide: slide("a"), Menu: &display.Menu{Title: "Menu", Items: []display.MenuItem{{Label: "Back"}}}})
		if slices.Equal(before.Pix, th.screen.picture().Pix) {
			t.Error("the menu waits")
		}
		close(held)
		th.show(display.Page{Slide: slide("a")})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := th.screen.at(0.5, 0.5); got != red {
			t.Errorf("the photo is %06x", got)
		}
	})
}

// It is seen to live, also where it waits.
func TestAlive(t *testing.T) {
	inTheatre(t, nil, func(t *testing.T, th *theatre) {
		th.show(display.Page{Title: "No photos yet"})
		for range 100 {
			time.Sleep(37 * time.Second)
			if !th.stage.Alive() {
				t.Fatal("it seems dead")
			}
		}
	})
}

// Turned screens show everything turned, also what changes alone.
func TestRotate(t *testing.T) {
	inTheatre(t, nil, func(t *testing.T, th *theatre) {
		th.show(display.Page{Title: "Scan", QR: "https://g.test/device", Ends: display.Ends{Until: time.Now().Add(20 * time.Minute)}})
		time.Sleep(3 * time.Second)
		synctest.Wait()
		upright := th.screen.picture()
		th.stop()
		for _, degrees := range []int{90, 180, 270} {
			w, h := pixel.RotatedSize(640, 360, degrees)
			th.install(w, h)
			th.cfg.Rotate = degrees
			th.pages.Set(display.Page{Title: "Scan", QR: "https://g.test/device", Ends: display.Ends{Until: time.Now().Add(20 * time.Minute)}})
			th.start()
			time.Sleep(3 * time.Second)
			synctest.Wait()
			if sw, sh := th.stage.Size(); sw != 640 || sh != 360 {
				t.Errorf("%d degrees: the picture is %d by %d", degrees, sw, sh)
			}
			want := pixel.New(w, h)
			pixel.Rotate(want, upright, degrees)
			different, got := 0, th.screen.picture()
			for i := range want.Pix {
				if want.Pix[i] != got.Pix[i] {
					different++
				}
			}
			if different > 0 {
				t.Errorf("%d degrees: %d pixels differ", degrees, different)
			}
			th.stop()
		}
		th.start()
	})
}

// A screen that goes is opened again; one that is not there is waited for.
func TestHotplug(t *testing.T) {
	inTheatre(t, nil, func(t *testing.T, th *theatre) {
		th.show(display.Page{Title: "Scan", QR: "https://g.test/device"})
		first := th.screen
		th.install(320, 240)
		close(first.gone)
		synctest.Wait()
		if !first.isClosed() || th.timesOpened() != 2 || th.screen.count() == 0 {
			t.Errorf("closed %v, opened %d times, %d pictures", first.isClosed(), th.timesOpened(), th.screen.count())
		}
		if w, h := th.stage.Size(); w != 320 || h != 240 {
			t.Errorf("%d by %d", w, h)
		}
		th.screen.fail(errors.New("it broke"))
		broken := th.screen
		th.show(display.Page{Title: "Something else"})
		if !broken.isClosed() {
			t.Error("a screen that fails is not closed")
		}
		if f := th.found.Load(); f.err == nil || f.w != 0 {
			t.Errorf("told: %+v", f)
		}
		th.install(640, 360)
		time.Sleep(retryEvery)
		synctest.Wait()
		if th.screen.count() == 0 {
			t.Error("it is not tried again")
		}
		if f := th.found.Load(); f.err != nil || f.w != 640 {
			t.Errorf("told: %+v", f)
		}
	})
}

func TestMoving(t *testing.T) {
	inTheatre(t, nil, func(t *testing.T, th *theatre) {
		g := gif.GIF{Delay: []int{50, 50}}
		for _, c := range []color.Color{redC, greenC} {
			g.Image = append(g.Image, image.NewPaletted(image.Rect(0, 0, 64, 36), color.Palette{c}))
		}
		var b bytes.Buffer
		if err := gif.EncodeAll(&b, &g); err != nil {
			t.Fatal(err)
		}
		th.write("a.gif", b.Bytes())
		th.show(display.Page{Slide: slide("a.gif")})
		time.Sleep(5 * time.Second)
		seen := map[uint32]int{}
		for range 20 {
			time.Sleep(250 * time.Millisecond)
			synctest.Wait()
			seen[th.screen.at(0.5, 0.5)]++
		}
		if seen[red] < 8 || seen[green] < 8 {
			t.Errorf("seen %v", seen)
		}
	})
}

// A cross-fade as a whole: two photos, blended into a screen's memory.
func BenchmarkFade(b *testing.B) {
	for _, size := range []image.Point{{1920, 1080}, {3840, 2160}} {
		b.Run(size.String(), func(b *testing.B) {
			f := newFake(size.X, size.Y)
			x, y := pixel.New(size.X, size.Y), pixel.New(size.X, size.Y)
			x.Fill(x.Bounds(), red)
			y.Fill(y.Bounds(), 0x123456)
			for b.Loop() {
				_ = f.Blend(x, y, 100)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "frames/s")
		})
	}
}
