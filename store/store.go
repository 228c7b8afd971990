package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Schema is the version of the records that this package writes.
const Schema = 2 // 2: grants and the pairing are sealed

const (
	databaseName = "pickerd.db"
	mediaName    = "media"
	lockWait     = time.Second
)

var (
	bucketMeta   = []byte("meta")
	bucketGrants = []byte("grants")
	bucketPicks  = []byte("picks")
	bucketPhotos = []byte("photos")

	keySchema     = []byte("schema")
	keyPairing    = []byte("pairing")
	keyGrant      = []byte("grant")      // id of the grant in force
	keyCollection = []byte("collection") // requestIds whose photos are shown, in order
	keyIdentity   = []byte("identity")   // what token files for this box are sealed to
	keyStandIn    = []byte("stand-in")   // another identity, while no key opens that
	keyRefusals   = []byte("refusals")   // what the server said no to
	keyWarning    = []byte("warning")    // what to say while the box waits to be paired again
	keyImported   = []byte("imported")   // fingerprint of the last imported token file
	keyScrub      = []byte("scrub")      // free pages hold what was erased
)

// ErrInUse means that another process has the database open.
var ErrInUse = errors.New("the state directory is in use by another pickerd")

// A CorruptError means that the database can't be read.
type CorruptError struct {
	Path string
	Why  string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("the database %s is damaged: %s", e.Path, e.Why)
}

// A SchemaError means that a newer pickerd wrote the database.
type SchemaError struct {
	Path      string
	Have, Max int
}

func (e *SchemaError) Error() string {
	return fmt.Sprintf("the database %s has schema version %d; this pickerd knows versions up to %d", e.Path, e.Have, e.Max)
}

// A Store is an open state directory. Its methods may be called at the same
// time.
type Store struct {
	dir     string
	media   *os.Root
	sealer  *sealer
	keyLost atomic.Bool

	dbMu sync.RWMutex // held for writing while the file is replaced
	db   *bbolt.DB

	libraryMu sync.Mutex
	library   *library // nil when it has to be counted anew
}

// Open opens the state directory dir and creates what is missing in it. Tokens
// are sealed with key, which has to have 32 bytes or more; with a nil key, one
// is kept in a file beside the database. Errors are ErrInUse, ErrShortKey,
// *CorruptError, *SchemaError or those of the file system.
func Open(dir string, key []byte) (*Store, error) {
	path := filepath.Join(dir, databaseName)
	if err := os.MkdirAll(filepath.Join(dir, mediaName), 0o700); err != nil {
		return nil, fmt.Errorf("make the state directory: %w", err)
	}
	if err := create(dir, path); err != nil {
		return nil, fmt.Errorf("create the database: %w", err)
	}
	db, err := open(path)
	if err != nil {
		return nil, err
	}
	media, err := os.OpenRoot(filepath.Join(dir, mediaName))
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("open the media directory: %w", err)
	}
	s := &Store{dir: dir, db: db, media: media}
	for _, step := range []func() error{
		s.removeCopies,
		func() error { return s.unlock(key) },
		s.scrub,
		s.tidy,
	} {
		if err := step(); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

// Close closes the database. Nothing is lost without it.
func (s *Store) Close() error {
	return errors.Join(s.media.Close(), s.db.Close())
}

// create makes the database under a name of its own and links it to path when
// it is whole: bbolt can't open a file whose first pages a power cut has torn.
func create(dir, path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	tmp, err := os.CreateTemp(dir, "."+databaseName+"-")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	tmp.Close()
	db, err := bbolt.Open(tmp.Name(), 0o600, &bbolt.Options{Timeout: lockWait})
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, b := range [][]byte{bucketMeta, bucketGrants, bucketPicks, bucketPhotos} {
			if _, err := tx.CreateBucketIfNotExists(b); err != nil {
				return err
			}
		}
		return putSchema(tx.Bucket(bucketMeta))
	})
	if err := errors.Join(err, db.Sync(), db.Close()); err != nil {
		return err
	}
	// Link instead of rename: of two pickerds at the same moment one wins.
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(dir)
}

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

// open opens an existing database and looks whether it is whole. On a damaged
// one bbolt panics, or faults on a page that isn't there.
func open(path string) (db *bbolt.DB, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = &CorruptError{path, fmt.Sprint(r)}
		}
	}()
	var opened *os.File
	db, err = bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockWait, OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
		var err error
		opened, err = os.OpenFile(name, flag, mode)
		return opened, err
	}})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, ErrInUse
	case err != nil:
		if _, ok := errors.AsType[syscall.Errno](err); ok {
			return nil, fmt.Errorf("open the database: %w", err)
		}
		return nil, &CorruptError{path, err.Error()} // not the system's refusal but the file's content
	}
	if !isAt(opened, path) {
		// While this waited for the lock another pickerd put a compact copy in
		// the file's place, which it has open.
		db.Close()
		return nil, ErrInUse
	}
	if err := check(db, path); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// isAt reports whether an open file is the one that has a name now.
func isAt(f *os.File, path string) bool {
	have, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err == nil && os.SameFile(have, named)
}

func check(db *bbolt.DB, path string) error {
	return db.View(func(tx *bbolt.Tx) error {
		if st, err := os.Stat(path); err != nil || st.Size() < tx.Size() {
			return &CorruptError{path, "it is shorter than it says"}
		}
		for _, name := range [][]byte{bucketMeta, bucketGrants, bucketPicks, bucketPhotos} {
			b := tx.Bucket(name)
			if b == nil {
				return &CorruptError{path, "it lacks the bucket " + string(name)}
			}
			// Touch every page while a fault can still be caught.
			if err := b.ForEach(func(_, _ []byte) error { return nil }); err != nil {
				return &CorruptError{path, err.Error()}
			}
		}
		switch have := schemaOf(tx); {
		case have < 1:
			return &CorruptError{path, "it has no schema version"}
		case have > Schema:
			return &SchemaError{path, have, Schema}
		}
		return nil
	})
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (s *Store) update(f func(tx *bbolt.Tx) error) error {
	s.dbMu.RLock()
	defer s.dbMu.RUnlock()
	return s.db.Update(f)
}

func (s *Store) view(f func(tx *bbolt.Tx) error) error {
	s.dbMu.RLock()
	defer s.dbMu.RUnlock()
	return s.db.View(f)
}

// put stores v as JSON.
func put(tx *bbolt.Tx, bucket, key []byte, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return tx.Bucket(bucket).Put(key, data)
}

// get returns the record under key, nil if there is none.
func get[T any](tx *bbolt.Tx, bucket, key []byte) (*T, error) {
	data := tx.Bucket(bucket).Get(key)
	if data == nil {
		return nil, nil
	}
	return decode[T](bucket, key, data)
}

func decode[T any](bucket, key, data []byte) (*T, error) {
	v := new(T)
	if err := json.Unmarshal(data, v); err != nil {
		// The decoder's text may quote the record, and so a token.
		return nil, fmt.Errorf("record %s/%s can't be read", bucket, key)
	}
	return v, nil
}

// all returns every record of a bucket in the order of its keys.
func all[T any](tx *bbolt.Tx, bucket []byte) ([]T, error) {
	var list []T
	err := tx.Bucket(bucket).ForEach(func(k, data []byte) error {
		v, err := decode[T](bucket, k, data)
		if err == nil {
			list = append(list, *v)
		}
		return err
	})
	return list, err
}

// view runs f in a read transaction and returns its value.
func view[T any](s *Store, f func(tx *bbolt.Tx) (T, error)) (T, error) {
	var v T
	err := s.view(func(tx *bbolt.Tx) (err error) {
		v, err = f(tx)
		return err
	})
	return v, err
}
