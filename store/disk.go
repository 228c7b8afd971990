package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"pickerd/store/regular"
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
	OpChmod   = "chmod"
	OpStatfs  = "statfs" // reads the free space; changes nothing
)

// A disk makes all changes in the state directory. Each is announced before it is
// made.
type disk struct {
	dir    string
	before func(Op) error // may be nil
	statfs func() Space   // may be nil

	repairsMu sync.Mutex
	repairs   []Repair        // since the last call of Store.Repairs
	reported  map[string]bool // paths and problems that were in repairs
}

func (d *disk) announce(kind, name, to string) error {
	if d.before == nil {
		return nil
	}
	return d.before(Op{kind, name, to})
}

func (d *disk) path(name string) string { return filepath.Join(d.dir, name) }

// exists reports whether anything has the name, also a link that leads nowhere.
func (d *disk) exists(name string) (bool, error) {
	_, err := os.Lstat(d.path(name))
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

// createMedia creates the media directory. What has its name and is not a directory
// or a link is moved aside.
func (d *disk) createMedia() error {
	switch st, err := os.Lstat(d.path(mediaName)); {
	case err != nil || st.IsDir():
	case st.Mode()&fs.ModeSymlink != 0:
		// Opening a pipe would wait. A link that leads nowhere is an error: the
		// file system with the photos is not mounted.
		if st, err := os.Stat(d.path(mediaName)); err != nil || !st.IsDir() {
			return errors.Join(err, &fs.PathError{Op: "open", Path: d.path(mediaName), Err: syscall.ENOTDIR})
		}
	default:
		if _, err := d.setAside(mediaName, regular.Kind(st.Mode())); err != nil {
			return err
		}
	}
	return d.mkdirAll(mediaName)
}

// setAside renames a file to a dated name and returns that.
func (d *disk) setAside(name, problem string) (to string, err error) {
	if to, err = d.unusedName(name + damagedInfix); err != nil {
		return "", err
	}
	if err := errors.Join(d.rename(name, to), d.syncDir("")); err != nil {
		return "", fmt.Errorf("move %s aside: %w", d.path(name), err)
	}
	d.repaired(name, problem, "moved to "+d.path(to))
	return to, nil
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

// removeStrays removes the files of a directory that are strays, as many as limit. It
// reports whether there may be more.
func (d *disk) removeStrays(dir string, limit int, isStray func(fs.DirEntry) bool) (more bool, err error) {
	f, err := os.Open(d.path(dir))
	if err != nil {
		return false, err
	}
	defer f.Close()
	const batch = 256 // entries of the directory
	var strays []string
	for len(strays) < limit {
		entries, err := f.ReadDir(batch)
		for _, e := range entries {
			if isStray(e) {
				strays = append(strays, e.Name())
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return false, err
		}
	}
	more = len(strays) >= limit
	for _, name := range strays[:min(len(strays), limit)] {
		if err := d.removeStray(filepath.Join(dir, name)); err != nil {
			return false, err
		}
	}
	return more, nil
}

// removeStray removes a file that nothing needs. One that can't be removed, such as
// an immutable file or a full directory, is passed over.
func (d *disk) removeStray(name string) error {
	err := d.remove(name)
	if isOdd(err) {
		d.repaired(name, err.Error(), "left")
		return nil
	}
	return err
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
	f, err := os.OpenFile(d.dir, os.O_RDONLY|syscall.O_DIRECTORY, 0)
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
// failing (ENOSPC, EDQUOT, EROFS, EIO), or from a machine without a free descriptor
// (EMFILE, ENFILE). Such errors may pass while the box runs.
func IsDiskError(err error) bool {
	for _, e := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EIO, syscall.EMFILE, syscall.ENFILE} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
