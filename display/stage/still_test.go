package stage

import (
	"testing"
	"testing/synctest"
	"time"

	"pickerd/display"
	"pickerd/display/pixel"
)

// TestStill checks that a page as a single picture equals what a screen of the same size
// shows, photo and words, and that pages have the same ID if they look the same.
func TestStill(t *testing.T) {
	inTheatre(t, nil, func(t *testing.T, th *theatre) {
		th.put("red.png", redC)
		th.put("film.mp4", greenC) // its still can't be read: black with a mark
		caption := slide("red.png")
		caption.Caption = "By the sea"
		ids := map[string]string{}
		for name, page := range map[string]display.Page{
			"code":      {Title: "Scan this", QR: "https://x.test/", Code: "GQVQ-JKEC"},
			"photo":     {Slide: slide("red.png")},
			"caption":   {Slide: caption, TimeOfDay: display.TimeOfDay{Clock: "12:00"}},
			"two":       {Slide: slide("red.png", "red.png")},
			"film":      {Slide: slide("film.mp4")},
			"menu":      {Slide: slide("red.png"), Menu: &display.Menu{Title: "Kitchen"}},
			"night":     {Slide: slide("red.png"), Night: true},
			"no photos": {Title: "Kitchen", Problem: "No network", Remedy: "Wait."},
		} {
			th.show(page)
			time.Sleep(3 * time.Second) // until a fade is over
			synctest.Wait()
			want := th.screen.picture()
			page.Style = th.style
			still := NewStill(StillConfig{W: want.W, H: want.H, Media: th.cfg.Media, Log: th.cfg.Log})
			id, err := still.LayOut(page, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			if other, ok := ids[string(id)]; ok {
				t.Errorf("%s has the ID of %s", name, other)
			}
			ids[string(id)] = name
			page.Next = slide("red.png") // can't be seen
			if again, _ := still.LayOut(page, time.Now()); string(again) != string(id) {
				t.Errorf("%s has another ID with another next slide", name)
			}
			got, err := still.Draw(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if n := differing(got, want); n != 0 {
				t.Errorf("%s: %d pixels differ from the screen's", name, n)
			}
		}
	})
}

// differing returns how many pixels of two pictures of one size differ.
func differing(a, b *pixel.Image) (n int) {
	for y := range a.H {
		for x, p := range a.Row(y) {
			if p&0xffffff != b.Row(y)[x]&0xffffff {
				n++
			}
		}
	}
	return n
}

// TestStillUnshowable checks that a slide that can never be shown gives way to the next
// one, and the last one to a text.
func TestStillUnshowable(t *testing.T) {
	inTheatre(t, nil, func(t *testing.T, th *theatre) {
		th.put("green.png", greenC)
		th.write("bad.png", []byte("no picture at all"))
		draw := func(page display.Page) *pixel.Image {
			still := NewStill(StillConfig{W: 160, H: 90, Media: th.cfg.Media, Log: th.cfg.Log})
			page.Style = th.style
			if _, err := still.LayOut(page, time.Now()); err != nil {
				t.Fatal(err)
			}
			m, err := still.Draw(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		next := draw(display.Page{Slide: slide("green.png")})
		if n := differing(draw(display.Page{Slide: slide("bad.png"), Next: slide("green.png")}), next); n != 0 {
			t.Errorf("%d pixels differ from the next slide", n)
		}
		lang := th.style.Lang()
		text := draw(display.Page{Title: lang.Say("page.unshowable"), Text: lang.Say("page.unshowable_text")})
		for _, page := range []display.Page{{Slide: slide("bad.png")}, {Slide: slide("bad.png"), Next: slide("gone.png")}} {
			if n := differing(draw(page), text); n != 0 {
				t.Errorf("%d pixels differ from the text", n)
			}
		}
	})
}
