package store_test

import (
	"pickerd/store"
	"go.etcd.io/bbolt"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const mark = "s3cr3t"

// holds returns the files of a state directory that hold text.
func holds(t *testing.T, dir, text string) (names []string) {
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

func secretGrant() store.Grant {
	return store.Grant{ID: "g", AccessToken: "a-" + mark, RefreshToken: "r-" + mark, ClientSecret: "c-" + mark, Account: mark + "@example.org"}
}

func TestTokensAreSealed(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir)
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
	if names := holds(t, dir, mark); names != nil {
		t.Errorf("a token is readable in %v", names)
	}
	st, err := os.Stat(filepath.Join(dir, store.KeyFileName))
	must(t, err)
	if st.Mode().Perm() != 0o600 {
		t.Errorf("the key has mode %v", st.Mode())
	}
}

// What is erased is gone from the file, the pages that bbolt would use again
// included, although it was sealed there.
func TestErasedIsGone(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir)
	path := filepath.Join(dir, store.DatabaseName)
	var sealed [][]byte
	note := func() {
		err := s.ViewRaw(func(tx *bbolt.Tx) error {
			return tx.Bucket(store.BucketGrants).ForEach(func(_, v []byte) error {
				sealed = append(sealed, bytes.Clone(v))
				return nil
			})
		})
		must(t, err)
	}
	must(t, s.FinishPairing(secretGrant(), &store.Pick{RequestID: "r", GrantID: "g", PickerURI: "https://" + mark}))
	note()
	for range 20 {
		must(t, s.Grants.Update("g", func(g *store.Grant) { g.AccessToken += "x" }))
	}
	note()
	left := func() (n int) {
		data, err := os.ReadFile(path)
		must(t, err)
		for _, v := range sealed {
			if bytes.Contains(data, v) {
				n++
			}
		}
		return n
	}
	if left() == 0 {
		t.Fatal("this test can't see what bbolt leaves behind")
	}
	must(t, s.Unpair("unpaired", false, false))
	note() // kept sealed until the sessions are deleted
	must(t, s.Grants.Delete("g"))
	if n := left(); n > 0 {
		t.Errorf("%d erased records are still in the file", n)
	}
	if names := holds(t, dir, mark); names != nil {
		t.Errorf("the link is still in %v", names)
	}
	// The copy is the database now: it takes writes and keeps out others.
	must(t, s.Picks.Add(store.Pick{RequestID: "next"}))
	if _, err := store.Open(dir, store.Options{}); !errors.Is(err, store.ErrInUse) {
		t.Errorf("a second pickerd: %v", err)
	}
	must(t, s.Close())
	if picks, err := opened(t, dir).Picks.All(); err != nil || len(picks) != 2 {
		t.Errorf("%v, %v", picks, err)
	}
}

// Who is forgotten is gone from the file at once, not only when the sweeper has
// reached the network and erases the token.
func TestUnpairedIsGone(t *testing.T) {
	for name, forget := range map[string]func(s *store.Store) error{
		"all": func(s *store.Store) error { return s.Unpair("unpaired", true, false) },
		"one": func(s *store.Store) error { return s.UnpairOne("g", "unpaired", true, false) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := opened(t, dir)
			must(t, s.FinishPairing(secretGrant(), &store.Pick{RequestID: "r", GrantID: "g"}))
			part, err := s.Photos.NewPart()
			must(t, err)
			_, err = part.Write([]byte("bytes"))
			must(t, err)
			must(t, s.Photos.Add([]store.Addition{{store.Photo{ID: "a", Filename: mark, MimeType: "image/jpeg", Grant: "g", Pick: "r"}, part}}, true))
			if holds(t, dir, mark) == nil {
				t.Fatal("this test can't see a photo's name")
			}
			must(t, forget(s))
			if names := holds(t, dir, mark); names != nil {
				t.Errorf("the photo's name is still in %v", names)
			}
		})
	}
}

// A crash between erasing and scrubbing is made good at the next start.
func TestScrubAfterACrash(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir)
	must(t, s.UpdateRaw(func(tx *bbolt.Tx) error {
		meta := tx.Bucket(store.BucketMeta)
		return errors.Join(meta.Put([]byte("old"), []byte(strings.Repeat(mark, 1000))), meta.Put(store.KeyScrub, []byte{1}))
	}))
	must(t, s.UpdateRaw(func(tx *bbolt.Tx) error { return tx.Bucket(store.BucketMeta).Delete([]byte("old")) }))
	must(t, s.Close())
	must(t, os.WriteFile(filepath.Join(dir, "."+store.DatabaseName+"-123"), []byte(mark), 0o600)) // half a copy
	if len(holds(t, dir, mark)) != 2 {
		t.Fatal("this test can't see what bbolt leaves behind")
	}
	must(t, opened(t, dir).Close())
	if names := holds(t, dir, mark); names != nil {
		t.Errorf("still in %v", names)
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
	t.Run("a credential takes the file's place", func(t *testing.T) {
		dir := paired(t, nil)
		s := reopen(t, dir, outside)
		if g, err := s.Grants.Current(); err != nil || g == nil || g.RefreshToken != "r-"+mark || s.KeyLost() {
			t.Errorf("%v, %v", g, err)
		}
		if _, err := os.Stat(filepath.Join(dir, store.KeyFileName)); err == nil {
			t.Error("the key file stays")
		}
		must(t, s.Close())
		if g, err := reopen(t, dir, outside).Grants.Current(); err != nil || g == nil {
			t.Errorf("%v, %v", g, err)
		}
	})
	t.Run("lost, and back", func(t *testing.T) {
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
			t.Errorf("after the key came back: %v", g)
		}
	})
	t.Run("paired over meanwhile", func(t *testing.T) {
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
			t.Error("opened with another key")
		}
	})
	t.Run("too short", func(t *testing.T) {
		if _, err := store.Open(t.TempDir(), store.Options{Key: []byte("short")}); !errors.Is(err, store.ErrShortKey) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a record in another's place", func(t *testing.T) {
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

// The first version kept tokens in clear.
func TestSchemaOne(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir)
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
	s = opened(t, dir)
	g, err := s.Grants.Current()
	must(t, err)
	p, err := s.Pairings.Current()
	must(t, err)
	if g == nil || g.RefreshToken != "r-"+mark || p == nil || p.DeviceCode != mark || s.KeyLost() {
		t.Errorf("%v, %v", g, p)
	}
	must(t, s.Close())
	if names := holds(t, dir, mark); names != nil {
		t.Errorf("still readable in %v", names)
	}
}

// A pickerd that waits for the lock while another replaces the file must not get
// the old one.
func TestWaitingForTheLockDuringAScrub(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir)
	second := make(chan error, 1)
	go func() {
		other, err := store.Open(dir, store.Options{})
		if err == nil {
			other.Close()
		}
		second <- err
	}()
	for range 20 { // until the second one's patience is over
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
	t.Error("it waits for ever")
}
