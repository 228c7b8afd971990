package display

import (
	"context"
	"iter"
	"sync"
)

// A Board holds the newest value and wakes its watchers. A slow watcher skips values;
// it never sees an older value after a newer one. The zero Board is ready to use and
// holds T's zero value.
type Board[T any] struct {
	mu      sync.Mutex
	value   T
	changed chan struct{} // closed when value is replaced
}

// Set replaces the value.
func (b *Board[T]) Set(v T) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.value = v
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
}

// Get returns the value.
func (b *Board[T]) Get() T {
	v, _ := b.Current()
	return v
}

// Current returns the value and a channel that is closed when it is replaced.
func (b *Board[T]) Current() (v T, replaced <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.changed == nil {
		b.changed = make(chan struct{})
	}
	return b.value, b.changed
}

// Watch yields the current value, then each newer one, until ctx ends.
func (b *Board[T]) Watch(ctx context.Context) iter.Seq[T] {
	return func(yield func(T) bool) {
		for {
			v, changed := b.Current()
			if !yield(v) {
				return
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}
}

// Feed is Watch as a channel, for use in a select. A goroutine feeds the channel until
// ctx ends. wait waits for that goroutine.
func (b *Board[T]) Feed(ctx context.Context) (values <-chan T, wait func()) {
	c := make(chan T)
	var wg sync.WaitGroup
	wg.Go(func() {
		for v := range b.Watch(ctx) {
			select {
			case c <- v:
			case <-ctx.Done():
				return
			}
		}
	})
	return c, wg.Wait
}
