package engine

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"pickerd/device"
	"pickerd/oauthdevice"
	"pickerd/store"
)

const (
	// slowDownStep is what each slow_down adds to the interval, for good (RFC 8628
	// §3.5), and each rate limit without a Retry-After.
	slowDownStep = 5 * time.Second
	// maxUnanswered is how many codes in a row may end unanswered before the next
	// one has to wait: Google limits how many it issues.
	maxUnanswered = 3
	// maxCodePause is the longest such wait.
	maxCodePause = 5 * time.Minute
)

// pairByCode requests a code if there is none, or asks once whether the person has
// approved the one on the screen, or the one that it replaced (RFC 8628).
func (e *Engine) pairByCode(ctx context.Context, m *Method) error {
	if e.facts.pairing == nil {
		return e.newCode(ctx, m, nil)
	}
	own := *e.facts.pairing // the publisher and phones read that one
	p := &own
	if e.renewal.requested == p.RequestID && !time.Now().Before(e.renewal.after) {
		e.renewal.requested = ""
		return e.replaceCode(ctx, m, p)
	}
	if renewal := renewAt(p, p.ExpiresAt); e.poll.notBefore.After(renewal) {
		// No poll is wanted as long as this code is shown.
		if err := e.pulse.sleep(ctx, time.Until(earliest(latest(renewal, e.renewal.after), p.ExpiresAt))); err != nil {
			return err
		}
		return e.renew(ctx, m, p, nil)
	}
	if err := e.poll.wait(ctx, e.pulse, p.Interval); err != nil {
		return err
	}
	defer e.poll.made()
	if p.Previous != nil {
		if done, err := e.pollPrevious(ctx, m, p); done || err != nil {
			return err
		}
	}
	done, err := e.pollCode(ctx, m, p)
	if e.spans.put(p, e.clock); done || time.Now().Before(latest(renewAt(p, p.ExpiresAt), e.renewal.after)) && !isOver(p.ExpiresAt) {
		return err
	}
	return e.renew(ctx, m, p, err)
}

// renew replaces a code that is about to expire. pollErr is the outcome of its
// last poll: while that may have been the network's, the code gets its last
// minute, but it is not shown after it has expired.
func (e *Engine) renew(ctx context.Context, m *Method, p *store.Pairing, pollErr error) error {
	_, sure := e.clock.now()
	until := p.ExpiresAt
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case pollErr != nil && (!isOver(until) || !isTemporary(pollErr) || !sure):
		return pollErr
	case e.facts.photos > 0 || e.facts.newAccount:
		return e.abandonPairing()
	}
	err := e.replaceCode(ctx, m, p)
	if err != nil && isOver(until) {
		return errors.Join(err, e.records.dropPairing(e.facts.pairing))
	}
	return err
}

// replaceCode requests a code in place of p. If the server can't give one now, it is
// asked again later, and p is polled meanwhile.
func (e *Engine) replaceCode(ctx context.Context, m *Method, p *store.Pairing) error {
	err := e.newCode(ctx, m, p)
	if err == nil || ctx.Err() != nil || isOver(p.ExpiresAt) || device.DiskProblem(err) != nil {
		return err
	}
	if _, refused := isMethodRefusal(err); refused {
		return err
	}
	e.renewal.after = time.Now().Add(pauseAfter(noticeOf(err), err, e.retry.n+1))
	return e.poll.later(p, err)
}

// newCode requests a code. replaced is the one that it replaces on the screen, nil
// if that has ended.
func (e *Engine) newCode(ctx context.Context, m *Method, replaced *store.Pairing) error {
	if e.unansweredCodes > maxUnanswered {
		if err := e.pulse.sleep(ctx, min(time.Duration(e.unansweredCodes)*10*time.Second, maxCodePause)); err != nil {
			return err
		}
	}
	ctx, cancel := callContext(ctx)
	defer cancel()
	requestID := newRequestID()
	state, err := deviceState(requestID, e.cfg.options().Name)
	if err != nil {
		return err
	}
	c, server, err := e.methods.server(ctx, m)
	if err != nil {
		return err
	}
	a, err := c.Authorize(ctx, state)
	if err != nil {
		e.methods.metadata.expire()
		return err
	}
	e.noteOnline()
	qr := a.QRURI()
	if err := e.cfg.CheckQR(qr); err != nil {
		return &linkError{Op: "device authorization", What: "verification_uri", Err: err}
	}
	return e.beginPairing(store.Pairing{
		Method:          m.Name,
		ClientID:        m.ClientID,
		RequestID:       requestID,
		Issuer:          server.Issuer,
		TokenURL:        server.TokenURL,
		RevokeURL:       server.RevokeURL,
		ReceivedURL:     server.ReceivedURL,
		ContinueURL:     server.ContinueURL,
		DeviceCode:      string(a.DeviceCode),
		UserCode:        a.UserCode,
		VerificationURI: a.VerificationURI,
		QRURI:           qr,
		StartedAt:       time.Now(),
		ExpiresAt:       a.ExpiresAt,
		Interval:        a.Interval,
	}, replaced)
}

// maxDisplayName bounds, in characters, the name that Google accepts of a screen.
const maxDisplayName = 100

// deviceState returns the state of a device authorization request: Google's
// extension for the pick that follows.
func deviceState(requestID, name string) (string, error) {
	if r := []rune(name); len(r) > maxDisplayName {
		name = string(r[:maxDisplayName])
	}
	data, err := json.Marshal(map[string]string{"requestId": requestID, "displayName": name})
	return string(data), err
}

// pollServer asks the server about one code. An answer on its way is waited for even if
// a request comes: it may be the token, which is issued only once.
func pollServer(ctx context.Context, c *oauthdevice.Client, p *store.Pairing) (*oauthdevice.Token, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	graceful, cancel := oauthdevice.WithGrace(ctx)
	defer cancel()
	call, cancelCall := callContext(graceful)
	defer cancelCall()
	t, err := c.Poll(call, oauthdevice.Secret(p.DeviceCode))
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return t, err
}

// A pollError is a failure while a code is on the screen that decides when the next
// poll is due, whatever its notice says.
type pollError struct {
	Wait time.Duration
	Err  error
}

func (e *pollError) Error() string { return e.Err.Error() }
func (e *pollError) Unwrap() error { return e.Err }

// later returns the *pollError of err: the next poll of a code is when it is due,
// and the pause ends when the code is to be replaced.
func (p *pollTimer) later(code *store.Pairing, err error) error {
	end := renewAt(code, code.ExpiresAt)
	if isOver(end) {
		end = code.ExpiresAt
	}
	return &pollError{max(time.Until(earliest(p.due(code.Interval), end)), 0), err}
}

// slowDown spaces the polls as an answer asks: the next one by its Retry-After, and
// all further ones by slow_down or by a rate limit that names no time. save stores
// the code's longer interval.
func (p *pollTimer) slowDown(code *store.Pairing, oe *oauthdevice.Error, save func(store.Pairing) error) error {
	if oe.RetryAfter > 0 {
		p.delay(oe.RetryAfter)
	}
	if oe.Code != oauthdevice.SlowDown && (!oe.RateLimited() || oe.RetryAfter > 0) {
		return nil
	}
	code.Interval += slowDownStep
	return save(*code)
}

// pollPrevious asks once about the code that was replaced. What ends that code is
// not reported.
func (e *Engine) pollPrevious(ctx context.Context, m *Method, p *store.Pairing) (done bool, err error) {
	t, err := pollServer(ctx, e.methods.clientFor(m, p.Previous), p.Previous)
	if err == nil {
		e.noteOnline()
		return true, e.paired(m, p.Previous, t)
	}
	oe, ok := errors.AsType[*oauthdevice.Error](err)
	if !ok {
		return false, err
	}
	if err := e.poll.slowDown(p, oe, e.records.savePairing); err != nil {
		return false, err
	}
	waiting := oe.Code == oauthdevice.AuthorizationPending || oe.Code == oauthdevice.SlowDown || oe.Temporary()
	if waiting && time.Now().Before(p.Previous.ExpiresAt) {
		if oe.RateLimited() || oe.RetryAfter > 0 {
			return false, e.poll.later(p, err) // not at once about the other one
		}
		return false, nil
	}
	p.Previous = nil
	return false, e.records.savePairing(*p)
}

// pollCode asks once; done means that the person approved.
func (e *Engine) pollCode(ctx context.Context, m *Method, p *store.Pairing) (done bool, err error) {
	t, err := pollServer(ctx, e.methods.clientFor(m, p), p)
	if err == nil {
		e.noteOnline()
		return true, e.paired(m, p, t)
	}
	oe, ok := errors.AsType[*oauthdevice.Error](err)
	if !ok {
		return false, err
	}
	if err := e.poll.slowDown(p, oe, e.records.savePairing); err != nil {
		return false, err
	}
	switch {
	case oe.Code == oauthdevice.AuthorizationPending:
		e.noteOnline()
		e.unansweredCodes = 0
		return false, nil
	case oe.Code == oauthdevice.SlowDown:
		e.noteOnline()
		return false, nil
	case oe.Temporary() && (oe.RateLimited() || oe.RetryAfter > 0):
		return false, e.poll.later(p, err)
	case oe.Temporary():
		return false, err // the code stays: it is good for minutes to come
	case p.ReceivedURL != "" && errors.Is(err, oauthdevice.ErrMalformedResponse):
		return false, err // the server keeps its answer until it is told
	}
	// Everything else ends the code. The notice says what happened.
	e.unansweredCodes++
	if err := e.records.dropPairing(e.facts.pairing); err != nil {
		return false, err
	}
	if oe.Code == oauthdevice.ExpiredToken {
		e.tally.pairing(m.Name, oe.Code)
		e.log.Info("code expired", "request_id", p.RequestID)
		return false, nil
	}
	return false, err
}
