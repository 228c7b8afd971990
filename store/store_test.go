package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pickerd/store"
)

func open(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// add adds photos to a pick, one at a time.
func add(t *testing.T, s *store.Store, pick string, replace bool, ids ...string) {
	t.Helper()
	for i, id := range ids {
		part, err := s.Photos.NewPart()
		must(t, err)
		_, err = part.Write([]byte("bytes of " + id))
		must(t, err)
		must(t, s.Photos.Add([]store.Addition{{store.Photo{ID: id, MimeType: "image/jpeg", Pick: pick, Index: i}, part}}, replace))
	}
}

// addAll adds photos to a pick in one transaction.
func addAll(s *store.Store, pick string, ids ...string) error {
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

// addBytes adds one photo with the content given.
func addBytes(t *testing.T, s *store.Store, id, pick, bytes string) {
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

func prune(t *testing.T, s *store.Store) {
	t.Helper()
	_, err := s.Photos.Prune()
	must(t, err)
}

// ids returns the IDs of the collection, in order.
func ids(t *testing.T, s *store.Store) string {
	t.Helper()
	photos, err := s.Photos.Collection()
	must(t, err)
	list := ""
	for _, p := range photos {
		list += p.ID
	}
	return list
}

// A new state directory has these files, readable by their owner only.
func TestOpenFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "state")
	open(t, dir)
	st, err := os.Stat(filepath.Join(dir, store.DatabaseName))
	must(t, err)
	if st.Mode().Perm() != 0o600 {
		t.Errorf("the database has mode %v", st.Mode())
	}
	entries, err := os.ReadDir(dir)
	must(t, err)
	if len(entries) != 4 {
		t.Errorf("want database, key, reserve and media only, got %v", entries)
	}
}

func TestOpenErrors(t *testing.T) {
	t.Run("in use", func(t *testing.T) {
		dir := t.TempDir()
		open(t, dir)
		if _, err := store.Open(dir, store.Options{}); !errors.Is(err, store.ErrInUse) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("not writable", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		must(t, os.WriteFile(file, nil, 0o600))
		if _, err := store.Open(filepath.Join(file, "state"), store.Options{}); err == nil {
			t.Error("no error")
		}
	})
}

// A second pickerd that waits for the lock while the database is replaced must not
// get the old file.
func TestOpenWhileScrubbing(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	second := make(chan error, 1)
	go func() {
		other, err := store.Open(dir, store.Options{})
		if err == nil {
			other.Close()
		}
		second <- err
	}()
	for range 20 { // until the second one times out
		must(t, s.Unpair("unpaired", false, false))
		select {
		case err := <-second:
			if !errors.Is(err, store.ErrInUse) {
				t.Errorf("got %v", err)
			}
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
	t.Error("the second Open does not return")
}
