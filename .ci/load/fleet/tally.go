package fleet

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// A tally notes which boxes have done something.
type tally struct {
	name  string
	began time.Time
	all   chan struct{} // closed when all have, or one never will

	mu    sync.Mutex
	seen  []bool
	times []time.Duration // since it began
	err   error           // why a box never will
}

func newTally(name string, boxes int) *tally {
	return &tally{name: name, began: time.Now(), all: make(chan struct{}), seen: make([]bool, boxes)}
}

// mark notes that a box has done it.
func (t *tally) mark(box int) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen[box] {
		return
	}
	t.seen[box] = true
	t.times = append(t.times, time.Since(t.began))
	if len(t.times) == len(t.seen) && t.err == nil {
		close(t.all)
	}
}

// fail notes why a box never will.
func (t *tally) fail(err error) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil && len(t.times) < len(t.seen) {
		t.err = err
		close(t.all)
	}
}

// wait waits until all boxes have done it. The error says how many are missing.
func (t *tally) wait(ctx context.Context, what string) error {
	select {
	case <-t.all:
	case <-ctx.Done():
		t.mu.Lock()
		defer t.mu.Unlock()
		return fmt.Errorf("%s: %d of %d boxes in %v, the first missing is box %d: %w", what, len(t.times), len(t.seen), time.Since(t.began).Round(time.Second),
			slices.Index(t.seen, false), context.Cause(ctx))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

// Times are how long boxes took.
type Times struct {
	Half    time.Duration `json:"half"`    // until half of them had done it
	Most    time.Duration `json:"most"`    // 99 %
	Longest time.Duration `json:"longest"` // all
}

// summary returns the times of a tally that is complete.
func (t *tally) summary() Times {
	n := len(t.times)
	return Times{t.times[n/2], t.times[n*99/100], t.times[n-1]}
}
