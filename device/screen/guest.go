package screen

import (
	"context"
	"errors"
	"time"

	"pickerd/device"
)

const (
	// warnBefore is how long before it a guest is warned, or half of the whole
	// time if that is less.
	warnBefore = time.Minute
	// forgetRetry is the pause before a guest who could not be forgotten is
	// forgotten again.
	forgetRetry = 5 * time.Second
	// forgetLogInterval is how often it is logged that this fails.
	forgetLogInterval = time.Hour
)

// countDown shows the countdown for a guest who is not active. sooner is told
// when that changes.
func (v *view) countDown(now time.Time, sooner func(time.Time)) {
	v.leavesAt = time.Time{}
	if !v.hasGuests() || !v.hasGuest() {
		v.overdue = false
		return
	}
	end := v.guestUntil()
	warn := end.Add(-min(warnBefore, v.cfg.ForgetAfter/2))
	switch {
	case v.overdue || !now.Before(end):
		if !now.Before(v.retryAt) {
			v.retryAt, v.forgetNow = now.Add(forgetRetry), true
		}
		sooner(v.retryAt)
	case now.Before(warn):
		sooner(warn)
	default:
		v.leavesAt = end
		sooner(end)
	}
}

// hasGuest reports whether there is something of a guest on the box.
func (v *view) hasGuest() bool {
	s := &v.snap
	return s.Account != nil || s.Library.Items > 0 || s.TokenPending || s.Code != nil && s.Code.Answered
}

// guestUntil is when a guest is forgotten who stays inactive.
func (v *view) guestUntil() time.Time {
	last := v.touched
	if active := v.cfg.LastActivity(); active.After(last) {
		last = active
	}
	return last.Add(v.cfg.ForgetAfter)
}

// guestIsOver reports whether a guest is to be forgotten now.
func (v *view) guestIsOver(now time.Time) bool {
	return v.hasGuests() && v.hasGuest() && (v.overdue || !now.Before(v.guestUntil()))
}

// runGuestTimer forgets guests whose time is over, until ctx ends.
func (s *Screen) runGuestTimer(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.forget:
			s.forgetGuest(ctx)
		}
	}
}

// forgetGuest forgets a guest unless they are back by the time that the engine
// gets to it.
func (s *Screen) forgetGuest(ctx context.Context) {
	over := func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.view.guestIsOver(time.Now())
	}
	if !over() {
		return
	}
	s.mu.Lock()
	first, logged := !s.view.overdue, s.view.loggedAt
	s.mu.Unlock()
	if first {
		s.cfg.Log.Info("guest inactive", "for", s.cfg.ForgetAfter)
	}
	err := s.cfg.Engine.ForgetIf(ctx, over)
	if err == nil || errors.Is(err, device.ErrNotPaired) || errors.Is(err, device.ErrStopping) {
		s.refresh()
		return
	}
	// The disk does not take it. Nobody else may see the photos.
	now := time.Now()
	if first || now.Sub(logged) >= forgetLogInterval {
		s.cfg.Log.Error("guest not forgotten", "err", err, "retry_in", forgetRetry)
		logged = now
	}
	s.update(func(v *view) { v.overdue, v.retryAt, v.loggedAt = true, now.Add(forgetRetry), logged })
}
