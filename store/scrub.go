package store

import (
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

const compactTxSize = 1 << 20

// scrub replaces the database file by a copy that holds only what is in it now:
// bbolt keeps the bytes of erased records in pages that are free. A crash
// before its end, or a disk that does not take it, leaves the mark, and Open and
// Upkeep scrub again.
func (s *Store) scrub() error {
	s.dbMu.Lock()
	defer s.dbMu.Unlock()
	marked := false
	err := s.db.View(func(tx *bbolt.Tx) error {
		marked = tx.Bucket(bucketMeta).Get(keyScrub) != nil
		return nil
	})
	if err != nil || !marked || s.readOnly {
		return err
	}
	if err := s.insist(s.replace); err != nil {
		return fmt.Errorf("scrub the database: %w", err)
	}
	return nil
}

// replace puts a fresh copy of the database in its place.
func (s *Store) replace() error {
	fresh, name, err := s.copyFresh()
	if err != nil {
		return err
	}
	if err := s.disk.rename(name, databaseName); err != nil {
		return errors.Join(err, fresh.Close(), s.disk.remove(name))
	}
	old := s.db
	s.db = fresh
	return errors.Join(s.disk.syncDir(""), old.Close())
}

// copyFresh compacts the database into a file of its own.
func (s *Store) copyFresh() (*bbolt.DB, string, error) {
	fresh, name, err := s.newFile()
	if err != nil {
		return nil, "", err
	}
	err = bbolt.Compact(fresh, s.db, compactTxSize)
	if err == nil {
		err = fresh.Update(func(tx *bbolt.Tx) error {
			return errors.Join(tx.Bucket(bucketMeta).Delete(keyScrub), s.disk.touch(OpCommit, name, ""))
		})
	}
	if err != nil {
		return nil, "", errors.Join(err, fresh.Close(), s.disk.remove(name))
	}
	return fresh, name, nil
}
