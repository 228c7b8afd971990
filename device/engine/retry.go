package engine

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"pickerd/device"
	"pickerd/device/fetch"
	"pickerd/oauthdevice"
	"pickerd/picker"
)

// retry counts failures in a row.
type retry struct {
	n      int
	since  time.Time // of the first one
	online bool      // a server has answered since the start
	logged *repeats
}

// trouble notes a failure, shows it if it lasts, and waits before the next try. A
// request ends the wait.
func (e *Engine) trouble(ctx context.Context, s device.State, err error) {
	if ctx.Err() != nil {
		return
	}
	if e.retry.n == 0 {
		e.retry.since = time.Now()
	}
	e.retry.n++
	n := noticeOf(err)
	e.tally.trouble(n.Code)
	wait := pauseAfter(n, err, e.retry.n)
	e.logFailure(n, err, wait)
	if n.Heals && time.Since(e.retry.since)+wait < n.Quiet {
		e.reply()
		_ = e.do(ctx, func(ctx context.Context) error { return e.pulse.sleep(ctx, wait) })
		return
	}
	p := n.problem()
	p.Since, p.RetryAt = time.Now(), time.Now().Add(wait)
	if re, ok := errors.AsType[*refusedError](err); ok {
		re.describe(p)
	}
	if lerr := e.load(); lerr == nil { // the step may have changed them
		s = next(e.facts)
	}
	e.enter(s, func(n *device.Snapshot) { n.Problem = p })
	e.reply()
	_ = e.do(ctx, func(ctx context.Context) error { return e.pulse.sleep(ctx, wait) })
}

// pauseAfter returns the pause after failure number tries in a row. What a server
// asks for takes the place of the notice's pause if the failure ends without
// anybody.
func pauseAfter(n notice, err error, tries int) time.Duration {
	if pe, ok := errors.AsType[*pollError](err); ok {
		return pe.Wait
	}
	asked := retryAfter(err)
	if asked > 0 && n.Heals {
		return max(asked, backoff(tries))
	}
	return max(n.Pause, backoff(tries), asked)
}

func (e *Engine) logFailure(n notice, err error, wait time.Duration) {
	args := []any{"problem", n.Code, "retry_in", wait.Round(time.Millisecond)}
	if p := e.facts.pick; p != nil {
		args = append(args, "request_id", p.RequestID, "session_id", p.SessionID)
	}
	level := slog.LevelWarn
	if !n.Heals {
		level = slog.LevelError
	}
	// What does not end without anybody has come anew if it is the first in a row.
	e.retry.logged.note(level, "step failed", "", err, !n.Heals && e.retry.n == 1, args...)
}

// calm ends a problem: a step went through. If that is not the success that its
// notice waits for, as after a refusal on the phone, it stays long enough to be
// read.
func (e *Engine) calm() {
	e.retry = retry{online: e.retry.online, logged: e.retry.logged}
	e.pub.update(func(n *device.Snapshot) {
		p := n.Problem
		if p == nil {
			return
		}
		if notices[p.Code].Until >= opened && time.Since(p.Since) < noticeFor {
			left := *p
			left.RetryAt = time.Time{}
			n.Problem = &left
			return
		}
		n.Problem = nil
	})
}

// noteOnline notes that a server answered as it should.
func (e *Engine) noteOnline() {
	if !e.retry.online {
		e.retry.online = true
		e.sweeper.wake()
	}
}

// retryAfter returns what a server asked for, within bounds.
func retryAfter(err error) time.Duration {
	var d time.Duration
	if e, ok := errors.AsType[*oauthdevice.Error](err); ok {
		d = e.RetryAfter
	}
	if e, ok := errors.AsType[*picker.Error](err); ok {
		d = e.RetryAfter
	}
	return min(d, maxRetryAfter)
}

// isTemporary reports whether the same request may work later.
func isTemporary(err error) bool {
	if e, ok := errors.AsType[*oauthdevice.Error](err); ok {
		return e.Temporary()
	}
	if e, ok := errors.AsType[*picker.Error](err); ok {
		return e.Temporary()
	}
	return isNetworkError(err)
}

// isNetworkError reports whether a call failed without an answer.
func isNetworkError(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, fetch.ErrCut) || errors.Is(err, fetch.ErrStalled)
}
