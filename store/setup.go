package store

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"pickerd/store/regular"
)

// A SetUp has the files that say how far a box is set up. They are beside the
// database, because they must be readable without it.
//
// The mark is the commit point of setting up: it is written with the plan, the plan
// is carried out, and then the mark stays without it. The order to reset is that of
// erasing: it is written first and removed last. A power cut between two of these
// steps leaves something to be finished at the next start.
type SetUp struct{ disk *disk }

const (
	markName       = "set-up"
	resetName      = "reset"
	clientsName    = "client"
	setUpPrefix    = ".set-up-" // of files that are being written
	maxPlan        = 256 << 10  // in bytes; a client file has at most 64 kB, and base64 adds a third
	maxResetRecord = 64
)

// NewSetUp returns the record of a state directory, which need not exist yet. before
// is as in Options.
func NewSetUp(dir string, before func(Op) error) *SetUp {
	return &SetUp{&disk{dir: dir, before: before}}
}

// Done reports whether the box was ever set up: it is marked, or it has had a
// database. If that can't be found out, it counts as set up.
func (s *SetUp) Done() (bool, error) {
	for _, name := range []string{markName, databaseName} {
		if is, err := s.disk.exists(name); is || err != nil {
			return true, err
		}
	}
	return false, nil
}

// Mark marks the box as set up, if it is not marked yet.
func (s *SetUp) Mark() error {
	if is, err := s.disk.exists(markName); is || err != nil {
		return err
	}
	return s.write(markName, nil)
}

// Begin marks the box as set up, with a plan that is still to be carried out.
func (s *SetUp) Begin(plan []byte) error {
	if len(plan) > maxPlan {
		return fmt.Errorf("the plan of the set-up: %w", regular.ErrTooLarge)
	}
	return s.write(markName, plan)
}

// Plan returns what Begin wrote and Finish has not removed, nil for nothing.
func (s *SetUp) Plan() ([]byte, error) {
	plan, err := regular.ReadFile(s.disk.path(markName), maxPlan)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && len(plan) == 0:
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read the mark of the set-up: %w", err)
	}
	return plan, nil
}

// Finish removes the plan and keeps the mark.
func (s *SetUp) Finish() error { return s.write(markName, nil) }

// Withdraw removes the mark, and with it a plan of which nothing was carried out.
func (s *SetUp) Withdraw() error {
	return errors.Join(s.disk.remove(markName), s.disk.syncDir(""))
}

// WriteClient stores an uploaded client file under a name of the default ones.
func (s *SetUp) WriteClient(name string, data []byte) error {
	if !isFileName(name) {
		return fmt.Errorf("client file %q: %w", name, fs.ErrInvalid)
	}
	if err := s.disk.mkdirAll(clientsName); err != nil {
		return err
	}
	return errors.Join(s.write(filepath.Join(clientsName, name), data), s.disk.syncDir(""))
}

// write replaces a file as a whole.
func (s *SetUp) write(name string, data []byte) error {
	if err := s.disk.mkdirAll(""); err != nil {
		return err
	}
	f, temp, err := s.disk.createTemp(setUpPrefix)
	if err != nil {
		return err
	}
	err = s.disk.announce(OpWrite, temp, "")
	if err == nil {
		_, err = f.Write(data)
	}
	if err == nil {
		err = s.disk.sync(f, temp)
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = s.disk.rename(temp, name)
	}
	if err != nil {
		_ = s.disk.remove(temp) // the next start tries again
		return fmt.Errorf("write %s: %w", s.disk.path(name), err)
	}
	return s.disk.syncDir(filepath.Dir(name))
}

// A Reset is how far the order to reset the box has been carried out.
type Reset string

// The steps of resetting. Between them the program starts anew.
const (
	NoReset Reset = ""
	Leaving Reset = "leaving" // Google is told about the accounts that are to be forgotten
	Erasing Reset = "erasing" // files are being removed
)

// Reset returns the order that is being carried out.
func (s *SetUp) Reset() (Reset, error) {
	text, err := regular.ReadFile(s.disk.path(resetName), maxResetRecord)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return NoReset, nil
	case err != nil:
		return NoReset, fmt.Errorf("read the order to reset: %w", err)
	case Reset(text) == Erasing:
		return Erasing, nil
	}
	return Leaving, nil
}

// Order stores that the box is to be reset, or that it has come to Erasing.
func (s *SetUp) Order(r Reset) error { return s.write(resetName, []byte(r)) }

// Erase removes everything that pickerd keeps in the state directory: the files of
// people, settings and clients first, then the mark, and the order to reset last. It
// may be repeated. The directory, the folder of the photos if it is a link, and other
// programs' files stay.
func (s *SetUp) Erase() error {
	entries, err := os.ReadDir(s.disk.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if !isOurs(e.Name()) {
			continue
		}
		if err := s.removeAll(e.Name(), e.Type()); err != nil {
			return err
		}
	}
	for _, name := range []string{markName, resetName} {
		if err := cmp.Or(s.disk.syncDir(""), s.disk.remove(name)); err != nil {
			return err
		}
	}
	return s.disk.syncDir("")
}

// isOurs reports whether pickerd makes files and folders of a name in the state
// directory, those that it moved aside and unfinished ones included.
func isOurs(name string) bool {
	for _, own := range []string{databaseName, keyFileName, mediaName, reserveName, clientsName, settingsName} {
		if name == own || strings.HasPrefix(name, own+damagedInfix) {
			return true
		}
	}
	return isTemporary(name)
}

// isTemporary reports whether a name is that of an unfinished file: a copy of the
// database, a key, a reserve, or a record of the set-up.
func isTemporary(name string) bool {
	return slices.ContainsFunc([]string{"." + databaseName + "-", "." + keyFileName + "-", reserveName + "-", setUpPrefix},
		func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// settingsName is the folder of the settings that people have made.
const settingsName = "conf.d"

func (s *SetUp) removeAll(name string, mode fs.FileMode) error {
	if name == mediaName && mode&fs.ModeSymlink != 0 {
		entries, err := os.ReadDir(s.disk.path(name))
		for _, e := range entries {
			err = cmp.Or(err, s.removeAll(filepath.Join(name, e.Name()), e.Type())) // each photo may fail alike
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it leads nowhere
		}
		return cmp.Or(err, s.disk.syncDir(name))
	}
	if err := s.disk.announce(OpRemove, name, ""); err != nil {
		return err
	}
	return os.RemoveAll(s.disk.path(name))
}
