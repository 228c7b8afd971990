package store_test

import (
	"pickerd/store"
	"go.etcd.io/bbolt"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// filled returns the bytes of a database that has branch pages, free pages and
// a record larger than a page.
func filled(t testing.TB, dir string) []byte {
	t.Helper()
	s, err := store.Open(dir, store.Options{})
	must(t, err)
	must(t, s.FinishPairing(store.Grant{ID: "g", RefreshToken: "token"}, &store.Pick{RequestID: "r", GrantID: "g"}))
	for i := range 60 {
		must(t, s.Picks.Add(store.Pick{RequestID: fmt.Sprint(i), GrantID: "g", PickerURI: strings.Repeat("x", 300)}))
	}
	must(t, s.Picks.Add(store.Pick{RequestID: "large", GrantID: "g", PickerURI: strings.Repeat("x", 9000)}))
	for i := range 20 {
		must(t, s.Picks.Delete(fmt.Sprint(i)))
	}
	must(t, s.Close())
	data, err := os.ReadFile(filepath.Join(dir, store.DatabaseName))
	must(t, err)
	return data
}

// damages returns what a disk may make of a database.
func damages(whole []byte) map[string][]byte {
	root := 0 // of the newer meta page
	if binary.LittleEndian.Uint64(whole[4096+64:]) > binary.LittleEndian.Uint64(whole[64:]) {
		root = 1
	}
	page := func(data []byte, n int) []byte { return data[n*4096 : (n+1)*4096] }
	with := func(f func(data []byte)) []byte {
		data := bytes.Clone(whole)
		f(data)
		return data
	}
	list := map[string][]byte{
		"empty":           {},
		"one byte":        whole[:1],
		"garbage":         bytes.Repeat([]byte("garbage!"), 4096),
		"zeroed":          make([]byte, len(whole)),
		"half":            whole[:len(whole)/2],
		"one page short":  whole[:4096*(binary.LittleEndian.Uint64(whole[4096*root+16+40:])-1)],
		"only meta pages": whole[:8192],
		"zeroed after the meta pages": with(func(d []byte) {
			clear(d[8192:])
		}),
		"both meta pages torn": with(func(d []byte) {
			clear(page(d, 0)[40:])
			clear(page(d, 1)[40:])
		}),
		"a page leads to itself": with(func(d []byte) {
			id := binary.LittleEndian.Uint64(page(d, root)[32:])
			p := page(d, int(id))
			binary.LittleEndian.PutUint16(p[8:], store.FlagBranch)
			binary.LittleEndian.PutUint16(p[10:], 1)
			binary.LittleEndian.PutUint32(p[16:], 16)
			binary.LittleEndian.PutUint32(p[20:], 1)
			binary.LittleEndian.PutUint64(p[24:], id)
		}),
	}
	return list
}

// Whatever a disk has done to the file, Open moves it aside, dated and as it
// was, begins a new one, and keeps the photos.
func TestDamageIsMovedAside(t *testing.T) {
	whole := filled(t, t.TempDir())
	for name, data := range damages(whole) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := opened(t, dir)
			add(t, s, "one", true, "a", "b")
			must(t, s.Close())
			must(t, os.WriteFile(filepath.Join(dir, store.DatabaseName), data, 0o600))

			s, err := store.Open(dir, store.Options{Warning: "why"})
			must(t, err)
			defer s.Close()
			moved := s.Recovery()
			if moved == nil || moved.Photos != 2 {
				t.Fatalf("moved aside: %+v", moved)
			}
			if _, ok := errors.AsType[*store.CorruptError](moved.Cause); !ok {
				t.Errorf("why: %v", moved.Cause)
			}
			kept, err := os.ReadFile(moved.MovedTo)
			must(t, err)
			if !bytes.Equal(kept, data) || !strings.HasPrefix(filepath.Base(moved.MovedTo), "pickerd.db.damaged-2") {
				t.Errorf("%s has %d bytes, want %d as they were", moved.MovedTo, len(kept), len(data))
			}
			if w, err := s.Pairings.Warning(); w != "why" || err != nil {
				t.Errorf("warning %q, %v", w, err)
			}
			photos, err := s.Photos.Collection()
			must(t, err)
			if len(photos) != 2 || photos[0].MimeType != "image/jpeg" || photos[0].Type != "PHOTO" {
				t.Errorf("photos: %+v", photos)
			}
			must(t, s.FinishPairing(store.Grant{ID: "new"}, nil)) // it works

			// The same photos picked again are known by their ids, and once.
			add(t, s, "two", true, "b")
			prune(t, s)
			if got := ids(t, s); got != "b" {
				t.Errorf("after a new pick: %s", got)
			}
			photos, err = s.Photos.Collection()
			must(t, err)
			if ok, err := s.Photos.Verify(t.Context(), photos[0]); !ok || err != nil {
				t.Errorf("the photo is gone with the record that was found: %v, %v", ok, err)
			}
		})
	}
}

func TestNewerSchemaIsMovedAside(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir)
	must(t, s.UpdateRaw(func(tx *bbolt.Tx) error {
		return tx.Bucket(store.BucketMeta).Put(store.KeySchema, []byte{0, 0, 0, store.Schema + 1})
	}))
	must(t, s.Close())
	s = opened(t, dir)
	if m := s.Recovery(); m == nil {
		t.Fatal("not moved aside")
	} else if e, ok := errors.AsType[*store.SchemaError](m.Cause); !ok || e.Have != store.Schema+1 {
		t.Errorf("why: %v", m.Cause)
	}
}

// A record that can't be read stops the box as surely as a page.
func TestRecordThatCantBeRead(t *testing.T) {
	for _, bucket := range [][]byte{store.BucketPicks, store.BucketPhotos} {
		dir := t.TempDir()
		s := opened(t, dir)
		must(t, s.UpdateRaw(func(tx *bbolt.Tx) error { return tx.Bucket(bucket).Put([]byte("x"), []byte("{torn")) }))
		must(t, s.Close())
		if opened(t, dir).Recovery() == nil {
			t.Errorf("%s: not moved aside", bucket)
		}
	}
}

// A power cut in the middle of moving aside leaves what the next start needs to
// do it, once.
func TestMovingAsideIsRepeatable(t *testing.T) {
	for cut := 0; ; cut++ {
		dir := t.TempDir()
		s := opened(t, dir)
		add(t, s, "one", true, "a")
		must(t, s.Close())
		must(t, os.WriteFile(filepath.Join(dir, store.DatabaseName), []byte("garbage"), 0o600))
		n := 0
		s, err := store.Open(dir, store.Options{BeforeOp: func(store.Op) error {
			if n++; n > cut {
				return errors.New("the plug is pulled")
			}
			return nil
		}})
		if err == nil {
			s.Close()
			if cut < 6 {
				t.Errorf("only %d places to cut", cut)
			}
			return
		}
		s, err = store.Open(dir, store.Options{})
		must(t, err)
		asides, err := filepath.Glob(filepath.Join(dir, store.DamagedPrefix+"*"))
		must(t, err)
		if len(asides) != 1 || ids(t, s) == "" {
			t.Errorf("cut %d: %v, photos %q", cut, asides, ids(t, s))
		}
		must(t, s.Close())
	}
}

// A reader of two databases in the same second keeps both.
func TestMovedAsideTwice(t *testing.T) {
	dir := t.TempDir()
	for range 3 {
		must(t, os.WriteFile(filepath.Join(dir, store.DatabaseName), []byte("garbage"), 0o600))
		must(t, opened(t, dir).Close())
	}
	asides, err := filepath.Glob(filepath.Join(dir, store.DamagedPrefix+"*"))
	must(t, err)
	if len(asides) != 3 {
		t.Errorf("%v", asides)
	}
}

// Whatever is in the file, opening it ends, and what is open can be used. The
// fuzzer writes over a good database, eight bytes at a time: it would not find
// its way past the check sums with bytes of its own.
func FuzzDatabase(f *testing.F) {
	whole := filled(f, f.TempDir())
	patch := func(at int, value uint64) []byte {
		return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint32(nil, uint32(at)), value)
	}
	f.Add([]byte{}, uint32(len(whole)))
	f.Add([]byte{}, uint32(8192))
	f.Add(patch(0xe010, 48), uint32(len(whole))) // a key without length
	for _, meta := range []int{16, 4096 + 16} {  // magic, page size, root, list of free pages, number of pages
		for at := 0; at < store.MetaSize; at += 8 {
			f.Add(patch(meta+at, 3), uint32(len(whole)))
		}
	}
	for at := 8192; at < len(whole); at += 4096 { // id, kind and count, the first element
		for _, header := range []int{0, 8, 16, 24} {
			f.Add(patch(at+header, 0x10001), uint32(len(whole)))
		}
	}
	f.Fuzz(func(t *testing.T, patches []byte, length uint32) {
		data := bytes.Clone(whole)
		for ; len(patches) >= 12; patches = patches[12:] {
			at := int(binary.LittleEndian.Uint32(patches)) % (len(data) - 8)
			copy(data[at:], patches[4:12])
		}
		for _, meta := range []int{16, 4096 + 16} { // past the check sum
			sum := fnv.New64a()
			sum.Write(data[meta : meta+store.MetaSize-8])
			binary.LittleEndian.PutUint64(data[meta+store.MetaSize-8:], sum.Sum64())
		}
		path := filepath.Join(t.TempDir(), store.DatabaseName)
		must(t, os.WriteFile(path, data[:min(int(length), len(data))], 0o600))
		bolt, err := store.OpenFile(path, false)
		if err != nil {
			if !store.IsDamage(err) {
				t.Errorf("%T: %v", err, err)
			}
			return
		}
		picks := store.NewPicks(filepath.Dir(path), bolt)
		must(t, picks.Add(store.Pick{RequestID: "new"}))
		if _, err := picks.All(); err != nil {
			t.Error(err)
		}
		must(t, bolt.Close())
	})
}

func TestVerify(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir)
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
