package slideshow_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device/slideshow"
	"pickerd/display"
	"pickerd/picker"
	"pickerd/store"
)

// TestPlayback checks how long a film stays whose displays tell of it: to the end on the
// slowest of them, within bounds, whatever its header says.
func TestPlayback(t *testing.T) {
	const s = time.Second
	type shows = *slideshow.Slideshow
	after := func(d time.Duration, f func()) { go func() { time.Sleep(d); f() }() }
	for name, tt := range map[string]struct {
		header time.Duration
		tell   func(shows)
		want   time.Duration
	}{
		"nobody tells":                  {60 * s, func(show shows) { show.Join() }, 63 * s},
		"nobody is there":               {2000 * s, func(shows) {}, 2003 * s},
		"it does not begin":             {2000 * s, func(show shows) { show.Join() }, 90 * s},
		"it begins late":                {100 * s, func(show shows) { v := show.Join(); after(80*s, func() { play(v, 100*s, true) }) }, 180 * s},
		"ended early":                   {2000 * s, func(show shows) { play(show.Join(), 12*s, true) }, 12 * s},
		"ended before a photo":          {2000 * s, func(show shows) { play(show.Join(), 3*s, true) }, 10 * s},
		"the end is not told":           {2000 * s, func(show shows) { show.Join().Plays("film", 12*s) }, 15 * s},
		"no length in it":               {0, func(show shows) { play(show.Join(), 40*s, true) }, 40 * s},
		"longer than it says":           {20 * s, func(show shows) { play(show.Join(), 41*s, true) }, 41 * s},
		"the player knows no length":    {0, func(show shows) { play(show.Join(), 47*s, false) }, 47 * s},
		"more than there are bytes for": {0, func(show shows) { play(show.Join(), 40*60*s, false) }, 2048 * s},
		"told of another film":          {60 * s, func(show shows) { show.Join().Plays("other", 0) }, 63 * s},
		"a display that can't play it": {60 * s, func(show shows) {
			show.Join()
			w := show.Join()
			w.Plays("film", 500*s)
			w.Cannot("film", true, errCodec)
		}, 63 * s},
		"no length, and it stalls": {0, func(show shows) {
			v := show.Join()
			v.Plays("film", -1)
			after(10*s, func() { v.Plays("film", -1) })
		}, 10*s + 30*s},
		"it stalls": {60 * s, func(show shows) {
			v := show.Join()
			v.Plays("film", 60*s)
			after(10*s, func() { v.Plays("film", 50*s) })
		}, 10*s + 30*s},
		"it stalls and goes on": {60 * s, func(show shows) {
			v := show.Join()
			v.Plays("film", 60*s)
			after(10*s, func() { v.Plays("film", 50*s) })
			after(35*s, func() { play(v, 50*s, true) })
		}, 85 * s},
		"it stalls again and again": {60 * s, func(show shows) {
			v := show.Join()
			for i := range 200 {
				after(time.Duration(i)*s, func() { v.Plays("film", 60*s) })
			}
		}, 90 * s},
		"two, one behind": {60 * s, func(show shows) {
			v, w := show.Join(), show.Join()
			play(v, 60*s, true)
			after(9*s, func() { play(w, 60*s, true) })
		}, 69 * s},
		"two, one far behind": {60 * s, func(show shows) {
			v, w := show.Join(), show.Join()
			play(v, 60*s, true)
			after(50*s, func() { play(w, 60*s, true) })
		}, 90 * s},
		"two, one stalls": {60 * s, func(show shows) {
			v, w := show.Join(), show.Join()
			play(v, 60*s, true)
			w.Plays("film", 60*s)
		}, 60 * s},
		"the slow one leaves": {60 * s, func(show shows) {
			v, w := show.Join(), show.Join()
			play(v, 60*s, true)
			after(2*s, func() { play(w, 60*s, true) })
			after(61*s, w.Leave)
		}, 61 * s},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				film := store.Photo{ID: "film", File: "film", Type: picker.Video, Duration: tt.header, Bytes: 2 << 20}
				screening(t, film, func(show shows) {
					began := time.Now()
					tt.tell(show)
					for f := range show.Frames().Watch(t.Context()) {
						if !f.Slide.Media[0].Video {
							break
						}
					}
					if got := time.Since(began); got != tt.want {
						t.Errorf("the film stays %v, want %v", got, tt.want)
					}
					time.Sleep(time.Hour) // what is told of it later
				})
			})
		})
	}
}

// play tells every ten seconds that a film of some length plays, and its end, as browsers
// do.
func play(v *slideshow.Viewer, length time.Duration, known bool) {
	go func() {
		for left := length; left > 0; left -= 10 * time.Second {
			if known {
				v.Plays("film", left)
			} else {
				v.Plays("film", -1)
			}
			time.Sleep(min(left, 10*time.Second))
		}
		v.Plays("film", 0)
	}()
}

// screening runs a slideshow of a film and a photo, of 10 seconds.
func screening(t *testing.T, film store.Photo, f func(*slideshow.Slideshow)) {
	t.Helper()
	photos := []store.Photo{film, {ID: "photo", File: "photo", Type: picker.Photo}}
	s := slideshow.New(slideshow.Config{Options: slideshow.Options{Interval: 10 * time.Second}, Photos: func() ([]store.Photo, error) { return photos, nil },
		Generation: func() int { return 0 }, ScreenSize: func() (int, int) { return 1, 1 }, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Run(ctx)
	}()
	synctest.Wait()
	f(s)
	cancel()
	<-done
}

// TestFilmPause checks that a film that is paused goes on from where it was, and that
// its next showing knows nothing of the one before.
func TestFilmPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		film := store.Photo{ID: "film", File: "film", Type: picker.Video, Duration: time.Minute, Bytes: 1 << 20}
		screening(t, film, func(s *slideshow.Slideshow) {
			do := func(v display.Verb) {
				t.Helper()
				if err := s.Do(t.Context(), display.Wish{Verb: v}); err != nil {
					t.Fatal(err)
				}
			}
			at := func(what string, want time.Duration) {
				t.Helper()
				synctest.Wait()
				f := s.Frames().Get()
				if !f.Slide.Media[0].Video || f.Slide.At(time.Now()) != want {
					t.Errorf("%s: the slide is %+v at %v, want the film at %v", what, f.Slide.Media, f.Slide.At(time.Now()), want)
				}
			}
			v := s.Join()
			v.Plays("film", time.Minute)
			time.Sleep(20 * time.Second)
			v.Plays("film", 40*time.Second)
			at("played", 20*time.Second)
			do(display.Pause)
			time.Sleep(3 * time.Hour)
			at("paused", 20*time.Second)
			do(display.Pause)
			at("goes on", 20*time.Second)
			time.Sleep(25 * time.Second)
			v.Plays("film", 15*time.Second)
			time.Sleep(17 * time.Second)
			at("nearly over", 62*time.Second)
			time.Sleep(time.Second)
			synctest.Wait()
			if s.Frames().Get().Slide.Media[0].Video {
				t.Error("a film of a minute stays longer than that")
			}
			v.Plays("film", 0) // too late
			do(display.Previous)
			time.Sleep(50 * time.Second)
			at("again", 50*time.Second)
			do(display.Pause)
			time.Sleep(time.Second)
			do(display.Next)
			do(display.Previous)
			time.Sleep(time.Minute)
			at("chosen during a pause", 0)
			do(display.Pause)
			time.Sleep(time.Second)
			at("begins after it", time.Second)
		})
	})
}
