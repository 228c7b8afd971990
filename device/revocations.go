package device

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"pickerd/oauthdevice"
	"pickerd/picker"
)

// giveUpRevoking is how long the next person waits for a revocation that does
// not get through although the network does.
const giveUpRevoking = 15 * time.Minute

// revocations weigh one that does not get through against the person who
// waits to pair: without a network there is nothing to lose by waiting.
type revocations struct {
	mu      sync.Mutex
	waiting bool
	since   map[string]time.Time // grant → since when it fails although something answers
	last    error
}

// wait notes whether somebody waits to pair.
func (p *revocations) wait(is bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = is
	if !is {
		p.since, p.last = nil, nil
	}
}

func (p *revocations) isWaiting() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiting
}

// failed notes why a grant is not revoked yet, and whether something answers.
func (p *revocations) failed(grantID string, err error, answers bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = err
	switch {
	case !answers || !p.waiting:
		delete(p.since, grantID)
	case p.since[grantID].IsZero():
		if p.since == nil {
			p.since = map[string]time.Time{}
		}
		p.since[grantID] = time.Now()
	}
}

// over reports whether the next person has waited long enough.
func (p *revocations) over(grantID string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	since := p.since[grantID]
	return p.waiting && !since.IsZero() && time.Since(since) >= giveUpRevoking
}

// why is the error of those who wait.
func (p *revocations) why() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last == nil {
		return ErrForgetting
	}
	return fmt.Errorf("%w: %w", ErrForgetting, p.last)
}

// answers reports whether an error came with an answer, of whomever.
func answers(err error) bool {
	if e, ok := errors.AsType[*oauthdevice.Error](err); ok {
		return e.HTTPStatus != 0
	}
	e, ok := errors.AsType[*picker.Error](err)
	return ok && e.HTTPStatus != 0
}
