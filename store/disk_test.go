package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"pickerd/store"
)

// Each operation in turn fails once. The call returns the error, nothing is damaged,
// and the same call succeeds when the disk works again.
func TestDiskErrors(t *testing.T) {
	steps := []struct {
		name string
		do   func(s *store.Store) error
	}{
		{"pair", func(s *store.Store) error {
			return s.FinishPairing(store.Grant{ID: "g", RefreshToken: "token"}, &store.Pick{RequestID: "r", GrantID: "g"})
		}},
		{"add", func(s *store.Store) error { return addAll(s, "r", "a", "b") }},
		{"end", func(s *store.Store) error { return s.Picks.End("r", "done") }},
		{"replace", func(s *store.Store) error { return addAll(s, "next", "c") }},
		{"prune", func(s *store.Store) error { _, err := s.Photos.Prune(); return err }},
		{"unpair", func(s *store.Store) error { return s.Unpair("unpaired", true, false) }},
		{"forget", func(s *store.Store) error { return errors.Join(s.Picks.Delete("r"), s.Grants.Delete("g")) }},
	}
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EROFS, syscall.EIO, syscall.EMFILE} {
		walked := 0
		for at := 0; ; at++ {
			dir, n, refused := t.TempDir(), 0, store.Op{}
			var mu sync.Mutex
			watch := func(c store.Op) error {
				mu.Lock() // several files are synced at a time
				defer mu.Unlock()
				if c.Kind == store.OpStatfs {
					return nil
				}
				n++
				// On a full disk the next operation, which releases the reserve, fails
				// too.
				if n == at+1 || errno == syscall.ENOSPC && n > at && n < at+3 {
					refused = c
					return &os.PathError{Op: c.Kind, Path: c.Name, Err: errno}
				}
				return nil
			}
			s, err := store.Open(dir, store.Options{BeforeOp: watch})
			for ; err != nil; s, err = store.Open(dir, store.Options{BeforeOp: watch}) {
				if !store.IsDiskError(err) {
					t.Fatalf("%v at %+v: open: %v", errno, refused, err)
				}
			}
			for _, step := range steps {
				for try := 0; ; try++ {
					err := step.do(s)
					if err == nil {
						break
					}
					if !store.IsDiskError(err) || try > 3 {
						t.Fatalf("%v at %+v: %s: %v", errno, refused, step.name, err)
					}
				}
			}
			must(t, s.Upkeep())
			must(t, s.Close())
			s = open(t, dir)
			grants, err := s.Grants.All()
			must(t, err)
			picks, err := s.Picks.All()
			must(t, err)
			entries, err := os.ReadDir(filepath.Join(dir, store.MediaName))
			must(t, err)
			if s.Recovery() != nil || len(grants)+len(picks)+len(entries) > 0 || ids(t, s) != "" {
				t.Errorf("%v at %+v: recovery %v, grants %v, picks %v, files %v", errno, refused, s.Recovery(), grants, picks, entries)
			}
			must(t, s.Close())
			if refused.Kind == "" {
				break
			}
			walked++
		}
		if walked < 40 {
			t.Errorf("%v: only %d operations", errno, walked)
		}
	}
}
