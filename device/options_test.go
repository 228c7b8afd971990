package device_test

import (
	"strings"
	"testing"

	"pickerd/device"
	"pickerd/device/engine"
)

// TestOptions checks that the next pick follows changed options, without a restart.
func TestOptions(t *testing.T) {
	var log suffixLog
	o := options{items: sampleVideos(t, 3), before: func(w *world) { w.net.hook(log.before, nil) }}
	inWorld(t, o, func(t *testing.T, w *world) {
		pick := func(o engine.Options, id, want string) {
			t.Helper()
			engine.Configure(w.dev.engine, o)
			if err := w.dev.Pick(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.choose(id)
			w.untilState(device.Showing)
			w.untilClean()
			photos, err := w.store.Photos.Collection()
			if got := strings.Join(photoIDs(photos), " "); err != nil || got != want {
				t.Errorf("%+v: %s, %v, want %s", o, got, err, want)
			}
		}
		w.pair()
		w.choose("film-1")
		w.untilState(device.Showing)
		w.untilClean()
		pick(engine.Options{Append: true, OriginalVideos: true}, "film-2", "film-1 film-2")
		pick(engine.Options{}, "film-3", "film-3")
		if got := log.String(); got != "m37 dv m37" {
			t.Errorf("requested %s", got)
		}
	})
}
