package store

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// A Touch is one change of the disk that is about to be made. Names are
// relative to the state directory.
type Touch struct {
	Op   string // one of the Op constants
	Name string
	To   string // the new name, of OpRename and OpLink
}

// What a Touch may be.
const (
	OpMkdir   = "mkdir"
	OpCreate  = "create"
	OpWrite   = "write"
	OpSync    = "sync"    // a file's bytes are brought to the disk
	OpSyncDir = "syncdir" // a directory's names are brought to the disk
	OpRename  = "rename"
	OpLink    = "link"
	OpRemove  = "remove"
	OpCommit  = "commit" // of a transaction of the database
	OpLook    = "look"   // how much room there is
)

// A disk is every change that the package makes in the state directory, in one
// place: each is announced before it is made.
type disk struct {
	dir   string
	watch func(Touch) error // nil for none
}

func (d *disk) touch(op, name, to string) error {
	if d.watch == nil {
		return nil
	}
	return d.watch(Touch{op, name, to})
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
	if err := d.touch(OpMkdir, name, ""); err != nil {
		return err
	}
	return os.MkdirAll(d.path(name), 0o700)
}

// createTemp makes a file of its own whose name begins with prefix, mode 0600.
func (d *disk) createTemp(prefix string) (f *os.File, name string, err error) {
	name = prefix + rand.Text()
	if err := d.touch(OpCreate, name, ""); err != nil {
		return nil, "", err
	}
	f, err = os.OpenFile(d.path(name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	return f, name, err
}

func (d *disk) sync(f *os.File, name string) error {
	if err := d.touch(OpSync, name, ""); err != nil {
		return err
	}
	return f.Sync()
}

func (d *disk) syncDir(name string) error {
	if err := d.touch(OpSyncDir, name, ""); err != nil {
		return err
	}
	f, err := os.Open(d.path(name))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (d *disk) rename(from, to string) error {
	if err := d.touch(OpRename, from, to); err != nil {
		return err
	}
	return os.Rename(d.path(from), d.path(to))
}

func (d *disk) link(from, to string) error {
	if err := d.touch(OpLink, from, to); err != nil {
		return err
	}
	return os.Link(d.path(from), d.path(to))
}

// remove removes a file. One that isn't there is no error.
func (d *disk) remove(name string) error {
	if is, err := d.exists(name); !is {
		return err
	}
	if err := d.touch(OpRemove, name, ""); err != nil {
		return err
	}
	err := os.Remove(d.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// lockWait is how long a pickerd that is on its way out may still hold the
// directory.
const lockWait = time.Second

// lock keeps other pickerds out of the directory until the file is closed. Its
// error is ErrInUse or the file system's. The directory itself carries the lock,
// so that it does not matter which file is the database at the moment.
func (d *disk) lock() (*os.File, error) {
	f, err := os.Open(d.dir)
	if err != nil {
		return nil, err
	}
	const pause = 20 * time.Millisecond
	for range lockWait / pause {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			break
		}
		time.Sleep(pause)
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

// IsDisk reports whether an error is the disk's own, which may be mended while
// the box runs: full, read-only, or out of order.
func IsDisk(err error) bool {
	for _, e := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EIO} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// isFull reports whether there was no room.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
