package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"go.etcd.io/bbolt"
)

const (
	databaseName = "pickerd.db"
	mediaName    = "media"
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
	keyDisplay    = []byte("display")    // what browsers on other machines have to know
	keyIdentity   = []byte("identity")   // what token files for this box are sealed to
	keyStandIn    = []byte("stand-in")   // another identity, while no key opens that
	keyRefusals   = []byte("refusals")   // what the server said no to
	keyWarning    = []byte("warning")    // what to say while the box waits to be paired again
	keyImported   = []byte("imported")   // fingerprint of the last imported token file
	keyScrub      = []byte("scrub")      // free pages hold what was erased
	keyPairedOver = []byte("pairedover") // ids of grants that no key opened when somebody paired
)

// ErrInUse means that another process has the state directory open.
var ErrInUse = errors.New("the state directory is in use by another pickerd")

// Options are how a state directory is opened. The zero value is right for one
// whose key is a file beside the database.
type Options struct {
	// Key is what tokens are sealed with, 32 bytes or more; with nil one is
	// kept in a file beside the database.
	Key []byte
	// Warning is kept for Store.Warning when the database has to be begun
	// anew because it is damaged.
	Warning string
	// Watch is told of each change of the disk before it is made; its error
	// takes the change's place. nil for none.
	Watch func(Touch) error
	// Unreadable takes a database that can't be read for a damaged one, also
	// where it is the disk that does not read it.
	Unreadable bool
	// Space tells how much room there is; nil asks the file system.
	Space func() Space
}

// A Store is an open state directory. Its methods may be called at the same
// time.
type Store struct {
	disk    *disk
	space   func() Space
	locked  *os.File // the directory, which keeps others out
	media   *os.Root
	sealer  *sealer
	older   *sealer // opens what was sealed with the key before
	keyLost atomic.Bool
	moved   *Moved
	lost    int    // photos that Open found missing or torn
	keyTo   string // where a damaged key file is now

	dbMu     sync.RWMutex // held for writing while the file is replaced
	db       *bbolt.DB
	readOnly bool

	parts  sync.Map     // names of parts under way
	naming sync.RWMutex // held for writing while leftovers are looked for
	untidy atomic.Bool  // there may be some

	libraryMu sync.Mutex
	library   *Library // nil when it has to be counted anew
}

// Open opens the state directory dir and creates what is missing in it. A
// damaged database is moved aside, see Moved. On a disk that is read-only what
// is there can still be read; see Health. Errors are ErrInUse, ErrShortKey or
// those of the file system, of which IsDisk tells those that may pass.
func Open(dir string, opt Options) (*Store, error) {
	s := &Store{disk: &disk{dir, opt.Watch}, space: opt.Space}
	if err := s.open(opt); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) open(opt Options) error {
	if err := s.disk.mkdirAll(mediaName); err != nil {
		return fmt.Errorf("make the state directory: %w", err)
	}
	var err error
	if s.locked, err = s.disk.lock(); err != nil {
		return fmt.Errorf("lock the state directory: %w", err)
	}
	if err := s.openDatabase(opt); err != nil {
		return err
	}
	if s.media, err = os.OpenRoot(s.disk.path(mediaName)); err != nil {
		return fmt.Errorf("open the media directory: %w", err)
	}
	if err := s.unlock(opt.Key); err != nil {
		return err
	}
	s.untidy.Store(true)
	for _, step := range []func() error{s.removeCopies, s.reseal, s.tidy, s.scrub, s.keepReserve} {
		// A disk that takes nothing must not keep photos from being shown.
		if err := step(); err != nil && (!IsDisk(err) || s.isPlain()) {
			return err
		}
	}
	return nil
}

// Lost returns how many photos Open has dropped because their files were missing
// or torn.
func (s *Store) Lost() int { return s.lost }

// Close closes the database. Nothing is lost without it.
func (s *Store) Close() error {
	var errs []error
	if s.media != nil {
		errs = append(errs, s.media.Close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	if s.locked != nil {
		errs = append(errs, s.locked.Close())
	}
	return errors.Join(errs...)
}

// Upkeep does again what the disk did not take when its time was, and is worth
// calling now and then.
func (s *Store) Upkeep() error {
	if err := s.reopen(); err != nil {
		return err
	}
	err := errors.Join(s.reseal(), s.scrub(), s.keepReserve())
	if err == nil && s.untidy.Load() {
		err = errors.Join(s.removeCopies(), s.tidy())
	}
	return err
}

// removeCopies removes what an earlier run began and did not finish: copies of
// the database, which hold what it held, keys and reserves.
func (s *Store) removeCopies() error {
	entries, err := os.ReadDir(s.disk.dir)
	if err != nil {
		return fmt.Errorf("read the state directory: %w", err)
	}
	for _, e := range entries {
		for _, prefix := range []string{"." + databaseName + "-", "." + keyFileName + "-", reserveName + "-"} {
			if !strings.HasPrefix(e.Name(), prefix) {
				continue
			}
			if err := s.disk.remove(e.Name()); err != nil {
				return fmt.Errorf("tidy the state directory: %w", err)
			}
		}
	}
	return nil
}

// errUnchanged ends a transaction that has nothing to write.
var errUnchanged = errors.New("nothing to write")

// update runs f in a transaction and brings it to the disk, with the reserve's
// room where there is no other. It may run f twice.
func (s *Store) update(f func(tx *bbolt.Tx) error) error {
	return s.insist(func() error { return s.write(f) })
}

// write is update for what has to do without the reserve.
func (s *Store) write(f func(tx *bbolt.Tx) error) error {
	s.dbMu.RLock()
	defer s.dbMu.RUnlock()
	if s.readOnly {
		return fmt.Errorf("write the database: %w", syscall.EROFS)
	}
	err := s.db.Update(func(tx *bbolt.Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		return s.disk.touch(OpCommit, databaseName, "")
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

// insist tries once more with the reserve's room where there is none.
func (s *Store) insist(f func() error) error {
	err := f()
	if isFull(err) && s.releaseReserve() {
		err = f()
	}
	return err
}

func (s *Store) isReadOnly() bool {
	s.dbMu.RLock()
	defer s.dbMu.RUnlock()
	return s.readOnly
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
	s.dbMu.RLock()
	defer s.dbMu.RUnlock()
	var v T
	err := s.db.View(func(tx *bbolt.Tx) (err error) {
		v, err = f(tx)
		return err
	})
	return v, err
}
