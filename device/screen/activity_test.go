package screen

import (
	"testing"
	"testing/synctest"
	"time"

	"pickerd/display"
)

// TestActivityIsCheap checks that activity changes nothing while the screen is on,
// however often it is reported, and that all of it counts.
func TestActivityIsCheap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(func(c *Config) { c.SleepAfter = time.Hour })
		r.run(t, func() {
			report := func() {
				if err := r.Screen.Do(t.Context(), display.Wish{Verb: display.Activity}); err != nil {
					t.Error(err)
				}
				synctest.Wait()
			}
			updates := func() int {
				r.Screen.mu.Lock()
				defer r.Screen.mu.Unlock()
				return r.updates
			}
			before := updates()
			for range 3000 { // in three seconds
				time.Sleep(time.Millisecond)
				report()
			}
			if n := updates() - before; n != 0 {
				t.Errorf("%d updates", n)
			}
			if time.Sleep(time.Hour - time.Second); r.Pages().Get().Night {
				t.Error("the last report does not count")
			}
			time.Sleep(time.Second)
			synctest.Wait()
			if !r.Pages().Get().Night {
				t.Error("not dark after an hour")
			}
			before = updates()
			for range 1000 {
				report()
			}
			if n := updates() - before; n != 1 {
				t.Errorf("%d updates to wake", n)
			}
		})
	})
}

// TestHandsetNights checks that a phone sets both kinds of nights at once.
func TestHandsetNights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made := 0
		f := newSettings()
		r := newRig(withPhones(&made, func(c *Config) { c.Settings = f }))
		r.run(t, func() {
			key := r.phone(t)
			for _, tt := range [][3]string{
				{"22:00-07:00", "00:00-08:00", "sun-thu 22:00-07:00, fri-sat 00:00-08:00"},
				{"23:00-07:00", "00:00-08:00", "sun-thu 23:00-07:00, fri-sat 00:00-08:00"},
				{"23:00-07:00", "off", "sun-thu 23:00-07:00"},
				{"", "00:00-08:00", "fri-sat 00:00-08:00"},
				{"22:00-07:00", "", "22:00-07:00"},
			} {
				err := r.ChangeRemote(t.Context(), key, map[string]string{"slideshow.night": tt[0], "slideshow.night_weekend": tt[1]})
				if got := f.all["slideshow.night"].Value; err != nil || got != tt[2] || len(f.all) != 10 {
					t.Errorf("%q and %q: %q, want %q: %v", tt[0], tt[1], got, tt[2], err)
				}
			}
		})
	})
}
