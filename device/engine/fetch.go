package engine

import (
	"cmp"
	"context"
	"time"

	"pickerd/device"
	"pickerd/device/fetch"
)

func (e *Engine) fetchConfig() fetch.Config {
	return fetch.Config{
		Store:      e.cfg.Store,
		ScreenSize: e.cfg.ScreenSize,
		MaxBytes:   e.cfg.MaxBytes,
		MaxItems:   e.cfg.MaxItems,

		Log:      e.log,
		Progress: func(p device.Fetch) { e.pub.update(func(n *device.Snapshot) { n.Fetch = &p }) },
		Arrived: func() {
			e.pub.succeeded(nextStep)
			if known, err := e.cfg.Store.Facts(); err == nil {
				e.pub.count(known)
			}
			e.cfg.PhotosChanged()
		},
		Alive:    func() { e.pulse.beat(); e.pulse.progress() },
		Listed:   e.pulse.beat,
		Received: e.tally.received,
		Item:     e.tally.item,
		Now:      e.clock.stamp,
		Wait:     e.pulse.sleep,
		Backoff:  backoff,
		Throttled: func(until time.Time) {
			e.pub.update(func(n *device.Snapshot) {
				if n.Problem != nil && n.Problem.Code != "rate_limited" {
					return
				}
				n.Problem = nil
				if !until.IsZero() {
					n.Problem = notices["rate_limited"].problem()
					n.Problem.Since, n.Problem.RetryAt = time.Now(), until
				}
			})
		},
	}
}

// fetch brings everything that was picked to the box.
func (e *Engine) fetch(ctx context.Context) error {
	f, o := e.facts, e.cfg.options()
	r, err := e.fetcher.Run(ctx, fetch.Session{RequestID: f.pick.RequestID, SessionID: f.pick.SessionID, GrantID: f.grant.ID, API: e.accounts.api(f.grant),
		Append: o.Append, Collection: f.pick.Collection, OriginalVideos: o.OriginalVideos})
	if r.Photos+r.Videos > 0 || err == nil {
		e.noteOnline()
	}
	switch {
	case r.Final:
	case ctx.Err() != nil:
		return ctx.Err()
	default:
		if done, err := e.dropUnusableGrant(f, err); done {
			return err
		}
		gone, gerr := e.records.isGone(f.pick, err)
		if !gone {
			return cmp.Or(gerr, err)
		}
		err = &fetch.ListError{Err: err} // what came stays
	}
	e.log.Info("fetched", "photos", r.Photos, "videos", r.Videos, "failed", r.Failed, "unshowable", r.Unshowable, "bytes", r.Bytes, "took", r.Took.Round(time.Millisecond),
		"request_id", f.pick.RequestID, "session_id", f.pick.SessionID)
	e.pub.update(func(n *device.Snapshot) {
		n.Fetch = nil
		n.Receipt = &device.Receipt{RequestID: f.pick.RequestID, Photos: r.Photos, Videos: r.Videos, Failed: r.Failed, Unshowable: r.Unshowable,
			Until: e.expiry.until(), Since: time.Now()}
	})
	defer e.cfg.PhotosChanged()
	defer e.sweeper.wake()
	if err := e.records.endPick(f.pick, device.PickDone); err != nil {
		return err
	}
	if err == nil && r.NoRoom {
		return fetch.ErrNoRoom
	}
	return err
}
