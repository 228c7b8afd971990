package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.etcd.io/bbolt"
)

const compactTxSize = 1 << 20

// scrub replaces the database file by a copy that holds only what is in it now:
// bbolt keeps the bytes of erased records in pages that are free. A crash
// before its end leaves the mark, and Open scrubs again.
func (s *Store) scrub() error {
	s.dbMu.Lock()
	defer s.dbMu.Unlock()
	marked := false
	err := s.db.View(func(tx *bbolt.Tx) error {
		marked = tx.Bucket(bucketMeta).Get(keyScrub) != nil
		return nil
	})
	if err != nil || !marked {
		return err
	}
	fresh, err := s.copyFresh()
	if err != nil {
		return fmt.Errorf("scrub the database: %w", err)
	}
	// The new file is open, and so locked, before it has its name. Another
	// pickerd that waits for the old one's lock sees that it has lost its name.
	old := s.db
	if err := os.Rename(fresh.Path(), filepath.Join(s.dir, databaseName)); err != nil {
		return fmt.Errorf("scrub the database: %w", errors.Join(err, fresh.Close(), os.Remove(fresh.Path())))
	}
	s.db = fresh
	return errors.Join(syncDir(s.dir), old.Close())
}

// copyFresh compacts the database into a file of its own.
func (s *Store) copyFresh() (*bbolt.DB, error) {
	tmp, err := os.CreateTemp(s.dir, "."+databaseName+"-")
	if err != nil {
		return nil, err
	}
	tmp.Close()
	fresh, err := bbolt.Open(tmp.Name(), 0o600, &bbolt.Options{Timeout: lockWait})
	if err != nil {
		return nil, errors.Join(err, os.Remove(tmp.Name()))
	}
	err = bbolt.Compact(fresh, s.db, compactTxSize)
	if err == nil {
		err = fresh.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketMeta).Delete(keyScrub) })
	}
	if err := errors.Join(err, fresh.Sync()); err != nil {
		return nil, errors.Join(err, fresh.Close(), os.Remove(tmp.Name()))
	}
	return fresh, nil
}

// removeCopies removes what an earlier run began and did not finish: copies of
// the database, which hold what it held, and keys.
func (s *Store) removeCopies() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("read the state directory: %w", err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "."+databaseName+"-") && !strings.HasPrefix(e.Name(), "."+keyFileName+"-") {
			continue
		}
		if err := os.Remove(filepath.Join(s.dir, e.Name())); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("tidy the state directory: %w", err)
		}
	}
	return nil
}
