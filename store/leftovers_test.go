package store_test

import (
	"pickerd/store"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func addOne(t *testing.T, s *store.Store, id, pick, bytes string) {
	t.Helper()
	p, err := s.Photos.NewPart()
	if err != nil {
		t.Fatal(err)
	}
	p.Write([]byte(bytes))
	if err := s.Photos.Add([]store.Addition{{store.Photo{ID: id, MimeType: "image/jpeg", Type: "PHOTO", Pick: pick}, p}}, true); err != nil {
		t.Fatal(err)
	}
}

func TestMissingDatabase(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	addOne(t, s, "a", "p", "abc")
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
		t.Errorf("media erased: %d files, %d photos; Moved %v", len(files), len(photos), s.Recovery())
	}
}

func TestDamagedKeyFile(t *testing.T) {
	for _, garbage := range []string{"", "short"} {
		dir := t.TempDir()
		s, err := store.Open(dir, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		addOne(t, s, "a", "p", "abc")
		s.Close()
		os.WriteFile(filepath.Join(dir, "state.key"), []byte(garbage), 0o600)
		s, err = store.Open(dir, store.Options{})
		if err != nil {
			t.Errorf("%q: the box does not start: %v (disk %v)", garbage, err, store.IsDiskError(err))
			continue
		}
		s.Close()
	}
}

func TestFoundPhotoIsNotOverwritten(t *testing.T) {
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
	addOne(t, s, "a", "p", "abc")
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
		t.Errorf("the photo is gone: %d records, %d files", len(photos), len(files))
	}
}

// A file of no bytes, or of another's, that is found beside a damaged database.
func TestEmptyFileIsNoPhoto(t *testing.T) {
	dir := t.TempDir()
	s, _ := store.Open(dir, store.Options{})
	addOne(t, s, "a", "p", "abc")
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
		t.Errorf("an empty file is shown for good; verifies %v", ok)
	}
}

// No hard links (FAT, some FUSE): EPERM.
func TestMovingAsideWithoutLinks(t *testing.T) {
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
		t.Errorf("does not start: %v; permission %v", err, errors.Is(err, os.ErrPermission))
		return
	}
	s.Close()
}

// Parts that the disk did not let be removed at the start go later.
func TestPartsGoWhenTheDiskIsBack(t *testing.T) {
	dir := t.TempDir()
	s, _ := store.Open(dir, store.Options{})
	p, _ := s.Photos.NewPart()
	p.Write([]byte("half"))
	s.Close()
	ro := true
	s, err := store.Open(dir, store.Options{BeforeOp: func(c store.Op) error {
		if ro && c.Kind != store.OpStatfs {
			return &os.PathError{Op: c.Kind, Path: c.Name, Err: syscall.EROFS}
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ro = false
	for range 5 {
		s.Upkeep()
	}
	files, _ := os.ReadDir(filepath.Join(dir, "media"))
	for _, f := range files {
		if strings.HasPrefix(f.Name(), ".part-") {
			t.Errorf("%s stays", f.Name())
		}
	}
}

// Photos whose records the disk did not take leave no files behind that would
// count for nothing.
func TestPhotosWithoutRecordsLeaveNoFiles(t *testing.T) {
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
	if err := tryAdd(s, "p", "a", "b"); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v", err)
	}
	files, err := os.ReadDir(filepath.Join(dir, store.MediaName))
	if err != nil || len(files) > 0 {
		t.Errorf("left: %v, %v", files, err)
	}
}

// Nothing is remembered of a part that has become a photo, or was discarded.
func TestPartsAreForgotten(t *testing.T) {
	s := opened(t, t.TempDir())
	must(t, tryAdd(s, "p", "a", "b"))
	part, err := s.Photos.NewPart()
	must(t, err)
	part.Discard()
	if names := s.Photos.PartNames(); len(names) > 0 {
		t.Errorf("still open: %v", names)
	}
}
