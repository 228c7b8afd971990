package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.etcd.io/bbolt"

	"pickerd/store"
)

// Open moves a damaged database aside unchanged, creates a new one and keeps the
// photos.
func TestDamagedDatabase(t *testing.T) {
	whole := filledDatabase(t, t.TempDir())
	for name, data := range damages(whole) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			add(t, s, "one", true, "a", "b")
			must(t, s.Close())
			must(t, os.WriteFile(filepath.Join(dir, store.DatabaseName), data, 0o600))

			s, err := store.Open(dir, store.Options{Warning: "why"})
			must(t, err)
			defer s.Close()
			moved := s.Recovery()
			if moved == nil || moved.Photos != 2 {
				t.Fatalf("recovery: %+v", moved)
			}
			if _, ok := errors.AsType[*store.CorruptError](moved.Cause); !ok {
				t.Errorf("cause: %v", moved.Cause)
			}
			kept, err := os.ReadFile(moved.MovedTo)
			must(t, err)
			if !bytes.Equal(kept, data) || !strings.HasPrefix(filepath.Base(moved.MovedTo), "pickerd.db.damaged-2") {
				t.Errorf("%s has %d bytes, want the %d of the original", moved.MovedTo, len(kept), len(data))
			}
			if w, err := s.Pairings.Warning(); w != "why" || err != nil {
				t.Errorf("warning %q, %v", w, err)
			}
			photos, err := s.Photos.Collection()
			must(t, err)
			if len(photos) != 2 || photos[0].MimeType != "image/jpeg" || photos[0].Type != "PHOTO" {
				t.Errorf("photos: %+v", photos)
			}
			must(t, s.FinishPairing(store.Grant{ID: "new"}, nil)) // the new database works

			// A photo that is picked again appears once, with its real ID.
			add(t, s, "two", true, "b")
			prune(t, s)
			if got := ids(t, s); got != "b" {
				t.Errorf("after a new pick: %s", got)
			}
			photos, err = s.Photos.Collection()
			must(t, err)
			if ok, err := s.Photos.Verify(t.Context(), photos[0]); !ok || err != nil {
				t.Errorf("the photo's file was removed with its found record: %v, %v", ok, err)
			}
		})
	}
}

func TestNewerSchema(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	must(t, s.UpdateRaw(func(tx *bbolt.Tx) error {
		return tx.Bucket(store.BucketMeta).Put(store.KeySchema, []byte{0, 0, 0, store.Schema + 1})
	}))
	must(t, s.Close())
	s = open(t, dir)
	if m := s.Recovery(); m == nil {
		t.Fatal("not moved aside")
	} else if e, ok := errors.AsType[*store.SchemaError](m.Cause); !ok || e.Have != store.Schema+1 {
		t.Errorf("cause: %v", m.Cause)
	}
}

// A record that can't be decoded costs no other.
func TestDamagedRecord(t *testing.T) {
	for _, bucket := range [][]byte{store.BucketPicks, store.BucketPhotos} {
		dir := t.TempDir()
		s := open(t, dir)
		add(t, s, "one", true, "a")
		must(t, s.FinishPairing(store.Grant{ID: "g"}, nil))
		must(t, s.UpdateRaw(func(tx *bbolt.Tx) error { return tx.Bucket(bucket).Put([]byte("x"), []byte("{torn")) }))
		must(t, s.Close())
		s = open(t, dir)
		if s.Recovery() != nil {
			t.Errorf("%s: moved aside", bucket)
		}
		g, err := s.Grants.Current()
		must(t, err)
		if r := s.Repairs(); g == nil || ids(t, s) != "a" || len(r) != 1 {
			t.Errorf("%s: %v, photos %q, %+v", bucket, g, ids(t, s), r)
		}
	}
}

func TestMissingDatabase(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	addBytes(t, s, "a", "p", "abc")
	s.Close()
	os.Remove(filepath.Join(dir, "pickerd.db"))
	s, err = store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	files, _ := os.ReadDir(filepath.Join(dir, "media"))
	photos, _ := s.Photos.Collection()
	if len(files) != 1 || len(photos) != 1 {
		t.Errorf("want one photo: %d files, %d photos, recovery %v", len(files), len(photos), s.Recovery())
	}
}

// An empty media file is not taken for a photo.
func TestEmptyMediaFile(t *testing.T) {
	dir := t.TempDir()
	s, _ := store.Open(dir, store.Options{})
	addBytes(t, s, "a", "p", "abc")
	photos, _ := s.Photos.Collection()
	s.Close()
	os.Truncate(filepath.Join(dir, "media", photos[0].File), 0)
	os.WriteFile(filepath.Join(dir, "pickerd.db"), nil, 0o600)
	s, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	photos, _ = s.Photos.Collection()
	if len(photos) > 0 {
		ok, _ := s.Photos.Verify(t.Context(), photos[0])
		t.Errorf("an empty file was kept as a photo; verified: %v", ok)
	}
}

// A recovery that a power cut interrupted is finished by the next start.
func TestRecoveryAfterPowerCut(t *testing.T) {
	for cut := 0; ; cut++ {
		dir := t.TempDir()
		s := open(t, dir)
		add(t, s, "one", true, "a")
		must(t, s.Close())
		must(t, os.WriteFile(filepath.Join(dir, store.DatabaseName), []byte("garbage"), 0o600))
		n := 0
		s, err := store.Open(dir, store.Options{BeforeOp: func(store.Op) error {
			if n++; n > cut {
				return errors.New("power cut")
			}
			return nil
		}})
		if err == nil {
			s.Close()
			if cut < 6 {
				t.Errorf("only %d operations", cut)
			}
			return
		}
		s, err = store.Open(dir, store.Options{})
		must(t, err)
		damaged, err := filepath.Glob(filepath.Join(dir, store.DamagedPrefix+"*"))
		must(t, err)
		if len(damaged) != 1 || ids(t, s) == "" {
			t.Errorf("cut %d: %v, photos %q", cut, damaged, ids(t, s))
		}
		must(t, s.Close())
	}
}

// FAT and some FUSE file systems have no hard links.
func TestRecoveryWithoutLinks(t *testing.T) {
	dir := t.TempDir()
	s, _ := store.Open(dir, store.Options{})
	s.Close()
	os.WriteFile(filepath.Join(dir, "pickerd.db"), []byte("garbage"), 0o600)
	s, err := store.Open(dir, store.Options{BeforeOp: func(c store.Op) error {
		if c.Kind == store.OpLink {
			return &os.LinkError{Op: "link", Old: c.Name, New: c.To, Err: syscall.EPERM}
		}
		return nil
	}})
	if err != nil {
		t.Errorf("open: %v; permission %v", err, errors.Is(err, os.ErrPermission))
		return
	}
	s.Close()
}

// Databases that are moved aside in the same second get different names.
func TestRecoveryTwiceInOneSecond(t *testing.T) {
	dir := t.TempDir()
	for range 3 {
		must(t, os.WriteFile(filepath.Join(dir, store.DatabaseName), []byte("garbage"), 0o600))
		must(t, open(t, dir).Close())
	}
	damaged, err := filepath.Glob(filepath.Join(dir, store.DamagedPrefix+"*"))
	must(t, err)
	if len(damaged) != 3 {
		t.Errorf("%v", damaged)
	}
}

// If the media directory is on a file system that is not mounted, no database is
// created: a later start would take the photos for files without a record.
func TestNoDatabaseWithoutMedia(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Symlink("not-mounted", filepath.Join(dir, store.MediaName)))
	if s, err := store.Open(dir, store.Options{}); err == nil {
		s.Close()
		t.Error("no error")
	}
	if _, err := os.Stat(filepath.Join(dir, store.DatabaseName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the database: %v", err)
	}
}

// In guest mode damaged databases are deleted.
func TestDeleteDamaged(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, store.DatabaseName), []byte("garbage"), 0o600))
	s := open(t, dir)
	must(t, s.DeleteDamaged())
	if left, err := filepath.Glob(filepath.Join(dir, store.DamagedPrefix+"*")); len(left) > 0 || err != nil {
		t.Errorf("left: %v, %v", left, err)
	}
	if s.Recovery() == nil || s.Recovery().Cause.Error() == "" {
		t.Errorf("recovery: %+v", s.Recovery())
	}
}
