package engine

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"pickerd/device"
	"pickerd/oauthdevice"
	"pickerd/store"
)

// pair brings a person's consent one step nearer, by the first method that is not
// refused.
func (e *Engine) pair(ctx context.Context) error {
	if e.unsavedGrant != nil {
		return e.keepGrant()
	}
	m := e.methods.next(e.facts.refusals)
	if m == nil {
		var err error
		if m, err = e.methods.probe(e.facts.refusals); err != nil {
			return err
		}
	}
	if e.facts.pairing == nil && e.facts.revoking() {
		// A revocation reaches every token of that person, also one issued next.
		return e.sweeper.awaitRevocation(ctx, importer{e}.provision)
	}
	var err error
	switch m.Name {
	case device.ByDevice:
		err = e.pairByCode(ctx, m)
	case device.ByRelay, device.ByPaste:
		err = e.pairByRedirect(ctx, m)
	default:
		return importer{e}.await(ctx)
	}
	oe, ok := errors.AsType[*oauthdevice.Error](err)
	if !ok {
		return err
	}
	if !oe.Temporary() {
		e.tally.pairing(m.Name, oe.Code)
	}
	_, refused := isMethodRefusal(err)
	// A code on the screen is still valid while the metadata is gone.
	if refused || errors.Is(err, oauthdevice.ErrMetadata) && e.facts.pairing == nil {
		return e.refused(m, oe)
	}
	return err
}

// beginPairing puts a new pairing on disk before it is shown. replaced is the one
// that it replaces on the screen, nil if that has ended.
func (e *Engine) beginPairing(p store.Pairing, replaced *store.Pairing) error {
	if replaced != nil {
		if replaced.Previous != nil {
			e.records.ended.add(replaced.Previous, device.ErrLinkLate)
		}
		old := *replaced
		old.Previous = nil
		p.Previous = &old
	}
	if p.Collection = e.collection; p.Collection == "" && replaced != nil { // known before a restart
		p.Collection = replaced.Collection
	}
	if err := e.records.savePairing(p); err != nil {
		return err
	}
	e.tally.pairing(p.Method, "started")
	e.spans.begin(&p)
	e.poll.start(p.RequestID, p.ExpiresAt)
	return nil
}

// abandonPairing ends the pairing that somebody asked for and then left.
func (e *Engine) abandonPairing() error {
	e.wish = wish{}
	return e.records.dropPairing(e.facts.pairing)
}

// An unsavedGrant was issued and is not on disk yet. The server issues it only
// once: until the disk takes it nothing else is done.
type unsavedGrant struct {
	grant store.Grant
	first store.Pick
}

// paired stores the token together with the intent of the first pick, which has
// the requestId that the person's phone was given.
func (e *Engine) paired(m *Method, p *store.Pairing, t *oauthdevice.Token) error {
	if lacking := e.methods.lacking(t.Scopes); lacking != nil {
		e.tally.pairing(m.Name, "scope_missing")
		return cmp.Or(e.records.dropPairing(e.facts.pairing), lacking)
	}
	if t.ExpiresAt.IsZero() {
		t.ExpiresAt = time.Now().Add(time.Hour)
	}
	now, c := e.clock.stamp(), e.methods.clientFor(m, p)
	g := store.Grant{
		ID:           uuid.NewString(),
		Method:       m.Name,
		ClientID:     m.ClientID,
		ClientSecret: string(m.Secret),
		Issuer:       p.Issuer,
		TokenURL:     c.TokenURL,
		RevokeURL:    c.RevokeURL,
		AccessToken:  string(t.Access),
		RefreshToken: string(t.Refresh),
		ExpiresAt:    t.ExpiresAt,
		Scopes:       t.Scopes,
		Account:      t.Account,
		PairedAt:     now,
	}
	if p.ReceivedURL != "" || p.ContinueURL != "" {
		g.Handover = &store.Handover{DeviceCode: p.DeviceCode, ReceivedURL: p.ReceivedURL, ContinueURL: p.ContinueURL, Until: now.Add(maxHandover)}
	}
	e.unsavedGrant = &unsavedGrant{g, store.Pick{RequestID: p.RequestID, GrantID: g.ID, Collection: p.Collection, CreatedAt: now}}
	return e.keepGrant()
}

// keepGrant stores a token that was just issued.
func (e *Engine) keepGrant() error {
	if e.unsavedGrant == nil {
		return nil
	}
	g, first := e.unsavedGrant.grant, e.unsavedGrant.first
	if err := e.cfg.Store.FinishPairing(g, &first); err != nil {
		return storeError(err)
	}
	e.unsavedGrant = nil
	e.pub.succeeded(signedIn)
	e.tally.pairing(g.Method, "paired")
	e.wish, e.unansweredCodes = wish{}, 0
	e.pulse.progress()
	e.sweeper.wake()
	e.handover.wake()
	e.log.Info("paired", "method", g.Method, "request_id", first.RequestID)
	e.accounts.learn(e.runCtx, &g) // no request cuts that short
	e.accounts.merge()
	return nil
}
