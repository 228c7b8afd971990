package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"go.etcd.io/bbolt"
)

// A CorruptError means that the database is damaged or missing.
type CorruptError struct {
	Path   string
	Reason string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("the database %s is damaged: %s", e.Path, e.Reason)
}

// A SchemaError means that a newer pickerd wrote the database.
type SchemaError struct {
	Path      string
	Have, Max int
}

func (e *SchemaError) Error() string {
	return fmt.Sprintf("the database %s has schema version %d; this pickerd knows versions up to %d", e.Path, e.Have, e.Max)
}

func isDamage(err error) bool {
	_, corrupt := errors.AsType[*CorruptError](err)
	_, schema := errors.AsType[*SchemaError](err)
	return corrupt || schema
}

// A Recovery describes how Open replaced a database that could not be read.
type Recovery struct {
	MovedTo string // path of the damaged database; empty if it was missing
	Cause   error  // *CorruptError or *SchemaError
	Photos  int    // number of media files found and kept
	found   []Photo
}

const (
	// damagedInfix comes between the name of a file and the time when it was moved
	// aside.
	damagedInfix = ".damaged-"
	// damagedPrefix and the time make the name of a damaged database.
	damagedPrefix = databaseName + damagedInfix
)

// replaceDamaged gives a damaged database a second name and renames a new one over
// it, with the photos found. Until then the damaged one keeps its first name too,
// so that the next start can finish what a power cut interrupts.
func (db *database) replaceDamaged(cause error, warning string) (*Recovery, error) {
	to, err := db.moveAside()
	if err != nil {
		return nil, fmt.Errorf("%w; move it aside: %w", cause, err)
	}
	photos, err := db.disk.findPhotos()
	if err == nil {
		err = db.createWith(photos, warning)
	}
	if err != nil {
		return nil, fmt.Errorf("%w; create a new one: %w", cause, err)
	}
	return &Recovery{MovedTo: db.disk.path(to), Cause: cause, Photos: len(photos), found: photos}, nil
}

// createMissing creates the database. If there are photos, the old one was lost.
func (db *database) createMissing(warning string) (*Recovery, error) {
	photos, err := db.disk.findPhotos()
	switch {
	case err != nil:
		return nil, err
	case len(photos) == 0:
		return nil, db.createWith(nil, "")
	}
	if err := db.createWith(photos, warning); err != nil {
		return nil, err
	}
	return &Recovery{Cause: &CorruptError{db.disk.path(databaseName), "the file is missing"}, Photos: len(photos), found: photos}, nil
}

// createWith creates a database with photos that were found.
func (db *database) createWith(photos []Photo, warning string) error {
	return db.disk.withReserve(func() error {
		return db.create(func(btx *bbolt.Tx) error {
			tx := &txn{Tx: btx}
			if warning != "" {
				if err := tx.meta().Put(keyWarning, []byte(warning)); err != nil {
					return err
				}
			}
			for _, p := range photos {
				if err := tx.putPhoto(p); err != nil {
					return err
				}
			}
			if len(photos) == 0 {
				return nil
			}
			return tx.put(bucketMeta, keyCollection, []string{foundPick})
		})
	})
}

// moveAside links the damaged database to a dated name, unless an interrupted
// start already did.
func (db *database) moveAside() (name string, err error) {
	damaged, err := os.Lstat(db.disk.path(databaseName))
	if err != nil {
		return "", err
	}
	earlier, err := filepath.Glob(db.disk.path(damagedPrefix + "*"))
	if err != nil {
		return "", err
	}
	for _, e := range earlier {
		if st, err := os.Lstat(e); err == nil && os.SameFile(st, damaged) {
			return filepath.Base(e), nil
		}
	}
	if name, err = db.disk.unusedName(damagedPrefix); err != nil {
		return "", err
	}
	err = db.disk.link(databaseName, name)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EOPNOTSUPP) {
		// Not every file system has links. After a power cut here the database is
		// missing, and createMissing takes over.
		err = db.disk.rename(databaseName, name)
	}
	if err != nil {
		return "", err
	}
	return name, db.disk.syncDir("")
}

// DeleteDamaged removes databases that were moved aside. They may hold records of
// persons who were forgotten.
func (s *Store) DeleteDamaged() error {
	entries, err := os.ReadDir(s.disk.dir)
	if err != nil {
		return fmt.Errorf("read the state directory: %w", err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), damagedPrefix) {
			continue
		}
		if err := s.disk.removeStray(e.Name()); err != nil {
			return fmt.Errorf("remove a damaged database: %w", err)
		}
	}
	return nil
}
