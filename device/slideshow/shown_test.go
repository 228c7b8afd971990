package slideshow_test

import (
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device/slideshow"
	"pickerd/display"
)

// TestShown checks what frames say of the item on the screen, and since and until when
// it is there.
func TestShown(t *testing.T) {
	withShow(t, slideshow.Options{Interval: 10 * time.Second}, func(s show) {
		began := time.Now()
		check := func(what, item string, since, until time.Duration) {
			t.Helper()
			synctest.Wait()
			got := s.Frames().Get().Shown
			want := time.Time{}
			if until > 0 {
				want = began.Add(until)
			}
			if got.Item != item || got.Account != "mira" || !got.Since.Equal(began.Add(since)) || !got.Until.Equal(want) {
				t.Errorf("%s: %s of %s since %v until %v, want %s since %v until %v", what, got.Item, got.Account, got.Since.Sub(began), got.Until.Sub(began), item, since, until)
			}
		}
		check("at first", "p0", 0, 10*time.Second)
		time.Sleep(12 * time.Second)
		check("then", "p1", 10*time.Second, 20*time.Second)
		if err := s.Do(s.ctx, display.Wish{Verb: display.Pause}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		check("paused", "p1", 10*time.Second, 0)
		if err := s.Do(s.ctx, display.Wish{Verb: display.Pause}); err != nil {
			t.Fatal(err)
		}
		check("resumed", "p1", 10*time.Second, 82*time.Second)
		s.Configure(slideshow.Options{Interval: 30 * time.Second})
		check("another interval", "p1", 10*time.Second, 102*time.Second)
	})
}
