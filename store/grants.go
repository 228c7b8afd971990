package store

import (
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"
)

// ErrForgotten means that a record is not there any more.
var ErrForgotten = errors.New("it is forgotten")

// Grant returns the grant in force that a pick was last made with, or else the one
// that was paired last, nil when the box is not paired.
func (s *Store) Grant() (*Grant, error) {
	return view(s, s.current)
}

func (s *Store) current(tx *bbolt.Tx) (*Grant, error) {
	id := tx.Bucket(bucketMeta).Get(keyGrant)
	if id == nil {
		return nil, nil
	}
	g, err := getSealed[Grant](s.sealer, tx, bucketGrants, id)
	if errors.Is(err, errSealed) {
		return nil, nil // see KeyLost
	}
	return g, err
}

// Grants returns every grant that is not forgotten.
func (s *Store) Grants() ([]Grant, error) {
	return view(s, s.grants)
}

// GrantByID returns a grant. It is an error when there is none.
func (s *Store) GrantByID(id string) (*Grant, error) {
	return view(s, func(tx *bbolt.Tx) (*Grant, error) {
		g, err := getSealed[Grant](s.sealer, tx, bucketGrants, []byte(id))
		if g == nil && err == nil {
			err = fmt.Errorf("grant %s: %w", id, ErrForgotten)
		}
		return g, err
	})
}

// Pairing returns the authorization under way, nil when there is none.
func (s *Store) Pairing() (*Pairing, error) {
	return view(s, func(tx *bbolt.Tx) (*Pairing, error) {
		p, err := getSealed[Pairing](s.sealer, tx, bucketMeta, keyPairing)
		if errors.Is(err, errSealed) {
			return nil, nil // a new one takes its place
		}
		return p, err
	})
}

// SavePairing keeps an authorization under way.
func (s *Store) SavePairing(p Pairing) error {
	return s.update(func(tx *bbolt.Tx) error { return s.sealer.put(tx, bucketMeta, keyPairing, p) })
}

// DropPairing forgets the authorization under way.
func (s *Store) DropPairing() error {
	return s.update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketMeta).Delete(keyPairing) })
}

// Paired puts a grant in force, drops the pairing and writes the intent of the
// first pick, if there is one, all in one step: after it nothing of the pairing
// can be lost.
func (s *Store) Paired(g Grant, first *Pick) error {
	return s.update(func(tx *bbolt.Tx) error {
		if err := errors.Join(s.pairOver(tx), s.claimPhotos(tx)); err != nil { // as long as there is one person
			return err
		}
		if err := s.sealer.put(tx, bucketGrants, []byte(g.ID), g); err != nil {
			return err
		}
		meta := tx.Bucket(bucketMeta)
		err := errors.Join(meta.Put(keyGrant, []byte(g.ID)), meta.Delete(keyPairing), meta.Delete(keyWarning),
			endPicks(tx, func(p *Pick) bool { return p.GrantID != g.ID }, "superseded"))
		if g.Imported != "" {
			err = errors.Join(err, meta.Put(keyImported, []byte(g.Imported)))
		}
		if err != nil || first == nil {
			return err
		}
		return put(tx, bucketPicks, []byte(first.RequestID), first)
	})
}

// Imported returns the fingerprint of the token file that the box was delivered
// with and has taken, also when its grant is long forgotten.
func (s *Store) Imported() (string, error) {
	return view(s, func(tx *bbolt.Tx) (string, error) {
		return string(tx.Bucket(bucketMeta).Get(keyImported)), nil
	})
}

// UpdateGrant changes a grant: a refreshed token, an account that is known now.
func (s *Store) UpdateGrant(id string, change func(*Grant)) error {
	return s.update(func(tx *bbolt.Tx) error {
		g, err := getSealed[Grant](s.sealer, tx, bucketGrants, []byte(id))
		if err != nil {
			return err
		}
		if g == nil {
			return fmt.Errorf("grant %s: %w", id, ErrForgotten)
		}
		change(g)
		return s.sealer.put(tx, bucketGrants, []byte(id), g)
	})
}

// KillGrant notes that the server no longer accepts a grant, and ends its
// picks. warning, if there is one, is kept until somebody pairs again.
func (s *Store) KillGrant(id, reason, warning string) error {
	return s.update(func(tx *bbolt.Tx) error {
		if warning != "" {
			if err := tx.Bucket(bucketMeta).Put(keyWarning, []byte(warning)); err != nil {
				return err
			}
		}
		return s.leave(tx, id, reason, func(g *Grant) { g.Dead, g.AccessToken, g.RefreshToken, g.Account = true, "", "", "" })
	})
}

// Warning returns what is to be said until somebody pairs again.
func (s *Store) Warning() (string, error) {
	return view(s, func(tx *bbolt.Tx) (string, error) {
		return string(tx.Bucket(bucketMeta).Get(keyWarning)), nil
	})
}

// Retire takes a grant out of force because the person wants to go: its picks
// are over, and its token stays only until their sessions are deleted and,
// with revoke, until it is revoked.
func (s *Store) Retire(id, reason string, revoke bool) error {
	return s.update(func(tx *bbolt.Tx) error { return s.leave(tx, id, reason, retire(revoke)) })
}

func retire(revoke bool) func(*Grant) {
	return func(g *Grant) { g.Retired, g.Revoke, g.Account = true, revoke, "" }
}

func (s *Store) leave(tx *bbolt.Tx, id, reason string, change func(*Grant)) error {
	g, err := getSealed[Grant](s.sealer, tx, bucketGrants, []byte(id))
	if err != nil || g == nil {
		return err
	}
	change(g)
	if err := s.sealer.put(tx, bucketGrants, []byte(id), g); err != nil {
		return err
	}
	if string(tx.Bucket(bucketMeta).Get(keyGrant)) == id {
		if err := s.succeed(tx); err != nil {
			return err
		}
	}
	return endPicks(tx, func(p *Pick) bool { return p.GrantID == id }, reason)
}

// succeed puts the grant that was paired last in the place of one that is no
// longer in force.
func (s *Store) succeed(tx *bbolt.Tx) error {
	grants, err := s.grants(tx)
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
		return tx.Bucket(bucketMeta).Delete(keyGrant)
	}
	return tx.Bucket(bucketMeta).Put(keyGrant, []byte(next.ID))
}

// Unpair takes every grant in force out of force like Retire and drops the
// pairing, all in one step; unless keepPhotos says otherwise it empties the
// collection too, and then removes the photos. At its end the file holds nothing
// that was erased.
func (s *Store) Unpair(reason string, revoke, keepPhotos bool) error {
	return s.forget(keepPhotos, func(tx *bbolt.Tx) error {
		grants, err := s.grants(tx)
		if err != nil {
			return err
		}
		for _, g := range grants {
			if !g.InForce() {
				continue
			}
			if err := s.leave(tx, g.ID, reason, retire(revoke)); err != nil {
				return err
			}
		}
		if err := s.dropLocked(tx); err != nil {
			return err
		}
		meta := tx.Bucket(bucketMeta)
		err = errors.Join(meta.Delete(keyPairing), meta.Delete(keyWarning))
		if keepPhotos {
			return err
		}
		return errors.Join(err, meta.Delete(keyCollection))
	})
}

// UnpairOne is Unpair for one person of several: the others keep what is theirs.
// A photo of which it is not known whose it is goes too.
func (s *Store) UnpairOne(id, reason string, revoke, keepPhotos bool) error {
	return s.forget(keepPhotos, func(tx *bbolt.Tx) error {
		if err := s.leave(tx, id, reason, retire(revoke)); err != nil || keepPhotos {
			return err
		}
		others, err := s.photosOfOthers(tx, id)
		if err != nil {
			return err
		}
		return changePhotos(tx, func(p *Photo) bool {
			if others(*p) {
				return false
			}
			p.Pick = "" // it is in no collection
			return true
		})
	})
}

// photosOfOthers tells the photos of other people than one who are paired.
func (s *Store) photosOfOthers(tx *bbolt.Tx, id string) (func(Photo) bool, error) {
	grants, err := s.grants(tx)
	theirs := map[string]bool{}
	for _, g := range grants {
		theirs[g.ID] = g.InForce() && g.ID != id
	}
	return func(p Photo) bool { return theirs[p.Grant] }, err
}

// claimPhotos says whose photos are of which that is not known, where that can only
// be one person: the box had no others.
func (s *Store) claimPhotos(tx *bbolt.Tx) error {
	grants, err := s.grants(tx)
	if err != nil {
		return err
	}
	grants = slices.DeleteFunc(grants, func(g Grant) bool { return !g.InForce() })
	if len(grants) != 1 {
		return nil
	}
	return handOver(tx, "", grants[0].ID)
}

// handOver makes one grant's photos another's.
func handOver(tx *bbolt.Tx, from, to string) error {
	return changePhotos(tx, func(p *Photo) bool {
		if p.Grant != from {
			return false
		}
		p.Grant = to
		return true
	})
}

// Supersede retires a grant whose person has paired again, and hands its photos
// over to the newer one.
func (s *Store) Supersede(id, by string) error {
	return s.update(func(tx *bbolt.Tx) error {
		if err := handOver(tx, id, by); err != nil {
			return err
		}
		return s.leave(tx, id, "paired again", retire(false))
	})
}

// forget makes a change after which nothing of what it erases may be left.
func (s *Store) forget(keepPhotos bool, change func(tx *bbolt.Tx) error) error {
	err := s.update(func(tx *bbolt.Tx) error {
		return errors.Join(change(tx), tx.Bucket(bucketMeta).Put(keyScrub, []byte{1}))
	})
	s.recount()
	if err != nil {
		return err
	}
	if !keepPhotos {
		if _, err = s.Prune(); err != nil {
			return errors.Join(err, s.scrub())
		}
	}
	return s.scrub()
}

// dropLocked erases what nobody can open: somebody wants to be forgotten.
func (s *Store) dropLocked(tx *bbolt.Tx) error {
	grants, err := s.grants(tx)
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
		if err := endPicks(tx, func(p *Pick) bool { return p.GrantID == g.ID }, "unpaired"); err != nil {
			return err
		}
	}
	s.keyLost.Store(false)
	return nil
}

// ForgetGrant erases a grant and its token, from the file's free pages too.
func (s *Store) ForgetGrant(id string) error {
	err := s.update(func(tx *bbolt.Tx) error {
		return errors.Join(tx.Bucket(bucketGrants).Delete([]byte(id)), tx.Bucket(bucketMeta).Put(keyScrub, []byte{1}))
	})
	if err != nil {
		return err
	}
	return s.scrub()
}
