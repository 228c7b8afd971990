package store_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"pickerd/store"
)

// Open removes what a power cut left unfinished.
func TestTidy(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	add(t, s, "one", true, "a", "b", "c")
	photos, err := s.Photos.Collection()
	must(t, err)
	part, err := s.Photos.NewPart() // not finished
	must(t, err)
	_, err = part.Write([]byte("half a ph"))
	must(t, err)
	must(t, s.Close())
	media := filepath.Join(dir, store.MediaName)
	must(t, os.Remove(filepath.Join(media, photos[0].File)))
	must(t, os.WriteFile(filepath.Join(media, photos[1].File), []byte("shorter"), 0o600))
	must(t, os.WriteFile(filepath.Join(media, "orphan.jpg"), nil, 0o600))

	s = open(t, dir)
	if got := ids(t, s); got != "c" {
		t.Errorf("photos left: %s", got)
	}
	if n := s.LostPhotos(); n != 2 {
		t.Errorf("%d photos lost, want 2", n)
	}
	entries, err := os.ReadDir(media)
	must(t, err)
	if len(entries) != 1 {
		t.Errorf("files: %v", entries)
	}
}

// Parts that a read-only disk kept are removed once it is writable.
func TestUpkeepRemovesParts(t *testing.T) {
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
			t.Errorf("%s was not removed", f.Name())
		}
	}
}
