package device

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"pickerd/store"
)

// ForgetGuest erases what a guest has left in a state directory, before anything
// of it can be shown: who comes back after a power cut is the next one. What
// Google is still to be told stays until that is done.
func ForgetGuest(st *store.Store, log *slog.Logger) error {
	accounts, err := st.Grants.All()
	if err != nil {
		return err
	}
	pairing, err := st.Pairings.Current()
	if err != nil {
		return err
	}
	photos, err := st.Photos.Collection()
	if err != nil {
		return err
	}
	if err := st.DeleteDamaged(); err != nil {
		return err
	}
	if len(inForce(accounts)) == 0 && pairing == nil && len(photos) == 0 && !st.KeyLost() {
		return nil
	}
	if err := st.Unpair("guest gone", true, false); err != nil {
		return fmt.Errorf("forget the last guest: %w", err)
	}
	log.Info("account forgotten", "everywhere", true, "why", "the box was off, and its guests don't come back")
	return nil
}

// leaveNotice is how long before it a guest is warned, or half of the whole time
// where that is less.
const leaveNotice = time.Minute

// active notes that somebody's photos are coming, or are wanted: who waits for
// them is not gone.
func (d *Device) active() { d.lastActive.Store(int64(time.Since(d.born))) }

func (d *Device) activeAt() time.Time { return d.born.Add(time.Duration(d.lastActive.Load())) }

// seeOff puts the countdown of a guest who is not active onto the page; active is
// when something came that they wait for. It returns when to look again, and
// whether the guest is gone.
func (v *view) seeOff(after time.Duration, active, now time.Time) (next time.Time, gone bool) {
	v.leavesAt = time.Time{}
	here := v.paired || v.library.Items > 0 || v.granted || v.pairing != nil && v.pairing.Answered()
	if !here {
		v.overdue = false
		return now.Add(time.Hour), false
	}
	last := v.touched
	if active.After(last) {
		last = active
	}
	end := last.Add(after)
	notice := end.Add(-min(leaveNotice, after/2))
	switch {
	case v.overdue: // it is too late to say so
	case now.Before(notice):
		return notice, false
	case now.Before(end):
		v.leavesAt, v.asleep = end, false // also at night
		return end, false
	}
	return now.Add(mendEvery), true
}

// host sees guests off who do not say that they are still here, until ctx ends.
func (d *Device) host(ctx context.Context) {
	if d.cfg.ForgetAfter <= 0 {
		return
	}
	for {
		var next time.Time
		var gone bool
		d.screen.update(func(v *view) { next, gone = v.seeOff(d.cfg.ForgetAfter, d.activeAt(), time.Now()) })
		if gone {
			if err := d.sayGoodbye(ctx); err != nil {
				// The disk does not take it: nobody else may see the photos.
				d.log.Error("a guest could not be forgotten", "err", err, "retry_in", mendEvery)
				d.screen.update(func(v *view) { v.overdue = true })
				if !pause(ctx, mendEvery) {
					return
				}
				continue
			}
		}
		t := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-d.hostNow:
		case <-t.C:
		}
		t.Stop()
	}
}

// sayGoodbye forgets a guest who is gone, unless that is over, or they have come
// back, by the time that the loop gets to it. Its error is the store's.
func (d *Device) sayGoodbye(ctx context.Context) error {
	err := d.ask(ctx, func() error {
		gone := false
		d.screen.update(func(v *view) { _, gone = v.seeOff(d.cfg.ForgetAfter, d.activeAt(), time.Now()) })
		if !gone || !d.facts.hasGuest() {
			return nil
		}
		d.log.Info("the guest is gone", "inactive_for", d.cfg.ForgetAfter)
		return d.forgetAll(true)
	})
	if errors.Is(err, ErrStopping) {
		return nil
	}
	return err
}

// hasGuest reports whether there is something of a person here.
func (f *facts) hasGuest() bool {
	return f.grant != nil || f.library.Photos > 0 || f.pairing != nil && f.pairing.Answered()
}

// leaving reports whether an inactive guest is being counted down for.
func (s *screen) leaving() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.view.leavesAt.IsZero()
}

// Forget is what somebody at the screen means who wants to be forgotten: a guest
// is, at once and everywhere, others are asked who and how far.
func (d *Device) Forget(ctx context.Context) error {
	if d.cfg.ForgetAfter > 0 {
		return d.Unpair(ctx, true)
	}
	d.Touch()
	d.screen.update(func(v *view) { v.menu = v.forgetMenu() })
	wake(d.untilNow)
	return nil
}
