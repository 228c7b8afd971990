package engine

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"pickerd/device"
	"pickerd/oauthdevice"
	"pickerd/picker"
	"pickerd/store"
)

// A sweeper deletes the sessions of picks that have ended, and revokes and erases
// the grants that nothing needs any more. Its goroutine owns the fields from asked
// on.
type sweeper struct {
	store       *store.Store
	accounts    *accounts
	sessions    *sessions
	clock       *clock
	tally       *tally
	log         *slog.Logger
	pub         *publisher
	revocations *revocations
	woken       chan struct{}                                        // level trigger
	lose        func(ctx context.Context, g *store.Grant, why error) // tells the loop that a grant is lost

	asked  time.Duration     // pause that a server asked for
	tried  map[string]string // by pick: the grant, not its own, that failed on it
	logged *repeats
}

func newSweeper(e *Engine) *sweeper {
	s := &sweeper{store: e.cfg.Store, accounts: e.accounts, sessions: e.sessions, clock: e.clock, tally: e.tally, log: e.log, pub: e.pub,
		revocations: &revocations{}, woken: make(chan struct{}, 1), lose: e.loseLater,
		tried: map[string]string{}, logged: newRepeats(e.log)}
	e.records.swept = s.wake
	return s
}

// wake makes the sweeper look now.
func (s *sweeper) wake() { wake(s.woken) }

// run sweeps until ctx ends.
func (s *sweeper) run(ctx context.Context) {
	for n := 0; ; {
		left := s.sweep(ctx)
		n++
		if left == 0 {
			n = 0
		}
		wait := min(backoff(n)*time.Duration(max(1, n-4)), maxSweepPause)
		if left == 0 {
			wait = idleSweepPause
		}
		if s.asked > 0 {
			// Nobody's request shortens a pause that a server asks for.
			asked := s.asked
			s.asked = 0
			if !pause(ctx, asked) {
				return
			}
			continue
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-s.woken:
			t.Stop()
		case <-t.C:
		}
	}
}

// sweep tries each pick that has ended once, and returns how many are worth
// another try soon.
func (s *sweeper) sweep(ctx context.Context) (left int) {
	known, err := s.store.Facts()
	if err != nil {
		s.logged.note(slog.LevelError, "sweep failed", "", err, false)
		return 1
	}
	byID := make(map[string]*store.Grant, len(known.Grants))
	for i := range known.Grants {
		byID[known.Grants[i].ID] = &known.Grants[i]
	}
	held := map[string]int{} // picks that still need a grant
	for _, p := range known.Picks {
		if ctx.Err() != nil {
			return 1
		}
		if p.EndReason != "" && s.sweepPick(ctx, byID[p.GrantID], p) {
			s.pub.update(func(n *device.Snapshot) { completeReceipt(n, p.RequestID) })
			continue
		}
		held[p.GrantID]++
		if p.EndReason != "" && s.grantFor(byID[p.GrantID], p) != nil {
			left++
		}
	}
	for _, g := range known.Grants {
		if !g.Retired && !g.Dead || g.Locked {
			continue
		}
		// Sessions that can't be deleted expire. The next person does not wait for
		// that.
		settled := held[g.ID] == 0 || g.Revoke && s.revocations.over(g.ID)
		if settled && !s.eraseGrant(ctx, g.ID) {
			left++
		}
	}
	if known, err := s.store.Facts(); err == nil {
		s.pub.count(known)
	}
	return left
}

// completeReceipt notes that the session of a pick is deleted.
func completeReceipt(n *device.Snapshot, requestID string) {
	if n.Receipt == nil || n.Receipt.RequestID != requestID {
		return
	}
	if time.Since(n.Receipt.Since) > device.ReceiptFor {
		n.Receipt = nil // nobody sees it any more
		return
	}
	r := *n.Receipt
	r.Deleted, r.Since = true, time.Now()
	n.Receipt = &r
}

// sweepPick deletes a pick's session and reports whether its record is gone.
func (s *sweeper) sweepPick(ctx context.Context, own *store.Grant, p store.Pick) bool {
	if p.SessionID == "" && !p.CreateSent {
		return s.forgetPick(p) // Google never heard of it
	}
	if s.deleteSession(ctx, own, p) {
		return s.forgetPick(p)
	}
	if ctx.Err() != nil {
		return false
	}
	expired, err := s.sessions.records.hasExpired(&p)
	if err != nil {
		s.logged.note(slog.LevelError, "sweep failed", "", err, false, "request_id", p.RequestID)
	}
	if !expired {
		return false
	}
	s.log.Warn("session left to expire", "reason", "it could not be deleted in time", "request_id", p.RequestID, "session_id", p.SessionID)
	s.tally.deletion("expired")
	return s.forgetPick(p)
}

// deleteSession tries to delete a session with its own grant, or with the current
// one if that is dead, and reports whether it is known to be gone.
func (s *sweeper) deleteSession(ctx context.Context, own *store.Grant, p store.Pick) bool {
	g := s.grantFor(own, p)
	if g == nil {
		return false
	}
	if p.SessionID == "" {
		return g == own && s.sweepIntent(ctx, g, p)
	}
	err := s.accounts.api(g).DeleteSession(ctx, p.SessionID)
	e, _ := errors.AsType[*picker.Error](err)
	switch {
	case err == nil, e != nil && e.Code == picker.NotFound && g == own:
		s.log.Info("session deleted", "reason", p.EndReason, "request_id", p.RequestID, "session_id", p.SessionID)
		s.tally.deletion("deleted")
		return true
	case s.accounts.methods.isLost(g, err):
		s.lose(ctx, g, err)
	case g == own && s.isGone(&p, err):
		s.log.Warn("session left to expire", "reason", "deleting it was refused for a day", "err", err, "request_id", p.RequestID, "session_id", p.SessionID)
		s.tally.deletion("expired")
		return true
	case ctx.Err() == nil:
		s.asked = max(s.asked, retryAfter(err))
		if own != nil && own.Revoke {
			s.revocations.failed(own.ID, err, answers(err))
		}
		s.logged.note(slog.LevelWarn, "session not deleted yet", p.RequestID, err, false, "request_id", p.RequestID, "session_id", p.SessionID)
		if g != own && e != nil && !e.Temporary() {
			s.tried[p.RequestID] = g.ID
		}
	}
	return false
}

// grantFor returns the grant to delete a session with, nil if there is none: its
// own, or else the current one, perhaps another person's, which is worth asking
// until it was refused.
func (s *sweeper) grantFor(own *store.Grant, p store.Pick) *store.Grant {
	if own != nil && !own.Dead {
		return own
	}
	current, err := s.store.Grants.Current()
	if err != nil || current == nil || p.SessionID == "" || s.tried[p.RequestID] == current.ID {
		return nil
	}
	return current
}

// sweepIntent handles a pick that may or may not have a session: the same
// requestId asks Google for the one that an answer we never saw has created.
func (s *sweeper) sweepIntent(ctx context.Context, g *store.Grant, p store.Pick) bool {
	_, err := s.sessions.create(ctx, g, &p)
	if err == nil {
		s.wake() // the record now has a session to delete
		return false
	}
	if s.accounts.methods.isLost(g, err) {
		s.lose(ctx, g, err)
		return false
	}
	s.asked = max(s.asked, retryAfter(err))
	if !deniesSession(err) && (!isTaken(err) || p.CreateSent) {
		return false // there may be one: the API is switched off, or the network is not Google's
	}
	s.log.Info("intent dropped", "err", err, "request_id", p.RequestID)
	return true
}

// isGone is records.isGone, with a failure of the disk logged.
func (s *sweeper) isGone(p *store.Pick, err error) bool {
	gone, err := s.sessions.records.isGone(p, err)
	if err != nil {
		s.logged.note(slog.LevelError, "sweep failed", "", err, false, "request_id", p.RequestID)
	}
	return gone
}

func (s *sweeper) forgetPick(p store.Pick) bool {
	if err := s.store.Picks.Delete(p.RequestID); err != nil {
		s.logged.note(slog.LevelError, "sweep failed", "", err, false, "request_id", p.RequestID)
		return false
	}
	s.sessions.forget(p.RequestID)
	return true
}

// eraseGrant erases a grant that nothing needs any more, after revoking it if the
// person asked for that. It reports whether the grant is gone.
func (s *sweeper) eraseGrant(ctx context.Context, id string) bool {
	g, err := s.store.Grants.Get(id) // deleting sessions may have rotated its token
	if err != nil {
		s.logged.note(slog.LevelError, "sweep failed", "", err, false)
		return false
	}
	end := &device.Forgotten{Revocation: device.RevocationNone}
	if g.Revoke && !g.Dead {
		if end.Revocation = s.revoke(ctx, g); end.Revocation == "" {
			return false
		}
	}
	s.accounts.drop(g.ID)
	// Whoever first publishes that it is gone says how that ended.
	if g.Retired {
		s.pub.setForgotten(end)
	}
	if err := s.store.Grants.Delete(g.ID); err != nil {
		s.logged.note(slog.LevelError, "sweep failed", "", err, false)
		s.pub.setForgotten(nil)
		return false
	}
	s.pub.publishForgotten()
	s.log.Info("grant erased")
	return true
}

// revoke revokes a grant's token and returns how that ended, "" if it is to be
// tried again.
func (s *sweeper) revoke(ctx context.Context, g *store.Grant) string {
	callCtx, cancel := callContext(ctx)
	defer cancel()
	client := s.accounts.methods.clientOf(g)
	err := client.Revoke(callCtx, oauthdevice.Secret(cmp.Or(g.RefreshToken, g.AccessToken)))
	if err == nil {
		s.log.Info("token revoked")
		return device.RevocationDone
	}
	if isTemporary(err) {
		s.asked = max(s.asked, retryAfter(err))
		// That this one endpoint is silent is no proof of an outage.
		s.revocations.failed(g.ID, err, answers(err) || s.revocations.isWaiting() && client.Reachable(callCtx))
		if !s.revocations.over(g.ID) {
			s.logged.note(slog.LevelWarn, "token not revoked yet", g.ID, err, false)
			return ""
		}
	}
	s.log.Warn("token not revoked", "err", err)
	return device.RevocationRefused
}
