package engine

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"pickerd/device"
	"pickerd/oauthdevice"
	"pickerd/store"
)

// An expiry erases photos that were fetched longer ago than keepFor, and their records.
// It goes by the servers' time: the clock of the box may be wrong by years.
type expiry struct {
	keepFor       time.Duration // 0 means for ever
	store         *store.Store
	clock         *clock
	oauth         *oauthdevice.Client // whose server is asked for the time
	log           *slog.Logger
	ask           func(ctx context.Context, change func() error) error
	pub           *publisher
	photosChanged func()
}

func newExpiry(e *Engine) *expiry {
	return &expiry{keepFor: e.cfg.KeepFor, store: e.cfg.Store, clock: e.clock, oauth: &e.cfg.OAuth, log: e.log, ask: e.ask, pub: e.pub, photosChanged: e.cfg.PhotosChanged}
}

var (
	// pickerLaunch is before any photo can have been fetched: the Picker API did not
	// exist.
	pickerLaunch = time.Date(2024, time.September, 1, 0, 0, 0, 0, time.UTC)
	errNoTime    = errors.New("no server has told the time yet")
)

// maxAhead is how far ahead of the servers' time a photo may be dated.
const maxAhead = 24 * time.Hour

// until returns when photos that are fetched now are erased, zero if they are kept.
func (x *expiry) until() time.Time {
	if x.keepFor <= 0 {
		return time.Time{}
	}
	return x.clock.stamp().Add(x.keepFor)
}

// run erases photos until ctx ends.
func (x *expiry) run(ctx context.Context) {
	if x.keepFor <= 0 {
		return
	}
	logged := newRepeats(x.log)
	for {
		wait, err := x.look(ctx)
		if ctx.Err() != nil {
			return
		}
		logged.warn("old photos not erased", err)
		if err != nil {
			wait = expiryRetry
		}
		if !pause(ctx, min(max(wait, minExpiryPause), expiryInterval)) {
			return
		}
	}
}

// look erases what is too old and returns when the next photo will be.
func (x *expiry) look(ctx context.Context) (wait time.Duration, err error) {
	photos, err := x.store.Photos.All()
	if err != nil || len(photos) == 0 {
		return expiryInterval, err
	}
	now, sure := x.clock.now()
	if !sure {
		callCtx, cancel := callContext(ctx)
		defer cancel()
		x.oauth.Reachable(callCtx) // the answer sets the clock
		if now, sure = x.clock.now(); !sure {
			return 0, errNoTime
		}
	}
	old, misdated, wait := x.sort(photos, now)
	if len(old)+len(misdated) == 0 {
		return wait, nil
	}
	return 0, x.ask(ctx, func() error { return x.erase(now) })
}

// sort returns the photos that are too old, those whose date a wrong clock has made,
// and how long it takes until the next of the others is too old.
func (x *expiry) sort(photos []store.Photo, now time.Time) (old, misdated []store.Photo, next time.Duration) {
	next = expiryInterval
	for _, p := range photos {
		left := p.AddedAt.Add(x.keepFor).Sub(now)
		switch {
		case p.AddedAt.Before(pickerLaunch), p.AddedAt.After(now.Add(maxAhead)):
			misdated = append(misdated, p)
		case left <= 0:
			old = append(old, p)
		default:
			next = min(next, left)
		}
	}
	return old, misdated, next
}

// erase erases the photos that are too old. The age of misdated ones counts from now.
// It is called between two steps: nobody picks a photo again meanwhile.
func (x *expiry) erase(now time.Time) error {
	photos, err := x.store.Photos.All()
	if err != nil {
		return storeError(err)
	}
	old, misdated, _ := x.sort(photos, now)
	if len(misdated) > 0 {
		if err := x.store.Photos.Redate(misdated, now); err != nil {
			return storeError(err)
		}
		x.log.Warn("photos redated: a clock was wrong", "photos", len(misdated))
	}
	if len(old) == 0 {
		return nil
	}
	defer x.photosChanged() // also if it failed half-way
	if err := x.store.Photos.Delete(old); err != nil {
		return storeError(err)
	}
	if err := x.store.Upkeep(); err != nil {
		x.log.Warn("upkeep failed", "err", err) // it is repeated
	}
	x.pub.update(func(n *device.Snapshot) {
		if r := n.Receipt; r != nil && !r.Until.IsZero() && !now.Before(r.Until) {
			n.Receipt = nil
		}
	})
	x.log.Info("old photos erased", "photos", len(old), "older_than", x.keepFor)
	return nil
}
