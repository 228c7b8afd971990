package device_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/device/screen"
	"pickerd/display"
	"pickerd/store"
)

// TestKeys checks that keys turn and pause the slides and open the menu, and that
// the menu leads to its actions.
func TestKeys(t *testing.T) {
	o := options{config: func(c *Config) { c.Version = "v1.2.3"; c.Address = func() string { return "http://192.0.2.7:8420/" } }}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pair()
		w.choose("item-1", "item-2", "item-3")
		w.untilState(device.Showing)
		w.untilClean()
		w.pass(2 * minReload) // the slideshow has read all three
		page := func() display.Page { synctest.Wait(); return w.dev.Pages().Get() }
		press := func(keys ...screen.Key) display.Page {
			t.Helper()
			for _, k := range keys {
				if err := w.dev.Press(t.Context(), k); err != nil {
					t.Errorf("%s: %v", k, err)
				}
			}
			return page()
		}
		at := func() string { return page().Slide.Alt }
		first := at()
		if press(screen.KeyRight); at() == first {
			t.Error("Right does not show the next slide")
		}
		if press(screen.KeyLeft); at() != first {
			t.Error("Left does not show the previous slide")
		}
		if p := press(screen.KeyPlay); p.Paused != "Paused" {
			t.Error("the page does not say that the slideshow is paused")
		}
		w.pass(time.Minute)
		if at() != first {
			t.Error("the slideshow is not paused")
		}
		press(screen.KeyPlay)
		w.pass(defaultInterval + time.Second)
		if at() == first {
			t.Error("the slideshow does not continue")
		}

		m := press(screen.KeyMenu).Menu
		if m == nil || menuLabels(m) != "Choose photos/This photo/Forget this account/About this screen/Back" {
			t.Fatalf("menu %+v", m)
		}
		m = press(screen.KeyUp, screen.KeyDown, screen.KeyDown, screen.KeyDown, screen.KeyOK).Menu
		if m == nil || len(m.Facts) != 4 || m.Facts[1].Value != "http://192.0.2.7:8420/" || m.Facts[2].Value != "v1.2.3" || m.Facts[3].Value != "showing photos" {
			t.Fatalf("about: %+v", m)
		}
		if p := press(screen.KeyBack, screen.KeyBack); p.Menu != nil {
			t.Error("Back does not close the menu")
		}
		press(screen.KeyMenu)
		w.pass(menuFor + time.Second)
		if page().Menu != nil {
			t.Error("an unused menu does not close")
		}

		// The first item of the question is Cancel.
		m = press(screen.KeyMenu, screen.KeyDown, screen.KeyDown, screen.KeyOK).Menu
		if m == nil || m.Selected != 0 || m.Items[0].Label != "Cancel" {
			t.Fatalf("question before unpairing: %+v", m)
		}
		if m = press(screen.KeyOK).Menu; m == nil || w.dev.Statuses().Get().Account == nil {
			t.Error("Cancel does not lead back to the menu")
		}
		press(screen.KeyMenu)

		if press(screen.KeyOK); w.untilState(device.Picking).Pick == nil {
			t.Error("OK does not begin a pick")
		}
		press(screen.KeyBack)
		w.untilState(device.Showing)
		w.untilClean()
		if err := w.dev.Press(t.Context(), screen.KeyBack); err != nil {
			t.Errorf("Back without anything to cancel: %v", err)
		}
		press(screen.KeyMenu, screen.KeyDown, screen.KeyDown, screen.KeyOK, screen.KeyDown, screen.KeyOK)
		w.until("unpaired box", func(s device.Status) bool { return s.Account == nil })
		w.untilClean()
	})
}

// TestKeysOnSlowDisk checks that keys work while the disk does not answer. It holds
// up a rename of the database, which is being scrubbed of an unpaired account. If a
// key waited for the disk, the test would not end.
func TestKeysOnSlowDisk(t *testing.T) {
	var slow atomic.Bool
	reached, release := make(chan struct{}, 10), make(chan struct{})
	o := options{config: twoAccounts, before: func(w *world) {
		reached, release = make(chan struct{}, 10), make(chan struct{}) // made in this bubble
		w.watch = func(op store.Op) error {
			if slow.Load() && op.Kind == store.OpRename {
				reached <- struct{}{}
				<-release
			}
			return nil
		}
	}}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pairAndChoose("anna", "item-1", "item-2", "item-3")
		if err := w.dev.PickAs(t.Context(), device.NewAccount); err != nil {
			t.Fatal(err)
		}
		w.pairAndChoose("ben", "item-4", "item-5")
		w.untilClean()
		ben := w.accountID("ben@example.org")
		slow.Store(true)
		forgotten := make(chan error, 1)
		go func() { forgotten <- w.dev.UnpairOne(t.Context(), ben, true) }()
		<-reached
		press := func(k screen.Key) {
			t.Helper()
			if err := w.dev.Press(t.Context(), k); err != nil {
				t.Fatal(err)
			}
		}
		for range 5 {
			press(screen.KeyRight)
			press(screen.KeyMenu)
			if w.dev.Pages().Get().Menu == nil {
				t.Error("Menu does not open the menu")
			}
			press(screen.KeyDown)
			press(screen.KeyMenu)
			if w.dev.Pages().Get().Menu != nil {
				t.Error("Menu does not close the menu")
			}
		}
		slow.Store(false)
		close(release)
		if err := <-forgotten; err != nil {
			t.Fatal(err)
		}
		w.untilClean()
	})
}

// menuLabels returns the labels of a menu's items, separated by slashes.
func menuLabels(m *display.Menu) string {
	var all []string
	for _, it := range m.Items {
		all = append(all, it.Label)
	}
	return strings.Join(all, "/")
}
