package engine

import (
	"cmp"
	"context"
	"errors"
	"time"

	"pickerd/device"
	"pickerd/picker"
	"pickerd/store"
)

// maxUnused is how many sessions in a row may expire unused before the screen
// returns to its photos. Without photos there is nothing better to show than the
// next QR code.
const maxUnused = 2

// poll asks once whether the person is done, or replaces a session of which polling
// has to stop soon.
func (p picking) poll(ctx context.Context) error {
	e := p.engine
	f := e.facts
	e.poll.pickExpiry(f, e.clock) // makes the timer that of this pick
	if err := e.poll.wait(ctx, e.pulse, cmp.Or(f.pick.Interval, picker.DefaultPollInterval)); err != nil {
		return err
	}
	s, err := e.accounts.api(f.grant).GetSession(ctx, f.pick.SessionID)
	e.poll.made()
	if err != nil {
		return p.pollFailed(ctx, f, err)
	}
	e.noteOnline()
	if s.MediaItemsSet {
		e.pulse.progress()
		return e.records.choosePick(f.pick)
	}
	if err := p.watch(f.pick, s); err != nil {
		return err
	}
	// Only an answer ends a session for lack of use: without one, a person may
	// have chosen, and the time was this box's own.
	until := e.poll.pickExpiry(f, e.clock)
	if until.IsZero() || !isOver(until) && time.Now().Before(latest(renewPickAt(f.pick, until), e.renewal.after)) {
		return nil
	}
	return p.renew(ctx, f, until)
}

// watch takes over the newest pollingConfig. It is written only if it says
// something new: a poll every few seconds must not wear out a flash disk.
func (p picking) watch(pick *store.Pick, s *picker.PickingSession) error {
	e := p.engine
	interval, until, warning := e.poll.read(s)
	if warning != nil {
		e.log.Warn("pollingConfig not understood", "err", warning, "request_id", pick.RequestID, "session_id", s.ID)
	}
	if !until.IsZero() {
		e.poll.until, e.poll.sure = until, true
	}
	moved := !until.IsZero() && e.clock.stampOf(until).Sub(pick.PollUntil).Abs() >= time.Minute
	if interval == pick.Interval && !moved && pick.Refused == nil {
		return nil
	}
	return e.records.updatePick(pick.RequestID, func(p *store.Pick) {
		p.Refused = nil
		p.Interval, p.PollUntil = interval, e.clock.stampOf(e.poll.until)
	})
}

func (p picking) pollFailed(ctx context.Context, f facts, err error) error {
	e := p.engine
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if done, err := e.dropUnusableGrant(f, err); done {
		return err
	}
	if gone, gerr := e.records.isGone(f.pick, err); gerr != nil {
		return gerr
	} else if gone {
		e.log.Warn("session gone", "err", err, "request_id", f.pick.RequestID, "session_id", f.pick.SessionID)
		return p.unused(ctx, f, "gone")
	}
	return err
}

// unused ends a session in which nobody can choose any more, and intends the next
// one.
func (p picking) unused(ctx context.Context, f facts, reason string) error {
	e := p.engine
	n := f.pick.UnusedBefore + 1
	if f.successor != nil || f.photos > 0 && n >= maxUnused {
		defer e.sweeper.wake()
		return e.records.endPick(f.pick, reason)
	}
	if err := p.space(ctx, f.pick); err != nil {
		return err
	}
	return e.records.replacePick(f.pick, reason, n)
}

// space waits if a session is to be replaced that is younger than a minute: a server
// that ends sessions at once must not be flooded with new ones.
func (p picking) space(ctx context.Context, pick *store.Pick) error {
	e := p.engine
	if e.clock.stamp().Sub(pick.CreatedAt) >= time.Minute {
		return nil
	}
	return e.pulse.sleep(ctx, backoff(pick.UnusedBefore+1))
}

// renewPickAt returns when a session on the screen is to be replaced: a minute before
// polling of it has to stop, or a tenth of a short time.
func renewPickAt(p *store.Pick, until time.Time) time.Time {
	margin := freshMargin
	if !p.PollUntil.IsZero() {
		margin = max(min(margin, p.PollUntil.Sub(p.CreatedAt)/10), 0)
	}
	return until.Add(-margin)
}

// renew puts another session on the screen. The one until now stays there as long
// as it may be polled and the other one is not on the disk. Somebody may be choosing
// in it, so it is polled afterwards too.
func (p picking) renew(ctx context.Context, f facts, until time.Time) error {
	e := p.engine
	if n := f.pick.UnusedBefore + 1; f.photos > 0 && n >= maxUnused {
		if !isOver(until) {
			return nil
		}
		return e.replaced.add(f.pick, until)
	}
	if err := p.space(ctx, f.pick); err != nil {
		return err
	}
	next, s := f.successor, (*picker.PickingSession)(nil)
	if next == nil {
		intent := e.records.newPick(f.grant.ID, f.pick.Collection, f.pick.UnusedBefore+1)
		intent.SuccessorOf = f.pick.RequestID
		if err := e.cfg.Store.Picks.Add(intent); err != nil {
			return storeError(err)
		}
		next = &intent
	}
	if next.SessionID == "" { // else the power was cut just then
		var err error
		if s, err = p.create(ctx, f, next); err != nil {
			return p.notRenewed(f, until, err)
		}
		if s == nil {
			return nil
		}
	}
	if err := e.replaced.add(f.pick, until); err != nil || s == nil {
		return err
	}
	return p.present(next, s)
}

// notRenewed handles a failure to create the next session: the person keeps the
// code on the screen until polling has to stop.
func (p picking) notRenewed(f facts, until time.Time, err error) error {
	e := p.engine
	if device.DiskProblem(err) != nil {
		return err
	}
	if isOver(until) {
		return errors.Join(err, e.replaced.add(f.pick, until))
	}
	e.renewal.after = time.Now().Add(pauseAfter(noticeOf(err), err, e.retry.n+1))
	due := e.poll.due(cmp.Or(f.pick.Interval, picker.DefaultPollInterval))
	return &pollError{max(time.Until(earliest(due, until)), 0), err}
}
