package store

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"
)

// Picks returns every pick whose session is not known to be deleted, oldest
// first.
func (s *Store) Picks() ([]Pick, error) {
	picks, err := view(s, func(tx *bbolt.Tx) ([]Pick, error) { return all[Pick](tx, bucketPicks) })
	slices.SortFunc(picks, func(a, b Pick) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.RequestID, b.RequestID))
	})
	return picks, err
}

// AddPick writes the intent to create a session. The grant that it is made with is
// the one that Store.Grant returns from then on.
func (s *Store) AddPick(p Pick) error {
	return s.update(func(tx *bbolt.Tx) error {
		return errors.Join(tx.Bucket(bucketMeta).Put(keyGrant, []byte(p.GrantID)), put(tx, bucketPicks, []byte(p.RequestID), p))
	})
}

// UpdatePick changes a pick. A pick that is over stays so.
func (s *Store) UpdatePick(requestID string, change func(*Pick)) error {
	return s.update(func(tx *bbolt.Tx) error {
		p, err := get[Pick](tx, bucketPicks, []byte(requestID))
		if err != nil {
			return err
		}
		if p == nil {
			return fmt.Errorf("pick %s: %w", requestID, ErrForgotten)
		}
		over := p.Over
		change(p)
		p.Over = cmp.Or(over, p.Over)
		return put(tx, bucketPicks, []byte(requestID), p)
	})
}

// EndPick marks a pick over: from here on its session is only to be deleted.
func (s *Store) EndPick(requestID, reason string) error {
	return s.update(func(tx *bbolt.Tx) error {
		return endPicks(tx, func(p *Pick) bool { return p.RequestID == requestID }, reason)
	})
}

func endPicks(tx *bbolt.Tx, which func(*Pick) bool, reason string) error {
	picks, err := all[Pick](tx, bucketPicks)
	if err != nil {
		return err
	}
	for _, p := range picks {
		if !which(&p) || p.Over != "" {
			continue
		}
		p.Over, p.PickerURI = reason, "" // the link is nobody's any more
		if err := put(tx, bucketPicks, []byte(p.RequestID), p); err != nil {
			return err
		}
	}
	return nil
}

// ReplacePick ends one pick and writes the intent of the next in one step.
func (s *Store) ReplacePick(old, reason string, next Pick) error {
	return s.update(func(tx *bbolt.Tx) error {
		if err := endPicks(tx, func(p *Pick) bool { return p.RequestID == old }, reason); err != nil {
			return err
		}
		return put(tx, bucketPicks, []byte(next.RequestID), next)
	})
}

// ForgetPick erases the record of a pick whose session is known to be deleted,
// from the file's free pages too where nobody is left that it could belong to.
func (s *Store) ForgetPick(requestID string) error {
	err := s.update(func(tx *bbolt.Tx) error {
		p, err := get[Pick](tx, bucketPicks, []byte(requestID))
		if err != nil || p == nil {
			return err
		}
		if tx.Bucket(bucketGrants).Get([]byte(p.GrantID)) == nil {
			err = tx.Bucket(bucketMeta).Put(keyScrub, []byte{1})
		}
		return errors.Join(err, tx.Bucket(bucketPicks).Delete([]byte(requestID)))
	})
	if err != nil {
		return err
	}
	return s.scrub()
}
