package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"pickerd/store"
)

// A part that became a photo or was discarded is no longer in progress.
func TestPartsEnd(t *testing.T) {
	s := open(t, t.TempDir())
	must(t, addAll(s, "p", "a", "b"))
	part, err := s.Photos.NewPart()
	must(t, err)
	part.Discard()
	if names := s.Photos.PartNames(); len(names) > 0 {
		t.Errorf("still open: %v", names)
	}
}

// If the records can't be stored, the files are removed.
func TestAddFails(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Open(dir, store.Options{BeforeOp: func(c store.Op) error {
		if c.Kind == store.OpCommit && c.Name == store.DatabaseName {
			return &os.PathError{Op: c.Kind, Path: c.Name, Err: syscall.ENOSPC}
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := addAll(s, "p", "a", "b"); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("add: %v", err)
	}
	files, err := os.ReadDir(filepath.Join(dir, store.MediaName))
	if err != nil || len(files) > 0 {
		t.Errorf("files left: %v, %v", files, err)
	}
}

// A photo that was found without a record keeps its file until the new record is
// stored.
func TestAddKeepsFoundPhoto(t *testing.T) {
	dir := t.TempDir()
	fail := false
	watch := func(c store.Op) error {
		if fail && c.Kind == store.OpCommit {
			return &os.PathError{Op: c.Kind, Path: c.Name, Err: syscall.ENOSPC}
		}
		return nil
	}
	s, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	addBytes(t, s, "a", "p", "abc")
	s.Close()
	os.WriteFile(filepath.Join(dir, "pickerd.db"), []byte("garbage"), 0o600)
	s, err = store.Open(dir, store.Options{BeforeOp: watch})
	if err != nil {
		t.Fatal(err)
	}
	fail = true
	p, _ := s.Photos.NewPart()
	p.Write([]byte("another size"))
	if err := s.Photos.Add([]store.Addition{{store.Photo{ID: "a", MimeType: "image/jpeg", Type: "PHOTO", Pick: "q"}, p}}, true); err == nil {
		t.Fatal("no error")
	}
	p.Discard()
	fail = false
	if photos, _ := s.Photos.Collection(); len(photos) == 1 {
		ok, _ := s.Photos.Verify(t.Context(), photos[0])
		t.Log("verifies:", ok)
	}
	s.Close()
	s, err = store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	photos, _ := s.Photos.Collection()
	files, _ := os.ReadDir(filepath.Join(dir, "media"))
	if len(photos) != 1 {
		t.Errorf("want one photo: %d records, %d files", len(photos), len(files))
	}
}
