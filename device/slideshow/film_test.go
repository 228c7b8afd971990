package slideshow_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device/slideshow"
	"pickerd/picker"
	"pickerd/store"
)

// TestFilmTime checks how long a film stays: to its end, however long it is, and as
// long as a photo at least. A header that promises more than the file can have bytes
// for does not hold up the slideshow.
func TestFilmTime(t *testing.T) {
	const interval, slack = 10 * time.Second, 3 * time.Second
	for name, tt := range map[string]struct {
		duration time.Duration
		bytes    int64
		stills   bool
		want     time.Duration
	}{
		"short":                   {5 * time.Second, 1 << 20, false, interval},
		"two minutes":             {2 * time.Minute, 40 << 20, false, 2*time.Minute + slack},
		"seven minutes":           {7 * time.Minute, 120 << 20, false, 7*time.Minute + slack},
		"two hours":               {2 * time.Hour, 2 << 30, false, 2*time.Hour + slack},
		"a still camera, an hour": {time.Hour, 4 << 20, false, time.Hour + slack},
		"length unknown":          {0, 40 << 20, false, interval},
		"wrong header":            {23 * time.Hour, 600 << 10, false, 10*time.Minute + slack},
		"outputs without films":   {7 * time.Minute, 120 << 20, true, interval},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				photos := []store.Photo{{ID: "film", File: "film.mp4", Type: picker.Video, Duration: tt.duration, Bytes: tt.bytes}, {ID: "photo", File: "photo.jpg", Type: picker.Photo}}
				s := slideshow.New(slideshow.Config{Options: slideshow.Options{Interval: interval}, Stills: tt.stills, Photos: func() ([]store.Photo, error) { return photos, nil },
					Generation: func() int { return 0 }, ScreenSize: func() (int, int) { return 1, 1 }, Log: slog.New(slog.DiscardHandler)})
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan struct{})
				go func() {
					defer close(done)
					_ = s.Run(ctx)
				}()
				var began time.Time
				for f := range s.Frames().Watch(ctx) {
					if f.Slide == nil {
						continue
					}
					if f.Slide.Media[0].Video {
						began = time.Now()
					} else {
						break
					}
				}
				if got := time.Since(began); got != tt.want {
					t.Errorf("the film stays %v, want %v", got, tt.want)
				}
				cancel()
				<-done
			})
		})
	}
}
