package engine

import (
	"cmp"
	"context"
	"errors"
	"time"

	"pickerd/picker"
	"pickerd/store"
)

// maxUnused is how many sessions in a row may expire unused before the screen
// returns to its photos. Without photos there is nothing better to show than the
// next QR code.
const maxUnused = 2

// pick asks once whether the person is done, or replaces a session that expired.
func (e *Engine) pick(ctx context.Context) error {
	f := e.facts
	p := f.pick
	e.poll.pickExpiry(f, e.clock) // makes the timer that of this pick
	if err := e.poll.wait(ctx, e.pulse, cmp.Or(p.Interval, picker.DefaultPollInterval)); err != nil {
		return err
	}
	s, err := e.accounts.api(f.grant).GetSession(ctx, p.SessionID)
	if err != nil {
		return e.pickFailed(ctx, f, err)
	}
	e.noteOnline()
	if s.MediaItemsSet {
		e.pulse.progress()
		e.log.Info("picked", "request_id", p.RequestID, "session_id", p.SessionID)
		return e.records.updatePick(p.RequestID, func(p *store.Pick) { p.Done = true })
	}
	if err := e.watch(p, s); err != nil {
		return err
	}
	// Only an answer ends a session for lack of use: without one, a person may
	// have chosen, and the time was this box's own.
	if isOver(e.poll.pickExpiry(f, e.clock)) {
		return e.unused(ctx, f, "time-out")
	}
	return nil
}

// watch takes over the newest pollingConfig. It is written only if it says
// something new: a poll every few seconds must not wear out a flash disk.
func (e *Engine) watch(p *store.Pick, s *picker.PickingSession) error {
	interval, until, warning := e.poll.read(s)
	if warning != nil {
		e.log.Warn("pollingConfig not understood", "err", warning, "request_id", p.RequestID, "session_id", s.ID)
	}
	if !until.IsZero() {
		e.poll.until, e.poll.sure = until, true
	}
	moved := !until.IsZero() && e.clock.stampOf(until).Sub(p.PollUntil).Abs() >= time.Minute
	if interval == p.Interval && !moved {
		return nil
	}
	return e.records.updatePick(p.RequestID, func(p *store.Pick) {
		p.Interval, p.PollUntil = interval, e.clock.stampOf(e.poll.until)
	})
}

func (e *Engine) pickFailed(ctx context.Context, f facts, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if done, err := e.dropUnusableGrant(f, err); done {
		return err
	}
	if pe, ok := errors.AsType[*picker.Error](err); ok && pe.Code == picker.NotFound {
		return e.unused(ctx, f, "gone")
	}
	return err
}

// unused ends a session in which nobody chose, and intends the next one.
func (e *Engine) unused(ctx context.Context, f facts, reason string) error {
	n := f.pick.UnusedBefore + 1
	if f.photos > 0 && n >= maxUnused {
		defer e.sweeper.wake()
		return e.records.endPick(f.pick, reason)
	}
	if e.clock.stamp().Sub(f.pick.CreatedAt) < time.Minute {
		// A server that ends sessions at once must not be flooded with new ones.
		if err := e.pulse.sleep(ctx, backoff(n)); err != nil {
			return err
		}
	}
	return e.records.replacePick(f.pick, reason, n)
}
