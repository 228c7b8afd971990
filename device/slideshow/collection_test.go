package slideshow_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device/slideshow"
	"pickerd/store"
)

// Another collection is on the wall within a second. A photo that is in both stays.
func TestCollection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wall := map[string][]store.Photo{"": {{ID: "a"}, {ID: "b"}}, "Family": {{ID: "b"}}, "Garden": {{ID: "c"}, {ID: "b"}}}
		var s *slideshow.Slideshow
		s = slideshow.New(slideshow.Config{Photos: func() ([]store.Photo, error) { return wall[s.Collection()], nil },
			Generation: func() int { return 0 }, ScreenSize: func() (int, int) { return 1920, 1080 }, Log: slog.New(slog.DiscardHandler)})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = s.Run(ctx)
		}()
		defer func() { cancel(); <-ended }()
		for _, tt := range []struct{ collection, want string }{{"", "a"}, {"Family", "b"}, {"Garden", "b"}, {"", "b"}} {
			s.Configure(slideshow.Options{Collection: tt.collection})
			time.Sleep(time.Second)
			synctest.Wait()
			if got := s.Frames().Get().Shown.Item; got != tt.want {
				t.Errorf("collection %q shows %s, want %s", tt.collection, got, tt.want)
			}
		}
	})
}
