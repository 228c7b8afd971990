package engine

import (
	"context"
	"errors"

	"pickerd/picker"
)

// maxOpenTries is how often a session is asked for before the pick is given up
// where there are photos to return to: after pairing, FAILED_PRECONDITION may
// only mean that the phone is not there yet.
const maxOpenTries = 3

// open creates the session that the pick on disk intends.
func (e *Engine) open(ctx context.Context) error {
	f := e.facts
	if f.pick == nil {
		e.pickRequested = false
		if err := e.cfg.Store.Picks.Add(e.records.newPick(f.grant.ID, 0)); err != nil {
			return storeError(err)
		}
		return nil
	}
	s, err := e.sessions.create(ctx, f.grant, f.pick)
	if err != nil {
		return e.openFailed(ctx, f, err)
	}
	e.noteOnline()
	e.poll.start(f.pick.RequestID, e.clock.local(s.ExpireTime.Time))
	if err := e.watch(f.pick, s); err != nil {
		return err
	}
	err = s.Check()
	if err == nil {
		err = e.cfg.CheckQR(s.PickerURI)
	}
	if err == nil {
		e.pub.succeeded(opened)
		e.handover.wake()
		return nil
	}
	if err := e.records.replacePick(f.pick, "unusable", f.pick.UnusedBefore); err != nil {
		return err
	}
	return &linkError{Op: "sessions.create", What: "pickerUri", Err: err}
}

func (e *Engine) openFailed(ctx context.Context, f facts, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if done, err := e.dropUnusableGrant(f, err); done {
		return err
	}
	pe, ok := errors.AsType[*picker.Error](err)
	if !ok || pe.Temporary() && pe.Code != picker.ResourceExhausted {
		return err
	}
	switch pe.Code {
	case picker.ResourceExhausted:
		e.sweeper.wake()
	case picker.AlreadyExists:
		e.log.Warn("requestId taken", "request_id", f.pick.RequestID)
		return e.records.replacePick(f.pick, "requestId taken", f.pick.UnusedBefore)
	case picker.InvalidArgument:
		if rerr := e.records.replacePick(f.pick, "refused", f.pick.UnusedBefore); rerr != nil {
			return rerr
		}
	}
	if f.photos > 0 && e.retry.n >= maxOpenTries {
		// The photos stay on the screen if only somebody else can mend it; the
		// notice is shown over them.
		if eerr := e.records.endPick(f.pick, "not opened"); eerr != nil {
			return eerr
		}
		e.sweeper.wake()
	}
	return err
}
