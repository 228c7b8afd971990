package device

import (
	"context"
	"time"
)

// A pollClock knows when a poll is due and when it is no longer worth it. It
// keeps times with their monotonic part, which the disk strips: a clock that
// is set while somebody looks at a code must not end it.
type pollClock struct {
	of     string // requestId
	last   time.Time
	until  time.Time
	sure   bool // until comes from a server, or from the disk by a server's time
	warned bool // that what the server says about polling is not understood
}

// start begins a new count for a pairing or pick.
func (c *pollClock) start(requestID string, until time.Time) {
	*c = pollClock{of: requestID, last: time.Now(), until: until, sure: true}
}

// adopt makes the clock that of requestID: after a restart, until what the disk
// says.
func (c *pollClock) adopt(requestID string, until time.Time, sure bool) {
	if c.of != requestID {
		// Counted from now, not at once: the poll before a restart may have
		// been a moment ago, and asking too fast costs five seconds for good.
		c.start(requestID, until)
		c.sure = sure
	} else if sure && !c.sure {
		c.until, c.sure = until, true
	}
}

// pairUntil is when the code on the screen ends; zero without one.
func (c *pollClock) pairUntil(f facts) time.Time {
	if f.pairing == nil {
		return time.Time{}
	}
	c.adopt(f.pairing.RequestID, f.pairing.ExpiresAt, true)
	return f.pairing.ExpiresAt
}

// pickUntil is when the session on the screen ends; zero while not known.
func (c *pollClock) pickUntil(f facts, at *clock) time.Time {
	if f.pick == nil || f.pick.SessionID == "" {
		return time.Time{}
	}
	stored := f.pick.PollUntil
	if stored.IsZero() {
		stored = f.pick.ExpireTime
	}
	_, sure := at.now()
	c.adopt(f.pick.RequestID, at.local(stored), sure)
	return c.until
}

// wait returns when the next poll is due, and counts it as made.
func (c *pollClock) wait(ctx context.Context, d *Device, interval time.Duration) error {
	if err := d.sleep(ctx, time.Until(c.last.Add(interval))); err != nil {
		return err
	}
	c.last = time.Now()
	return nil
}

// over reports whether until is known and has come.
func over(until time.Time) bool { return !until.IsZero() && !time.Now().Before(until) }
