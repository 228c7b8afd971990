package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"syscall"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Schema is the version of the records that this package writes.
const Schema = 2 // 2: grants and the pairing are sealed

// openDatabase opens the database, and begins a new one where there is none or
// what is there can't be read.
func (s *Store) openDatabase(opt Options) error {
	is, err := s.disk.exists(databaseName)
	if err == nil && !is {
		err = s.begin(opt.Warning)
	}
	if err != nil {
		return fmt.Errorf("create the database: %w", err)
	}
	s.db, err = openFile(s.disk.path(databaseName), false)
	if errors.Is(err, syscall.EROFS) {
		s.readOnly = true
		s.db, err = openFile(s.disk.path(databaseName), true)
	}
	if opt.Unreadable && errors.Is(err, syscall.EIO) {
		err = &CorruptError{s.disk.path(databaseName), err.Error()}
	}
	if !isDamage(err) {
		return err
	}
	if s.moved, err = s.moveAside(err, opt.Warning); err != nil {
		return err
	}
	s.db, err = openFile(s.disk.path(databaseName), false)
	return err
}

// reopen makes a database writable that was opened on a read-only disk.
func (s *Store) reopen() error {
	s.dbMu.Lock()
	defer s.dbMu.Unlock()
	if !s.readOnly {
		return nil
	}
	if sp, err := s.look(); err != nil || sp.ReadOnly {
		return err
	}
	// A file that is open for reading is locked against writing.
	path := s.disk.path(databaseName)
	if err := s.db.Close(); err != nil {
		return err
	}
	db, err := openFile(path, false)
	if err == nil {
		s.db, s.readOnly = db, false
		return nil
	}
	db, rerr := openFile(path, true)
	if rerr == nil {
		s.db = db
	}
	return errors.Join(err, rerr) // without a database every call fails until the next start
}

// create makes a database under a name of its own and gives it its name when it
// is whole: bbolt can't open a file whose first pages a power cut has torn. fill
// may put records into it.
func (s *Store) create(fill func(tx *bbolt.Tx) error) error {
	db, name, err := s.newFile()
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, b := range buckets {
			if _, err := tx.CreateBucketIfNotExists(b); err != nil {
				return err
			}
		}
		if fill != nil {
			if err := fill(tx); err != nil {
				return err
			}
		}
		return errors.Join(putSchema(tx.Bucket(bucketMeta)), s.disk.touch(OpCommit, name, ""))
	})
	err = errors.Join(err, db.Close())
	if err == nil {
		err = s.disk.rename(name, databaseName)
	}
	if err != nil {
		return errors.Join(err, s.disk.remove(name))
	}
	return s.disk.syncDir("")
}

// newFile opens an empty database under a name of its own.
func (s *Store) newFile() (db *bbolt.DB, name string, err error) {
	f, name, err := s.disk.createTemp("." + databaseName + "-")
	if err != nil {
		return nil, "", err
	}
	f.Close()
	db, err = bbolt.Open(s.disk.path(name), 0o600, &bbolt.Options{Timeout: lockWait})
	if err != nil {
		return nil, "", errors.Join(err, s.disk.remove(name))
	}
	return db, name, nil
}

var buckets = [][]byte{bucketMeta, bucketGrants, bucketPicks, bucketPhotos}

func putSchema(meta *bbolt.Bucket) error {
	return meta.Put(keySchema, binary.BigEndian.AppendUint32(nil, Schema))
}

// schemaOf returns the version of the records, 0 when there is none.
func schemaOf(tx *bbolt.Tx) int {
	v := tx.Bucket(bucketMeta).Get(keySchema)
	if len(v) != 4 {
		return 0
	}
	return int(binary.BigEndian.Uint32(v))
}

// openFile opens an existing database and looks whether it is whole. Errors are
// *CorruptError, *SchemaError or the file system's.
func openFile(path string, readOnly bool) (db *bbolt.DB, err error) {
	// What intact lets through should open; on a damaged file bbolt panics, or
	// faults on a page that isn't there.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = &CorruptError{path, fmt.Sprint(r)}
		}
	}()
	if err := intactFile(path); err != nil {
		return nil, err
	}
	db, err = bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockWait, ReadOnly: readOnly})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, ErrInUse // an older pickerd locks nothing but the file
	}
	if err != nil {
		if _, ok := errors.AsType[syscall.Errno](err); ok {
			return nil, fmt.Errorf("open the database: %w", err)
		}
		return nil, &CorruptError{path, err.Error()} // not the system's refusal but the file's content
	}
	if err := check(db, path); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

func intactFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	err = intact(f, st.Size())
	if _, ok := errors.AsType[syscall.Errno](err); ok {
		return fmt.Errorf("read the database: %w", err)
	}
	if err != nil {
		return &CorruptError{path, err.Error()}
	}
	return nil
}

// check reads every record once: one that can't be read would otherwise stop the
// box in the middle of its work.
func check(db *bbolt.DB, path string) error {
	return db.View(func(tx *bbolt.Tx) error {
		for _, name := range buckets {
			if tx.Bucket(name) == nil {
				return &CorruptError{path, "it lacks the bucket " + string(name)}
			}
		}
		switch have := schemaOf(tx); {
		case have < 1:
			return &CorruptError{path, "it has no schema version"}
		case have > Schema:
			return &SchemaError{path, have, Schema}
		}
		_, picks := all[Pick](tx, bucketPicks)
		_, photos := all[Photo](tx, bucketPhotos)
		_, shown := collection(tx)
		_, refused := refusals(tx)
		if err := errors.Join(picks, photos, shown, refused); err != nil {
			return &CorruptError{path, err.Error()}
		}
		return tx.Bucket(bucketGrants).ForEach(func(k, v []byte) error {
			if v == nil {
				return &CorruptError{path, fmt.Sprintf("%s/%s is no record", bucketGrants, k)}
			}
			return nil
		})
	})
}
