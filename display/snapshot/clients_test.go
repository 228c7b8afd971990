package snapshot_test

import (
	"context"
	"fmt"
	"image/color"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/display"
)

var (
	red   = color.NRGBA{220, 30, 30, 255}
	green = color.NRGBA{30, 200, 30, 255}
)

// TestWaiting checks that clients wait for a change that can be seen, and that all of them
// cost one drawing.
func TestWaiting(t *testing.T) {
	g := newGallery(t, false)
	first, second := g.put(t, "first.png", 64, 36, red), g.put(t, "second.png", 64, 36, green)
	synctest.Test(t, func(t *testing.T) {
		g.pages.Set(display.Page{Slide: first})
		const target = "/screen.jpg?w=160&h=90"
		_, etag := g.get(t, target)
		var clients []*client
		for range 20 {
			clients = append(clients, g.wait(t, target+"&after="+url.QueryEscape(etag)))
		}
		time.Sleep(40 * time.Second)
		g.pages.Set(display.Page{Slide: first, Next: second}) // the same picture
		for i, c := range clients {
			if code := c.code(); code != 0 {
				t.Fatalf("client %d was answered with %d though nothing has changed", i, code)
			}
		}
		if n := g.opened.Load(); n != 1 {
			t.Errorf("%d drawings of one picture", n)
		}
		g.pages.Set(display.Page{Slide: second})
		for i, c := range clients {
			if code := c.code(); code != http.StatusOK {
				t.Errorf("client %d: %d after a change", i, code)
			}
		}
		if n := g.opened.Load(); n != 2 {
			t.Errorf("%d drawings of two pictures", n)
		}
		_, etag = g.get(t, target)
		c := g.wait(t, target+"&after="+url.QueryEscape(etag))
		time.Sleep(50*time.Second - time.Millisecond)
		if code := c.code(); code != 0 {
			t.Errorf("%d before 50 seconds", code)
		}
		time.Sleep(time.Millisecond)
		if code := c.code(); code != http.StatusNotModified {
			t.Errorf("%d after 50 seconds", code)
		}
		if n := g.opened.Load(); n != 2 {
			t.Errorf("%d drawings of two pictures at the end", n)
		}
	})
}

// TestClock checks that a picture changes each minute only if a clock can be seen.
func TestClock(t *testing.T) {
	g := newGallery(t, false)
	synctest.Test(t, func(t *testing.T) {
		until := time.Now().Add(time.Minute)
		at := func(clock, code string) string {
			g.pages.Set(display.Page{Title: "Kitchen", QR: code, TimeOfDay: display.TimeOfDay{Clock: clock}, Ends: display.Ends{Until: until}})
			_, etag := g.get(t, "/screen.png?w=320&h=240")
			return etag
		}
		const code = "https://x.test/"
		if with, later := at("12:00", ""), at("12:01", ""); with == later {
			t.Error("another time has the same ETag")
		}
		before := at("12:00", code) // a code leaves no room for a clock
		time.Sleep(time.Second)     // of a countdown
		if after := at("12:01", code); before != after {
			t.Error("a time that nobody sees changes the ETag")
		}
	})
}

// TestSizes checks that a ninth size is refused, until a client of another one gives up
// or is answered.
func TestSizes(t *testing.T) {
	g := newGallery(t, false)
	synctest.Test(t, func(t *testing.T) {
		g.pages.Set(display.Page{Night: true})
		var clients []*client
		for i := range 8 {
			target := fmt.Sprintf("/screen.png?w=%d&h=16", 16+i)
			_, etag := g.get(t, target)
			clients = append(clients, g.wait(t, target+"&after="+url.QueryEscape(etag)))
		}
		const ninth = "/screen.png?w=90&h=16"
		w := g.ask(t.Context(), http.MethodGet, ninth)
		if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
			t.Errorf("the ninth size: %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
		}
		if w := g.ask(t.Context(), http.MethodGet, "/screen.png?w=16&h=16"); w.Code != http.StatusOK {
			t.Errorf("another client of the first size: %d", w.Code)
		}
		clients[3].cancel()
		if code := clients[3].code(); code != http.StatusServiceUnavailable { // pickerd may end, and no picture is empty
			t.Errorf("a client whose request ends: %d", code)
		}
		if w := g.ask(t.Context(), http.MethodGet, ninth); w.Code != http.StatusOK {
			t.Errorf("after a client gave up: %d", w.Code)
		}
		for _, c := range clients {
			c.cancel()
		}
	})
}

// TestUnreadable checks that a photo that can't be read now is no lasting picture, and
// that a line takes the place of one that never can be.
func TestUnreadable(t *testing.T) {
	g := newGallery(t, false)
	g.pages.Set(display.Page{Slide: slide(".")}) // a folder
	const target = "/screen.png?w=64&h=36"
	if w := g.ask(t.Context(), http.MethodGet, target); w.Code != http.StatusServiceUnavailable {
		t.Errorf("a photo that can't be read: %d", w.Code)
	}
	g.pages.Set(display.Page{Slide: slide("gone.png")})
	if m, _ := g.get(t, target); m.Bounds().Dx() != 64 {
		t.Errorf("a photo that is gone: %v", m.Bounds())
	}
}

// TestForgotten checks that pictures of a person who was forgotten are drawn no more, and
// that those which nobody asks for are not kept.
func TestForgotten(t *testing.T) {
	g := newGallery(t, false)
	photo := g.put(t, "photo.png", 64, 36, red)
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- g.server.Run(ctx) }()
		const target = "/screen.png?w=64&h=36"
		g.pages.Set(display.Page{Slide: photo, Viewers: display.Viewers{Visit: "a"}})
		_, etag := g.get(t, target)
		time.Sleep(time.Minute)
		if _, again := g.get(t, target); again != etag || g.opened.Load() != 1 {
			t.Errorf("%d drawings within a minute", g.opened.Load())
		}
		if g.server.Kept() == 0 {
			t.Error("nothing is kept for a client that comes again")
		}
		g.pages.Set(display.Page{Title: "Welcome", Viewers: display.Viewers{Visit: "b"}})
		synctest.Wait()
		if n := g.server.Kept(); n != 0 {
			t.Errorf("%d bytes are kept of a person who was forgotten", n)
		}
		g.pages.Set(display.Page{Slide: photo, Viewers: display.Viewers{Visit: "b"}})
		if _, other := g.get(t, target); other == etag {
			t.Error("another person's picture has the same ETag")
		}
		time.Sleep(2*time.Minute + time.Second)
		synctest.Wait()
		if n := g.server.Kept(); n != 0 {
			t.Errorf("%d bytes are kept that nobody asks for", n)
		}
		stop()
		<-ended
	})
}

// TestForgottenWhileDrawn checks that nobody gets a picture of a person who is forgotten
// while it is drawn, and that it is not kept.
func TestForgottenWhileDrawn(t *testing.T) {
	g := newGallery(t, false)
	photo := g.put(t, "photo.png", 64, 36, red)
	g.opens = func() {
		g.pages.Set(display.Page{Title: "Welcome", Viewers: display.Viewers{Visit: "b"}})
	}
	g.pages.Set(display.Page{Slide: photo, Viewers: display.Viewers{Visit: "a"}})
	const target = "/screen.png?w=64&h=36"
	if w := g.ask(t.Context(), http.MethodGet, target); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	if n := g.server.Kept(); n != 0 {
		t.Errorf("%d bytes are kept of a person who was forgotten", n)
	}
	g.get(t, target)
}
