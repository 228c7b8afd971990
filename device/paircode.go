package device

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"pickerd/display"
	"pickerd/oauthdevice"
	"pickerd/store"
)

// slowDownStep is what RFC 8628 §3.5 adds at each slow_down, for good.
const slowDownStep = 5 * time.Second

// pairByCode gets a code where there is none, or asks once whether the person
// has approved the one on the screen, or the one before it.
func (d *Device) pairByCode(ctx context.Context, w *Way) error {
	if d.facts.pairing == nil {
		return d.newCode(ctx, w, nil)
	}
	own := *d.facts.pairing // the screen and visitors read that one
	p := &own
	if d.renewWished(p) {
		d.renewNow = ""
		return d.newCode(ctx, w, p)
	}
	if err := d.poll.wait(ctx, d, p.Interval); err != nil {
		return err
	}
	if p.Previous != nil {
		if done, err := d.pollBefore(ctx, w, p); done || err != nil {
			return err
		}
	}
	done, err := d.pollCode(ctx, w, p)
	if d.spans.put(p, d.clock); done || time.Now().Before(renewAt(p, p.ExpiresAt)) {
		return err
	}
	return d.renew(ctx, w, p, err)
}

// renew replaces a code that is about to end. pollErr is what its last poll
// brought: while that may have been the network's, the code gets its last
// minute, but it is not shown beyond its end.
func (d *Device) renew(ctx context.Context, w *Way, p *store.Pairing, pollErr error) error {
	_, sure := d.clock.now()
	until := p.ExpiresAt
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case pollErr != nil && (!over(until) || !isTemporary(pollErr) || !sure):
		return pollErr
	case d.facts.photos > 0 || d.facts.newcomer:
		return d.giveUpPairing()
	}
	err := d.newCode(ctx, w, p)
	if err != nil && over(until) {
		return errors.Join(err, d.dropPairing())
	}
	return err
}

// manySpent is after how many useless codes in a row the next one has to wait:
// Google limits how many it gives out.
const manySpent = 3

// newCode asks for a code. before is the one that it replaces, nil when that has
// ended.
func (d *Device) newCode(ctx context.Context, w *Way, before *store.Pairing) error {
	if d.spent > manySpent {
		if err := d.sleep(ctx, min(time.Duration(d.spent)*10*time.Second, 5*time.Minute)); err != nil {
			return err
		}
	}
	ctx, cancel := callContext(ctx)
	defer cancel()
	requestID := newRequestID()
	state, err := json.Marshal(map[string]string{"requestId": requestID, "displayName": d.cfg.Name})
	if err != nil {
		return err
	}
	a, err := d.client(w).Authorize(ctx, string(state))
	if err != nil {
		return err
	}
	d.reach()
	qr := a.QRURI()
	if _, err := display.NewQR(qr); err != nil {
		return &linkError{Op: "device authorization", What: "verification_uri", Err: err}
	}
	return d.begin(store.Pairing{
		Method:          w.Method,
		ClientID:        w.ClientID,
		RequestID:       requestID,
		DeviceCode:      string(a.DeviceCode),
		UserCode:        a.UserCode,
		VerificationURI: a.VerificationURI,
		QRURI:           qr,
		StartedAt:       time.Now(),
		ExpiresAt:       a.ExpiresAt,
		Interval:        a.Interval,
	}, before)
}

// askAbout asks the server about one code. An answer on its way is waited for even
// when a wish comes: it may be the token, which is given only once.
func (d *Device) askAbout(ctx context.Context, w *Way, p *store.Pairing) (*oauthdevice.Token, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	lingering, cancel := oauthdevice.Linger(ctx)
	defer cancel()
	call, cancelCall := callContext(lingering)
	defer cancelCall()
	t, err := d.client(w).Poll(call, oauthdevice.Secret(p.DeviceCode))
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return t, err
}

// pollBefore asks once about the code that was on the screen before. Whatever
// ends that code is no news.
func (d *Device) pollBefore(ctx context.Context, w *Way, p *store.Pairing) (done bool, err error) {
	t, err := d.askAbout(ctx, w, p.Previous)
	if err == nil {
		d.reach()
		return true, d.paired(w, p.Previous, t)
	}
	e, ok := errors.AsType[*oauthdevice.Error](err)
	if !ok {
		return false, err
	}
	waiting := e.Code == oauthdevice.AuthorizationPending || e.Code == oauthdevice.SlowDown || e.Temporary()
	if waiting && time.Now().Before(p.Previous.ExpiresAt) {
		return false, nil
	}
	p.Previous = nil
	return false, d.savePairing(*p)
}

// pollCode asks once; done means that the person approved.
func (d *Device) pollCode(ctx context.Context, w *Way, p *store.Pairing) (done bool, err error) {
	t, err := d.askAbout(ctx, w, p)
	if err == nil {
		d.reach()
		return true, d.paired(w, p, t)
	}
	e, ok := errors.AsType[*oauthdevice.Error](err)
	if !ok {
		return false, err
	}
	switch {
	case e.Code == oauthdevice.AuthorizationPending:
		d.reach()
		d.spent = 0
		return false, nil
	case e.Code == oauthdevice.SlowDown:
		d.reach()
		slower := *p
		slower.Interval += slowDownStep
		return false, d.savePairing(slower)
	case e.Temporary():
		return false, err // the code stays: it is good for minutes to come
	}
	// Everything else ends the code; what to say is the notice table's affair.
	d.spent++
	if err := d.dropPairing(); err != nil {
		return false, err
	}
	if e.Code == oauthdevice.ExpiredToken {
		d.tally.pairing(w.Method, e.Code)
		d.log.Info("the code expired; a new one follows", "request_id", p.RequestID)
		return false, nil
	}
	return false, err
}
