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
func (r *revocations) wait(is bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = is
	if !is {
		r.since, r.last = nil, nil
	}
}

func (r *revocations) isWaiting() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.waiting
}

// failed notes why a grant is not revoked yet, and whether something answers.
func (r *revocations) failed(grantID string, err error, answers bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = err
	switch {
	case !answers || !r.waiting:
		delete(r.since, grantID)
	case r.since[grantID].IsZero():
		if r.since == nil {
			r.since = map[string]time.Time{}
		}
		r.since[grantID] = time.Now()
	}
}

// over reports whether the next person has waited long enough.
func (r *revocations) over(grantID string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	since := r.since[grantID]
	return r.waiting && !since.IsZero() && time.Since(since) >= giveUpRevoking
}

// why is the error of those who wait.
func (r *revocations) why() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil {
		return ErrForgetting
	}
	return fmt.Errorf("%w: %w", ErrForgetting, r.last)
}

// answers reports whether an error came with an answer, of whomever.
func answers(err error) bool {
	if e, ok := errors.AsType[*oauthdevice.Error](err); ok {
		return e.HTTPStatus != 0
	}
	e, ok := errors.AsType[*picker.Error](err)
	return ok && e.HTTPStatus != 0
}
