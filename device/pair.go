package device

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"pickerd/display"
	"pickerd/oauthdevice"
	"pickerd/store"
)

const (
	// freshMargin is how long before its end a code is replaced, so that a
	// person who just scanned it can still finish; short codes get a tenth.
	freshMargin = time.Minute
	// slowDownStep is what RFC 8628 §3.5 adds at each slow_down, for good.
	slowDownStep = 5 * time.Second
)

// pair gets a code where there is none, or asks once whether the person has
// approved the one on the screen.
func (d *Device) pair(ctx context.Context) error {
	p := d.facts.pairing
	if p == nil {
		return d.newCode(ctx)
	}
	until := d.poll.pairUntil(d.facts)
	renewAt := until.Add(-min(freshMargin, p.ExpiresAt.Sub(p.StartedAt)/10))
	if err := d.poll.wait(ctx, d, p.RequestID, p.Interval, time.Time{}); err != nil {
		return err
	}
	done, err := d.pollCode(ctx, p)
	if done || time.Now().Before(renewAt) {
		return err
	}
	return d.renew(ctx, until, err)
}

// renew replaces a code that is about to end. pollErr is what its last poll
// brought: while that may have been the network's, the code gets its last
// minute, but it is not shown beyond its end.
func (d *Device) renew(ctx context.Context, until time.Time, pollErr error) error {
	alive := time.Now().Before(until)
	if ctx.Err() != nil || alive && isTemporary(pollErr) {
		return pollErr
	}
	if d.facts.photos > 0 {
		// Somebody asked to choose and went away: back to the photos.
		d.wanted = false
		return d.dropPairing()
	}
	err := d.newCode(ctx)
	if err != nil && !alive {
		return errors.Join(err, d.dropPairing())
	}
	return err
}

func (d *Device) dropPairing() error {
	if err := d.cfg.Store.DropPairing(); err != nil {
		return &storeError{err}
	}
	return nil
}

// newCode asks for a code and puts it on disk before it is shown.
func (d *Device) newCode(ctx context.Context) error {
	ctx, cancel := callContext(ctx)
	defer cancel()
	requestID := newRequestID()
	state, err := json.Marshal(map[string]string{"requestId": requestID, "displayName": d.cfg.Name})
	if err != nil {
		return err
	}
	a, err := d.cfg.OAuth.Authorize(ctx, string(state))
	if err != nil {
		return err
	}
	d.reach()
	qr := a.QRURI()
	if _, err := display.NewQR(qr); err != nil {
		return &linkError{Op: "device authorization", What: "verification_uri", Err: err}
	}
	err = d.cfg.Store.SavePairing(store.Pairing{
		RequestID:       requestID,
		DeviceCode:      string(a.DeviceCode),
		UserCode:        a.UserCode,
		VerificationURI: a.VerificationURI,
		QRURI:           qr,
		StartedAt:       time.Now(),
		ExpiresAt:       a.ExpiresAt,
		Interval:        a.Interval,
	})
	if err != nil {
		return &storeError{err}
	}
	d.poll.start(requestID, a.ExpiresAt)
	return nil
}

// pollCode asks once; done means that the person approved.
func (d *Device) pollCode(ctx context.Context, p *store.Pairing) (done bool, err error) {
	callCtx, cancel := callContext(ctx)
	defer cancel()
	t, err := d.cfg.OAuth.Poll(callCtx, oauthdevice.Secret(p.DeviceCode))
	if err == nil {
		d.reach()
		return true, d.paired(p, t)
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	e, ok := errors.AsType[*oauthdevice.Error](err)
	if !ok {
		return false, err
	}
	switch {
	case e.Code == oauthdevice.AuthorizationPending:
		d.reach()
		return false, nil
	case e.Code == oauthdevice.SlowDown:
		d.reach()
		slower := *p
		slower.Interval += slowDownStep
		if err := d.cfg.Store.SavePairing(slower); err != nil {
			return false, &storeError{err}
		}
		return false, nil
	case e.Temporary():
		return false, err // the code stays: it is good for minutes to come
	}
	// Everything else ends the code; what to say is the notice table's affair.
	if err := d.dropPairing(); err != nil {
		return false, err
	}
	if e.Code == oauthdevice.ExpiredToken {
		d.log.Info("the code expired; a new one follows", "request_id", p.RequestID)
		return false, nil
	}
	return false, err
}

// paired stores the token together with the intent of the first pick, which
// carries the requestId that the person's phone was handed.
func (d *Device) paired(p *store.Pairing, t *oauthdevice.Token) error {
	if missing := t.Lacks(d.cfg.OAuth.Scopes); len(missing) > 0 {
		if err := d.dropPairing(); err != nil {
			return err
		}
		return &scopeError{Missing: strings.Join(missing, " ")}
	}
	now := time.Now()
	if t.ExpiresAt.IsZero() {
		t.ExpiresAt = now.Add(time.Hour)
	}
	g := store.Grant{
		ID:           uuid.NewString(),
		AccessToken:  string(t.Access),
		RefreshToken: string(t.Refresh),
		ExpiresAt:    t.ExpiresAt,
		Scopes:       t.Scopes,
		PairedAt:     now,
	}
	first := store.Pick{RequestID: p.RequestID, GrantID: g.ID, CreatedAt: now}
	if err := d.cfg.Store.Paired(g, first); err != nil {
		return &storeError{err}
	}
	d.wanted = false
	wake(d.sweepNow)
	d.log.Info("paired", "request_id", p.RequestID)
	return nil
}
