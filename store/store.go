package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
	"syscall"
)

// Options say how to open a state directory. The zero value is right for a
// directory with its own key file.
type Options struct {
	// Key is the secret that records are sealed with, at least 32 bytes. Nil
	// means the key file beside the database.
	Key []byte
	// Warning is the text that Pairings.Warning returns after a damaged database
	// had to be replaced.
	Warning string
	// BeforeOp is called before each change of the disk. If it returns an error,
	// the change is not made and fails with that error. It may be nil.
	BeforeOp func(Op) error
	// ReplaceUnreadable treats a database that the disk fails to read (EIO) as
	// damaged.
	ReplaceUnreadable bool
	// Space returns the free space; nil means to ask the file system.
	Space func() Space
}

// A Store is an open state directory. Its fields hold the records, by kind; the
// operations that touch several kinds are methods of Store. All methods are safe
// for concurrent use.
type Store struct {
	Grants   *Grants
	Pairings *Pairings
	Picks    *Picks
	Photos   *Photos
	Secrets  *Secrets
	PINs     *PINs
	Displays *Displays
	Orders   *Orders

	Collections *Collections

	disk       *disk
	lock       *os.File // the directory itself
	db         *database
	oldSealer  *sealer // opens records sealed with the previous key; may be nil
	keyLost    atomic.Bool
	recovery   *Recovery
	damagedKey string // path of a damaged key file that was moved aside
}

// Open opens the state directory dir and creates what is missing. A damaged
// database is moved aside and replaced, see Recovery. A read-only disk can still be
// read, see Health. The error is ErrInUse, ErrShortKey or an error of the file
// system; IsDiskError tells whether it may be temporary.
func Open(dir string, opt Options) (*Store, error) {
	s := &Store{disk: &disk{dir: dir, before: opt.BeforeOp, statfs: opt.Space}}
	s.db = &database{disk: s.disk}
	s.Grants, s.Pairings, s.Picks, s.Photos, s.Secrets = &Grants{s}, &Pairings{s}, &Picks{s}, &Photos{s: s}, &Secrets{s}
	s.PINs, s.Displays, s.Orders, s.Collections = &PINs{s}, &Displays{s}, &Orders{s}, &Collections{s}
	s.db.partDropped = s.Photos.partDropped
	if err := s.open(opt); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) open(opt Options) error {
	if err := s.disk.mkdirAll(""); err != nil {
		return fmt.Errorf("create the state directory: %w", err)
	}
	var err error
	if s.lock, err = s.disk.lock(); err != nil {
		return fmt.Errorf("lock the state directory: %w", err)
	}
	if err := s.disk.createMedia(); err != nil {
		return fmt.Errorf("create the media directory: %w", err)
	}
	if s.recovery, err = s.db.open(opt); err != nil {
		return err
	}
	if s.Photos.root, err = os.OpenRoot(s.disk.path(mediaName)); err != nil {
		return fmt.Errorf("open the media directory: %w", err)
	}
	if err := s.loadKey(opt.Key); err != nil {
		return err
	}
	if s.recovery != nil {
		s.Photos.distrust(s.recovery.found)
	}
	s.Photos.untidy.Store(true)
	for _, step := range []func() error{s.reseal, s.tidy, s.db.scrub, s.disk.createReserve} {
		// Photos can be shown even if the disk accepts no writes, or not all.
		// Records that are not sealed yet can't be read.
		if err := step(); err != nil && (!IsDiskError(err) && !isOdd(err) || s.db.isUnsealed()) {
			return err
		} else if isOdd(err) {
			s.disk.repaired("", err.Error(), "left")
		}
	}
	return nil
}

// Close closes the store. Every change is already on disk.
func (s *Store) Close() error {
	var errs []error
	if s.Photos.root != nil {
		errs = append(errs, s.Photos.root.Close())
	}
	errs = append(errs, s.db.close())
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// Upkeep retries work that the disk refused earlier. Call it now and then.
func (s *Store) Upkeep() error {
	if err := s.db.reopen(); err != nil {
		return err
	}
	err := errors.Join(s.reseal(), s.db.scrub(), s.disk.createReserve())
	if s.db.damaged.Load() {
		s.Photos.untidy.Store(true)
	}
	for n := 0; err == nil && s.Photos.untidy.Load() && n < maxTidy; n++ {
		err = s.tidy()
	}
	return err
}

const (
	// maxStrays is how many strays of a directory tidy removes: with a hundred
	// thousand, photos could not be shown for minutes.
	maxStrays = 256
	// maxTidy is how often Upkeep tidies.
	maxTidy = 16
)

// tidy removes what an earlier run left unfinished. If that is too much for one call,
// untidy stays set.
func (s *Store) tidy() error {
	s.Photos.untidy.Store(false)
	err := s.repair() // before files without records are removed
	if err == nil {
		err = errors.Join(s.removeTemporary(), s.Photos.tidy())
	}
	if err != nil {
		s.Photos.untidy.Store(true)
	}
	return err
}

// removeTemporary removes unfinished files of an earlier run.
func (s *Store) removeTemporary() error {
	more, err := s.disk.removeStrays("", maxStrays, func(e fs.DirEntry) bool { return isTemporary(e.Name()) })
	if err != nil {
		return fmt.Errorf("clean the state directory: %w", err)
	}
	if more {
		s.Photos.untidy.Store(true)
	}
	return nil
}

// Recovery describes the damaged database that Open replaced, nil if there was
// none.
func (s *Store) Recovery() *Recovery { return s.recovery }

// LostPhotos returns the number of photos that Open dropped because their files
// were missing or truncated.
func (s *Store) LostPhotos() int { return s.Photos.lost }

// DamagedKeyPath returns the path that a damaged key file was moved to, "" if
// there was none.
func (s *Store) DamagedKeyPath() string { return s.damagedKey }

// KeyLost reports whether some grants are sealed with an unknown key. The box has
// to be paired again unless that key is restored.
func (s *Store) KeyLost() bool { return s.keyLost.Load() }

// ReadTransactions returns the number of read transactions since Open, for tests
// and benchmarks.
func (s *Store) ReadTransactions() int64 { return s.db.reads.Load() }

// Health returns an error if the disk can't take new records, without writing.
func (s *Store) Health() error {
	sp, err := s.disk.space()
	switch {
	case err != nil:
		return err
	case sp.ReadOnly, s.db.isReadOnly():
		return fmt.Errorf("the state directory: %w", syscall.EROFS)
	}
	if is, err := s.disk.exists(reserveName); err == nil && !is && sp.Free < minFree {
		return fmt.Errorf("the state directory: %w", syscall.ENOSPC)
	}
	return nil
}

// Room returns how many bytes photos may still take. It is negative if less than
// the share of MinFreeDivisor is free.
func (s *Store) Room() (int64, error) { return s.disk.room() }

// Full reports whether the disk is full, not counting the reserve.
func (s *Store) Full() bool {
	sp, err := s.disk.space()
	return err == nil && sp.Free < minFree
}
