package engine

import (
	"context"
	"errors"
	"time"

	"pickerd/device"
	"pickerd/oauthdevice"
	"pickerd/picker"
	"pickerd/store"
)

// Google ends refresh tokens of projects in Testing seven days after consent.
const (
	testingLife  = 7 * 24 * time.Hour
	testingSlack = 12 * time.Hour
)

// looksLikeTesting reports whether a grant that is found dead now died as those
// of a project in Testing do: its last access token is from before the end of the
// seventh day, and it is found dead soon after.
func looksLikeTesting(g *store.Grant, now time.Time) bool {
	age, used := now.Sub(g.PairedAt), g.ExpiresAt.Sub(g.PairedAt)
	return age > testingLife-time.Hour && age < testingLife+2*testingSlack && used < testingLife+testingSlack
}

// isInvalidGrant reports whether a refresh found the grant dead.
func isInvalidGrant(err error) bool {
	e, ok := errors.AsType[*oauthdevice.Error](err)
	return ok && e.Code == oauthdevice.InvalidGrant && e.Op == "refresh"
}

// isLost reports whether a refresh found that a grant is of no more use: it is
// dead, or its client is gone.
func (ms *methods) isLost(g *store.Grant, err error) bool {
	return isInvalidGrant(err) || ms.isOrphaned(g, err)
}

// lossCode returns the code of the notice that says why a grant was lost.
func lossCode(g *store.Grant, err error, now time.Time) string {
	e, ok := errors.AsType[*oauthdevice.Error](err)
	switch {
	case ok && e.Code != oauthdevice.InvalidGrant:
		return "client_gone"
	case ok && (e.Subtype == oauthdevice.InvalidRAPT || e.Subtype == oauthdevice.RAPTRequired):
		return "reauth_required"
	case looksLikeTesting(g, now):
		return "testing_project"
	}
	return "grant_revoked"
}

// lose notes that the server no longer accepts a grant. The reason is shown until
// the box is paired again.
func (e *Engine) lose(g *store.Grant, err error) error {
	code := lossCode(g, err, e.clock.stamp())
	e.log.Warn("grant lost", "problem", code, "err", err)
	paired := e.facts.account(g.ID) != nil
	if !paired {
		code = "" // somebody has forgotten that account
	}
	if code == "testing_project" {
		s := notices[code].problem().Status()
		e.log.Warn(s.Message + " " + s.Remedy)
	}
	e.accounts.drop(g.ID)
	e.sweeper.wake()
	if err := e.cfg.Store.Grants.MarkDead(g.ID, "grant lost", code); err != nil {
		return storeError(err)
	}
	if p := e.facts.pick; p != nil && p.GrantID == g.ID {
		e.pickEnded(p.RequestID, "grant lost")
	}
	if e.cfg.Guests && paired { // the next one must not see what is theirs
		return e.forgetAll(true)
	}
	return nil
}

// loseLater makes the loop, which owns the facts, lose a grant.
func (e *Engine) loseLater(ctx context.Context, g *store.Grant, why error) {
	_ = e.ask(ctx, func() error {
		p := e.facts.pick
		if err := e.lose(g, why); err != nil {
			return err
		}
		if p != nil && p.GrantID == g.ID && !p.Done {
			e.requestPairing() // somebody is choosing
		}
		return nil
	})
}

// requestPairing asks to be paired again for somebody in front of the screen. Where
// only an operator can do that, the reason stands over the photos instead.
func (e *Engine) requestPairing() {
	m := e.methods.next(e.facts.refusals)
	wanted := m == nil || m.Name != device.ByImport
	e.wish = wish{pickRequested: wanted, newAccount: wanted}
	if p := e.facts.pick; p != nil {
		e.collection = p.Collection
	}
}

// dropUnusableGrant handles errors after which a grant is useless: it is lost, or
// lacks the permission. Somebody is waiting, so the pairing screen comes at once.
func (e *Engine) dropUnusableGrant(f facts, err error) (done bool, _ error) {
	pe, ok := errors.AsType[*picker.Error](err)
	switch {
	case e.methods.isLost(f.grant, err):
		if err := e.lose(f.grant, err); err != nil {
			return true, err
		}
		e.requestPairing() // none of the others is waiting
		return true, nil
	case ok && pe.Reason == picker.ReasonScopeInsufficient:
		e.sweeper.wake()
		if err := e.cfg.Store.Grants.Retire(f.grant.ID, "scope missing", "scope_missing", false); err != nil {
			return true, storeError(err)
		}
		e.requestPairing()
		return true, err
	}
	return false, err
}
