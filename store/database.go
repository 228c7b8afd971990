package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"pickerd/store/pagecheck"
	"pickerd/store/regular"
)

// Schema is the version of the records that this package writes. Since version 2
// grants and the pairing are sealed. Since version 3 the other records have checksums.
const Schema = 3

// ErrInUse means that another process uses the state directory.
var ErrInUse = errors.New("the state directory is in use by another pickerd")

// ErrNotFound means that a record does not exist, or no longer.
var ErrNotFound = errors.New("no such record")

const (
	databaseName = "pickerd.db"
	mediaName    = "media"
)

var (
	bucketMeta   = []byte("meta")
	bucketGrants = []byte("grants")
	bucketPicks  = []byte("picks")
	bucketPhotos = []byte("photos")

	buckets = [][]byte{bucketMeta, bucketGrants, bucketPicks, bucketPhotos}

	// Keys of the meta bucket.
	keySchema     = []byte("schema")
	keyPairing    = []byte("pairing")
	keyGrant      = []byte("grant")      // ID of the current grant
	keyCollection = []byte("collection") // request IDs of the picks shown, in order
	keyDisplay    = []byte("display")    // display key
	keyIdentity   = []byte("identity")   // key that token files are encrypted to
	keyStandIn    = []byte("stand-in")   // identity used while the real one can't be opened
	keyRefusals   = []byte("refusals")
	keyWarning    = []byte("warning")
	keyImported   = []byte("imported")   // fingerprint of the last imported token file
	keyMetadata   = []byte("metadata")   // last good metadata of the authorization server
	keyScrub      = []byte("scrub")      // set while free pages may hold erased records
	keyMark       = []byte("mark")       // see Store.Mark
	keyTries      = []byte("pin-tries")  // see PINs
	keyPairedOver = []byte("pairedover") // IDs of the grants that were locked at the last pairing
)

// A database is the bbolt file. Writes fail with EROFS while it is open read-only.
type database struct {
	disk   *disk
	sealer *sealer
	// partDropped is called after the record of a part was deleted; it may be nil.
	partDropped func(file string)
	reads       atomic.Int64 // read transactions
	// damaged is set when a record was not as it was written.
	damaged atomic.Bool
	writes  atomic.Int64 // write transactions that have ended

	mu       sync.RWMutex // held for writing while the file is replaced
	bolt     *bbolt.DB
	readOnly bool
}

// A txn is a transaction with the records' key.
type txn struct {
	*bbolt.Tx
	sealer      *sealer
	damaged     *atomic.Bool      // may be nil
	partDropped func(file string) // may be nil
}

// open opens the database. It creates one if there is none, and replaces one that
// is damaged.
func (db *database) open(opt Options) (*Recovery, error) {
	var recovery *Recovery
	is, err := db.disk.exists(databaseName)
	if err == nil && !is {
		recovery, err = db.createMissing(opt.Warning)
	}
	if err != nil {
		return recovery, fmt.Errorf("create the database: %w", err)
	}
	path := db.disk.path(databaseName)
	db.disk.allowReading(databaseName)
	db.bolt, err = openFile(path, false)
	if errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrPermission) { // EPERM: the file is immutable
		db.readOnly = true
		db.bolt, err = openFile(path, true)
	}
	if isUnreadable(err) {
		err = &CorruptError{path, err.Error()}
	}
	if opt.ReplaceUnreadable && errors.Is(err, syscall.EIO) {
		err = &CorruptError{path, err.Error()}
	}
	if !isDamage(err) {
		return recovery, err
	}
	if recovery, err = db.replaceDamaged(err, opt.Warning); err != nil {
		return nil, err
	}
	db.readOnly = false
	db.bolt, err = openFile(path, false)
	return recovery, err
}

func (db *database) close() error {
	if db.bolt == nil {
		return nil
	}
	return db.bolt.Close()
}

// reopen makes a read-only database writable if the disk is writable again.
func (db *database) reopen() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if !db.readOnly {
		return nil
	}
	if sp, err := db.disk.space(); err != nil || sp.ReadOnly {
		return err
	}
	// A file that is open for reading is locked against writing.
	path := db.disk.path(databaseName)
	if err := db.bolt.Close(); err != nil {
		return err
	}
	bolt, err := openFile(path, false)
	if err == nil {
		db.bolt, db.readOnly = bolt, false
		return nil
	}
	bolt, rerr := openFile(path, true)
	if rerr == nil {
		db.bolt = bolt
	}
	return errors.Join(err, rerr) // without a database every call fails until the next start
}

func (db *database) isReadOnly() bool {
	db.mu.RLock()
	defer db.mu.RUnlock()
	return db.readOnly
}

// isUnsealed reports whether records of an old schema are still to be sealed. They
// can't be read until then.
func (db *database) isUnsealed() bool {
	have, err := view(db, func(tx *txn) (int, error) { return schemaOf(tx.Tx), nil })
	return err != nil || have < 2
}

// view runs f in a read transaction and returns its value.
func view[T any](db *database, f func(tx *txn) (T, error)) (T, error) {
	db.mu.RLock()
	defer db.mu.RUnlock()
	db.reads.Add(1)
	var v T
	err := db.bolt.View(func(tx *bbolt.Tx) (err error) {
		v, err = f(&txn{tx, db.sealer, &db.damaged, db.partDropped})
		return err
	})
	return v, err
}

// errUnchanged ends a transaction that has nothing to write.
var errUnchanged = errors.New("nothing to write")

// update runs f in a read-write transaction and commits it. If the disk is full,
// it releases the reserve and runs f a second time.
func (db *database) update(f func(tx *txn) error) error {
	return db.disk.withReserve(func() error { return db.write(f) })
}

// write is update without the reserve.
func (db *database) write(f func(tx *txn) error) error {
	db.mu.RLock()
	defer db.mu.RUnlock()
	if db.readOnly {
		return fmt.Errorf("write the database: %w", syscall.EROFS)
	}
	defer db.writes.Add(1)
	err := db.bolt.Update(func(tx *bbolt.Tx) error {
		if err := f(&txn{tx, db.sealer, &db.damaged, db.partDropped}); err != nil {
			return err
		}
		return db.disk.announce(OpCommit, databaseName, "")
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

// create writes a new database to a temporary file and renames it when it is
// complete: bbolt can't open a file whose first pages are torn. fill adds records
// to it and may be nil.
func (db *database) create(fill func(tx *bbolt.Tx) error) error {
	bolt, name, err := db.createTemp()
	if err != nil {
		return err
	}
	err = bolt.Update(func(tx *bbolt.Tx) error {
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
		return errors.Join(putSchema(tx), db.disk.announce(OpCommit, name, ""))
	})
	err = errors.Join(err, bolt.Close())
	if err == nil {
		err = db.disk.rename(name, databaseName)
	}
	if err != nil {
		return errors.Join(err, db.disk.remove(name))
	}
	return db.disk.syncDir("")
}

// createTemp opens an empty database in a temporary file.
func (db *database) createTemp() (bolt *bbolt.DB, name string, err error) {
	f, name, err := db.disk.createTemp("." + databaseName + "-")
	if err != nil {
		return nil, "", err
	}
	f.Close()
	bolt, err = bbolt.Open(db.disk.path(name), 0o600, &bbolt.Options{Timeout: lockTimeout})
	if err != nil {
		return nil, "", errors.Join(err, db.disk.remove(name))
	}
	return bolt, name, nil
}

func putSchema(tx *bbolt.Tx) error {
	return tx.Bucket(bucketMeta).Put(keySchema, binary.BigEndian.AppendUint32(nil, Schema))
}

// schemaOf returns the version of the records, 0 if there is none.
func schemaOf(tx *bbolt.Tx) int {
	v := tx.Bucket(bucketMeta).Get(keySchema)
	if len(v) != 4 {
		return 0
	}
	return int(binary.BigEndian.Uint32(v))
}

// openFile opens an existing database and checks it. The error is *CorruptError,
// *SchemaError, ErrInUse or an error of the file system.
func openFile(path string, readOnly bool) (bolt *bbolt.DB, err error) {
	// pagecheck finds most damage. For the rest, bbolt panics, or faults on a
	// missing page.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = &CorruptError{path, fmt.Sprint(r)}
		}
	}()
	if err := verifyFile(path); err != nil {
		return nil, err
	}
	bolt, err = bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockTimeout, ReadOnly: readOnly, OpenFile: regular.OpenFile})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, ErrInUse // versions before the directory lock hold this one only
	}
	if err != nil {
		if _, ok := errors.AsType[syscall.Errno](err); ok {
			return nil, fmt.Errorf("open the database: %w", err)
		}
		return nil, &CorruptError{path, err.Error()} // no system error: it is the content
	}
	if err := verifyRecords(bolt, path); err != nil {
		bolt.Close()
		return nil, err
	}
	return bolt, nil
}

func verifyFile(path string) error {
	f, err := regular.Open(path)
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	err = pagecheck.Check(f, st.Size())
	if _, ok := errors.AsType[syscall.Errno](err); ok {
		return fmt.Errorf("read the database: %w", err)
	}
	if err != nil {
		return &CorruptError{path, err.Error()}
	}
	return nil
}

// verifyRecords checks that the buckets have records. Store.repair looks into them.
func verifyRecords(bolt *bbolt.DB, path string) error {
	return bolt.View(func(btx *bbolt.Tx) error {
		tx := &txn{Tx: btx}
		for _, name := range buckets {
			if tx.Bucket(name) == nil {
				return &CorruptError{path, "bucket " + string(name) + " is missing"}
			}
		}
		switch have := schemaOf(btx); {
		case have < 1:
			return &CorruptError{path, "no schema version"}
		case have > Schema:
			return &SchemaError{path, have, Schema}
		}
		for _, name := range buckets {
			err := tx.Bucket(name).ForEach(func(k, v []byte) error {
				if v == nil {
					return &CorruptError{path, fmt.Sprintf("%s/%s is not a record", name, k)}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (tx *txn) meta() *bbolt.Bucket { return tx.Bucket(bucketMeta) }

// markScrub records that free pages hold erased records.
func (tx *txn) markScrub() error { return tx.meta().Put(keyScrub, []byte{1}) }

// put stores v as JSON.
func (tx *txn) put(bucket, key []byte, v any) error {
	record, err := encode(bucket, key, v)
	if err != nil {
		return err
	}
	return tx.Bucket(bucket).Put(key, record)
}

// get returns the record under key, nil if there is none.
func get[T any](tx *txn, bucket, key []byte) (*T, error) {
	record := tx.Bucket(bucket).Get(key)
	if record == nil {
		return nil, nil
	}
	v, err := decodeRecord[T](bucket, key, record)
	tx.noteDamage(err)
	return v, err
}

func decode[T any](bucket, key, data []byte) (*T, error) {
	v := new(T)
	if err := json.Unmarshal(data, v); err != nil {
		// The decoder's error may quote the record, and so a token.
		return nil, fmt.Errorf("record %s/%s can't be decoded", bucket, key)
	}
	return v, nil
}

// noteDamage has Upkeep repair damaged records.
func (tx *txn) noteDamage(err error) {
	if err != nil && tx.damaged != nil {
		tx.damaged.Store(true)
	}
}

// all returns every record of a bucket in the order of its keys. Damaged ones are left
// out until they are repaired.
func all[T any](tx *txn, bucket []byte) ([]T, error) {
	var list []T
	err := tx.Bucket(bucket).ForEach(func(k, data []byte) error {
		v, err := decodeRecord[T](bucket, k, data)
		if tx.noteDamage(err); err == nil {
			list = append(list, *v)
		}
		return nil
	})
	return list, err
}
