package slideshow_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device/slideshow"
	"pickerd/picker"
	"pickerd/store"
)

// hall runs a slideshow of a film of a minute and two photos.
func hall(t *testing.T, f func(t *testing.T, s *slideshow.Slideshow)) {
	t.Helper()
	hallOf(t, slog.New(slog.DiscardHandler), f)
}

func hallOf(t *testing.T, log *slog.Logger, f func(t *testing.T, s *slideshow.Slideshow)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		photos := []store.Photo{{ID: "a", File: "a.heic", Filename: "IMG_1.HEIC", Type: picker.Photo}, {ID: "film", File: "film.mp4", Type: picker.Video, Duration: time.Minute, Bytes: 1 << 20}, {ID: "b", File: "b.jpg", Type: picker.Photo}}
		s := slideshow.New(slideshow.Config{Options: slideshow.Options{Interval: 10 * time.Second}, Photos: func() ([]store.Photo, error) { return photos, nil },
			Generation: func() int { return 0 }, ScreenSize: func() (int, int) { return 1, 1 }, Log: log})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = s.Run(ctx)
		}()
		synctest.Wait()
		f(t, s)
		cancel()
		<-done
	})
}

// shown names the slides of the next seconds: one letter each.
func shown(s *slideshow.Slideshow, seconds int) string {
	var b strings.Builder
	for range seconds {
		synctest.Wait()
		if f := s.Frames().Get(); f.Slide == nil {
			b.WriteByte('-')
		} else {
			b.WriteByte(f.Slide.Media[0].File[0])
		}
		time.Sleep(time.Second)
	}
	return b.String()
}

func times(letters string, n int) string { return strings.Repeat(letters, n) }

var errCodec = errors.New("no decoder")

// TestAudience checks that what one display can't show is shown on the others as long
// as it would be without that display.
func TestAudience(t *testing.T) {
	for name, tt := range map[string]struct {
		tell func(s *slideshow.Slideshow)
		want string
	}{
		"nobody": {func(*slideshow.Slideshow) {}, times("a", 10) + times("f", 63) + times("b", 10)},
		"a browser without the codec": {func(s *slideshow.Slideshow) { s.Join().Cannot("film.mp4", true, errCodec) },
			times("a", 10) + times("f", 10) + times("b", 10)},
		"one of two": {func(s *slideshow.Slideshow) { s.Join(); s.Join().Cannot("film.mp4", true, errCodec) },
			times("a", 10) + times("f", 63) + times("b", 10)},
		"the other has left": {func(s *slideshow.Slideshow) {
			other := s.Join()
			s.Join().Cannot("film.mp4", true, errCodec)
			other.Leave()
		}, times("a", 10) + times("f", 10) + times("b", 10)},
		"a screen alone": {func(s *slideshow.Slideshow) { s.ScreenFound(true) }, times("a", 10) + times("f", 63) + times("b", 10)},
		"a screen without a player": {func(s *slideshow.Slideshow) {
			s.ScreenFound(true)
			s.FilmFailed("film.mp4", slideshow.ErrNoPlayer)
		}, times("a", 10) + times("f", 10) + times("b", 10)},
		"a screen without a player and a browser": {func(s *slideshow.Slideshow) {
			s.ScreenFound(true)
			s.FilmFailed("film.mp4", slideshow.ErrNoPlayer)
			s.Join()
		}, times("a", 10) + times("f", 63) + times("b", 10)},
		"a screen and a browser": {func(s *slideshow.Slideshow) { s.ScreenFound(true); s.Join() },
			times("a", 10) + times("f", 63) + times("b", 10)},
		"a photo on the screen alone": {func(s *slideshow.Slideshow) { s.Unshowable(context.Background(), "a.heic", errCodec) },
			times("f", 63) + times("b", 10) + times("f", 10)},
		"a photo on the screen, not in a browser": {func(s *slideshow.Slideshow) { s.Join(); s.Unshowable(context.Background(), "a.heic", errCodec) },
			times("a", 10) + times("f", 63) + times("b", 10)},
		"a photo in a browser, not on the screen": {func(s *slideshow.Slideshow) { s.ScreenFound(true); s.Join().Cannot("a.heic", false, errCodec) },
			times("a", 10) + times("f", 63) + times("b", 10)},
		"a photo nowhere": {func(s *slideshow.Slideshow) {
			s.Join().Cannot("a.heic", false, errCodec)
			s.Unshowable(context.Background(), "a.heic", errCodec)
		}, times("f", 63) + times("b", 10) + times("f", 63)},
		"until another browser comes": {func(s *slideshow.Slideshow) {
			s.Join().Cannot("b.jpg", false, errCodec)
			synctest.Wait()
			s.Join()
		}, times("a", 10) + times("f", 63) + times("b", 10)},
		"more than is kept": {func(s *slideshow.Slideshow) {
			v := s.Join()
			for _, file := range []string{"film.mp4", "1", "2", "3", "4"} {
				v.Cannot(file, true, errCodec)
			}
		}, times("a", 10) + times("f", 63) + times("b", 10)},
	} {
		t.Run(name, func(t *testing.T) {
			hall(t, func(t *testing.T, s *slideshow.Slideshow) {
				tt.tell(s)
				if got := shown(s, len(tt.want)); got != tt.want {
					t.Errorf("shown %s, want %s", got, tt.want)
				}
			})
		})
	}
}

// TestLateLack checks that a film that turns out not to play ends when a photo would.
func TestLateLack(t *testing.T) {
	hall(t, func(t *testing.T, s *slideshow.Slideshow) {
		v := s.Join()
		got := shown(s, 13)
		v.Cannot("film.mp4", true, errCodec)
		if got += shown(s, 10); got != times("a", 10)+times("f", 10)+times("b", 3) {
			t.Errorf("shown %s", got)
		}
	})
}

// TestNothingShowable checks that nothing is shown where no display can show anything,
// until another display comes.
func TestNothingShowable(t *testing.T) {
	hall(t, func(t *testing.T, s *slideshow.Slideshow) {
		v := s.Join()
		for _, file := range []string{"a.heic", "film.mp4", "b.jpg"} {
			v.Cannot(file, false, errCodec)
		}
		synctest.Wait()
		if f := s.Frames().Get(); f.Slide != nil || !f.Unshowable {
			t.Errorf("the frame is %+v", f)
		}
		s.Join()
		synctest.Wait()
		if f := s.Frames().Get(); f.Slide == nil || f.Unshowable {
			t.Errorf("with another browser the frame is %+v", f)
		}
	})
}

// TestLacking checks that what the screen can't show is counted and named.
func TestLacking(t *testing.T) {
	hall(t, func(t *testing.T, s *slideshow.Slideshow) {
		s.Join()
		s.Unshowable(t.Context(), "a.heic", errCodec)
		s.Unshowable(t.Context(), "gone.heic", errCodec)
		if got := s.Frames().Get().Lacking; got.Count != 1 || len(got.Names) != 1 || got.Names[0] != "IMG_1.HEIC" {
			t.Errorf("lacking %+v", got)
		}
	})
}

// TestScreenFilms checks that films which the box's own screen can't play stay no longer
// than photos, until it plays them, and that each is named once, unless no film is played.
func TestScreenFilms(t *testing.T) {
	for name, tt := range map[string]struct {
		why  error
		want int // of the names in status
	}{"a broken film": {errCodec, 1}, "no decoder": {fmt.Errorf("%w: not installed", slideshow.ErrNoPlayer), 0}} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			hallOf(t, slog.New(slog.NewTextHandler(&log, nil)), func(t *testing.T, s *slideshow.Slideshow) {
				s.ScreenFound(true)
				round := func(tell func()) string {
					got := shown(s, 11)
					tell()
					return got + shown(s, 19)
				}
				fails := func() { s.FilmFailed("film.mp4", tt.why) }
				for range 3 {
					if got := round(fails); got != times("a", 10)+times("f", 10)+times("b", 10) {
						t.Errorf("shown %s", got)
					}
				}
				if got := s.Frames().Get().Lacking.Count; got != tt.want {
					t.Errorf("%d are named in the status, want %d", got, tt.want)
				}
				if got := strings.Count(log.String(), "film not played"); got != tt.want {
					t.Errorf("%d lines: %s", got, log.String())
				}
				got := round(func() { s.FilmPlays("film.mp4", 40*time.Second) })
				time.Sleep(21 * time.Second)
				s.FilmPlays("film.mp4", 0)
				if got += shown(s, 1); got != times("a", 10)+times("f", 20)+"b" || s.Frames().Get().Lacking.Count != 0 {
					t.Errorf("shown %s; lacking %+v", got, s.Frames().Get().Lacking)
				}
			})
		})
	}
}
