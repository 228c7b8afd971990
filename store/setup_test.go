package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pickerd/store"
)

var errCut = errors.New("power cut")

// cutAt returns a BeforeOp that fails from the nth operation on, as after a power cut,
// and counts operations.
func cutAt(n int, count *int) func(store.Op) error {
	return func(store.Op) error {
		*count++
		if *count > n {
			return errCut
		}
		return nil
	}
}

// cutLater returns options under which, once arm was called, the nth operation and all
// after it fail, as after a power cut.
func cutLater(n int) (o store.Options, arm func()) {
	count, armed := 0, false
	o.BeforeOp = func(op store.Op) error {
		if armed && op.Kind != store.OpStatfs {
			count++
		}
		if count >= n {
			return errCut
		}
		return nil
	}
	return o, func() { armed = true }
}

// names lists the files of a directory, without those being written.
func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func TestSetUpMark(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	s := store.NewSetUp(dir, nil)
	if done, err := s.Done(); done || err != nil {
		t.Fatalf("a new box: %v, %v", done, err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("asking makes the directory")
	}
	must(t, s.Begin([]byte("plan")))
	if plan, err := s.Plan(); string(plan) != "plan" || err != nil {
		t.Errorf("%q, %v", plan, err)
	}
	must(t, s.Mark()) // keeps the plan
	if plan, _ := s.Plan(); string(plan) != "plan" {
		t.Errorf("after Mark: %q", plan)
	}
	must(t, s.WriteClient("client_secret.json", []byte("{}")))
	must(t, s.Finish())
	if plan, err := s.Plan(); plan != nil || err != nil {
		t.Errorf("%q, %v", plan, err)
	}
	if done, err := s.Done(); !done || err != nil {
		t.Errorf("%v, %v", done, err)
	}
	for path, mode := range map[string]os.FileMode{"set-up": 0o600, "client": 0o700 | os.ModeDir, "client/client_secret.json": 0o600} {
		if st, err := os.Stat(filepath.Join(dir, path)); err != nil || st.Mode() != mode {
			t.Errorf("%s: %v, %v", path, st, err)
		}
	}
	must(t, s.Withdraw())
	if done, err := s.Done(); done || err != nil {
		t.Errorf("withdrawn: %v, %v", done, err)
	}
	for _, bad := range []string{"", "..", "../x", ".x", "a/b"} {
		if s.WriteClient(bad, nil) == nil {
			t.Errorf("a client file %q is written", bad)
		}
	}
	if s.Begin(make([]byte, 1<<20)) == nil {
		t.Error("a plan has no bound")
	}
}

// A box that has a database was set up, also without the mark.
func TestSetUpEarlier(t *testing.T) {
	dir := t.TempDir()
	must(t, open(t, dir).Close())
	s := store.NewSetUp(dir, nil)
	if done, err := s.Done(); !done || err != nil {
		t.Errorf("%v, %v", done, err)
	}
	// A directory that can't be looked into counts as set up.
	if done, err := store.NewSetUp(filepath.Join(dir, store.DatabaseName, "below"), nil).Done(); !done || err == nil {
		t.Errorf("below a file: %v, %v", done, err)
	}
}

// A power cut leaves the old mark or the new one.
func TestSetUpCut(t *testing.T) {
	for n := 0; ; n++ {
		dir, count := t.TempDir(), 0
		must(t, store.NewSetUp(dir, nil).Begin([]byte("old")))
		err := store.NewSetUp(dir, cutAt(n, &count)).Begin([]byte("new"))
		plan, rerr := store.NewSetUp(dir, nil).Plan()
		must(t, rerr)
		if string(plan) != "old" && string(plan) != "new" || err == nil && string(plan) != "new" {
			t.Errorf("cut at %d: %q, %v", n, plan, err)
		}
		if err == nil {
			break
		}
	}
}

// filledState is a state directory with everything that a box keeps, and files that are
// not pickerd's.
func filledState(t *testing.T) string {
	t.Helper()
	dir, photos := t.TempDir(), t.TempDir()
	st, err := store.Open(dir, store.Options{})
	must(t, err)
	must(t, st.Close())
	must(t, os.Remove(filepath.Join(dir, store.MediaName)))
	must(t, os.Symlink(photos, filepath.Join(dir, store.MediaName)))
	s := store.NewSetUp(dir, nil)
	must(t, s.WriteClient("client_secret.json", []byte("{}")))
	must(t, s.Mark())
	must(t, os.MkdirAll(filepath.Join(dir, "conf.d"), 0o700))
	for _, name := range []string{"conf.d/50-settings.toml", "media/photo.jpg", "pickerd.db.damaged-20260101T000000Z", ".set-up-torn", "lost+found"} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600))
	}
	return dir
}

// Whatever moment the power is cut at, the box stays marked as set up, or ordered to
// be reset, until nothing of its people is left.
func TestEraseCut(t *testing.T) {
	for n := 0; ; n++ {
		dir, count := filledState(t), 0
		cut := store.NewSetUp(dir, cutAt(n, &count))
		err := cut.Order(store.Leaving)
		if err == nil {
			err = cut.Order(store.Erasing)
		}
		if err == nil {
			err = cut.Erase()
		}
		after := store.NewSetUp(dir, nil)
		ordered, rerr := after.Reset()
		must(t, rerr)
		done, derr := after.Done()
		must(t, derr)
		left := slices.DeleteFunc(names(t, dir), func(name string) bool { return name == "media" || name == "lost+found" })
		if !done && ordered == store.NoReset && len(left) > 0 {
			t.Errorf("cut at %d: open with %v", n, left)
		}
		if _, err := os.Stat(filepath.Join(dir, store.DatabaseName)); err != nil && done && ordered == store.NoReset {
			t.Errorf("cut at %d: closed and empty, with %v", n, left)
		}
		if ordered == store.Erasing {
			must(t, after.Erase())
			if left := names(t, dir); !slices.Equal(left, []string{"lost+found", "media"}) {
				t.Errorf("cut at %d and erased: %v", n, left)
			}
			if photos := names(t, filepath.Join(dir, "media")); len(photos) > 0 {
				t.Errorf("cut at %d and erased: %v", n, photos)
			}
		}
		if err == nil {
			break
		}
	}
}

// Erasing leaves other programs' files, also those whose names begin like pickerd's.
func TestEraseOthers(t *testing.T) {
	dir := filledState(t)
	others := []string{".pickerd.dbx", ".reserved", ".state.keys", "client-work", "clients", "conf.d.orig", "media-library", "mediastore", "pickerd.db.bak", "pickerd.db2", "reset.txt", "state.keys"}
	for _, name := range others {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600))
	}
	for _, name := range []string{".pickerd.db-torn", ".state.key-torn", ".reserve-torn", "media.damaged-x", "state.key.damaged-x", ".reserve.damaged-x"} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600))
	}
	must(t, store.NewSetUp(dir, nil).Erase())
	want := append(others, "lost+found", "media")
	slices.Sort(want)
	if left := names(t, dir); !slices.Equal(left, want) {
		t.Errorf("%v are left, want %v", left, want)
	}
}
