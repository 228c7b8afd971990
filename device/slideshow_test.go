package device_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/display"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/store"
)

func TestSlideshowOffline(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
		w.stop()
		w.net.cut()
		w.start()
		began := time.Now()
		w.untilPage("a photo", func(p display.Page) bool { return p.Slide != nil && p.Problem == "" })
		if took := time.Since(began); took > 0 {
			t.Errorf("it took %v of virtual time", took)
		}
		w.pass(24 * time.Hour)
		if p := w.dev.Pages().Get(); p.Slide == nil || p.Problem != "" {
			t.Errorf("after a day without network: %+v", p)
		}
	})
}

// Somebody wants to choose, but the network is gone: the photos stay, with a
// line over them, until it is back.
func TestPhotosStayDuringOutage(t *testing.T) {
	for _, lost := range []bool{false, true} {
		inWorld(t, options{}, func(t *testing.T, w *world) {
			w.pair()
			w.choose()
			w.untilState(device.Showing)
			w.untilClean()
			if lost { // then it is the code that can't be had
				w.auth.RevokeAll()
				w.auth.Fail(oauthtest.OpCode, repeat(5, abort)...)
			} else {
				w.net.cut()
			}
			if err := w.dev.Pick(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.untilPage("a line over the photos", func(p display.Page) bool {
				return p.Slide != nil && p.Problem == "No internet connection." && !p.RetryAt.IsZero()
			})
			w.net.mend()
			if lost {
				w.until("the pairing screen", func(s device.Status) bool { return s.Pairing != nil })
				return
			}
			w.choose("item-1")
			w.untilState(device.Showing)
			w.untilClean()
		})
	}
}

func TestPhotosReturnAfterPick(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
		w.dev.Pick(t.Context())
		w.untilState(device.Picking)
		w.net.cut() // nobody picks, the network goes
		w.pass(12 * time.Hour)
		if p := w.dev.Pages().Get(); p.Slide == nil {
			t.Errorf("12 photos are here, the screen says %q %q", p.Title, p.Problem)
		}
	})
}

func TestPhotosReturnAfterPairing(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
		w.auth.RevokeAll()
		w.pass(2 * time.Hour)
		w.auth.Fail(oauthtest.OpCode, repeat(10000, refuse(401, "invalid_client"))...)
		w.dev.Pick(t.Context())
		w.pass(12 * time.Hour)
		if p := w.dev.Pages().Get(); p.Slide == nil {
			t.Errorf("12 photos are here, the screen says %q %q (state %s)", p.Title, p.Problem, p.State)
		}
	})
}

func TestNewestFirst(t *testing.T) {
	inWorld(t, options{config: func(c *Config) { c.Append, c.Slideshow.Newest = true, true }}, func(t *testing.T, w *world) {
		w.pairAndChoose("anna", "item-1", "item-2")
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.choose("item-4", "item-3")
		w.untilState(device.Showing)
		w.untilClean()
		w.restart()
		w.untilPage("a slide", func(p display.Page) bool { return p.Slide != nil })
		var order []string
		photos, err := w.store.Photos.Collection()
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			file := w.dev.Pages().Get().Slide.Media[0].File
			i := slices.IndexFunc(photos, func(p store.Photo) bool { return p.File == file })
			order = append(order, photos[i].ID)
			if err := w.dev.Next(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.pass(time.Second)
		}
		if got := strings.Join(order, " "); got != "item-4 item-3 item-1 item-2" {
			t.Errorf("the order is %s", got)
		}
	})
}

// A photo that an output can't show is left out, and said so once.
func TestUnshowable(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.choose("item-1", "item-2")
		w.untilState(device.Showing)
		w.untilClean()
		bad := w.dev.Pages().Get().Slide.Media[0].File
		for range 3 {
			w.dev.Unshowable(t.Context(), bad, errors.New("it is torn"))
		}
		synctest.Wait()
		for range 4 {
			if p := w.dev.Pages().Get(); p.Slide.Media[0].File == bad {
				t.Error("it is shown again")
			}
			w.pass(defaultInterval)
		}
		if n := strings.Count(w.log.String(), "can't be shown"); n != 1 {
			t.Errorf("said %d times", n)
		}
		w.dev.Unshowable(t.Context(), w.dev.Pages().Get().Slide.Media[0].File, errors.New("so is this"))
		synctest.Wait()
		if p := w.dev.Pages().Get(); p.Slide != nil || p.Title != "These photos can't be shown here" || p.Label(display.Pick) == "" {
			t.Errorf("without any photo: %+v", p)
		}
	})
}
