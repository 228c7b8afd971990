package slideshow

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/store"
)

// TestReadFailure checks that a collection that could not be read is read again:
// after somebody was forgotten nothing is shown until then.
func TestReadFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fail atomic.Bool
		var generation, reads atomic.Int64
		s := New(Config{
			Photos: func() ([]store.Photo, error) {
				if reads.Add(1); fail.Load() {
					return nil, errors.New("input/output error")
				}
				return []store.Photo{{ID: "a", File: "a.jpg"}}, nil
			},
			Generation: func() int { return int(generation.Load()) }, ScreenSize: func() (int, int) { return 1, 1 }, Log: slog.New(slog.DiscardHandler),
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
		generation.Store(1)
		fail.Store(true)
		reads.Store(0)
		s.Reload()
		time.Sleep(time.Minute)
		if n := reads.Load(); n < 5 || n > 20 {
			t.Errorf("%d readings in a minute", n)
		}
		fail.Store(false)
		time.Sleep(readRetry + time.Second)
		synctest.Wait()
		if f := s.Frames().Get(); f.Generation != 1 || f.Slide == nil {
			t.Errorf("%+v", f)
		}
		cancel()
		<-done
	})
}
