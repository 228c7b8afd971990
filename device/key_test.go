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

// In a real world: keys turn the slides, hold them, and the menu leads to the
// wishes.
func TestKeys(t *testing.T) {
	o := options{config: func(c *Config) { c.Version = "v1.2.3"; c.Address = func() string { return "http://192.0.2.7:8420/" } }}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pair()
		w.choose("item-1", "item-2", "item-3")
		w.untilState(device.Showing)
		w.untilClean()
		w.pass(2 * minReload) // until all three are part of the slideshow
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
			t.Error("Right does nothing")
		}
		if press(screen.KeyLeft); at() != first {
			t.Error("Left does not go back")
		}
		if p := press(screen.KeyPlay); p.Paused != "Paused" {
			t.Error("nothing says that it is held")
		}
		w.pass(time.Minute)
		if at() != first {
			t.Error("it is not held")
		}
		press(screen.KeyPlay)
		w.pass(defaultInterval + time.Second)
		if at() == first {
			t.Error("it does not go on")
		}

		m := press(screen.KeyMenu).Menu
		if m == nil || menuLabels(m) != "Choose photos/Forget this account/About this screen/Back" {
			t.Fatalf("the menu is %+v", m)
		}
		m = press(screen.KeyUp, screen.KeyDown, screen.KeyDown, screen.KeyOK).Menu
		if m == nil || len(m.Facts) != 4 || m.Facts[1].Value != "http://192.0.2.7:8420/" || m.Facts[2].Value != "v1.2.3" || m.Facts[3].Value != "showing photos" {
			t.Fatalf("about: %+v", m)
		}
		if p := press(screen.KeyBack, screen.KeyBack); p.Menu != nil {
			t.Error("Back does not close the menu")
		}
		press(screen.KeyMenu)
		w.pass(menuFor + time.Second)
		if page().Menu != nil {
			t.Error("a menu that nobody uses stays")
		}

		// The harmless line is the first one.
		m = press(screen.KeyMenu, screen.KeyDown, screen.KeyOK).Menu
		if m == nil || m.Selected != 0 || m.Items[0].Label != "Cancel" {
			t.Fatalf("forgetting: %+v", m)
		}
		if m = press(screen.KeyOK).Menu; m == nil || w.dev.Statuses().Get().Account == nil {
			t.Error("keeping it does not lead back")
		}
		press(screen.KeyMenu)

		if press(screen.KeyOK); w.untilState(device.Picking).Pick == nil {
			t.Error("OK does not lead to choosing")
		}
		press(screen.KeyBack)
		w.untilState(device.Showing)
		w.untilClean()
		if err := w.dev.Press(t.Context(), screen.KeyBack); err != nil {
			t.Errorf("Back without anything to cancel: %v", err)
		}
		press(screen.KeyMenu, screen.KeyDown, screen.KeyOK, screen.KeyDown, screen.KeyOK)
		w.until("the account to be forgotten", func(s device.Status) bool { return s.Account == nil })
		w.untilClean()
	})
}

// TestKeysOnSlowDisk checks that keys do what they mean while the disk does not
// answer: during a rename of the database, which is scrubbed of a forgotten
// account. If a key waited for the disk, the test would not end.
func TestKeysOnSlowDisk(t *testing.T) {
	var slow atomic.Bool
	reached, release := make(chan struct{}, 10), make(chan struct{})
	o := options{config: twoAccounts, before: func(w *world) {
		reached, release = make(chan struct{}, 10), make(chan struct{}) // of this bubble
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
				t.Error("Menu opens no menu")
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

// labels are the lines of a menu.
func menuLabels(m *display.Menu) string {
	var all []string
	for _, it := range m.Items {
		all = append(all, it.Label)
	}
	return strings.Join(all, "/")
}
