package slideshow

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/store"
)

// TestReadFailure checks that a collection that could not be read is read again:
// after somebody was forgotten nothing is shown until then.
func TestReadFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fail, generation, reads := false, 0, 0
		s := New(Config{
			Photos: func() ([]store.Photo, error) {
				if reads++; fail {
					return nil, errors.New("input/output error")
				}
				return []store.Photo{{ID: "a", File: "a.jpg"}}, nil
			},
			Generation: func() int { return generation }, ScreenSize: func() (int, int) { return 1, 1 }, Log: slog.New(slog.DiscardHandler),
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = s.Run(ctx)
		}()
		synctest.Wait()
		if f := s.Frames().Get(); f.Slide == nil {
			t.Fatal("the first photo is not shown at once")
		}
		generation, fail, reads = 1, true, 0
		s.Reload()
		time.Sleep(time.Minute)
		if reads < 5 || reads > 20 {
			t.Errorf("%d readings in a minute", reads)
		}
		fail = false
		time.Sleep(readRetry + time.Second)
		synctest.Wait()
		if f := s.Frames().Get(); f.Generation != 1 || f.Slide == nil {
			t.Errorf("%+v", f)
		}
		cancel()
		<-done
	})
}
