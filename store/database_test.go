package store_test

import (
	"pickerd/store"
	"errors"
	"path/filepath"
	"syscall"
	"testing"

	"go.etcd.io/bbolt"
)

// A database that another program has open is in use, not damaged.
func TestLockedFileIsNotDamage(t *testing.T) {
	dir := t.TempDir()
	must(t, opened(t, dir).Close())
	db, err := bbolt.Open(filepath.Join(dir, store.DatabaseName), 0o600, nil)
	must(t, err)
	defer db.Close()
	if _, err := store.Open(dir, store.Options{}); !errors.Is(err, store.ErrInUse) {
		t.Errorf("got %v", err)
	}
}

// What was opened for reading only, because the disk was, can be written when the
// disk can.
func TestReopen(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir)
	add(t, s, "one", true, "a")
	must(t, s.Close())
	readOnly := true
	s, err := store.Open(dir, store.Options{Space: func() store.Space { return store.Space{Free: 1 << 30, Total: 1 << 30, ReadOnly: readOnly} }})
	must(t, err)
	defer s.Close()
	must(t, s.ReopenReadOnly())
	if err := s.Picks.Add(store.Pick{RequestID: "r"}); !errors.Is(err, syscall.EROFS) {
		t.Errorf("got %v", err)
	}
	if err := s.Health(); !errors.Is(err, syscall.EROFS) || ids(t, s) != "a" {
		t.Errorf("health %v, photos %q", err, ids(t, s))
	}
	if err := s.Upkeep(); !errors.Is(err, syscall.EROFS) {
		t.Errorf("upkeep: %v", err)
	}
	readOnly = false
	must(t, s.Upkeep())
	must(t, s.Picks.Add(store.Pick{RequestID: "r"}))
	must(t, s.Health())
}
