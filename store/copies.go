package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// copyPrefix begins the names of copies: JPEGs of photos that not every screen can
// show. The name of the photo's file follows.
const copyPrefix = ".copy-"

// ErrNoRoom means that a copy would exceed the limit for all photos, or that the disk
// has no room for it.
var ErrNoRoom = errors.New("no room for a copy")

// OpenCopy opens the copy of a photo, named by Photo.File. The error is fs.ErrNotExist
// if there is none, or only a damaged one.
func (p *Photos) OpenCopy(file string) (*os.File, error) {
	if _, ok := p.copies.Load(file); !ok {
		return nil, fs.ErrNotExist
	}
	f, err := p.root.OpenFile(copyPrefix+file, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() || !endsWell(f, st.Size(), "image/jpeg") {
		f.Close()
		return nil, errors.Join(fs.ErrNotExist, err)
	}
	return f, nil
}

// KeepCopy stores a JPEG beside a photo until the photo is deleted, and counts it as
// long as that. maxBytes is the limit for all photos with their copies, 0 for none. The
// error is ErrNoRoom, fs.ErrNotExist if the photo has been deleted, or the disk's.
func (p *Photos) KeepCopy(file string, jpeg []byte, maxBytes int64) error {
	if is, err := p.hasFile(file); err != nil || !is {
		return errors.Join(fs.ErrNotExist, err)
	}
	if err := p.roomForCopy(file, int64(len(jpeg)), maxBytes); err != nil {
		return err
	}
	part, err := p.NewPart()
	if err != nil {
		return err
	}
	if err := p.writeCopy(part, file, jpeg); err != nil {
		part.Discard()
		return err
	}
	p.copies.Store(file, int64(len(jpeg)))
	// Delete removes the records first, so that either it or this call sees the other's
	// work.
	if is, err := p.hasFile(file); err != nil || !is {
		return errors.Join(fs.ErrNotExist, err, p.deleteCopy(file))
	}
	return nil
}

// roomForCopy returns ErrNoRoom if there is none.
func (p *Photos) roomForCopy(file string, n, maxBytes int64) error {
	u, err := p.Usage("", "", "")
	if err != nil {
		return err
	}
	room, err := p.s.Room()
	switch {
	case err != nil:
		return err
	case room < n, maxBytes > 0 && u.All+u.Parts+n > maxBytes:
		return ErrNoRoom
	}
	return nil
}

// writeCopy makes a part with data the copy of a photo.
func (p *Photos) writeCopy(part *Part, file string, data []byte) error {
	if _, err := part.Write(data); err != nil {
		return fmt.Errorf("write a copy: %w", err)
	}
	if err := errors.Join(part.disk.sync(part.f, part.name), part.f.Close()); err != nil {
		return fmt.Errorf("sync a copy: %w", err)
	}
	p.naming.RLock() // tidy would remove a copy that it has not counted
	defer p.naming.RUnlock()
	if err := part.disk.rename(part.name, filepath.Join(mediaName, copyPrefix+file)); err != nil {
		return fmt.Errorf("rename a copy: %w", err)
	}
	p.parts.Delete(filepath.Base(part.name))
	return part.disk.syncDir(mediaName)
}

// hasFile reports whether a file is a photo's.
func (p *Photos) hasFile(file string) (bool, error) {
	photos, err := p.All()
	return slices.ContainsFunc(photos, func(photo Photo) bool { return photo.File == file }), err
}

// deleteCopy removes the copy of a photo if there is one, also one that is not counted
// because its name was not synced.
func (p *Photos) deleteCopy(file string) error {
	p.copies.Delete(file)
	return p.s.disk.removeStray(filepath.Join(mediaName, copyPrefix+file))
}

// isCopy reports whether an entry of the media directory is the copy of one of these
// files, and counts it.
func (p *Photos) isCopy(e fs.DirEntry, files map[string]bool) bool {
	file, ok := strings.CutPrefix(e.Name(), copyPrefix)
	if !ok || !files[file] {
		return false
	}
	st, err := e.Info()
	if err != nil || !st.Mode().IsRegular() {
		return false
	}
	p.copies.Store(file, st.Size())
	return true
}

// bytes returns the size of a photo with its copy.
func (p *Photos) bytes(photo Photo) int64 {
	n, _ := p.copies.Load(photo.File)
	size, _ := n.(int64)
	return photo.Bytes + size
}
