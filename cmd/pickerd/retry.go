package main

import (
	"context"
	"time"
)

// pause waits for d. It reports false if ctx ends first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// A changeFilter passes a text only if it differs from the previous one, so that a
// repeated failure is logged once. The text before the first is "".
type changeFilter struct{ last string }

func (c *changeFilter) isNew(text string) bool {
	changed := text != c.last
	c.last = text
	return changed
}
