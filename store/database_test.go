package store_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"go.etcd.io/bbolt"

	"pickerd/store"
)

// A database that another program has open is in use, not damaged.
func TestLockedFile(t *testing.T) {
	dir := t.TempDir()
	must(t, open(t, dir).Close())
	db, err := bbolt.Open(filepath.Join(dir, store.DatabaseName), 0o600, nil)
	must(t, err)
	defer db.Close()
	if _, err := store.Open(dir, store.Options{}); !errors.Is(err, store.ErrInUse) {
		t.Errorf("error %v", err)
	}
}

// A database that was opened read-only becomes writable with the disk.
func TestReopen(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	add(t, s, "one", true, "a")
	must(t, s.Close())
	readOnly := true
	s, err := store.Open(dir, store.Options{Space: func() store.Space { return store.Space{Free: 1 << 30, Total: 1 << 30, ReadOnly: readOnly} }})
	must(t, err)
	defer s.Close()
	must(t, s.ReopenReadOnly())
	if err := s.Picks.Add(store.Pick{RequestID: "r"}); !errors.Is(err, syscall.EROFS) {
		t.Errorf("error %v", err)
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

// Records of schema 1, which were not sealed, are sealed by Open.
func TestSchemaOne(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	must(t, s.UpdateRaw(func(tx *bbolt.Tx) error {
		g, err := json.Marshal(secretGrant())
		must(t, err)
		meta := tx.Bucket(store.BucketMeta)
		return errors.Join(tx.Bucket(store.BucketGrants).Put([]byte("g"), g), meta.Put(store.KeyGrant, []byte("g")),
			meta.Put(store.KeyPairing, []byte(`{"device_code":"`+mark+`"}`)),
			meta.Put(store.KeySchema, binary.BigEndian.AppendUint32(nil, 1)))
	}))
	must(t, s.Close())
	must(t, os.Remove(filepath.Join(dir, store.KeyFileName)))
	s = open(t, dir)
	g, err := s.Grants.Current()
	must(t, err)
	p, err := s.Pairings.Current()
	must(t, err)
	if g == nil || g.RefreshToken != "r-"+mark || p == nil || p.DeviceCode != mark || s.KeyLost() {
		t.Errorf("grant %v, pairing %v", g, p)
	}
	must(t, s.Close())
	if names := filesWith(t, dir, mark); names != nil {
		t.Errorf("a secret is still readable in %v", names)
	}
}
