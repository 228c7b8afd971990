package store

import (
	"cmp"
	"errors"
	"fmt"
	"sort"
)

// Picks holds every pick whose session is not known to be deleted.
type Picks struct{ s *Store }

// All returns all picks, oldest first.
func (p *Picks) All() ([]Pick, error) { return view(p.s.db, (*txn).picks) }

func (tx *txn) picks() ([]Pick, error) {
	picks, err := all[Pick](tx, bucketPicks)
	sort.Slice(picks, func(i, j int) bool {
		a, b := &picks[i], &picks[j]
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.RequestID, b.RequestID)) < 0
	})
	return picks, err
}

func (tx *txn) putPick(p *Pick) error { return tx.put(bucketPicks, []byte(p.RequestID), p) }

// Add stores the intent to create a session, and makes the pick's grant the
// current one.
func (p *Picks) Add(pick Pick) error {
	return p.s.db.update(func(tx *txn) error {
		return errors.Join(tx.meta().Put(keyGrant, []byte(pick.GrantID)), tx.putPick(&pick))
	})
}

// Update changes a pick. A pick that has ended stays so. The error is ErrNotFound
// if there is no such pick.
func (p *Picks) Update(requestID string, change func(*Pick)) error {
	return p.s.db.update(func(tx *txn) error {
		pick, err := get[Pick](tx, bucketPicks, []byte(requestID))
		if err != nil {
			return err
		}
		if pick == nil {
			return fmt.Errorf("pick %s: %w", requestID, ErrNotFound)
		}
		ended := pick.EndReason
		change(pick)
		pick.EndReason = cmp.Or(ended, pick.EndReason)
		return tx.putPick(pick)
	})
}

// End ends a pick: its session only remains to be deleted. The first reason is
// kept.
func (p *Picks) End(requestID, reason string) error {
	return p.s.db.update(func(tx *txn) error {
		return tx.endPicks(func(p *Pick) bool { return p.RequestID == requestID }, reason)
	})
}

func (tx *txn) endPicks(match func(*Pick) bool, reason string) error {
	picks, err := all[Pick](tx, bucketPicks)
	if err != nil {
		return err
	}
	for _, p := range picks {
		if !match(&p) || p.EndReason != "" {
			continue
		}
		p.EndReason, p.PickerURI = reason, "" // the link must not be used any more
		if err := tx.dropPartials(p.RequestID); err != nil {
			return err
		}
		if err := tx.putPick(&p); err != nil {
			return err
		}
	}
	return nil
}

// Replace ends one pick and stores the intent of the next, in one transaction.
func (p *Picks) Replace(old, reason string, next Pick) error {
	return p.s.db.update(func(tx *txn) error {
		if err := tx.endPicks(func(p *Pick) bool { return p.RequestID == old }, reason); err != nil {
			return err
		}
		return tx.putPick(&next)
	})
}

// EndAll ends all picks of a grant.
func (p *Picks) EndAll(grantID, reason string) error {
	return p.s.db.update(func(tx *txn) error {
		return tx.endPicks(func(p *Pick) bool { return p.GrantID == grantID }, reason)
	})
}

// Choose stores that the person is done with a pick: it becomes the current one, and
// the other picks of its grant end. A pick that has ended stays so.
func (p *Picks) Choose(requestID, reason string) error {
	return p.s.db.update(func(tx *txn) error {
		pick, err := get[Pick](tx, bucketPicks, []byte(requestID))
		if err != nil || pick == nil || !pick.Live() {
			return err
		}
		pick.Done, pick.Replaced, pick.SuccessorOf = true, false, ""
		return errors.Join(tx.meta().Put(keyGrant, []byte(pick.GrantID)), tx.putPick(pick),
			tx.endPicks(func(p *Pick) bool { return p.GrantID == pick.GrantID && p.RequestID != requestID }, reason))
	})
}

// Delete deletes a pick whose session is known to be deleted. If its grant is gone
// too, the record is also erased from the file's free pages.
func (p *Picks) Delete(requestID string) error {
	err := p.s.db.update(func(tx *txn) error {
		pick, err := get[Pick](tx, bucketPicks, []byte(requestID))
		if err != nil || pick == nil {
			return err
		}
		if tx.Bucket(bucketGrants).Get([]byte(pick.GrantID)) == nil {
			err = tx.markScrub()
		}
		return errors.Join(err, tx.Bucket(bucketPicks).Delete([]byte(requestID)))
	})
	if err != nil {
		return err
	}
	return p.s.db.scrub()
}
