package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// An Op is one operation on the disk, see Options.BeforeOp. Names are relative to
// the state directory.
type Op struct {
	Kind string // one of the Op constants
	Name string
	To   string // the new name, for OpRename and OpLink
}

// Kinds of operations.
const (
	OpMkdir   = "mkdir"
	OpCreate  = "create"
	OpWrite   = "write"
	OpSync    = "sync"    // fsync of a file
	OpSyncDir = "syncdir" // fsync of a directory
	OpRename  = "rename"
	OpLink    = "link"
	OpRemove  = "remove"
	OpCommit  = "commit" // commit of a database transaction
	OpStatfs  = "statfs" // reads the free space; changes nothing
)

// A disk makes all changes in the state directory. Each is announced before it is
// made.
type disk struct {
	dir    string
	before func(Op) error // may be nil
	statfs func() Space   // may be nil
}

func (d *disk) announce(kind, name, to string) error {
	if d.before == nil {
		return nil
	}
	return d.before(Op{kind, name, to})
}

func (d *disk) path(name string) string { return filepath.Join(d.dir, name) }

func (d *disk) exists(name string) (bool, error) {
	_, err := os.Stat(d.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (d *disk) mkdirAll(name string) error {
	if is, err := d.exists(name); is || err != nil {
		return err
	}
	if err := d.announce(OpMkdir, name, ""); err != nil {
		return err
	}
	return os.MkdirAll(d.path(name), 0o700)
}

// createTemp creates a file with mode 0600 and a random name that begins with
// prefix.
func (d *disk) createTemp(prefix string) (f *os.File, name string, err error) {
	name = prefix + rand.Text()
	if err := d.announce(OpCreate, name, ""); err != nil {
		return nil, "", err
	}
	f, err = os.OpenFile(d.path(name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	return f, name, err
}

// unusedName returns prefix with the current time, made unique by a number.
func (d *disk) unusedName(prefix string) (name string, err error) {
	stem := prefix + time.Now().UTC().Format("20060102T150405Z")
	name = stem
	for n := 2; ; n++ { // without a clock, a box can reach the same second twice
		if is, err := d.exists(name); !is {
			return name, err
		}
		name = fmt.Sprintf("%s-%d", stem, n)
	}
}

func (d *disk) sync(f *os.File, name string) error {
	if err := d.announce(OpSync, name, ""); err != nil {
		return err
	}
	return f.Sync()
}

func (d *disk) syncDir(name string) error {
	if err := d.announce(OpSyncDir, name, ""); err != nil {
		return err
	}
	f, err := os.Open(d.path(name))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (d *disk) rename(from, to string) error {
	if err := d.announce(OpRename, from, to); err != nil {
		return err
	}
	return os.Rename(d.path(from), d.path(to))
}

func (d *disk) link(from, to string) error {
	if err := d.announce(OpLink, from, to); err != nil {
		return err
	}
	return os.Link(d.path(from), d.path(to))
}

// remove removes a file. A missing file is no error.
func (d *disk) remove(name string) error {
	if is, err := d.exists(name); !is {
		return err
	}
	if err := d.announce(OpRemove, name, ""); err != nil {
		return err
	}
	err := os.Remove(d.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// lockTimeout is how long to wait for the lock of a pickerd that is stopping.
const lockTimeout = time.Second

// lock locks the directory against other processes until the file is closed. The
// error is ErrInUse or an error of the file system. The lock is on the directory
// because the database file is replaced now and then.
func (d *disk) lock() (*os.File, error) {
	f, err := os.Open(d.dir)
	if err != nil {
		return nil, err
	}
	const interval = 20 * time.Millisecond
	for range lockTimeout / interval {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			break
		}
		time.Sleep(interval)
	}
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, ErrInUse
	}
	return nil, err
}

// IsDiskError reports whether err comes from a disk that is full, read-only or
// failing (ENOSPC, EDQUOT, EROFS, EIO). Such errors may pass while the box runs.
func IsDiskError(err error) bool {
	for _, e := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EIO} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
