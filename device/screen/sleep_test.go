package screen_test

import (
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/device/screen"
	"pickerd/display"
)

// do grants a wish.
func do(v display.Verb) func(*testing.T, *screen.Screen) {
	return func(t *testing.T, s *screen.Screen) {
		t.Helper()
		if err := s.Do(t.Context(), display.Wish{Verb: v}); err != nil {
			t.Error(err)
		}
	}
}

// wait lets time pass.
func wait(d time.Duration) func(*testing.T, *screen.Screen) {
	return func(*testing.T, *screen.Screen) { time.Sleep(d); synctest.Wait() }
}

// TestSleep checks when the screen goes dark because nobody is there, and what wakes it.
func TestSleep(t *testing.T) {
	sleepy := screen.Options{SleepAfter: 30 * time.Minute, Zone: time.UTC}
	night := sleepy
	night.Nights = everyNight(22*time.Hour, 6*time.Hour)
	brief := night
	brief.SleepAfter = 2 * time.Minute
	key := func(t *testing.T, s *screen.Screen) {
		t.Helper()
		if err := s.Press(t.Context(), screen.KeyRight); err != nil {
			t.Error(err)
		}
	}
	set := func(o screen.Options) func(*testing.T, *screen.Screen) {
		return func(_ *testing.T, s *screen.Screen) { s.Configure(o) }
	}
	activity, off := do(display.Activity), do(display.ScreenOff)
	type steps = []func(*testing.T, *screen.Screen)
	for _, tt := range []struct {
		name    string
		options screen.Options
		hour    int
		steps   steps
		on      bool
	}{
		{"never", screen.Options{}, 12, steps{wait(90 * time.Hour)}, true},
		{"before", sleepy, 12, steps{wait(29*time.Minute + 59*time.Second)}, true},
		{"after", sleepy, 12, steps{wait(30 * time.Minute)}, false},
		{"activity prolongs", sleepy, 12, steps{wait(29 * time.Minute), activity, wait(29 * time.Minute)}, true},
		{"activity ends", sleepy, 12, steps{wait(29 * time.Minute), activity, wait(30 * time.Minute)}, false},
		{"activity wakes", sleepy, 12, steps{wait(50 * time.Hour), activity}, true},
		{"for as long", sleepy, 12, steps{wait(50 * time.Hour), activity, wait(30 * time.Minute)}, false},
		{"a key wakes", sleepy, 12, steps{wait(time.Hour), key}, true},
		{"a pointer wakes", sleepy, 12, steps{wait(time.Hour), do(display.Stay)}, true},
		{"switched on", sleepy, 12, steps{wait(time.Hour), do(display.ScreenOn)}, true},
		{"off stays off", sleepy, 12, steps{off, wait(time.Hour), activity}, false},
		{"off, at once", sleepy, 12, steps{off, activity}, false},
		{"off without sleep", screen.Options{}, 12, steps{off, activity}, false},
		{"off, then a key", sleepy, 12, steps{off, activity, key}, true},
		{"off while asleep", sleepy, 12, steps{wait(time.Hour), off, wait(time.Hour), activity}, false},
		{"activity at night", night, 23, steps{wait(time.Hour), activity, wait(9 * time.Minute)}, true},
		{"for ten minutes", night, 23, steps{wait(time.Hour), activity, wait(10 * time.Minute)}, false},
		{"or for less", brief, 23, steps{wait(time.Hour), activity, wait(2 * time.Minute)}, false},
		{"nobody in the morning", night, 23, steps{wait(8 * time.Hour)}, false},
		{"somebody in the morning", night, 23, steps{wait(8 * time.Hour), activity}, true},
		{"off until the morning", night, 23, steps{off, wait(8 * time.Hour), activity}, true},
		{"set late", screen.Options{}, 12, steps{wait(time.Hour), set(sleepy), wait(29 * time.Minute)}, true},
		{"set, then over", screen.Options{}, 12, steps{wait(time.Hour), set(sleepy), wait(30 * time.Minute)}, false},
		{"set to never", sleepy, 12, steps{wait(time.Hour), set(screen.Options{})}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			running(t, tt.options, time.Date(2026, 3, 9, tt.hour, 0, 0, 0, time.UTC), func(s *screen.Screen) {
				for _, step := range tt.steps {
					step(t, s)
				}
				synctest.Wait()
				if st, p := s.Statuses().Get(), s.Pages().Get(); st.ScreenOn != tt.on || p.Night == tt.on {
					t.Errorf("on: %t, page black: %t, want on: %t", st.ScreenOn, p.Night, tt.on)
				}
			})
		})
	}
}

// TestSleepWhilePicking checks that the screen stays on while somebody picks, and for
// its time after that.
func TestSleepWhilePicking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, snapshots := newScreenOf(screen.Options{SleepAfter: 10 * time.Minute}, time.Now())
		stop := start(t, s)
		defer stop()
		snap := snapshots.Get()
		for i, state := range []device.State{device.Opening, device.Picking, device.Fetching} {
			snap.Seq, snap.State = i+2, state
			snapshots.Set(snap)
			if wait(time.Hour)(t, s); !s.Statuses().Get().ScreenOn {
				t.Errorf("dark while %s", state)
			}
		}
		snap.Seq, snap.State = 9, device.Showing
		snapshots.Set(snap)
		if wait(9*time.Minute)(t, s); !s.Statuses().Get().ScreenOn {
			t.Error("dark before anybody could see the photos")
		}
		if wait(time.Minute)(t, s); s.Statuses().Get().ScreenOn {
			t.Error("not dark after that")
		}
	})
}
