package main

import (
	"context"
	"time"

	"pickerd/device"
	"pickerd/display"
)

const (
	// departureDelay is how long the box is free of a guest before the program
	// re-executes itself: hooks, browsers and commands learn of it meanwhile.
	departureDelay = time.Second
	// maxOutstanding is how long Google is waited for that must still be told. After
	// that the process keeps only the sealed token.
	maxOutstanding = 10 * time.Second
	// departureInterval is how often it is looked whether that is over.
	departureInterval = 200 * time.Millisecond
)

// A departure notices when a guest has left.
type departure struct {
	guest   bool      // something of a guest was in this process
	token   bool      // that may have been only a token to be revoked
	free    time.Time // since when nothing of a guest is on the box
	waiting time.Time // since when only Google must be told
}

// observe takes note of a snapshot. It reports whether the program is to be
// re-executed now.
func (d *departure) observe(s *device.Snapshot, now time.Time) bool {
	switch {
	case s.Account != nil || s.Library.Items > 0 || s.TokenPending || s.Pick != nil || s.Code != nil && s.Code.Answered:
		*d = departure{guest: true}
		return false
	case s.Outstanding != nil || s.Sessions != device.Sessions{}:
		d.token, d.free = true, time.Time{}
		if d.waiting.IsZero() {
			d.waiting = now
		}
		return d.guest && now.Sub(d.waiting) >= maxOutstanding
	case !d.guest && !d.token:
		return false
	}
	if d.free.IsZero() {
		d.free = now
	}
	return now.Sub(d.free) >= departureDelay
}

// watch waits until a guest has left, nothing of theirs is on the disk and no hook
// runs that was told. Its error is ctx's otherwise.
func (d *departure) watch(ctx context.Context, snapshots *display.Board[device.Snapshot], idle func() bool) error {
	ctx, cancel := context.WithCancel(ctx)
	changes, done := snapshots.Feed(ctx)
	defer done()
	defer cancel()
	for {
		var again <-chan time.Time
		if !d.free.IsZero() || !d.waiting.IsZero() {
			again = time.After(departureInterval)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changes:
		case <-again:
		}
		s := snapshots.Get()
		if d.observe(&s, time.Now()) && idle() {
			return nil
		}
	}
}
