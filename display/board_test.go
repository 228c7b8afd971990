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

// Feed gives the current value, then newer ones, and ends with its context.
func TestFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b display.Board[int]
		b.Set(1)
		ctx, cancel := context.WithCancel(t.Context())
		values, wait := b.Feed(ctx)
		if got := <-values; got != 1 || b.Get() != 1 {
			t.Errorf("first value %d, held value %d, want 1", got, b.Get())
		}
		b.Set(2)
		if got := <-values; got != 2 {
			t.Errorf("second value %d, want 2", got)
		}
		b.Set(3) // no one receives it
		synctest.Wait()
		cancel()
		wait()
	})
}
