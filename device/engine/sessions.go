package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"

	"pickerd/oauthdevice"
	"pickerd/picker"
	"pickerd/store"
)

// sessions creates picking sessions. It owns those whose IDs the disk did not
// take yet: asked once more, a server may answer with another session, or none.
type sessions struct {
	records  *records
	accounts *accounts
	maxItems int
	log      *slog.Logger

	mu      sync.Mutex
	unsaved map[string]*picker.PickingSession // by requestId
}

// create creates the session of a pick and puts its ID on disk before anything
// else happens. That it may exist is on disk before it can.
func (s *sessions) create(ctx context.Context, g *store.Grant, p *store.Pick) (*picker.PickingSession, error) {
	callCtx, cancelCall := callContext(ctx)
	defer cancelCall()
	_, err := s.accounts.source(g).Token(callCtx)
	if err != nil {
		return nil, err // Google has not been asked
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	// From here on an answer on its way is waited for: it names a session that
	// nobody could delete without it.
	ctx, cancel := oauthdevice.WithGrace(ctx)
	defer cancel()
	if !p.CreateSent {
		if err := s.records.updatePick(p.RequestID, func(p *store.Pick) { p.CreateSent = true }); err != nil {
			return nil, err
		}
	}
	session := s.get(p.RequestID)
	if session == nil {
		session, err = s.accounts.api(g).CreateSession(ctx, p.RequestID, s.maxItems)
	}
	taken := isTaken(err)
	if taken {
		session, err = s.existing(ctx, g, p, err)
	}
	if err != nil {
		if !p.CreateSent && !taken && (isRefusal(err) || s.accounts.methods.isLost(g, err)) {
			// The first and only answer was no: there is no session.
			return nil, errors.Join(err, s.records.updatePick(p.RequestID, func(p *store.Pick) { p.CreateSent = false }))
		}
		return nil, err
	}
	s.put(p.RequestID, session)
	if err := s.save(p.RequestID, session); err != nil {
		return nil, err
	}
	s.log.Info("session created", "request_id", p.RequestID, "session_id", session.ID)
	return session, nil
}

// existing handles the answer that a requestId is taken: by a session that was created
// by a request whose answer was lost, or that Google made when the person consented.
// It returns that session. If it can't be read, existing deletes it and returns
// refusal; then p says whether there may still be one.
func (s *sessions) existing(ctx context.Context, g *store.Grant, p *store.Pick, refusal error) (*picker.PickingSession, error) {
	api := s.accounts.api(g)
	session, err := api.GetSession(ctx, p.RequestID)
	if err == nil {
		session.ID = cmp.Or(session.ID, p.RequestID)
		s.log.Info("session adopted", "request_id", p.RequestID, "session_id", session.ID)
		return session, nil
	}
	if !isRefusal(err) {
		return nil, err
	}
	s.log.Warn("requestId taken", "err", err, "request_id", p.RequestID)
	err = api.DeleteSession(ctx, p.RequestID)
	if err != nil && !deniesSession(err) {
		p.CreateSent = true
		s.log.Warn("session not deleted yet", "err", err, "request_id", p.RequestID)
		return nil, refusal // the sweeper tries again
	}
	p.CreateSent = false
	return nil, errors.Join(refusal, s.records.updatePick(p.RequestID, func(p *store.Pick) { p.CreateSent = false }))
}

// isTaken reports whether a requestId was refused because it has a session.
func isTaken(err error) bool {
	e, ok := errors.AsType[*picker.Error](err)
	return ok && e.Code == picker.AlreadyExists
}

// deniesSession reports whether an answer means that there is no session of that ID
// or requestId, or none that could ever be named.
func deniesSession(err error) bool {
	e, ok := errors.AsType[*picker.Error](err)
	if !ok {
		return false
	}
	switch e.Code {
	case picker.InvalidArgument, picker.FailedPrecondition, picker.NotFound:
		return true
	}
	return false
}

// save puts a session's ID on disk.
func (s *sessions) save(requestID string, session *picker.PickingSession) error {
	err := s.records.updatePick(requestID, func(p *store.Pick) {
		p.SessionID, p.PickerURI, p.ExpireTime = session.ID, session.PickerURI, session.ExpireTime.Time
	})
	if err == nil {
		s.forget(requestID)
	}
	return err
}

// flush saves what the disk did not take.
func (s *sessions) flush() error {
	s.mu.Lock()
	unsaved := maps.Clone(s.unsaved)
	s.mu.Unlock()
	var errs []error
	for requestID, session := range unsaved {
		errs = append(errs, s.save(requestID, session))
	}
	return errors.Join(errs...)
}

func (s *sessions) get(requestID string) *picker.PickingSession {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unsaved[requestID]
}

func (s *sessions) put(requestID string, session *picker.PickingSession) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unsaved == nil {
		s.unsaved = map[string]*picker.PickingSession{}
	}
	s.unsaved[requestID] = session
}

// forget forgets a session that is on disk, or no longer of interest.
func (s *sessions) forget(requestID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.unsaved, requestID)
}

func isRefusal(err error) bool {
	e, ok := errors.AsType[*picker.Error](err)
	return ok && !e.Temporary()
}

// A linkError means that a server's link can't be put on a screen. It does not
// quote the link, which is a secret.
type linkError struct {
	Op, What string
	Err      error
}

func (e *linkError) Error() string { return fmt.Sprintf("%s: %s: %v", e.Op, e.What, e.Err) }
func (e *linkError) Unwrap() error { return e.Err }
