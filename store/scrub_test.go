package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"pickerd/store"
)

// Erased records are gone from the file, including its free pages, although they
// were sealed.
func TestScrub(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
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
		t.Fatal("the test does not find records in free pages")
	}
	must(t, s.Unpair("unpaired", false, false))
	note() // the retired grant, still sealed
	must(t, s.Grants.Delete("g"))
	if n := left(); n > 0 {
		t.Errorf("%d erased records are still in the file", n)
	}
	if names := filesWith(t, dir, mark); names != nil {
		t.Errorf("the link is still in %v", names)
	}
	// The copy is now the database: it can be written, and the directory is still
	// locked.
	must(t, s.Picks.Add(store.Pick{RequestID: "next"}))
	if _, err := store.Open(dir, store.Options{}); !errors.Is(err, store.ErrInUse) {
		t.Errorf("a second pickerd: %v", err)
	}
	must(t, s.Close())
	if picks, err := open(t, dir).Picks.All(); err != nil || len(picks) != 2 {
		t.Errorf("%v, %v", picks, err)
	}
}

// The records of a forgotten account are gone from the file at once, before the
// token is erased.
func TestUnpairScrubs(t *testing.T) {
	for name, forget := range map[string]func(s *store.Store) error{
		"all": func(s *store.Store) error { return s.Unpair("unpaired", true, false) },
		"one": func(s *store.Store) error { return s.UnpairOne("g", "unpaired", true, false) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			must(t, s.FinishPairing(secretGrant(), &store.Pick{RequestID: "r", GrantID: "g"}))
			part, err := s.Photos.NewPart()
			must(t, err)
			_, err = part.Write([]byte("bytes"))
			must(t, err)
			must(t, s.Photos.Add([]store.Addition{{store.Photo{ID: "a", Filename: mark, MimeType: "image/jpeg", Grant: "g", Pick: "r"}, part}}, true))
			if filesWith(t, dir, mark) == nil {
				t.Fatal("the test does not find the photo's name")
			}
			must(t, forget(s))
			if names := filesWith(t, dir, mark); names != nil {
				t.Errorf("the photo's name is still in %v", names)
			}
		})
	}
}

// A scrub that a crash interrupted is repeated by Open.
func TestScrubAfterCrash(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	must(t, s.UpdateRaw(func(tx *bbolt.Tx) error {
		meta := tx.Bucket(store.BucketMeta)
		return errors.Join(meta.Put([]byte("old"), []byte(strings.Repeat(mark, 1000))), meta.Put(store.KeyScrub, []byte{1}))
	}))
	must(t, s.UpdateRaw(func(tx *bbolt.Tx) error { return tx.Bucket(store.BucketMeta).Delete([]byte("old")) }))
	must(t, s.Close())
	must(t, os.WriteFile(filepath.Join(dir, "."+store.DatabaseName+"-123"), []byte(mark), 0o600)) // an unfinished copy
	if len(filesWith(t, dir, mark)) != 2 {
		t.Fatal("the test does not find records in free pages")
	}
	must(t, open(t, dir).Close())
	if names := filesWith(t, dir, mark); names != nil {
		t.Errorf("erased text is still in %v", names)
	}
}
