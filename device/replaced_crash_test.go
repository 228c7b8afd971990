package device_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/picker/pickertest"
	"pickerd/store"
)

// TestCrashWhileReplacing cuts the power at each use of disk and network while a
// session is replaced by another one. Neither may be lost or left at Google, whichever
// of them the person uses.
func TestCrashWhileReplacing(t *testing.T) {
	skipShort(t)
	t.Parallel()
	for name, uses := range map[string]int{"the old one is used": 0, "the new one is used": 1} {
		t.Run(name, func(t *testing.T) {
			var points []string
			// Upkeep runs beside the loop, so that the number of points varies.
			for cut, missed := 0, 0; missed < 3; cut++ {
				what := ""
				synctest.Test(t, func(t *testing.T) { what = cutWhileReplacing(t, cut, uses == 0) })
				if t.Failed() {
					t.Fatalf("cut at %q", what)
				}
				if what == "" {
					missed++
					continue
				}
				points = append(points, what)
			}
			t.Logf("%d crash points: %q", len(points), points)
			for _, at := range []string{store.OpCommit, "POST /v1/sessions", "GET /v1/sessions"} {
				if !slices.ContainsFunc(points, func(p string) bool { return strings.Contains(p, at) }) {
					t.Errorf("no crash point at %q", at)
				}
			}
		})
	}
}

// cutWhileReplacing cuts the power at one point, and returns what that is.
func cutWhileReplacing(t *testing.T, cut int, old bool) string {
	w := newWorld(t, options{photos: pickertest.Options{TimeoutIn: 40 * time.Second, RepeatedRequest: pickertest.SameSession}})
	w.photos.NoLeaks(t)
	power, disk := newPowerCut(-1), &volatileDisk{dir: w.dir, spare: t.TempDir(), dirty: map[string]bool{}}
	w.watch = func(c store.Op) error {
		if c.Kind == store.OpStatfs {
			return nil
		}
		if err := power.point(c.Kind + " " + c.Name + " " + c.To); err != nil {
			return err
		}
		disk.note(c)
		return nil
	}
	about := func(when string) func(*http.Request) error {
		return func(r *http.Request) error { return power.point(when + " " + r.Method + " " + r.URL.Path) }
	}
	w.net.hook(about("before"), about("after"))
	w.start()
	defer func() { w.stop() }()
	first := w.pair()
	w.pass(30 * time.Second)
	power.from(cut)
	select {
	case <-power.off:
	case <-time.After(time.Minute): // the next session is asked for after a random pause
		power.from(-1)
	}
	w.stop()
	what := power.place()
	if what != "" {
		disk.cutPower()
	}
	power = newPowerCut(-1)
	w.start()
	second := w.untilReplaced(first)
	chosen := second
	if old {
		chosen = first
	}
	if err := w.photos.Choose(chosen.Pick.SessionID); err != nil {
		t.Errorf("%s: %v", what, err)
	}
	w.untilState(device.Showing)
	w.untilClean()
	return what
}

// from counts the uses from now on.
func (p *powerCut) from(at int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at, p.n = at, 0
}
