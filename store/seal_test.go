package store_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"pickerd/store"
)

// mark stands for a secret.
const mark = "s3cr3t"

func secretGrant() store.Grant {
	return store.Grant{ID: "g", AccessToken: "a-" + mark, RefreshToken: "r-" + mark, ClientSecret: "c-" + mark, Account: mark + "@example.org"}
}

// filesWith returns the names of the files in a state directory that contain text.
func filesWith(t *testing.T, dir, text string) (names []string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(text)) {
			names = append(names, e.Name())
		}
		return err
	}))
	return names
}

func TestTokensAreSealed(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	must(t, s.Pairings.Save(store.Pairing{DeviceCode: mark, UserCode: mark, Verifier: mark, Code: mark}))
	must(t, s.FinishPairing(secretGrant(), nil))
	id, err := s.Secrets.Identity(func() (string, error) { return mark, nil })
	must(t, err)
	again, err := s.Secrets.Identity(func() (string, error) { return "another", nil })
	must(t, err)
	if id != mark || again != mark {
		t.Errorf("identity %q, then %q", id, again)
	}
	must(t, s.Close())
	if names := filesWith(t, dir, mark); names != nil {
		t.Errorf("a token is readable in %v", names)
	}
	st, err := os.Stat(filepath.Join(dir, store.KeyFileName))
	must(t, err)
	if st.Mode().Perm() != 0o600 {
		t.Errorf("the key has mode %v", st.Mode())
	}
}

func TestKeys(t *testing.T) {
	outside := bytes.Repeat([]byte("k"), 44)
	reopen := func(t *testing.T, dir string, key []byte) *store.Store {
		t.Helper()
		s, err := store.Open(dir, store.Options{Key: key})
		must(t, err)
		t.Cleanup(func() { s.Close() })
		return s
	}
	paired := func(t *testing.T, key []byte) string {
		t.Helper()
		dir := t.TempDir()
		s := reopen(t, dir, key)
		must(t, s.FinishPairing(secretGrant(), &store.Pick{RequestID: "r", GrantID: "g"}))
		must(t, s.Close())
		return dir
	}
	t.Run("credential replaces the file", func(t *testing.T) {
		dir := paired(t, nil)
		s := reopen(t, dir, outside)
		if g, err := s.Grants.Current(); err != nil || g == nil || g.RefreshToken != "r-"+mark || s.KeyLost() {
			t.Errorf("%v, %v", g, err)
		}
		if _, err := os.Stat(filepath.Join(dir, store.KeyFileName)); err == nil {
			t.Error("the key file was not removed")
		}
		must(t, s.Close())
		if g, err := reopen(t, dir, outside).Grants.Current(); err != nil || g == nil {
			t.Errorf("%v, %v", g, err)
		}
	})
	t.Run("lost and restored", func(t *testing.T) {
		dir := paired(t, nil)
		path := filepath.Join(dir, store.KeyFileName)
		right, err := os.ReadFile(path)
		must(t, err)
		must(t, os.Remove(path))
		s := reopen(t, dir, nil)
		g, err := s.Grants.Current()
		must(t, err)
		grants, err := s.Grants.All()
		must(t, err)
		if g != nil || !s.KeyLost() || len(grants) != 1 || !grants[0].Dead || !grants[0].Locked {
			t.Errorf("%v, %v", g, grants)
		}
		first, err := s.Secrets.Identity(func() (string, error) { return "stand-in", nil })
		must(t, err)
		must(t, s.Close())
		s = reopen(t, dir, nil)
		again, err := s.Secrets.Identity(func() (string, error) { return "yet another", nil })
		must(t, err)
		if first != "stand-in" || again != first {
			t.Errorf("identity %q, then %q", first, again)
		}
		must(t, s.Close())

		must(t, os.WriteFile(path, right, 0o600))
		s = reopen(t, dir, nil)
		g, err = s.Grants.Current()
		must(t, err)
		if g == nil || g.RefreshToken != "r-"+mark || s.KeyLost() || first == mark {
			t.Errorf("after the key was restored: %v", g)
		}
	})
	t.Run("paired again meanwhile", func(t *testing.T) {
		dir := paired(t, outside)
		s := reopen(t, dir, nil)
		must(t, s.FinishPairing(store.Grant{ID: "new", RefreshToken: "new"}, nil))
		must(t, s.Close())
		s = reopen(t, dir, outside)
		g, err := s.Grants.Current()
		must(t, err)
		grants, err := s.Grants.All()
		must(t, err)
		picks, err := s.Picks.All()
		must(t, err)
		if g == nil || g.ID != "new" || len(grants) != 2 || !grants[0].Retired || grants[0].RefreshToken != "r-"+mark || picks[0].EndReason == "" {
			t.Errorf("%v, %+v, %v", g, grants, picks)
		}
	})
	t.Run("forgotten meanwhile", func(t *testing.T) {
		dir := paired(t, outside)
		s := reopen(t, dir, nil)
		must(t, s.Unpair("unpaired", false, false))
		if grants, err := s.Grants.All(); err != nil || len(grants) > 0 || s.KeyLost() {
			t.Errorf("%v, %v", grants, err)
		}
	})
	t.Run("another credential", func(t *testing.T) {
		dir := paired(t, outside)
		if !reopen(t, dir, bytes.Repeat([]byte("q"), 32)).KeyLost() {
			t.Error("the key is not reported lost")
		}
	})
	t.Run("too short", func(t *testing.T) {
		if _, err := store.Open(t.TempDir(), store.Options{Key: []byte("short")}); !errors.Is(err, store.ErrShortKey) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("swapped record", func(t *testing.T) {
		dir := paired(t, nil)
		s := reopen(t, dir, nil)
		must(t, s.UpdateRaw(func(tx *bbolt.Tx) error {
			b := tx.Bucket(store.BucketGrants)
			return b.Put([]byte("h"), b.Get([]byte("g")))
		}))
		grants, err := s.Grants.All()
		must(t, err)
		if len(grants) != 2 || !grants[1].Locked || grants[1].RefreshToken != "" {
			t.Errorf("%v", grants)
		}
	})
}

// A truncated key file is moved aside and replaced.
func TestDamagedKeyFile(t *testing.T) {
	for _, content := range []string{"", "short"} {
		dir := t.TempDir()
		s := open(t, dir)
		addBytes(t, s, "a", "p", "abc")
		must(t, s.Close())
		must(t, os.WriteFile(filepath.Join(dir, store.KeyFileName), []byte(content), 0o600))
		s, err := store.Open(dir, store.Options{})
		if err != nil {
			t.Errorf("%q: open: %v (disk error %v)", content, err, store.IsDiskError(err))
			continue
		}
		if kept, err := os.ReadFile(s.DamagedKeyPath()); string(kept) != content || err != nil {
			t.Errorf("%q: moved aside: %q, %v", content, kept, err)
		}
		must(t, s.Close())
	}
}
