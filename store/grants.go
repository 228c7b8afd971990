package store

import (
	"errors"
	"fmt"
	"slices"
)

// Grants holds the grants of the paired accounts, and those that are still needed
// to delete sessions or to revoke a token.
type Grants struct{ s *Store }

// Current returns the grant in force that the newest pick was made with, or else
// the one paired last. It returns nil if the box is not paired.
func (g *Grants) Current() (*Grant, error) { return view(g.s.db, (*txn).currentGrant) }

func (tx *txn) currentGrant() (*Grant, error) {
	id := tx.meta().Get(keyGrant)
	if id == nil {
		return nil, nil
	}
	g, err := tx.grant(string(id))
	if errors.Is(err, errSealed) {
		return nil, nil // see Store.KeyLost
	}
	return g, err
}

// All returns all grants.
func (g *Grants) All() ([]Grant, error) { return view(g.s.db, (*txn).grants) }

// grants returns all grants. One sealed with an unknown key is Locked and has only
// its ID.
func (tx *txn) grants() ([]Grant, error) {
	var list []Grant
	err := tx.Bucket(bucketGrants).ForEach(func(k, _ []byte) error {
		g, err := getSealed[Grant](tx, bucketGrants, k)
		if errors.Is(err, errSealed) {
			g, err = &Grant{ID: string(k), Dead: true, Locked: true}, nil
		}
		if err == nil {
			list = append(list, *g)
		}
		return err
	})
	return list, err
}

// Get returns the grant with an ID, or ErrNotFound.
func (g *Grants) Get(id string) (*Grant, error) {
	return view(g.s.db, func(tx *txn) (*Grant, error) { return tx.mustGrant(id) })
}

// grant returns the grant with an ID, nil if there is none.
func (tx *txn) grant(id string) (*Grant, error) {
	return getSealed[Grant](tx, bucketGrants, []byte(id))
}

// mustGrant returns the grant with an ID, or ErrNotFound.
func (tx *txn) mustGrant(id string) (*Grant, error) {
	g, err := tx.grant(id)
	if g == nil && err == nil {
		err = fmt.Errorf("grant %s: %w", id, ErrNotFound)
	}
	return g, err
}

func (tx *txn) putGrant(g *Grant) error { return tx.putSealed(bucketGrants, []byte(g.ID), g) }

// Update changes a grant, for example its token. The error is ErrNotFound if there
// is none.
func (g *Grants) Update(id string, change func(*Grant)) error {
	return g.s.db.update(func(tx *txn) error {
		grant, err := tx.mustGrant(id)
		if err != nil {
			return err
		}
		change(grant)
		return tx.putGrant(grant)
	})
}

// Delete erases a grant with its token, from the file's free pages too.
func (g *Grants) Delete(id string) error {
	err := g.s.db.update(func(tx *txn) error {
		return errors.Join(tx.Bucket(bucketGrants).Delete([]byte(id)), tx.markScrub())
	})
	if err != nil {
		return err
	}
	return g.s.db.scrub()
}

// MarkDead records that the server no longer accepts a grant, erases its tokens
// and ends its picks. A warning, if any, is kept until the box is paired again.
func (g *Grants) MarkDead(id, reason, warning string) error {
	return g.s.db.update(func(tx *txn) error {
		if warning != "" {
			if err := tx.meta().Put(keyWarning, []byte(warning)); err != nil {
				return err
			}
		}
		return tx.takeOutOfForce(id, reason, func(g *Grant) {
			g.Dead, g.AccessToken, g.RefreshToken, g.Account, g.Handover = true, "", "", "", nil
		})
	})
}

// Retire takes a grant out of force and ends its picks. The token is kept until
// the picks' sessions are deleted and, with revoke, until it is revoked.
func (g *Grants) Retire(id, reason string, revoke bool) error {
	return g.s.db.update(func(tx *txn) error { return tx.takeOutOfForce(id, reason, retire(revoke)) })
}

// Imported returns the fingerprint of the last imported token file. It outlives
// its grant.
func (g *Grants) Imported() (string, error) {
	return view(g.s.db, func(tx *txn) (string, error) { return string(tx.meta().Get(keyImported)), nil })
}

func (tx *txn) hasLocked() (bool, error) {
	grants, err := tx.grants()
	return slices.ContainsFunc(grants, func(g Grant) bool { return g.Locked }), err
}
