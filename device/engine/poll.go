package engine

import (
	"context"
	"errors"
	"time"

	"pickerd/picker"
)

// A pollTimer knows when a poll is due and when polling ends. It keeps times with
// their monotonic part, which the disk strips: a clock that is set while somebody
// looks at a code must not end it.
type pollTimer struct {
	requestID string
	last      time.Time
	notBefore time.Time // a server asked for no poll until then; zero if none did
	until     time.Time
	sure      bool // until is from a server, or from the disk by a server's time
	warned    bool // that a pollingConfig is not understood
}

// start begins a new count for a pairing or pick.
func (p *pollTimer) start(requestID string, until time.Time) {
	*p = pollTimer{requestID: requestID, last: time.Now(), until: until, sure: true}
}

// adopt makes the timer that of requestID: after a restart, until what the disk
// says.
func (p *pollTimer) adopt(requestID string, until time.Time, sure bool) {
	if p.requestID != requestID {
		// Counted from now, not at once: the poll before a restart may have been a
		// moment ago, and polling too fast costs five seconds for good.
		p.start(requestID, until)
		p.sure = sure
	} else if sure && !p.sure {
		p.until, p.sure = until, true
	}
}

// codeExpiry returns when the code on the screen expires; zero without one.
func (p *pollTimer) codeExpiry(f facts) time.Time {
	if f.pairing == nil {
		return time.Time{}
	}
	p.adopt(f.pairing.RequestID, f.pairing.ExpiresAt, true)
	return f.pairing.ExpiresAt
}

// pickExpiry returns when the session on the screen expires; zero if unknown.
func (p *pollTimer) pickExpiry(f facts, c *clock) time.Time {
	if f.pick == nil || f.pick.SessionID == "" {
		return time.Time{}
	}
	stored := f.pick.PollUntil
	if stored.IsZero() {
		stored = f.pick.ExpireTime
	}
	_, sure := c.now()
	p.adopt(f.pick.RequestID, c.local(stored), sure)
	return p.until
}

// wait waits until the next poll is due.
func (p *pollTimer) wait(ctx context.Context, pulse *pulse, interval time.Duration) error {
	return pulse.sleep(ctx, time.Until(p.due(interval)))
}

// made notes that a poll has been answered or has failed. The interval counts from then
// on: a slow network or a token that had to be refreshed may have held the request back.
func (p *pollTimer) made() { p.last = time.Now() }

// due returns when the next poll is due.
func (p *pollTimer) due(interval time.Duration) time.Time {
	return latest(p.last.Add(interval), p.notBefore)
}

// delay makes the next poll wait as a server asks.
func (p *pollTimer) delay(d time.Duration) {
	p.notBefore = time.Now().Add(min(d, maxRetryAfter))
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// read reads how often and until when a session is to be polled; until is zero if
// the server does not say. warning is non-nil once if that is not understood.
func (p *pollTimer) read(s *picker.PickingSession) (interval time.Duration, until time.Time, warning error) {
	interval, err := s.PollingConfig.Interval()
	timeout, known, timeoutErr := s.PollingConfig.Timeout()
	if err := errors.Join(err, timeoutErr); err != nil && !p.warned {
		p.warned, warning = true, err
	}
	if known {
		until = time.Now().Add(timeout)
	}
	return interval, until, warning
}

// isOver reports whether until is known and has passed.
func isOver(until time.Time) bool { return !until.IsZero() && !time.Now().Before(until) }
