package store

import (
	"fmt"
	"os"
	"syscall"
)

const (
	// reserveName is a file that only takes room: on a disk that is full to the
	// last byte it gives way to tokens and records of sessions.
	reserveName = ".reserve"
	reserveSize = 1 << 20
	// KeepFree is the part of the file system that photos leave free: one in
	// twenty bytes.
	KeepFree = 20
	// scarce is how little room makes a disk full, the reserve aside.
	scarce = 64 << 10
)

// A Space is what a file system has left.
type Space struct {
	Free, Total int64 // bytes
	ReadOnly    bool
}

// statfs asks the file system of a directory. What only root may use does not
// count as free.
func statfs(dir string) (Space, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return Space{}, fmt.Errorf("look how much room there is: %w", err)
	}
	const readOnly = 1 // ST_RDONLY, statfs(2)
	size := int64(st.Bsize)
	return Space{Free: int64(st.Bavail) * size, Total: int64(st.Blocks) * size, ReadOnly: st.Flags&readOnly != 0}, nil
}

func (s *Store) look() (Space, error) {
	if err := s.disk.touch(OpLook, "", ""); err != nil {
		return Space{}, err
	}
	if s.space != nil {
		return s.space(), nil
	}
	return statfs(s.disk.dir)
}

// Room returns how many bytes photos may still take: a twentieth of the file
// system stays free for everything else. It is negative when less is free.
func (s *Store) Room() (int64, error) {
	sp, err := s.look()
	return sp.Free - sp.Total/KeepFree, err
}

// Health returns what keeps the disk from taking what must not be lost, nil if
// nothing does. It does not write.
func (s *Store) Health() error {
	sp, err := s.look()
	switch {
	case err != nil:
		return err
	case sp.ReadOnly, s.isReadOnly():
		return fmt.Errorf("the state directory: %w", syscall.EROFS)
	}
	if is, err := s.disk.exists(reserveName); err == nil && !is && sp.Free < scarce {
		return fmt.Errorf("the state directory: %w", syscall.ENOSPC)
	}
	return nil
}

// Full reports whether the disk has no room left, the reserve aside.
func (s *Store) Full() bool {
	sp, err := s.look()
	return err == nil && sp.Free < scarce
}

// keepReserve makes the reserve where there is room for it, so that it stands
// before it is needed.
func (s *Store) keepReserve() error {
	if is, err := s.disk.exists(reserveName); is || err != nil {
		return err
	}
	room, err := s.Room()
	if err != nil || room < 2*reserveSize {
		return err
	}
	f, name, err := s.disk.createTemp(reserveName + "-")
	if err != nil {
		return err
	}
	defer f.Close()
	if syscall.Fallocate(int(f.Fd()), 0, 0, reserveSize) != nil {
		// Not every file system can; written zeros take room as well.
		_, err = f.Write(make([]byte, reserveSize))
	}
	if err == nil {
		err = s.disk.rename(name, reserveName)
	}
	if err != nil {
		os.Remove(s.disk.path(name))
	}
	return err
}

// releaseReserve gives the reserve's room away. It reports whether there was
// any.
func (s *Store) releaseReserve() bool {
	is, err := s.disk.exists(reserveName)
	return err == nil && is && s.disk.remove(reserveName) == nil
}
