package store_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"pickerd/store"
)

// A place in the database.
type record struct {
	bucket []byte
	key    string
}

// bitsOf calls f for each bit that a test flips of n bytes: one in each third.
func bitsOf(n int, f func(at int, bit byte)) {
	for at := 0; at < n; at += 3 {
		f(at, 1<<(at%8))
	}
}

// A flipped bit in any record costs no photo, no file, no pairing and no session, and
// has a line in the log.
func TestFlippedBit(t *testing.T) {
	for name, r := range map[string]record{
		"photo":         {store.BucketPhotos, "a"},
		"pick":          {store.BucketPicks, "r"},
		"collection":    {store.BucketMeta, "collection"},
		"current grant": {store.BucketMeta, "grant"},
	} {
		t.Run(name, func(t *testing.T) {
			template := t.TempDir()
			s := open(t, template)
			must(t, s.FinishPairing(store.Grant{ID: "g"}, &store.Pick{RequestID: "r", GrantID: "g", SessionID: "session"}))
			add(t, s, "one", true, "a", "b")
			var value []byte
			must(t, s.ViewRaw(func(tx *bbolt.Tx) error {
				value = bytes.Clone(tx.Bucket(r.bucket).Get([]byte(r.key)))
				return nil
			}))
			must(t, s.Close())
			bitsOf(len(value), func(at int, bit byte) {
				dir := filepath.Join(t.TempDir(), fmt.Sprint(at))
				must(t, os.CopyFS(dir, os.DirFS(template)))
				damaged := bytes.Clone(value)
				damaged[at] ^= bit
				putRaw(t, dir, r, damaged)
				checkRepaired(t, dir, fmt.Sprintf("byte %d of %q", at, value))
			})
		})
	}
}

// More damage in a photo's record costs what only the record says, but not the photo.
func TestFlippedBits(t *testing.T) {
	template := t.TempDir()
	s := open(t, template)
	add(t, s, "one", true, "a", "b")
	var value []byte
	must(t, s.ViewRaw(func(tx *bbolt.Tx) error {
		value = bytes.Clone(tx.Bucket(store.BucketPhotos).Get([]byte("a")))
		return nil
	}))
	must(t, s.Close())
	bitsOf(len(value)-4, func(at int, bit byte) {
		dir := filepath.Join(t.TempDir(), fmt.Sprint(at))
		must(t, os.CopyFS(dir, os.DirFS(template)))
		damaged := bytes.Clone(value)
		damaged[at] ^= bit
		damaged[at+1] ^= bit
		damaged[at+4] ^= bit
		putRaw(t, dir, record{store.BucketPhotos, "a"}, damaged)
		s := open(t, dir)
		photos, err := s.Photos.Collection()
		must(t, err)
		if r := s.Repairs(); len(photos) != 2 || len(r) == 0 || r[0].Action != "rebuilt from the file" {
			t.Errorf("byte %d of %q: %+v, repairs %+v", at, value, photos, r)
		}
		for _, p := range photos {
			if ok, err := s.Photos.Verify(t.Context(), p); !ok || err != nil {
				t.Errorf("byte %d of %q: %s: %v, %v", at, value, p.ID, ok, err)
			}
		}
		must(t, s.Close())
	})
}

// A flipped bit in a photo's key leaves the file's photo.
func TestFlippedKey(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	add(t, s, "one", true, "a", "b")
	must(t, s.UpdateRaw(func(tx *bbolt.Tx) error {
		b := tx.Bucket(store.BucketPhotos)
		value := bytes.Clone(b.Get([]byte("a")))
		return orErr(b.Delete([]byte("a")), b.Put([]byte("c"), value))
	}))
	must(t, s.Close())
	s = open(t, dir)
	if got := ids(t, s); got != "ab" {
		t.Errorf("photos: %q", got)
	}
}

// If nothing of a record can be read, its file is found by the key, or else every
// file without a record becomes a photo.
func TestRecordOfGarbage(t *testing.T) {
	for _, key := range []string{"a", "no photo's"} {
		dir := t.TempDir()
		s := open(t, dir)
		add(t, s, "one", true, "a", "b")
		must(t, s.UpdateRaw(func(tx *bbolt.Tx) error {
			b := tx.Bucket(store.BucketPhotos)
			return orErr(b.Delete([]byte("a")), b.Put([]byte(key), []byte("garbage")))
		}))
		must(t, s.Close())
		s = open(t, dir)
		photos, err := s.Photos.Collection()
		must(t, err)
		if len(photos) != 2 || len(s.Repairs()) != 1 {
			t.Errorf("key %q: %+v", key, photos)
		}
		for _, p := range photos {
			f, err := s.Photos.Open(p.File)
			must(t, err)
			f.Close()
		}
	}
}

// A file that is damaged as well is not shown.
func TestDamagedRecordAndFile(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	add(t, s, "one", true, "a", "b")
	p, err := s.Photos.Get("a")
	must(t, err)
	must(t, s.Close())
	path := filepath.Join(dir, store.MediaName, p.File)
	data, err := os.ReadFile(path)
	must(t, err)
	data[3] ^= 1
	must(t, os.WriteFile(path, data, 0o600))
	putRaw(t, dir, record{store.BucketPhotos, "a"}, []byte("garbage"))
	s = open(t, dir)
	if got := ids(t, s); got != "b" || len(s.Repairs()) != 1 {
		t.Errorf("photos: %q", got)
	}
}

// Records of earlier versions are read, and get checksums.
func TestRecordsWithoutChecksum(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	must(t, s.FinishPairing(store.Grant{ID: "g"}, &store.Pick{RequestID: "r", GrantID: "g", SessionID: "session"}))
	add(t, s, "one", true, "a", "b")
	must(t, s.UpdateRaw(func(tx *bbolt.Tx) error {
		for _, r := range []record{{store.BucketPhotos, "a"}, {store.BucketPhotos, "b"}, {store.BucketPicks, "r"}, {store.BucketMeta, "collection"}} {
			b := tx.Bucket(r.bucket)
			value := bytes.Clone(b.Get([]byte(r.key)))
			plain := value[bytes.IndexAny(value, "{["):]
			if !json.Valid(plain) {
				t.Errorf("%s: %q", r.key, plain)
			}
			must(t, b.Put([]byte(r.key), plain))
		}
		return tx.Bucket(store.BucketMeta).Put(store.KeySchema, []byte{0, 0, 0, 2})
	}))
	must(t, s.Close())
	checkIntact(t, dir, "old records")
	s = open(t, dir)
	must(t, s.ViewRaw(func(tx *bbolt.Tx) error {
		for _, b := range [][]byte{store.BucketPhotos, store.BucketPicks} {
			must(t, tx.Bucket(b).ForEach(func(k, v []byte) error {
				if v[0] == '{' {
					t.Errorf("%s has no checksum", k)
				}
				return nil
			}))
		}
		return nil
	}))
}

// Records that are damaged while the store is open are repaired by Upkeep.
func TestUpkeepRepairs(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	add(t, s, "one", true, "a", "b")
	must(t, s.UpdateRaw(func(tx *bbolt.Tx) error { return tx.Bucket(store.BucketPhotos).Put([]byte("a"), []byte("garbage")) }))
	if got := ids(t, s); got != "b" {
		t.Errorf("photos: %q", got)
	}
	must(t, s.Upkeep())
	if got := ids(t, s); !strings.Contains(got, "a") || len(got) != 2 {
		t.Errorf("photos after the repair: %q", got)
	}
}

func putRaw(t *testing.T, dir string, r record, value []byte) {
	t.Helper()
	bolt, err := bbolt.Open(filepath.Join(dir, store.DatabaseName), 0o600, &bbolt.Options{NoSync: true})
	must(t, err)
	must(t, bolt.Update(func(tx *bbolt.Tx) error { return tx.Bucket(r.bucket).Put([]byte(r.key), value) }))
	must(t, bolt.Close())
}

// checkRepaired checks that a damaged state directory has lost nothing and says so.
func checkRepaired(t *testing.T, dir, what string) {
	t.Helper()
	s, err := store.Open(dir, store.Options{})
	must(t, err)
	if len(s.Repairs()) == 0 {
		t.Errorf("%s: nothing reported", what)
	}
	must(t, s.Close())
	checkIntact(t, dir, what)
}

func checkIntact(t *testing.T, dir, what string) {
	t.Helper()
	s, err := store.Open(dir, store.Options{})
	must(t, err)
	defer s.Close()
	photos, err := s.Photos.Collection()
	must(t, err)
	files, err := os.ReadDir(filepath.Join(dir, store.MediaName))
	must(t, err)
	if list := ids(t, s); list != "ab" {
		t.Errorf("%s: photos %q", what, list)
	}
	if len(photos) != 2 || len(files) != 2 || s.LostPhotos() > 0 || s.Recovery() != nil {
		t.Errorf("%s: %d files, %d lost, recovery %v, photos %+v", what, len(files), s.LostPhotos(), s.Recovery(), photos)
	}
	for _, p := range photos {
		if ok, err := s.Photos.Verify(t.Context(), p); !ok || err != nil {
			t.Errorf("%s: %s: %v, %v", what, p.ID, ok, err)
		}
	}
	g, err := s.Grants.Current()
	must(t, err)
	picks, err := s.Picks.All()
	must(t, err)
	if g == nil || len(picks) != 1 {
		t.Errorf("%s: grant %v, picks %+v", what, g, picks)
	}
	if r := s.Repairs(); len(r) > 0 {
		t.Errorf("%s: repaired again: %+v", what, r)
	}
}

func orErr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Whatever a photo's record is, the store opens, keeps the other photo, and has nothing
// to repair at the next start.
func FuzzRecord(f *testing.F) {
	template := f.TempDir()
	s, err := store.Open(template, store.Options{})
	must(f, err)
	for _, id := range []string{"a", "b"} {
		part, err := s.Photos.NewPart()
		must(f, err)
		must(f, s.Photos.Add([]store.Addition{{store.Photo{ID: id, MimeType: "image/jpeg", Pick: "one"}, part}}, true))
	}
	must(f, s.ViewRaw(func(tx *bbolt.Tx) error {
		f.Add(bytes.Clone(tx.Bucket(store.BucketPhotos).Get([]byte("a"))))
		return nil
	}))
	must(f, s.Close())
	f.Add([]byte(`{"id":"a","file":"../../x","pick":"one","bytes":-1,"index":-1}`))
	f.Add([]byte("c\x00\x00\x00\x00null"))
	f.Fuzz(func(t *testing.T, value []byte) {
		dir := t.TempDir()
		must(t, os.CopyFS(dir, os.DirFS(template)))
		putRaw(t, dir, record{store.BucketPhotos, "a"}, value)
		for range 2 {
			s, err := store.Open(dir, store.Options{})
			must(t, err)
			b, err := s.Photos.Get("b")
			must(t, err)
			if b == nil {
				t.Error("the other photo is lost")
			}
			if _, err := s.Photos.Collection(); err != nil {
				t.Error(err)
			}
			must(t, s.Close())
		}
	})
}
