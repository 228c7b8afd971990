package engine

import (
	"io/fs"
	"log/slog"
	"sync/atomic"
	"time"

	"pickerd/device"
	"pickerd/store"
)

// records writes what is on disk about picks, pairings and items. Times are stamped
// with the servers' time.
type records struct {
	store *store.Store
	clock *clock
	log   *slog.Logger
	ended endedLinks
	swept func() // wakes the sweeper
	// pickEnded is called with the outcome of a pick.
	pickEnded func(requestID, outcome string)
	// tidied is set once no collection was left without photos by a pick or pairing that
	// has ended, in this process or before it.
	tidied atomic.Bool
	// photosChanged is called when the collection may be another one.
	photosChanged func()
}

// newPick is the intent of a pick for a collection. unusedBefore counts the sessions
// before it that nobody used.
func (r *records) newPick(grantID, collection string, unusedBefore int) store.Pick {
	return store.Pick{RequestID: newRequestID(), GrantID: grantID, Collection: collection, CreatedAt: r.clock.stamp(), UnusedBefore: unusedBefore}
}

func (r *records) updatePick(requestID string, change func(*store.Pick)) error {
	if err := r.store.Picks.Update(requestID, change); err != nil {
		return storeError(err)
	}
	return nil
}

// endPick marks a pick as ended.
func (r *records) endPick(p *store.Pick, reason string) error {
	r.log.Info("pick ended", "reason", reason, "request_id", p.RequestID, "session_id", p.SessionID)
	if err := r.store.Picks.End(p.RequestID, reason); err != nil {
		return storeError(err)
	}
	r.tidied.Store(false)
	r.pickEnded(p.RequestID, reason)
	return nil
}

// endPicks marks all picks of an account as ended, because of one of them.
func (r *records) endPicks(p *store.Pick, reason string) error {
	r.log.Info("pick ended", "reason", reason, "request_id", p.RequestID, "session_id", p.SessionID)
	if err := r.store.Picks.EndAll(p.GrantID, reason); err != nil {
		return storeError(err)
	}
	r.tidied.Store(false)
	r.pickEnded(p.RequestID, reason)
	r.swept()
	return nil
}

// choosePick notes that the person is done. The account's other sessions are not
// needed any more.
func (r *records) choosePick(p *store.Pick) error {
	r.log.Info("picked", "request_id", p.RequestID, "session_id", p.SessionID)
	if err := r.store.Picks.Choose(p.RequestID, "not needed"); err != nil {
		return storeError(err)
	}
	r.swept()
	return nil
}

// replacePick ends a pick and writes the intent of the one that follows it.
func (r *records) replacePick(p *store.Pick, reason string, unusedBefore int) error {
	r.log.Info("pick replaced", "reason", reason, "request_id", p.RequestID, "session_id", p.SessionID)
	next := r.newPick(p.GrantID, p.Collection, unusedBefore)
	next.SuccessorOf = p.SuccessorOf
	if err := r.store.Picks.Replace(p.RequestID, reason, next); err != nil {
		return storeError(err)
	}
	r.pickEnded(p.RequestID, reason)
	r.swept()
	return nil
}

// savePairing stores a pairing. Its times are this process's.
func (r *records) savePairing(p store.Pairing) error {
	r.stamp(&p)
	if p.Previous != nil {
		previous := *p.Previous
		r.stamp(&previous)
		p.Previous = &previous
	}
	if err := r.store.Pairings.Save(p); err != nil {
		return storeError(err)
	}
	return nil
}

func (r *records) stamp(p *store.Pairing) {
	p.StartedAt, p.ExpiresAt = r.clock.stampOf(p.StartedAt), r.clock.stampOf(p.ExpiresAt)
}

// dropPairing deletes the pairing in progress. Links that nobody used have
// expired with it.
func (r *records) dropPairing(p *store.Pairing) error {
	for ; p != nil && !p.Answered(); p = p.Previous {
		r.ended.add(p, device.ErrLinkLate)
	}
	if err := r.store.Pairings.Delete(); err != nil {
		return storeError(err)
	}
	r.tidied.Store(false)
	return nil
}

// freshMargin is how long before it expires a code or link is replaced, so that a
// person who just scanned it can still finish; short ones get a tenth.
const freshMargin = time.Minute

// renewAt returns when the code or link on the screen is to be replaced.
func renewAt(p *store.Pairing, until time.Time) time.Time {
	return until.Add(-min(freshMargin, p.ExpiresAt.Sub(p.StartedAt)/10))
}

// hideItem leaves an item out of the slideshow, or shows it again. To show "" again is
// to show all.
func (r *records) hideItem(id string, hidden bool) error {
	if id == "" && !hidden {
		if err := r.store.Photos.UnhideAll(); err != nil {
			return storeError(err)
		}
		r.photosChanged()
		return nil
	}
	found, err := r.store.Photos.Hide(id, hidden)
	switch {
	case err != nil:
		return storeError(err)
	case !found:
		return fs.ErrNotExist
	}
	r.photosChanged()
	return nil
}

// removeItem deletes an item from the box.
func (r *records) removeItem(id string) error {
	p, err := r.store.Photos.Get(id)
	switch {
	case err != nil:
		return storeError(err)
	case p == nil:
		return fs.ErrNotExist
	}
	if err := r.store.Photos.Delete([]store.Photo{*p}); err != nil {
		return storeError(err)
	}
	if err := r.store.Upkeep(); err != nil {
		r.log.Warn("upkeep failed", "err", err) // it is repeated
	}
	r.log.Info("item removed", "item", id)
	r.photosChanged()
	return nil
}
