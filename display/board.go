package display

import (
	"context"
	"iter"
	"sync"
)

// A Board holds the newest value and wakes those who watch it. A watcher that
// is slow skips values; it never sees an old one after a newer one. The zero
// Board is ready and holds T's zero value.
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
	v, _ := b.get()
	return v
}

func (b *Board[T]) get() (T, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.changed == nil {
		b.changed = make(chan struct{})
	}
	return b.value, b.changed
}

// Watch yields the value at once, then each newer one, until ctx ends.
func (b *Board[T]) Watch(ctx context.Context) iter.Seq[T] {
	return func(yield func(T) bool) {
		for {
			v, changed := b.get()
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

// Feed is Watch for those who wait for other things too. A goroutine feeds the
// channel until ctx ends; wait returns when it has.
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
