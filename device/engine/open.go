package engine

import (
	"context"
	"errors"

	"pickerd/picker"
	"pickerd/store"
)

// maxOpenTries is how often a session is asked for before the pick is given up
// where there are photos to return to: after pairing, FAILED_PRECONDITION may
// only mean that the phone is not there yet.
const maxOpenTries = 3

// A picking is the part of the loop from the intent of a pick to Done.
type picking struct{ engine *Engine }

// open creates the session that the pick on disk intends.
func (p picking) open(ctx context.Context) error {
	e := p.engine
	f := e.facts
	if f.pick == nil {
		e.pickRequested = false
		if err := e.cfg.Store.Picks.Add(e.records.newPick(f.grant.ID, e.collection, 0)); err != nil {
			return storeError(err)
		}
		return nil
	}
	s, err := p.create(ctx, f, f.pick)
	if err != nil || s == nil {
		return err
	}
	return p.present(f.pick, s)
}

// create creates the session of a pick and checks that its link can be shown. It
// returns nil if the pick has been replaced by another one.
func (p picking) create(ctx context.Context, f facts, pick *store.Pick) (*picker.PickingSession, error) {
	e := p.engine
	s, err := e.sessions.create(ctx, f.grant, pick)
	if err != nil {
		return nil, p.createFailed(ctx, f, pick, err)
	}
	e.noteOnline()
	err = s.Check()
	if err == nil {
		err = e.cfg.CheckQR(s.PickerURI)
	}
	if err == nil {
		e.pub.succeeded(opened)
		return s, nil
	}
	if err := e.records.replacePick(pick, "unusable", pick.UnusedBefore); err != nil {
		return nil, err
	}
	return nil, &linkError{Op: "sessions.create", What: "pickerUri", Err: err}
}

// present begins to poll a new session, which is on the screen from now on.
func (p picking) present(pick *store.Pick, s *picker.PickingSession) error {
	e := p.engine
	e.poll.start(pick.RequestID, e.clock.local(s.ExpireTime.Time))
	err := p.watch(pick, s)
	e.handover.wake()
	return err
}

func (p picking) createFailed(ctx context.Context, f facts, pick *store.Pick, err error) error {
	e := p.engine
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
		if rerr := e.replaced.makeRoom(pick.GrantID); rerr != nil {
			return rerr
		}
		e.sweeper.wake()
	case picker.AlreadyExists:
		if serr := p.space(ctx, pick); serr != nil {
			return serr
		}
		return e.records.replacePick(pick, "requestId taken", pick.UnusedBefore)
	case picker.InvalidArgument:
		if rerr := e.records.replacePick(pick, "refused", pick.UnusedBefore); rerr != nil {
			return rerr
		}
	}
	if f.photos > 0 && e.retry.n >= maxOpenTries && pick == f.pick {
		// The photos stay on the screen if only somebody else can mend it; the
		// notice is shown over them.
		if eerr := e.records.endPick(pick, "not opened"); eerr != nil {
			return eerr
		}
		e.sweeper.wake()
	}
	return err
}
