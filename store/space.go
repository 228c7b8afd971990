package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"pickerd/store/regular"
)

const (
	// reserveName is a file that only takes room. On a full disk it is removed to
	// make room for tokens and records of sessions.
	reserveName = ".reserve"
	reserveSize = 1 << 20
	// MinFreeDivisor sets the share of the file system that photos leave free:
	// one byte in 20.
	MinFreeDivisor = 20
	// minFree is the free space below which a disk counts as full, the reserve
	// aside.
	minFree = 64 << 10
)

// A Space is the room on a file system.
type Space struct {
	Free, Total int64 // bytes
	ReadOnly    bool
}

// statfs returns the space of a directory's file system. Blocks reserved for root
// do not count as free.
func statfs(dir string) (Space, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return Space{}, fmt.Errorf("read the free space: %w", err)
	}
	const readOnly = 1 // ST_RDONLY, statfs(2)
	size := int64(st.Bsize)
	return Space{Free: int64(st.Bavail) * size, Total: int64(st.Blocks) * size, ReadOnly: st.Flags&readOnly != 0}, nil
}

func (d *disk) space() (Space, error) {
	if err := d.announce(OpStatfs, "", ""); err != nil {
		return Space{}, err
	}
	if d.statfs != nil {
		return d.statfs(), nil
	}
	return statfs(d.dir)
}

func (d *disk) room() (int64, error) {
	sp, err := d.space()
	return sp.Free - sp.Total/MinFreeDivisor, err
}

// createReserve creates the reserve if it is missing and there is room for it.
func (d *disk) createReserve() error {
	switch st, err := os.Lstat(d.path(reserveName)); {
	case err == nil && st.Mode().IsRegular():
		return nil
	case err == nil:
		if _, err := d.setAside(reserveName, regular.Kind(st.Mode())); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	room, err := d.room()
	if err != nil || room < 2*reserveSize {
		return err
	}
	f, name, err := d.createTemp(reserveName + "-")
	if err != nil {
		return err
	}
	defer f.Close()
	if syscall.Fallocate(int(f.Fd()), 0, 0, reserveSize) != nil {
		// Not every file system supports it. Zeros take room as well.
		_, err = f.Write(make([]byte, reserveSize))
	}
	if err == nil {
		err = d.rename(name, reserveName)
	}
	if err != nil {
		os.Remove(d.path(name))
	}
	return err
}

// releaseReserve removes the reserve and reports whether there was one.
func (d *disk) releaseReserve() bool {
	is, err := d.exists(reserveName)
	return err == nil && is && d.remove(reserveName) == nil
}

// withReserve runs f. If the disk is full, it releases the reserve and runs f
// once more.
func (d *disk) withReserve(f func() error) error {
	err := f()
	if isFull(err) && d.releaseReserve() {
		err = f()
	}
	return err
}
