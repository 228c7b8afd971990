package store

import (
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

const maxCompactTx = 1 << 20 // bytes

// scrub replaces the database file by a compacted copy if records were erased:
// bbolt keeps their bytes in free pages. If a crash or the disk prevents it, the
// mark stays, and Open and Upkeep scrub again.
func (db *database) scrub() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	marked := false
	err := db.bolt.View(func(tx *bbolt.Tx) error {
		marked = tx.Bucket(bucketMeta).Get(keyScrub) != nil
		return nil
	})
	if err != nil || !marked || db.readOnly {
		return err
	}
	if err := db.disk.withReserve(db.replaceFile); err != nil {
		return fmt.Errorf("scrub the database: %w", err)
	}
	return nil
}

// replaceFile renames a compacted copy over the database.
func (db *database) replaceFile() error {
	fresh, name, err := db.compact()
	if err != nil {
		return err
	}
	if err := db.disk.rename(name, databaseName); err != nil {
		return errors.Join(err, fresh.Close(), db.disk.remove(name))
	}
	old := db.bolt
	db.bolt = fresh
	return errors.Join(db.disk.syncDir(""), old.Close())
}

// compact copies the database into a temporary file.
func (db *database) compact() (*bbolt.DB, string, error) {
	fresh, name, err := db.createTemp()
	if err != nil {
		return nil, "", err
	}
	err = bbolt.Compact(fresh, db.bolt, maxCompactTx)
	if err == nil {
		err = fresh.Update(func(tx *bbolt.Tx) error {
			return errors.Join(tx.Bucket(bucketMeta).Delete(keyScrub), db.disk.announce(OpCommit, name, ""))
		})
	}
	if err != nil {
		return nil, "", errors.Join(err, fresh.Close(), db.disk.remove(name))
	}
	return fresh, name, nil
}
