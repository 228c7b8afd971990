package device_test

import (
	"bytes"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
)

var soak = flag.Int("soak", 200, "how many picks TestYear makes, in virtual time; 10000 are a year")

// resources are what must not grow with the number of picks.
type resources struct {
	heap              uint64
	files, goroutines int
	database          int64
}

func (v resources) String() string {
	return fmt.Sprintf("%.2f MB of heap, %d files, %d goroutines, database %d kB", float64(v.heap)/1e6, v.files, v.goroutines, v.database/1000)
}

func (w *world) resources() resources {
	w.t.Helper()
	w.photos.PurgeExpired()
	w.auth.PurgeExpired()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		w.t.Fatal(err)
	}
	db, err := os.Stat(w.dir + "/pickerd.db")
	if err != nil {
		w.t.Fatal(err)
	}
	return resources{m.HeapAlloc, len(fds), goroutines(), db.Size()}
}

// TestYear makes picks for a part of a year. People pick, cancel or leave, the
// network fails, tokens expire and accounts change. Resources must not grow, and
// no session may be left.
func TestYear(t *testing.T) {
	skipShort(t)
	o := options{config: func(c *Config) {
		c.Log = slog.New(slog.DiscardHandler)
		c.Slideshow.Interval = 30 * time.Minute // other tests cover the slideshow
	}}
	inWorld(t, o, func(t *testing.T, w *world) {
		n := *soak
		const each = 365 * 24 * time.Hour / 10000
		began := time.Now()
		w.pair()
		var first resources
		for i := range n {
			w.soakPick(i)
			w.untilState(device.Showing)
			w.untilClean()
			w.photos.PurgeExpired()
			w.auth.PurgeExpired()
			if i == n/5 {
				first = w.resources()
				t.Logf("after %d picks: %v", i, first)
			}
			w.pass(max(0, each*time.Duration(i+1)-time.Since(began)))
			switch {
			case i == n-1:
			case i%500 == 499: // another person takes over the box
				if err := w.dev.Unpair(t.Context(), true); err != nil {
					t.Fatal(err)
				}
				w.until("box without duties", func(s device.Status) bool { return s.Outstanding == nil && s.Pairing != nil })
				w.pair()
			default:
				if err := w.dev.Pick(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		last := w.resources()
		t.Logf("after %d picks in %v of virtual time: %v", n, time.Since(began).Round(time.Hour), last)
		t.Logf("%+v", w.dev.Tally())
		if last.heap > first.heap+256<<10 || last.files > first.files+2 || last.goroutines > first.goroutines+2 || last.database > first.database+64<<10 {
			t.Errorf("resources grew: %v, then %v", first, last)
		}
	})
}

// soakPick plays the people of one pick.
func (w *world) soakPick(i int) {
	items := []string{fmt.Sprint("item-", i%12), fmt.Sprint("item-", (i+5)%12)}
	switch i % 10 {
	case 6: // the pick is cancelled
		w.untilState(device.Picking)
		if err := w.dev.Cancel(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	case 7: // nobody picks
		w.pass(48 * time.Minute)
		if s := w.dev.Statuses().Get(); s.State == device.Picking {
			w.choose(items...)
		}
	case 8: // the network fails during the pick
		s := w.untilState(device.Picking)
		w.net.cut()
		if err := w.photos.Choose(s.Pick.SessionID, items...); err != nil {
			w.t.Fatal(err)
		}
		w.pass(5 * time.Minute)
		w.net.mend()
	case 9: // Google answers with errors
		w.untilState(device.Picking)
		w.photos.Fail(pickertest.OpGet, pickertest.Refuse(503, "UNAVAILABLE", ""), pickertest.Refuse(429, "RESOURCE_EXHAUSTED", ""))
		w.choose(items...)
	default:
		w.choose(items...)
	}
}

// TestDay makes a day of picks, outages and token refreshes. Goroutines and memory
// must be as after the first hour.
func TestDay(t *testing.T) {
	skipShort(t)
	inWorld(t, options{auth: oauthtest.Options{RotateRefresh: true}}, func(t *testing.T, w *world) {
		w.photos.NoLeaks(t)
		w.pair()
		var running int
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
			synctest.Wait()
			if n, m := goroutines(), heapInUse(w); hour == 1 {
				running, memory = n, m
			} else if hour == 23 {
				t.Logf("goroutines %d, then %d; heap %d kB, then %d kB", running, n, memory>>10, m>>10)
				// A leak of one object per poll would be thousands.
				if n > running || m > memory+256<<10 {
					t.Errorf("after a day: %d goroutines, want %d; %d bytes of heap, want about %d", n, running, m, memory)
				}
			}
		}
	})
}

// goroutines returns how many goroutines the caller's bubble has. Others run now and
// then outside of it, such as finalizers.
func goroutines() int {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	header, _, _ := bytes.Cut(stacks, []byte("]:")) // of the caller
	_, bubble, ok := bytes.Cut(header, []byte(", synctest bubble "))
	if !ok {
		panic("goroutines was called outside of a bubble")
	}
	return bytes.Count(stacks, fmt.Appendf(nil, ", synctest bubble %s]:", bubble))
}

// heapInUse returns the heap of the box. It first drops what the simulators and
// the log hold.
func heapInUse(w *world) uint64 {
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
