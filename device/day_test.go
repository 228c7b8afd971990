package device_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/oauthdevice/oauthtest"
)

// A day of picks, outages and refreshed tokens leaves goroutines and memory where
// they were after the first hour.
func TestDayOfOperation(t *testing.T) {
	inWorld(t, options{auth: oauthtest.Options{RotateRefresh: true}}, func(t *testing.T, w *world) {
		w.photos.NoLeaks(t)
		w.pair()
		var goroutines int
		var memory uint64
		for hour := range 24 {
			if hour > 0 {
				if err := w.dev.Pick(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			w.choose()
			w.untilState(device.Showing)
			w.untilClean()
			w.net.cut()
			w.pass(20 * time.Minute)
			w.net.mend()
			w.pass(39 * time.Minute)
			synctest.Wait() // what is just ending has ended
			if n, m := runtime.NumGoroutine(), heap(w); hour == 1 {
				goroutines, memory = n, m
			} else if hour == 23 {
				t.Logf("goroutines %d, then %d; heap %d kB, then %d kB", goroutines, n, memory>>10, m>>10)
				// A leak of one object at each poll would be thousands.
				if n > goroutines || m > memory+256<<10 {
					t.Errorf("after a day: %d goroutines, were %d; %d bytes of heap, were %d", n, goroutines, m, memory)
				}
			}
		}
	})
}

// heap returns what the box holds: what the simulators and the log remember is
// dropped first.
func heap(w *world) uint64 {
	w.log.mu.Lock()
	w.log.b.Reset()
	w.log.b.Grow(1 << 20)
	w.log.mu.Unlock()
	w.photos.ForgetCalls()
	w.auth.ForgetCalls()
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
