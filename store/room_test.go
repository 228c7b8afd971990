package store_test

import (
	"pickerd/store"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

func TestRoomLeavesATwentieth(t *testing.T) {
	s, err := store.Open(t.TempDir(), store.Options{Space: func() store.Space { return store.Space{Free: 300, Total: 1000} }})
	must(t, err)
	defer s.Close()
	if room, err := s.Room(); room != 250 || err != nil {
		t.Errorf("room %d, %v", room, err)
	}
	real, err := store.Statfs(t.TempDir())
	must(t, err)
	if real.Free <= 0 || real.Total < real.Free {
		t.Errorf("%+v", real)
	}
}

// On a disk that is full to the last byte tokens and records take the room that
// was kept for them; photos don't.
func TestReserveGivesWayToRecords(t *testing.T) {
	dir := t.TempDir()
	full := false
	watch := func(c store.Op) error {
		_, err := os.Stat(filepath.Join(dir, store.ReserveName))
		if full && err == nil && (c.Kind == store.OpCommit || c.Kind == store.OpWrite) {
			return &os.PathError{Op: "write", Path: c.Name, Err: syscall.ENOSPC}
		}
		return nil
	}
	space := store.Space{Free: 100 << 20, Total: 100 << 20}
	s, err := store.Open(dir, store.Options{BeforeOp: watch, Space: func() store.Space { return space }})
	must(t, err)
	defer s.Close()
	st, err := os.Stat(filepath.Join(dir, store.ReserveName))
	must(t, err)
	if st.Size() != store.ReserveSize {
		t.Errorf("the reserve has %d bytes", st.Size())
	}
	must(t, s.Health())

	full, space.Free = true, 0
	part, err := s.Photos.NewPart()
	must(t, err)
	if _, err := part.Write([]byte("photo")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a photo on a full disk: %v", err)
	}
	part.Discard()
	must(t, s.Health()) // there is room for what must not be lost
	must(t, s.FinishPairing(store.Grant{ID: "g", RefreshToken: "token"}, &store.Pick{RequestID: "r", GrantID: "g"}))
	if err := s.Health(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("without the reserve: %v", err)
	}
	must(t, s.Upkeep()) // there is no room for another
	full, space.Free = false, 100<<20
	must(t, s.Upkeep())
	must(t, s.Health())
	if _, err := os.Stat(filepath.Join(dir, store.ReserveName)); err != nil {
		t.Errorf("the reserve is not back: %v", err)
	}
}

func TestHealth(t *testing.T) {
	space := store.Space{Free: 1 << 30, Total: 1 << 30}
	s, err := store.Open(t.TempDir(), store.Options{Space: func() store.Space { return space }})
	must(t, err)
	defer s.Close()
	must(t, s.Health())
	space.ReadOnly = true
	if err := s.Health(); !errors.Is(err, syscall.EROFS) || !store.IsDiskError(err) {
		t.Errorf("read-only: %v", err)
	}
}

// Whatever the disk refuses, and when: the call says so, the file stays whole,
// and the same call does its work once the disk takes it again.
func TestEveryRefusalOfTheDisk(t *testing.T) {
	steps := []struct {
		name string
		do   func(s *store.Store) error
	}{
		{"pair", func(s *store.Store) error {
			return s.FinishPairing(store.Grant{ID: "g", RefreshToken: "token"}, &store.Pick{RequestID: "r", GrantID: "g"})
		}},
		{"add", func(s *store.Store) error { return tryAdd(s, "r", "a", "b") }},
		{"end", func(s *store.Store) error { return s.Picks.End("r", "done") }},
		{"replace", func(s *store.Store) error { return tryAdd(s, "next", "c") }},
		{"prune", func(s *store.Store) error { _, err := s.Photos.Prune(); return err }},
		{"unpair", func(s *store.Store) error { return s.Unpair("unpaired", true, false) }},
		{"forget", func(s *store.Store) error { return errors.Join(s.Picks.Delete("r"), s.Grants.Delete("g")) }},
	}
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EROFS, syscall.EIO} {
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
				// A full disk refuses until something gives way.
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
			s = opened(t, dir)
			grants, err := s.Grants.All()
			must(t, err)
			picks, err := s.Picks.All()
			must(t, err)
			entries, err := os.ReadDir(filepath.Join(dir, store.MediaName))
			must(t, err)
			if s.Recovery() != nil || len(grants)+len(picks)+len(entries) > 0 || ids(t, s) != "" {
				t.Errorf("%v at %+v: moved %v, %v, %v, %v", errno, refused, s.Recovery(), grants, picks, entries)
			}
			must(t, s.Close())
			if refused.Kind == "" {
				break
			}
			walked++
		}
		if walked < 40 {
			t.Errorf("%v: only %d places", errno, walked)
		}
	}
}

func tryAdd(s *store.Store, pick string, ids ...string) error {
	var adds []store.Addition
	for i, id := range ids {
		part, err := s.Photos.NewPart()
		if err != nil {
			return err
		}
		defer part.Discard()
		if _, err := fmt.Fprint(part, "bytes of ", id); err != nil {
			return err
		}
		adds = append(adds, store.Addition{store.Photo{ID: id, MimeType: "image/jpeg", Pick: pick, Index: i}, part})
	}
	return s.Photos.Add(adds, true)
}
