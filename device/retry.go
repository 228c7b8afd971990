package device

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"pickerd/oauthdevice"
	"pickerd/picker"
)

// longestWait caps a pause while somebody may be looking at the screen.
const longestWait = 15 * time.Second

// backoff is the pause before try n+1: one second, doubled each time, up to
// longestWait, with a fifth of jitter so that boxes behind one failed server
// don't come back as one.
func backoff(n int) time.Duration {
	d := min(time.Second<<min(max(n-1, 0), 10), longestWait)
	return d - time.Duration(rand.Int64N(int64(d)/5+1))
}

// retry counts failures in a row.
type retry struct {
	n     int
	since time.Time // of the first one
	last  string    // what was logged last
}

// trouble notes a failure, says so where it lasts, and waits before the next
// try. A wish ends the wait.
func (d *Device) trouble(ctx context.Context, s State, err error) {
	if ctx.Err() != nil {
		return
	}
	if d.retry.n == 0 {
		d.retry.since = time.Now()
	}
	d.retry.n++
	n := noticeFor(err)
	d.tally.trouble(n.Code)
	wait := max(n.Pause, backoff(d.retry.n), retryAfter(err))
	if line := n.Code + err.Error(); line != d.retry.last {
		d.retry.last = line
		d.logTrouble(n, err, wait)
	}
	if n.Heals && time.Since(d.retry.since)+wait < n.Quiet {
		_ = d.do(ctx, func(ctx context.Context) error { return d.sleep(ctx, wait) })
		return
	}
	p := n.problem()
	p.RetryAt = time.Now().Add(wait)
	if e, ok := errors.AsType[*refusedError](err); ok {
		e.detail(p)
		p.asked = true
	}
	if lerr := d.load(); lerr == nil { // the step may have changed them
		s = next(d.facts)
	}
	d.enter(s, func(v *view) { v.problem = p })
	_ = d.do(ctx, func(ctx context.Context) error { return d.sleep(ctx, wait) })
}

func (d *Device) logTrouble(n notice, err error, wait time.Duration) {
	args := []any{"problem", n.Code, "err", err, "retry_in", wait.Round(time.Millisecond)}
	if p := d.facts.pick; p != nil {
		args = append(args, "request_id", p.RequestID, "session_id", p.SessionID)
	}
	if n.Heals {
		d.log.Warn("trouble", args...)
	} else {
		d.log.Error("trouble", args...)
	}
}

// stayFor is how long a notice that explains what just happened stays when the
// next thing works: long enough to be read.
const stayFor = 20 * time.Second

// calm ends trouble: a step went through. A notice about something that is
// over, such as a refusal on the phone, stays long enough to be read.
func (d *Device) calm() {
	d.retry = retry{}
	d.screen.update(func(v *view) {
		p := v.problem
		if p == nil {
			return
		}
		if notices[p.Code].Stays && time.Since(p.since) < stayFor {
			left := *p
			left.RetryAt = time.Time{}
			v.problem = &left
			return
		}
		v.problem = nil
	})
}

// reach notes that a server answered as it should.
func (d *Device) reach() {
	if !d.reached {
		d.reached = true
		wake(d.sweepNow)
	}
}

// retryAfter is what a server asked for, bounded by what a person would bear.
func retryAfter(err error) time.Duration {
	const most = 10 * time.Minute
	var d time.Duration
	if e, ok := errors.AsType[*oauthdevice.Error](err); ok {
		d = e.RetryAfter
	}
	if e, ok := errors.AsType[*picker.Error](err); ok {
		d = e.RetryAfter
	}
	return min(d, most)
}

// isTemporary reports whether the same thing may work later by itself.
func isTemporary(err error) bool {
	if e, ok := errors.AsType[*oauthdevice.Error](err); ok {
		return e.Temporary()
	}
	if e, ok := errors.AsType[*picker.Error](err); ok {
		return e.Temporary()
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errCut) || errors.Is(err, errStalled) || errors.Is(err, errPage)
}

// isInvalidGrant reports whether a refresh found the grant dead.
func isInvalidGrant(err error) bool {
	e, ok := errors.AsType[*oauthdevice.Error](err)
	return ok && e.Code == oauthdevice.InvalidGrant && e.Op == "refresh"
}
