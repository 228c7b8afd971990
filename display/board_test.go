package display_test

import (
	"context"
	"testing"
	"testing/synctest"

	"pickerd/display"
)

func TestBoard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b display.Board[int]
		ctx, cancel := context.WithCancel(t.Context())
		last, seen := -1, 0
		done := make(chan struct{})
		go func() {
			defer close(done)
			for v := range b.Watch(ctx) {
				if v < last {
					t.Errorf("%d after %d", v, last)
				}
				last = v
				seen++
			}
		}()
		synctest.Wait()
		for i := range 1000 {
			b.Set(i)
		}
		synctest.Wait()
		if last != 999 || seen < 2 {
			t.Errorf("the watcher saw %d as the newest of %d", last, seen)
		}
		cancel()
		<-done
	})
}
