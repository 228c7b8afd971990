package store_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pickerd/store"
)

const copied = "\xff\xd8 a copy \xff\xd9"

// readCopy returns a photo's copy, "" if there is none.
func readCopy(t *testing.T, s *store.Store, file string) string {
	t.Helper()
	f, err := s.Photos.OpenCopy(file)
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	must(t, err)
	defer f.Close()
	b, err := io.ReadAll(f)
	must(t, err)
	return string(b)
}

// files returns how many files the media directory has.
func files(t *testing.T, dir string) int {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, store.MediaName))
	must(t, err)
	return len(entries)
}

// A copy is counted, survives a restart, and goes with its photo.
func TestCopy(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	add(t, s, "one", true, "a", "b")
	photos, err := s.Photos.Collection()
	must(t, err)
	file := photos[0].File
	before, err := s.Photos.Usage("one", "", "")
	must(t, err)
	must(t, s.Photos.KeepCopy(file, []byte(copied), 0))
	check := func(when string) {
		t.Helper()
		if got := readCopy(t, s, file); got != copied {
			t.Errorf("%s: the copy is %q", when, got)
		}
		if u, err := s.Photos.Usage("one", "", ""); u.All != before.All+int64(len(copied)) || u.Mine != u.All || err != nil {
			t.Errorf("%s: %+v, %v", when, u, err)
		}
	}
	check("at first")
	must(t, s.Close())
	s = open(t, dir)
	check("after a restart")
	must(t, s.Photos.KeepCopy(file, []byte(copied), before.All+2*int64(len(copied))))
	check("kept again")
	if got := readCopy(t, s, photos[1].File) + readCopy(t, s, "../pickerd.db"); got != "" {
		t.Errorf("a copy of a photo without one: %q", got)
	}
	must(t, s.Photos.Delete(photos[:1]))
	if u, err := s.Photos.Usage("one", "", ""); u.All != before.All-photos[0].Bytes || err != nil || readCopy(t, s, file) != "" || files(t, dir) != 1 {
		t.Errorf("after Delete: %+v, %v, %d files", u, err, files(t, dir))
	}
	if err := s.Photos.KeepCopy(file, []byte(copied), 0); !errors.Is(err, fs.ErrNotExist) || files(t, dir) != 1 {
		t.Errorf("a copy of a deleted photo: %v", err)
	}
}

func TestCopyRoom(t *testing.T) {
	full := false
	dir := t.TempDir()
	s, err := store.Open(dir, store.Options{Space: func() store.Space {
		if full {
			return store.Space{Free: 50, Total: 1000}
		}
		return store.Space{Free: 1e9, Total: 2e9}
	}})
	must(t, err)
	defer s.Close()
	add(t, s, "one", true, "a")
	photos, err := s.Photos.Collection()
	must(t, err)
	limit := photos[0].Bytes + int64(len(copied))
	if err := s.Photos.KeepCopy(photos[0].File, []byte(copied), limit-1); !errors.Is(err, store.ErrNoRoom) {
		t.Errorf("beyond the limit: %v", err)
	}
	full = true
	if err := s.Photos.KeepCopy(photos[0].File, []byte(copied), 0); !errors.Is(err, store.ErrNoRoom) {
		t.Errorf("on a full disk: %v", err)
	}
	full = false
	must(t, s.Photos.KeepCopy(photos[0].File, []byte(copied), limit))
}

// A power cut at each operation leaves a whole copy or none, and no stray file.
func TestCopyCrash(t *testing.T) {
	for cut := 1; ; cut++ {
		dir := t.TempDir()
		s := open(t, dir)
		add(t, s, "one", true, "a")
		photos, err := s.Photos.Collection()
		must(t, err)
		must(t, s.Close())
		options, arm := cutLater(cut)
		s, err = store.Open(dir, options)
		must(t, err)
		arm()
		kept := s.Photos.KeepCopy(photos[0].File, []byte(copied), 0)
		s.Close()
		s = open(t, dir)
		got := readCopy(t, s, photos[0].File)
		if want := 1 + len(got)/len(copied); got != "" && got != copied || files(t, dir) != want || kept == nil && got == "" {
			t.Errorf("cut %d: copy %q, %d files, %v", cut, got, files(t, dir), kept)
		}
		must(t, s.Close())
		if kept == nil {
			if cut < 5 {
				t.Errorf("only %d operations", cut-1)
			}
			return
		}
	}
}

// What is no copy, or damaged, is neither opened nor counted, and strays go.
func TestCopyDamaged(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	add(t, s, "one", true, "a", "b")
	photos, err := s.Photos.Collection()
	must(t, err)
	must(t, s.Photos.KeepCopy(photos[0].File, []byte(copied), 0))
	must(t, s.Photos.KeepCopy(photos[1].File, []byte(copied), 0))
	must(t, s.Close())
	path := func(file string) string { return filepath.Join(dir, store.MediaName, ".copy-"+file) }
	must(t, os.WriteFile(path(photos[0].File), []byte(copied[:5]), 0o600))
	must(t, os.Remove(path(photos[1].File)))
	must(t, os.Symlink("/etc/passwd", path(photos[1].File)))
	must(t, os.WriteFile(path(strings.Repeat("0", 32)+".jpg"), []byte(copied), 0o600))
	s = open(t, dir)
	if got := readCopy(t, s, photos[0].File) + readCopy(t, s, photos[1].File); got != "" {
		t.Errorf("opened %q", got)
	}
	if n := files(t, dir); n != 3 { // the photos and the torn copy, which is replaced when it is needed
		t.Errorf("%d files", n)
	}
}

// A copy whose name was not synced is not counted, and goes with its photo all the same.
func TestCopyUnsynced(t *testing.T) {
	dir, fail := t.TempDir(), false
	errSync := errors.New("I/O error")
	s, err := store.Open(dir, store.Options{BeforeOp: func(op store.Op) error {
		if fail && op.Kind == store.OpSyncDir {
			return errSync
		}
		return nil
	}})
	must(t, err)
	defer s.Close()
	add(t, s, "one", true, "a")
	photos, err := s.Photos.Collection()
	must(t, err)
	fail = true
	if err := s.Photos.KeepCopy(photos[0].File, []byte(copied), 0); !errors.Is(err, errSync) || files(t, dir) != 2 {
		t.Fatalf("%v, %d files", err, files(t, dir))
	}
	fail = false
	must(t, s.Photos.Delete(photos))
	if n := files(t, dir); n != 0 {
		t.Errorf("%d files left", n)
	}
}
