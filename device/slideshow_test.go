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

// TestSlideshowOffline checks that photos are shown at once and for a day without a
// network.
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
		w.untilPage("photo", func(p display.Page) bool { return p.Slide != nil && p.Problem == "" })
		if took := time.Since(began); took > 0 {
			t.Errorf("first photo after %v of virtual time, want 0", took)
		}
		w.pass(24 * time.Hour)
		if p := w.dev.Pages().Get(); p.Slide == nil || p.Problem != "" {
			t.Errorf("page after a day without a network: %+v", p)
		}
	})
}

// TestPhotosStayDuringOutage checks that the photos stay on the screen, with a
// notice, when a pick cannot begin for lack of a network.
func TestPhotosStayDuringOutage(t *testing.T) {
	for _, lost := range []bool{false, true} {
		inWorld(t, options{}, func(t *testing.T, w *world) {
			w.pair()
			w.choose()
			w.untilState(device.Showing)
			w.untilClean()
			if lost { // the request for a code fails
				w.auth.RevokeAll()
				w.auth.Fail(oauthtest.OpCode, repeat(5, abort)...)
			} else {
				w.net.cut()
			}
			if err := w.dev.Pick(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.untilPage("notice over the photos", func(p display.Page) bool {
				return p.Slide != nil && p.Problem == "No internet connection." && !p.RetryAt.IsZero()
			})
			w.net.mend()
			if lost {
				w.untilCode()
				return
			}
			w.choose("item-1")
			w.untilState(device.Showing)
			w.untilClean()
		})
	}
}

// TestPhotosReturnAfterPick checks that the photos return when a pick is not
// completed and the network fails.
func TestPhotosReturnAfterPick(t *testing.T) {
	skipShort(t)
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
		w.dev.Pick(t.Context())
		w.untilState(device.Picking)
		w.net.cut()
		w.pass(12 * time.Hour)
		if p := w.dev.Pages().Get(); p.Slide == nil {
			t.Errorf("no photo is shown; title %q, problem %q", p.Title, p.Problem)
		}
	})
}

// TestPhotosReturnAfterPairing checks that the photos return when the box cannot
// pair again.
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
			t.Errorf("no photo is shown; title %q, problem %q, state %s", p.Title, p.Problem, p.State)
		}
	})
}

// TestNewestFirst checks the order of the slides with the newest pick first.
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
		w.untilPage("slide", func(p display.Page) bool { return p.Slide != nil })
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
			t.Errorf("order %s", got)
		}
	})
}

// TestUnshowable checks that a photo that an output cannot show is skipped and
// logged once.
func TestUnshowable(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.choose("item-1", "item-2")
		w.untilState(device.Showing)
		w.untilClean()
		bad := w.dev.Pages().Get().Slide.Media[0].File
		for range 3 {
			w.dev.Unshowable(t.Context(), bad, errors.New("truncated"))
		}
		synctest.Wait()
		for range 4 {
			if p := w.dev.Pages().Get(); p.Slide.Media[0].File == bad {
				t.Error("the photo is shown again")
			}
			w.pass(defaultInterval)
		}
		if n := strings.Count(w.log.String(), "can't be shown"); n != 1 {
			t.Errorf("logged %d times, want once", n)
		}
		w.dev.Unshowable(t.Context(), w.dev.Pages().Get().Slide.Media[0].File, errors.New("truncated as well"))
		synctest.Wait()
		if p := w.dev.Pages().Get(); p.Slide != nil || p.Title != "These photos can't be shown here" || p.Label(display.Pick) == "" {
			t.Errorf("page without a photo: %+v", p)
		}
	})
}
