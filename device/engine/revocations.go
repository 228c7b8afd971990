package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"pickerd/device"
	"pickerd/oauthdevice"
	"pickerd/picker"
)

// revocations weigh a revocation that does not get through against the person who
// waits to pair. Without a network nothing is lost by waiting.
type revocations struct {
	mu      sync.Mutex
	waiting bool
	since   map[string]time.Time // grant → since when it fails although a server answers
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

// failed notes why a grant is not revoked yet, and whether a server answers.
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
	return r.waiting && !since.IsZero() && time.Since(since) >= maxRevokeWait
}

// err is the error for whoever waits.
func (r *revocations) err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil {
		return device.ErrForgetting
	}
	return fmt.Errorf("%w: %w", device.ErrForgetting, r.last)
}

// answers reports whether an error came with an answer, from any server.
func answers(err error) bool {
	if e, ok := errors.AsType[*oauthdevice.Error](err); ok {
		return e.HTTPStatus != 0
	}
	e, ok := errors.AsType[*picker.Error](err)
	return ok && e.HTTPStatus != 0
}

// awaitRevocation revokes what is outstanding before the next person pairs, and
// then calls then: what had to wait for it.
func (s *sweeper) awaitRevocation(ctx context.Context, then func() error) error {
	s.revocations.wait(true)
	s.wake()
	ctx, cancel := context.WithTimeout(ctx, revokeWait)
	defer cancel()
	for n := range s.pub.board.Watch(ctx) {
		if n.Outstanding == nil || !n.Outstanding.Revocation {
			s.revocations.wait(false)
			return then()
		}
	}
	if err := context.Cause(ctx); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return s.revocations.err()
}
