package store_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"pickerd/store"
)

func TestCollection(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	add(t, s, "one", true, "c", "a", "b")
	if got := ids(t, s); got != "cab" {
		t.Errorf("first pick: %s", got)
	}
	add(t, s, "two", true, "d")
	if got := ids(t, s); got != "d" {
		t.Errorf("after a replacing pick: %s", got)
	}
	prune(t, s)
	add(t, s, "three", false, "e")
	if got := ids(t, s); got != "de" {
		t.Errorf("after an appending pick: %s", got)
	}
	entries, err := os.ReadDir(filepath.Join(dir, store.MediaName))
	must(t, err)
	if len(entries) != 2 {
		t.Errorf("files: %v", entries)
	}
	must(t, s.Unpair("unpaired", false, false))
	entries, err = os.ReadDir(filepath.Join(dir, store.MediaName))
	must(t, err)
	if len(entries) != 0 || ids(t, s) != "" {
		t.Errorf("after Unpair: %v", entries)
	}
}

func TestVerify(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	add(t, s, "one", true, "a", "b", "c")
	photos, err := s.Photos.Collection()
	must(t, err)
	path := func(i int) string { return filepath.Join(dir, store.MediaName, photos[i].File) }
	altered, err := os.ReadFile(path(1))
	must(t, err)
	altered[0] ^= 1
	must(t, os.WriteFile(path(1), altered, 0o600))
	must(t, os.Remove(path(2)))
	for i, want := range []bool{true, false, false} {
		if ok, err := s.Photos.Verify(t.Context(), photos[i]); ok != want || err != nil {
			t.Errorf("photo %d: %v, %v", i, ok, err)
		}
	}
}

// No ID or file name leads out of the media directory.
func TestPhotoPaths(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	add(t, s, "one", true, "../../etc/passwd", "a/b", string(bytes.Repeat([]byte("n"), 300)))
	photos, err := s.Photos.Collection()
	must(t, err)
	if len(photos) != 3 {
		t.Errorf("%d photos", len(photos))
	}
	for _, file := range []string{"../pickerd.db", "/etc/passwd", ".part-x", "..", ""} {
		if f, err := s.Photos.Open(file); err == nil {
			if st, _ := f.Stat(); !st.IsDir() {
				t.Errorf("%q was opened", file)
			}
			f.Close()
		}
	}
}

// Usage tells a pick's photos from those of other accounts. A replacing pick frees
// the rest.
func TestUsage(t *testing.T) {
	s := filled(t)
	for _, tt := range []struct {
		pick, grant string
		want        store.Usage
	}{
		{"one", "anna", store.Usage{All: 30, Mine: 20, Others: 10}},
		{"new", "anna", store.Usage{All: 30, Others: 10}},
		{"new", "new", store.Usage{All: 30, Others: 30}},
	} {
		if got, err := s.Photos.Usage(tt.pick, tt.grant, ""); got != tt.want || err != nil {
			t.Errorf("pick %s of %s: %+v, %v, want %+v", tt.pick, tt.grant, got, err, tt.want)
		}
	}
}
