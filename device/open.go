package device

import (
	"context"
	"errors"
	"maps"
	"sync"

	"pickerd/display"
	"pickerd/oauthdevice"
	"pickerd/picker"
	"pickerd/store"
)

// open makes the session that the pick on disk intends.
func (d *Device) open(ctx context.Context) error {
	f := d.facts
	if f.pick == nil {
		d.wanted = false
		if err := d.cfg.Store.Picks.Add(d.newPick(f.grant.ID, 0)); err != nil {
			return &storeError{err}
		}
		return nil
	}
	s, err := d.create(ctx, f.grant, f.pick)
	if err != nil {
		return d.openFailed(ctx, f, err)
	}
	d.reach()
	d.poll.start(f.pick.RequestID, d.clock.local(s.ExpireTime.Time))
	if err := d.watch(f.pick, s); err != nil {
		return err
	}
	if err := checkLink(s); err != nil {
		if e := d.replacePick(f.pick, "unusable", f.pick.UnusedBefore); e != nil {
			return e
		}
		return err
	}
	return nil
}

// create asks for the session of a pick and puts its id on disk before
// anything else happens. That it may exist is on disk before it can.
func (d *Device) create(ctx context.Context, g *store.Grant, p *store.Pick) (*picker.PickingSession, error) {
	callCtx, cancelCall := callContext(ctx)
	defer cancelCall()
	_, err := d.source(g).Token(callCtx)
	if err != nil {
		return nil, err // Google has not been asked
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	// From here on an answer on its way is waited for: it names a session that
	// nobody could delete without it.
	ctx, cancel := oauthdevice.Linger(ctx)
	defer cancel()
	if !p.CreateSent {
		if err := d.updatePick(p.RequestID, func(p *store.Pick) { p.CreateSent = true }); err != nil {
			return nil, err
		}
	}
	s := d.made.get(p.RequestID)
	if s == nil {
		s, err = d.api(g).CreateSession(ctx, p.RequestID, d.cfg.MaxItems)
	}
	if err != nil {
		if !p.CreateSent && (isRefusal(err) || isInvalidGrant(err)) {
			// The first and only answer was no: there is no session.
			return nil, errors.Join(err, d.updatePick(p.RequestID, func(p *store.Pick) { p.CreateSent = false }))
		}
		return nil, err
	}
	d.made.put(p.RequestID, s)
	if err := d.keepSession(p.RequestID, s); err != nil {
		return nil, err
	}
	d.log.Info("session created", "request_id", p.RequestID, "session_id", s.ID)
	return s, nil
}

// keepSession puts a session's id on disk.
func (d *Device) keepSession(requestID string, s *picker.PickingSession) error {
	err := d.updatePick(requestID, func(p *store.Pick) {
		p.SessionID, p.PickerURI, p.ExpireTime = s.ID, s.PickerURI, s.ExpireTime.Time
	})
	if err == nil {
		d.made.put(requestID, nil)
	}
	return err
}

// madeSessions are those whose ids the disk did not take yet. Asked for once
// more, a server may answer with another one, or with none.
type madeSessions struct {
	mu   sync.Mutex
	list map[string]*picker.PickingSession // by requestId
}

func (m *madeSessions) get(requestID string) *picker.PickingSession {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.list[requestID]
}

func (m *madeSessions) all() map[string]*picker.PickingSession {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.list)
}

// put keeps a session; nil forgets it.
func (m *madeSessions) put(requestID string, s *picker.PickingSession) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s == nil {
		delete(m.list, requestID)
		return
	}
	if m.list == nil {
		m.list = map[string]*picker.PickingSession{}
	}
	m.list[requestID] = s
}

func isRefusal(err error) bool {
	e, ok := errors.AsType[*picker.Error](err)
	return ok && !e.Temporary()
}

// checkLink reports whether a session can be put before a person.
func checkLink(s *picker.PickingSession) error {
	if err := s.Check(); err != nil {
		return &linkError{Op: "sessions.create", What: "pickerUri", Err: err}
	}
	if _, err := display.NewQR(s.PickerURI); err != nil {
		return &linkError{Op: "sessions.create", What: "pickerUri", Err: err}
	}
	return nil
}

func (d *Device) openFailed(ctx context.Context, f facts, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if done, err := d.useless(f, err); done {
		return err
	}
	e, ok := errors.AsType[*picker.Error](err)
	if !ok || e.Temporary() && e.Code != picker.ResourceExhausted {
		return err
	}
	switch e.Code {
	case picker.ResourceExhausted:
		wake(d.sweepNow)
	case picker.AlreadyExists:
		d.log.Warn("the requestId is taken; a new one follows", "request_id", f.pick.RequestID)
		return d.replacePick(f.pick, "requestId taken", f.pick.UnusedBefore)
	case picker.InvalidArgument:
		if rerr := d.replacePick(f.pick, "refused", f.pick.UnusedBefore); rerr != nil {
			return rerr
		}
	}
	if f.photos > 0 && d.retry.n >= openTries {
		// The photos on the wall don't give way to something that only
		// somebody else can mend; the notice stands over them.
		if eerr := d.endPick(f.pick, "not opened"); eerr != nil {
			return eerr
		}
		wake(d.sweepNow)
	}
	return err
}

// openTries is how often a session is asked for before the wish is given up
// where there are photos to go back to: after pairing, FAILED_PRECONDITION may
// only mean that the phone is not there yet.
const openTries = 3

// useless deals with errors after which a grant is good for nothing: it is dead,
// or lacks the permission. Somebody is waiting, so the pairing screen comes at
// once.
func (d *Device) useless(f facts, err error) (done bool, _ error) {
	e, ok := errors.AsType[*picker.Error](err)
	switch {
	case isInvalidGrant(err), d.orphaned(f.grant, err):
		if err := d.lose(f.grant); err != nil {
			return true, err
		}
		d.wanted, d.newcomer = true, true // the others are not who is waiting
		return true, nil
	case ok && e.Reason == picker.ReasonScopeInsufficient:
		wake(d.sweepNow)
		if err := d.cfg.Store.Grants.Retire(f.grant.ID, "scope missing", false); err != nil {
			return true, &storeError{err}
		}
		d.wanted, d.newcomer = true, true
		return true, err
	}
	return false, err
}

// orphaned reports whether a grant's client is refused that the configuration
// no longer names: nobody will ever mend that.
func (d *Device) orphaned(g *store.Grant, err error) bool {
	e, ok := refuses(err)
	return ok && e.Op == "refresh" && !d.configured(g.ClientID)
}

// replacePick ends a pick and writes the intent of the one that follows it.
func (d *Device) replacePick(p *store.Pick, reason string, replaces int) error {
	d.log.Info("pick replaced", "reason", reason, "request_id", p.RequestID, "session_id", p.SessionID)
	if err := d.cfg.Store.Picks.Replace(p.RequestID, reason, d.newPick(p.GrantID, replaces)); err != nil {
		return &storeError{err}
	}
	d.tally.pick(reason)
	wake(d.sweepNow)
	return nil
}
