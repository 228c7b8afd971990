package device

import (
	"cmp"
	"context"
	"errors"
	"time"

	"pickerd/picker"
	"pickerd/store"
)

// unattended is how many sessions in a row may die unused before the screen
// goes back to its photos. Without photos there is nothing better to show than
// the next QR code.
const unattended = 2

// pick asks once whether the person is done, or replaces a session that died.
func (d *Device) pick(ctx context.Context) error {
	f := d.facts
	p := f.pick
	d.poll.pickUntil(f, d.clock) // makes the clock that of this pick
	if err := d.poll.wait(ctx, d, cmp.Or(p.Interval, picker.DefaultPollInterval)); err != nil {
		return err
	}
	s, err := d.api(f.grant).GetSession(ctx, p.SessionID)
	if err != nil {
		return d.pickFailed(ctx, f, err)
	}
	d.reach()
	if s.MediaItemsSet {
		d.active()
		d.log.Info("picked", "request_id", p.RequestID, "session_id", p.SessionID)
		return d.updatePick(p.RequestID, func(p *store.Pick) { p.Done = true })
	}
	if err := d.watch(p, s); err != nil {
		return err
	}
	// Only an answer ends a session for lack of use: while there was none, a
	// person may have chosen, and the time was this box's own.
	if over(d.poll.pickUntil(f, d.clock)) {
		return d.unused(ctx, f, "time-out")
	}
	return nil
}

// watch takes over the newest pollingConfig. It is written only when it says
// something new: a poll every few seconds must not wear out a flash disk.
func (d *Device) watch(p *store.Pick, s *picker.PickingSession) error {
	interval, until := d.polling(p.RequestID, s)
	if !until.IsZero() {
		d.poll.until, d.poll.sure = until, true
	}
	moved := !until.IsZero() && d.clock.stampOf(until).Sub(p.PollUntil).Abs() >= time.Minute
	if interval == p.Interval && !moved {
		return nil
	}
	return d.updatePick(p.RequestID, func(p *store.Pick) { p.Interval, p.PollUntil = interval, d.clock.stampOf(d.poll.until) })
}

// polling reads how often and until when a session is to be polled; until is
// zero when the server doesn't say.
func (d *Device) polling(requestID string, s *picker.PickingSession) (interval time.Duration, until time.Time) {
	interval, err := s.PollingConfig.Interval()
	timeout, known, timeoutErr := s.PollingConfig.Timeout()
	if err := errors.Join(err, timeoutErr); err != nil && !d.poll.warned {
		d.poll.warned = true
		d.log.Warn("the session's pollingConfig is not understood", "err", err, "request_id", requestID, "session_id", s.ID)
	}
	if known {
		until = time.Now().Add(timeout)
	}
	return interval, until
}

func (d *Device) pickFailed(ctx context.Context, f facts, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if done, err := d.useless(f, err); done {
		return err
	}
	if e, ok := errors.AsType[*picker.Error](err); ok && e.Code == picker.NotFound {
		return d.unused(ctx, f, "gone")
	}
	return err
}

// unused ends a session in which nobody chose, and makes the next one.
func (d *Device) unused(ctx context.Context, f facts, reason string) error {
	n := f.pick.UnusedBefore + 1
	if f.photos > 0 && n >= unattended {
		defer wake(d.sweepNow)
		return d.endPick(f.pick, reason)
	}
	if d.clock.stamp().Sub(f.pick.CreatedAt) < time.Minute {
		// A server that ends sessions at once must not be flooded with new ones.
		if err := d.sleep(ctx, backoff(n)); err != nil {
			return err
		}
	}
	return d.replacePick(f.pick, reason, n)
}

func (d *Device) updatePick(requestID string, change func(*store.Pick)) error {
	if err := d.cfg.Store.Picks.Update(requestID, change); err != nil {
		return &storeError{err}
	}
	return nil
}
