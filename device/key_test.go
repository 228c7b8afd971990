package device_test

import (
	"sync/atomic"
	"testing"

	"pickerd/device"
	"pickerd/device/screen"
	"pickerd/store"
)

// TestKeysOnASlowDisk checks that keys do what they mean while the disk does not
// answer: during a rename of the database, which is scrubbed of a forgotten
// account. If a key waited for the disk, the test would not end.
func TestKeysOnASlowDisk(t *testing.T) {
	var slow atomic.Bool
	reached, release := make(chan struct{}, 10), make(chan struct{})
	o := options{config: family, before: func(w *world) {
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
		w.join("anna", "item-1", "item-2", "item-3")
		if err := w.dev.PickAs(t.Context(), device.NewAccount); err != nil {
			t.Fatal(err)
		}
		w.join("ben", "item-4", "item-5")
		w.untilClean()
		ben := w.idOf("ben@example.org")
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
