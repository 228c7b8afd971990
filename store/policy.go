package store

import (
	"errors"
	"slices"
)

// This file has the rules that connect grants, picks and photos: which grant
// succeeds which, and what ends with a grant.

// FinishPairing stores a grant, makes it the current one, deletes the pairing, ends
// the picks of other grants that are on the screen and stores the intent of the
// first pick, if any. All of it is one transaction: no approval can be lost.
func (s *Store) FinishPairing(g Grant, first *Pick) error {
	return s.db.update(func(tx *txn) error {
		// Before the new grant is stored, while at most one account is paired.
		if err := errors.Join(tx.notePairedOver(), tx.claimPhotos()); err != nil {
			return err
		}
		if err := tx.putGrant(&g); err != nil {
			return err
		}
		meta := tx.meta()
		err := errors.Join(meta.Put(keyGrant, []byte(g.ID)), meta.Delete(keyPairing), meta.Delete(keyWarning),
			tx.endPicks(func(p *Pick) bool { return p.GrantID != g.ID && !p.Replaced }, "superseded"))
		if g.Imported != "" {
			err = errors.Join(err, meta.Put(keyImported, []byte(g.Imported)))
		}
		if err != nil || first == nil {
			return err
		}
		return tx.putPick(first)
	})
}

// Supersede retires a grant whose account was paired again, and assigns its photos
// to the newer grant.
func (s *Store) Supersede(id, by string) error {
	return s.db.update(func(tx *txn) error {
		if err := tx.reassignPhotos(id, by); err != nil {
			return err
		}
		return tx.takeOutOfForce(id, "paired again", retire(false))
	})
}

// Unpair retires every grant in force, erases locked ones and deletes the pairing,
// in one transaction. Unless keepPhotos is set it also empties the collection and
// then deletes the photos. Finally it scrubs the database.
func (s *Store) Unpair(reason string, revoke, keepPhotos bool) error {
	return s.erase(keepPhotos, func(tx *txn) error {
		grants, err := tx.grants()
		if err != nil {
			return err
		}
		for _, g := range grants {
			if !g.InForce() {
				continue
			}
			if err := tx.takeOutOfForce(g.ID, reason, retire(revoke)); err != nil {
				return err
			}
		}
		if err := tx.eraseLocked(); err != nil {
			return err
		}
		s.keyLost.Store(false)
		meta := tx.meta()
		err = errors.Join(meta.Delete(keyPairing), meta.Delete(keyWarning))
		if keepPhotos {
			return err
		}
		for _, key := range tx.keysUnder(prefixCollection) { // the names are theirs
			err = errors.Join(err, meta.Delete(key))
		}
		return errors.Join(err, meta.Delete(keyCollection))
	})
}

// UnpairOne is Unpair for one of several accounts. The photos of the others stay.
// Photos of unknown owner are deleted.
func (s *Store) UnpairOne(id, reason string, revoke, keepPhotos bool) error {
	return s.erase(keepPhotos, func(tx *txn) error {
		if err := tx.takeOutOfForce(id, reason, retire(revoke)); err != nil || keepPhotos {
			return err
		}
		others, err := tx.ownedByOthers(id)
		if err != nil {
			return err
		}
		err = tx.changePhotos(func(p *Photo) bool {
			if others(*p) {
				return false
			}
			p.place(nil)
			return true
		})
		return errors.Join(err, tx.deleteEmpty(""))
	})
}

// erase makes a change that erases records, deletes photos outside the collection
// unless keepPhotos is set, and scrubs the database.
func (s *Store) erase(keepPhotos bool, change func(tx *txn) error) error {
	err := s.db.update(func(tx *txn) error { return errors.Join(change(tx), tx.markScrub()) })
	s.Photos.forgetTotals()
	if err != nil {
		return err
	}
	if !keepPhotos {
		_, err = s.Photos.Prune()
	}
	return errors.Join(err, s.db.scrub())
}

// retire returns the change that takes a grant out of force at a person's request.
func retire(revoke bool) func(*Grant) {
	return func(g *Grant) { g.Retired, g.Revoke, g.Account, g.Handover = true, revoke, "", nil }
}

// takeOutOfForce changes a grant, ends its picks and makes another grant the
// current one if it was that. An unknown ID is no error.
func (tx *txn) takeOutOfForce(id, reason string, change func(*Grant)) error {
	g, err := tx.grant(id)
	if err != nil || g == nil {
		return err
	}
	change(g)
	if err := tx.putGrant(g); err != nil {
		return err
	}
	if string(tx.meta().Get(keyGrant)) == id {
		if err := tx.promoteNext(); err != nil {
			return err
		}
	}
	return tx.endPicks(func(p *Pick) bool { return p.GrantID == id }, reason)
}

// promoteNext makes the grant in force that was paired last the current one.
func (tx *txn) promoteNext() error {
	grants, err := tx.grants()
	if err != nil {
		return err
	}
	var next *Grant
	for _, g := range grants {
		if g.InForce() && (next == nil || g.PairedAt.After(next.PairedAt)) {
			next = &g
		}
	}
	if next == nil {
		return tx.meta().Delete(keyGrant)
	}
	return tx.meta().Put(keyGrant, []byte(next.ID))
}

// notePairedOver records which grants are locked while the box is paired again:
// the new pairing replaces them.
func (tx *txn) notePairedOver() error {
	grants, err := tx.grants()
	if err != nil {
		return err
	}
	var locked []string
	for _, g := range grants {
		if g.Locked {
			locked = append(locked, g.ID)
		}
	}
	if locked == nil {
		return nil
	}
	return tx.put(bucketMeta, keyPairedOver, locked)
}

// retirePairedOver retires grants whose key was restored after the box had been
// paired again, and returns how many.
func (tx *txn) retirePairedOver() (n int, err error) {
	over, err := get[[]string](tx, bucketMeta, keyPairedOver)
	if err != nil || over == nil {
		return 0, err
	}
	grants, err := tx.grants()
	if err != nil {
		return 0, err
	}
	for _, g := range grants {
		if !g.InForce() || !slices.Contains(*over, g.ID) {
			continue
		}
		n++
		if err := tx.takeOutOfForce(g.ID, "superseded", retire(false)); err != nil {
			return n, err
		}
	}
	return n, nil
}

// eraseLocked erases the grants that no key opens, and ends their picks.
func (tx *txn) eraseLocked() error {
	grants, err := tx.grants()
	if err != nil {
		return err
	}
	for _, g := range grants {
		if !g.Locked {
			continue
		}
		if err := tx.Bucket(bucketGrants).Delete([]byte(g.ID)); err != nil {
			return err
		}
		if err := tx.endPicks(func(p *Pick) bool { return p.GrantID == g.ID }, "unpaired"); err != nil {
			return err
		}
	}
	return nil
}

// ownedByOthers returns a function that reports whether a photo belongs to a
// paired account other than that of a grant.
func (tx *txn) ownedByOthers(id string) (func(Photo) bool, error) {
	grants, err := tx.grants()
	others := map[string]bool{}
	for _, g := range grants {
		others[g.ID] = g.InForce() && g.ID != id
	}
	return func(p Photo) bool { return others[p.Grant] }, err
}

// claimPhotos assigns photos of unknown owner to the paired account if there is
// only one.
func (tx *txn) claimPhotos() error {
	grants, err := tx.grants()
	if err != nil {
		return err
	}
	grants = slices.DeleteFunc(grants, func(g Grant) bool { return !g.InForce() })
	if len(grants) != 1 {
		return nil
	}
	return tx.reassignPhotos("", grants[0].ID)
}

// reassignPhotos makes the photos of one grant another's.
func (tx *txn) reassignPhotos(from, to string) error {
	return tx.changePhotos(func(p *Photo) bool {
		if p.Grant != from {
			return false
		}
		p.Grant = to
		return true
	})
}
