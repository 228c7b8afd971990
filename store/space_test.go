package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"pickerd/store"
)

func TestRoom(t *testing.T) {
	s, err := store.Open(t.TempDir(), store.Options{Space: func() store.Space { return store.Space{Free: 300, Total: 1000} }})
	must(t, err)
	defer s.Close()
	if room, err := s.Room(); room != 250 || err != nil {
		t.Errorf("room %d, %v", room, err)
	}
	real, err := store.Statfs(t.TempDir())
	must(t, err)
	if real.Free <= 0 || real.Total < real.Free {
		t.Errorf("statfs: %+v", real)
	}
}

// On a full disk, records take the room of the reserve. Photos do not.
func TestReserve(t *testing.T) {
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
	must(t, s.Health()) // the reserve is still there
	must(t, s.FinishPairing(store.Grant{ID: "g", RefreshToken: "token"}, &store.Pick{RequestID: "r", GrantID: "g"}))
	if err := s.Health(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("without the reserve: %v", err)
	}
	must(t, s.Upkeep()) // no room for another reserve
	full, space.Free = false, 100<<20
	must(t, s.Upkeep())
	must(t, s.Health())
	if _, err := os.Stat(filepath.Join(dir, store.ReserveName)); err != nil {
		t.Errorf("the reserve was not created again: %v", err)
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
