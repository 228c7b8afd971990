package device

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"pickerd/oauthdevice"
	"pickerd/store"
)

// freshMargin is how long before its end a code or link is replaced, so that a
// person who just scanned it can still finish; short ones get a tenth.
const freshMargin = time.Minute

// pair brings a person's consent one step nearer, in the first way that is open.
func (d *Device) pair(ctx context.Context) error {
	if d.granted != nil {
		return d.keepGranted()
	}
	w := d.way()
	if w == nil {
		var err error
		if w, err = d.probe(); err != nil {
			return err
		}
	}
	if d.facts.pairing == nil && d.facts.revoking {
		// Revoking reaches every token of that person, also one granted next.
		return d.awaitRevocation(ctx)
	}
	var err error
	switch w.Method {
	case ByDevice:
		err = d.pairByCode(ctx, w)
	case ByRelay, ByPaste:
		err = d.pairByRedirect(ctx, w)
	default:
		return d.awaitImport(ctx)
	}
	if e, ok := errors.AsType[*oauthdevice.Error](err); ok && !e.Temporary() {
		d.tally.pairing(w.Method, e.Code)
	}
	if e, ok := refuses(err); ok {
		return d.refused(w, e)
	}
	return err
}

// probe returns the one way that can be asked without a person, to be asked now
// and then while all are refused: somebody may have changed something at Google.
func (d *Device) probe() (*Way, error) {
	i := slices.IndexFunc(d.cfg.Ways, func(w Way) bool { return w.Method == ByDevice })
	if i < 0 {
		return nil, d.noWay()
	}
	of := d.fingerprint(&d.cfg.Ways[i])
	if err := d.cfg.Store.Pairings.DeleteRefusals(func(r store.Refusal) bool { return r.Fingerprint == of }); err != nil {
		return nil, &storeError{err}
	}
	return &d.cfg.Ways[i], nil
}

// renewAt is when the code or link on the screen is to be replaced.
func renewAt(p *store.Pairing, until time.Time) time.Time {
	return until.Add(-min(freshMargin, p.ExpiresAt.Sub(p.StartedAt)/10))
}

// begin puts a new pairing on disk before it is shown. before is the one that it
// replaces, nil when that has ended.
func (d *Device) begin(p store.Pairing, before *store.Pairing) error {
	if before != nil {
		if before.Previous != nil {
			d.bygones.add(before.Previous, ErrLinkLate)
		}
		old := *before
		old.Previous = nil
		p.Previous = &old
	}
	if err := d.savePairing(p); err != nil {
		return err
	}
	d.tally.pairing(p.Method, "started")
	d.spans.begin(&p)
	d.poll.start(p.RequestID, p.ExpiresAt)
	return nil
}

// dropPairing ends the pairing under way. Nobody has come back with its link.
func (d *Device) dropPairing() error {
	for p := d.facts.pairing; p != nil && !p.Answered(); p = p.Previous {
		d.bygones.add(p, ErrLinkLate)
	}
	if err := d.cfg.Store.Pairings.Delete(); err != nil {
		return &storeError{err}
	}
	return nil
}

// savePairing keeps a pairing, with the servers' time in the place of this
// process's.
func (d *Device) savePairing(p store.Pairing) error {
	d.stampPairing(&p)
	if p.Previous != nil {
		before := *p.Previous
		d.stampPairing(&before)
		p.Previous = &before
	}
	if err := d.cfg.Store.Pairings.Save(p); err != nil {
		return &storeError{err}
	}
	return nil
}

func (d *Device) stampPairing(p *store.Pairing) {
	p.StartedAt, p.ExpiresAt = d.clock.stampOf(p.StartedAt), d.clock.stampOf(p.ExpiresAt)
}

// giveUpPairing ends the pairing that somebody asked for who then went away.
func (d *Device) giveUpPairing() error {
	d.wanted, d.newcomer = false, false
	return d.dropPairing()
}

// lacking is a *ScopeError when less was granted than this box needs.
func (d *Device) lacking(granted []string) error {
	t := oauthdevice.Token{Scopes: granted}
	if missing := t.Lacks(d.cfg.OAuth.Scopes); len(missing) > 0 {
		return &ScopeError{Missing: strings.Join(missing, " ")}
	}
	return nil
}

// paired stores the token together with the intent of the first pick, which
// carries the requestId that the person's phone was handed.
func (d *Device) paired(w *Way, p *store.Pairing, t *oauthdevice.Token) error {
	if lacking := d.lacking(t.Scopes); lacking != nil {
		d.tally.pairing(w.Method, "scope_missing")
		return cmp.Or(d.dropPairing(), lacking)
	}
	if t.ExpiresAt.IsZero() {
		t.ExpiresAt = time.Now().Add(time.Hour)
	}
	now := d.clock.stamp()
	g := store.Grant{
		ID:           uuid.NewString(),
		Method:       w.Method,
		ClientID:     w.ClientID,
		ClientSecret: string(w.Secret),
		AccessToken:  string(t.Access),
		RefreshToken: string(t.Refresh),
		ExpiresAt:    t.ExpiresAt,
		Scopes:       t.Scopes,
		Account:      t.Account,
		PairedAt:     now,
	}
	d.granted = &granted{g, store.Pick{RequestID: p.RequestID, GrantID: g.ID, CreatedAt: now}}
	return d.keepGranted()
}

// A granted token has come and is not on disk yet. The server gives it only once:
// until the disk takes it nothing else is done.
type granted struct {
	grant store.Grant
	first store.Pick
}

// keepGranted puts a token on disk that has just come.
func (d *Device) keepGranted() error {
	if d.granted == nil {
		return nil
	}
	g, first := d.granted.grant, d.granted.first
	if err := d.cfg.Store.FinishPairing(g, &first); err != nil {
		return &storeError{err}
	}
	d.granted = nil
	d.tally.pairing(g.Method, "paired")
	d.wanted, d.newcomer, d.spent = false, false, 0
	d.active()
	if d.cfg.ForgetAfter > 0 { // whoever was here before has no remote any more
		d.screen.update(func(v *view) { v.remote = remoteKey{} })
	}
	wake(d.sweepNow)
	d.log.Info("paired", "method", g.Method, "request_id", first.RequestID)
	d.learnAccount(&g)
	d.mergeAccounts()
	return nil
}

// Renew asks for a fresh code or link on the screen, for somebody who can't use
// the one that is there. That one stays good until its own end. Its error is
// ErrNoCode or ErrStopping.
func (d *Device) Renew(ctx context.Context) error {
	return d.ask(ctx, func() error {
		p := d.facts.pairing
		if p == nil || p.Answered() {
			return ErrNoCode
		}
		if time.Since(p.StartedAt) > renewEvery {
			d.renewNow = p.RequestID
		}
		return nil
	})
}

// renewEvery bounds how often a person may ask for a fresh code: servers limit
// how many they give out.
const renewEvery = 10 * time.Second

// renewWished reports whether somebody asked for another code than this one.
func (d *Device) renewWished(p *store.Pairing) bool { return d.renewNow == p.RequestID }
