package store

import (
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// Grant returns the grant in force, nil when the box is not paired.
func (s *Store) Grant() (*Grant, error) {
	return view(s, current)
}

func current(tx *bbolt.Tx) (*Grant, error) {
	id := tx.Bucket(bucketMeta).Get(keyGrant)
	if id == nil {
		return nil, nil
	}
	return get[Grant](tx, bucketGrants, id)
}

// Grants returns every grant that is not forgotten.
func (s *Store) Grants() ([]Grant, error) {
	return view(s, func(tx *bbolt.Tx) ([]Grant, error) { return all[Grant](tx, bucketGrants) })
}

// Pairing returns the device authorization under way, nil when there is none.
func (s *Store) Pairing() (*Pairing, error) {
	return view(s, func(tx *bbolt.Tx) (*Pairing, error) { return get[Pairing](tx, bucketMeta, keyPairing) })
}

// SavePairing keeps a device authorization.
func (s *Store) SavePairing(p Pairing) error {
	return s.db.Update(func(tx *bbolt.Tx) error { return put(tx, bucketMeta, keyPairing, p) })
}

// DropPairing forgets the device authorization under way.
func (s *Store) DropPairing() error {
	return s.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketMeta).Delete(keyPairing) })
}

// Paired puts a grant in force, drops the pairing and writes the intent of the
// first pick, all in one step: after it nothing of the pairing can be lost.
func (s *Store) Paired(g Grant, first Pick) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		if err := put(tx, bucketGrants, []byte(g.ID), g); err != nil {
			return err
		}
		meta := tx.Bucket(bucketMeta)
		if err := meta.Put(keyGrant, []byte(g.ID)); err != nil {
			return err
		}
		if err := meta.Delete(keyPairing); err != nil {
			return err
		}
		return put(tx, bucketPicks, []byte(first.RequestID), first)
	})
}

// SaveToken stores a refreshed token. An empty refresh token leaves the old one.
func (s *Store) SaveToken(grantID, access, refresh string, expiresAt time.Time) error {
	return s.updateGrant(grantID, func(g *Grant) {
		g.AccessToken, g.ExpiresAt = access, expiresAt
		if refresh != "" {
			g.RefreshToken = refresh
		}
	})
}

func (s *Store) updateGrant(id string, change func(*Grant)) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		g, err := get[Grant](tx, bucketGrants, []byte(id))
		if err != nil {
			return err
		}
		if g == nil {
			return fmt.Errorf("grant %s is forgotten", id)
		}
		change(g)
		return put(tx, bucketGrants, []byte(id), g)
	})
}

// KillGrant notes that the server no longer accepts a grant, and ends its picks.
func (s *Store) KillGrant(id, reason string) error {
	return s.leave(id, reason, func(g *Grant) { g.Dead, g.AccessToken, g.RefreshToken = true, "", "" })
}

// Retire takes a grant out of force because the person wants to go: its picks
// are over, and its token stays only until their sessions are deleted and,
// with revoke, until it is revoked.
func (s *Store) Retire(id, reason string, revoke bool) error {
	return s.leave(id, reason, retire(revoke))
}

func retire(revoke bool) func(*Grant) {
	return func(g *Grant) { g.Retired, g.Revoke = true, revoke }
}

func (s *Store) leave(id, reason string, change func(*Grant)) error {
	return s.db.Update(func(tx *bbolt.Tx) error { return leave(tx, id, reason, change) })
}

func leave(tx *bbolt.Tx, id, reason string, change func(*Grant)) error {
	g, err := get[Grant](tx, bucketGrants, []byte(id))
	if err != nil || g == nil {
		return err
	}
	change(g)
	if err := put(tx, bucketGrants, []byte(id), g); err != nil {
		return err
	}
	meta := tx.Bucket(bucketMeta)
	if string(meta.Get(keyGrant)) == id {
		if err := meta.Delete(keyGrant); err != nil {
			return err
		}
	}
	return endPicks(tx, func(p *Pick) bool { return p.GrantID == id }, reason)
}

// Unpair takes the grant in force, if there is one, out of force like Retire,
// drops the pairing and empties the collection, all in one step; then it removes
// the photos.
func (s *Store) Unpair(reason string, revoke bool) error {
	err := s.db.Update(func(tx *bbolt.Tx) error {
		g, err := current(tx)
		if err != nil {
			return err
		}
		if g != nil {
			if err := leave(tx, g.ID, reason, retire(revoke)); err != nil {
				return err
			}
		}
		meta := tx.Bucket(bucketMeta)
		return errors.Join(meta.Delete(keyPairing), meta.Delete(keyCollection))
	})
	s.recount()
	if err != nil {
		return err
	}
	return s.Prune()
}

// ForgetGrant erases a grant and its token.
func (s *Store) ForgetGrant(id string) error {
	return s.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketGrants).Delete([]byte(id)) })
}
