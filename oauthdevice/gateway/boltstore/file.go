package boltstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"pickerd/store/pagecheck"
)

const (
	lockTimeout  = 2 * time.Second // for a gateway that is stopping
	lockInterval = 50 * time.Millisecond

	lockSuffix    = ".lock"
	damagedSuffix = ".damaged"
	compactSuffix = ".compact"

	minCompact   = 4 << 20 // bytes of a file that is worth compacting
	maxCompactTx = 1 << 20 // bytes
)

// A damageError says what is wrong with a database.
type damageError struct{ reason string }

func (e *damageError) Error() string { return "the file is damaged: " + e.reason }

// errForeign means that the file is a database of something else. It is left alone.
var errForeign = errors.New("the file is a database of another program")

// openFile opens the database, and replaces it if it is damaged. The caller has the
// lock.
func openFile(path string, log *slog.Logger) (*bbolt.DB, error) {
	bolt, err := openChecked(path)
	if damage, ok := errors.AsType[*damageError](err); ok {
		// The name is always the same, so that there is one damaged file at most.
		to := path + damagedSuffix
		if err := os.Rename(path, to); err != nil {
			return nil, fmt.Errorf("%w; move it aside: %w", damage, err)
		}
		log.Warn("gateway database replaced, pending sign-ins are lost", "path", path, "moved_to", to, "error", damage)
		bolt, err = openChecked(path)
	}
	if err != nil || !isMostlyFree(bolt) {
		return bolt, err
	}
	if err := writeCompact(path, bolt); err != nil {
		log.Warn("gateway database not compacted", "path", path, "error", err)
		return bolt, nil
	}
	if err := bolt.Close(); err != nil {
		return nil, err
	}
	return openChecked(path)
}

// lock locks the database for one process. The lock has a file of its own, because
// the database may be renamed.
func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path+lockSuffix, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for begin := time.Now(); ; {
		if err = flock(f); err == nil {
			return f, nil
		}
		if !errors.Is(err, ErrInUse) || time.Since(begin) > lockTimeout {
			return nil, errors.Join(err, f.Close())
		}
		time.Sleep(lockInterval)
	}
}

func flock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrInUse
	}
	return err
}

// openChecked checks the file and opens it with bbolt.
func openChecked(path string) (bolt *bbolt.DB, err error) {
	// What pagecheck does not find makes bbolt panic, or fault.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = &damageError{fmt.Sprint(r)}
		}
	}()
	if err := checkPages(path); err != nil {
		return nil, err
	}
	bolt, err = bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout: lockInterval,
		// With a million free pages each transaction would write 8 MB of their
		// numbers. Without, they are found again at the next start.
		NoFreelistSync: true,
		FreelistType:   bbolt.FreelistMapType,
	})
	_, isErrno := errors.AsType[syscall.Errno](err)
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, ErrInUse
	case isErrno:
		return nil, err
	case err != nil:
		return nil, &damageError{err.Error()}
	}
	if err := errors.Join(prepare(bolt), syncDir(path)); err != nil {
		return nil, errors.Join(err, bolt.Close())
	}
	return bolt, nil
}

// checkPages checks the pages of a file, if it has any, while no other program has
// it open.
func checkPages(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	defer f.Close()
	if err := errors.Join(f.Chmod(0o600), flock(f)); err != nil {
		return err
	}
	st, err := f.Stat()
	if err != nil || st.Size() == 0 {
		return err
	}
	err = pagecheck.Check(f, st.Size())
	if _, isErrno := errors.AsType[syscall.Errno](err); err == nil || isErrno {
		return err
	}
	return &damageError{err.Error()}
}

// prepare creates the buckets, or checks them.
func prepare(bolt *bbolt.DB) error {
	isNew := true
	err := bolt.View(func(tx *bbolt.Tx) error {
		if meta := tx.Bucket(bucketMeta); meta != nil && len(meta.Get(keySchema)) > 0 {
			isNew = false
			return verify(tx)
		}
		return tx.ForEach(func([]byte, *bbolt.Bucket) error { return errForeign })
	})
	if err != nil || !isNew {
		return err
	}
	return bolt.Update(func(tx *bbolt.Tx) error {
		for _, name := range buckets {
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		return tx.Bucket(bucketMeta).Put(keySchema, binary.BigEndian.AppendUint32(nil, schema))
	})
}

// verify checks that the buckets belong together.
func verify(tx *bbolt.Tx) error {
	if have := tx.Bucket(bucketMeta).Get(keySchema); len(have) != 4 || binary.BigEndian.Uint32(have) != schema {
		return &damageError{fmt.Sprintf("its schema version is not %d", schema)}
	}
	n := map[string]int{}
	for _, name := range buckets {
		b := tx.Bucket(name)
		if b == nil {
			return &damageError{"bucket " + string(name) + " is missing"}
		}
		err := b.ForEach(func(k, v []byte) error {
			n[string(name)]++
			if isRecord(name, k, v) {
				return nil
			}
			return &damageError{"invalid record in bucket " + string(name)}
		})
		if err != nil {
			return err
		}
	}
	members := 0
	t := &txn{Tx: tx}
	err := tx.Bucket(bucketSets).ForEach(func(set, _ []byte) error {
		members += t.stored(set)
		return nil
	})
	if members != n["members"] || members != n["order"] || members+n["entries"] != n["expiry"] {
		return &damageError{"its buckets contradict each other"}
	}
	return err
}

// isRecord reports whether a record has the form that its bucket wants. v is nil
// if it is a bucket.
func isRecord(bucket, k, v []byte) bool {
	switch string(bucket) {
	case "entries":
		return len(v) >= timeSize
	case "members", "sets":
		return len(v) == timeSize
	case "order", "expiry":
		return v != nil && len(k) > timeSize
	}
	return v != nil
}

// isMostlyFree reports whether a large file consists mostly of free pages.
func isMostlyFree(bolt *bbolt.DB) bool {
	st := bolt.Stats()
	free := int64(st.FreePageN+st.PendingPageN) * int64(bolt.Info().PageSize)
	size := int64(0)
	err := bolt.View(func(tx *bbolt.Tx) error {
		size = tx.Size()
		return nil
	})
	return err == nil && size >= minCompact && free > size/2
}

// writeCompact renames a compact copy over the database.
func writeCompact(path string, bolt *bbolt.DB) error {
	temp := path + compactSuffix
	if err := os.Remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	fresh, err := bbolt.Open(temp, 0o600, &bbolt.Options{Timeout: lockTimeout, NoFreelistSync: true})
	if err == nil {
		err = errors.Join(bbolt.Compact(fresh, bolt, maxCompactTx), fresh.Close())
	}
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		os.Remove(temp)
	}
	return err
}

// syncDir makes the name of a new file survive a power cut.
func syncDir(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
