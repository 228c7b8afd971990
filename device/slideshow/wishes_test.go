package slideshow_test

import (
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device/slideshow"
	"pickerd/display"
)

// TestBack checks where somebody gets who goes back: from a film that has played for a
// moment to its beginning, and otherwise to the slide before.
func TestBack(t *testing.T) {
	for name, tt := range map[string]struct {
		played time.Duration
		paused time.Duration // then
		lacks  bool
		want   string
		anew   bool
	}{
		"at its beginning":        {2 * time.Second, 0, false, "a", true},
		"later":                   {3 * time.Second, 0, false, "film", true},
		"late":                    {40 * time.Second, 0, false, "film", true},
		"paused at its beginning": {2 * time.Second, time.Minute, false, "a", true},
		"paused later":            {20 * time.Second, time.Minute, false, "film", true},
		"a still of it":           {5 * time.Second, 0, true, "a", true},
	} {
		hall(t, func(t *testing.T, s *slideshow.Slideshow) {
			do := func(v display.Verb) {
				t.Helper()
				if err := s.Do(t.Context(), display.Wish{Verb: v}); err != nil {
					t.Fatal(err)
				}
			}
			if tt.lacks {
				s.Join().Cannot("film.mp4", true, errCodec)
			}
			do(display.Next)
			time.Sleep(tt.played)
			if tt.paused > 0 {
				do(display.Pause)
				time.Sleep(tt.paused)
			}
			do(display.Previous)
			synctest.Wait()
			f, now := s.Frames().Get(), time.Now()
			if f.Shown.Item != tt.want || !f.Shown.Since.Equal(now) || f.Paused != (tt.paused > 0) || f.Slide.At(now) != 0 {
				t.Errorf("%s: %+v at %v", name, f.Shown, f.Slide.At(now))
			}
			if wantEnd := !f.Paused; f.Shown.Until.IsZero() == wantEnd || wantEnd && tt.want == "film" && f.Shown.Until.Sub(now) != time.Minute+3*time.Second {
				t.Errorf("%s: until %v", name, f.Shown.Until.Sub(now))
			}
		})
	}
}

// TestMute checks that each wish about sound means one thing, and moves nothing.
func TestMute(t *testing.T) {
	hall(t, func(t *testing.T, s *slideshow.Slideshow) {
		before := s.Frames().Get()
		for _, step := range []struct {
			verb          display.Verb
			muted, paused bool
		}{
			{display.Mute, true, false}, {display.Silence, true, false}, {display.Hold, true, true}, {display.Hold, true, true}, {display.Unmute, false, true},
			{display.Unmute, false, true}, {display.Resume, false, false}, {display.Resume, false, false}, {display.Silence, true, false}, {display.Mute, false, false},
		} {
			if err := s.Do(t.Context(), display.Wish{Verb: step.verb}); err != nil {
				t.Fatal(err)
			}
			f := s.Frames().Get()
			if f.Muted != step.muted || f.Paused != step.paused || f.Shown.Item != before.Shown.Item || !f.Shown.Since.Equal(before.Shown.Since) {
				t.Errorf("%s: muted %t, paused %t, %+v", step.verb, f.Muted, f.Paused, f.Shown)
			}
		}
	})
}

// TestReports checks that displays that report the end of a film again and again do not
// make everybody be told of it, and that another end is told.
func TestReports(t *testing.T) {
	hall(t, func(t *testing.T, s *slideshow.Slideshow) {
		v, w := s.Join(), s.Join()
		if err := s.Do(t.Context(), display.Wish{Verb: display.Next}); err != nil {
			t.Fatal(err)
		}
		v.Plays("film.mp4", time.Minute)
		synctest.Wait()
		began := time.Now()
		before := s.Frames().Get()
		for i := range 20 {
			time.Sleep(time.Second)
			jitter := time.Duration(i%7) * 100 * time.Millisecond
			left := time.Minute - time.Since(began) + jitter
			v.Plays("film.mp4", left)
			w.Plays("film.mp4", left-jitter/2)
			synctest.Wait()
		}
		if f := s.Frames().Get(); f.Seq != before.Seq {
			t.Errorf("%d frames of one film: %+v, then %+v", f.Seq-before.Seq, before.Shown, f.Shown)
		}
		v.Plays("film.mp4", 50*time.Second)
		synctest.Wait()
		if f := s.Frames().Get(); f.Seq != before.Seq+1 || f.Shown.Until.Sub(before.Shown.Until) != 10*time.Second {
			t.Errorf("a later end: %v after %v", f.Shown.Until, before.Shown.Until)
		}
	})
}
