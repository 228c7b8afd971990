package boltstore_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"pickerd/oauthdevice/gateway/boltstore"
)

// filled returns a database with branch pages, free pages and a large record.
func filled(t testing.TB, c *clock) []byte {
	t.Helper()
	path := newPath(t)
	s := open(t, path, boltstore.Options{Now: c.now})
	entries := map[string][]byte{"large": make([]byte, 9000)}
	var names []string
	for i := range 100 {
		names = append(names, fmt.Sprintf("%064d", i))
		entries[names[i]] = make([]byte, 100)
	}
	must(t, s.Create(t.Context(), entries, life))
	must(t, s.Delete(t.Context(), names[:50]...))
	for i := range 5 {
		_, err := s.Join(t.Context(), "set", fmt.Sprint(i), 10, life)
		must(t, err)
	}
	must(t, s.Close())
	data, err := os.ReadFile(path)
	must(t, err)
	return data
}

// A damaged database is moved aside unchanged, and the gateway works on with an
// empty one.
func TestDamage(t *testing.T) {
	c := newClock()
	whole := filled(t, c)
	zeroed := bytes.Clone(whole)
	clear(zeroed[8192:])
	for name, data := range map[string][]byte{
		"one byte":                    whole[:1],
		"garbage":                     bytes.Repeat([]byte("garbage!"), 4096),
		"zeroes":                      make([]byte, len(whole)),
		"half":                        whole[:len(whole)/2],
		"only meta pages":             whole[:8192],
		"zeroed after the meta pages": zeroed,
		"another schema": edited(t, whole, func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte("meta")).Put([]byte("gateway schema"), []byte{9, 9, 9, 9})
		}),
		"a bucket too few":           edited(t, whole, func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("expiry")) }),
		"a short entry":              edited(t, whole, func(tx *bbolt.Tx) error { return tx.Bucket([]byte("entries")).Put([]byte("x"), []byte("short")) }),
		"an entry without an expiry": edited(t, whole, func(tx *bbolt.Tx) error { return tx.Bucket([]byte("entries")).Put([]byte("x"), make([]byte, 8)) }),
		"a bucket as a record": edited(t, whole, func(tx *bbolt.Tx) error {
			_, err := tx.Bucket([]byte("order")).CreateBucket([]byte("123456789"))
			return err
		}),
	} {
		t.Run(name, func(t *testing.T) {
			path := newPath(t)
			must(t, os.WriteFile(path+".damaged", []byte("earlier"), 0o600))
			must(t, os.WriteFile(path, data, 0o600))
			var log bytes.Buffer
			s := open(t, path, boltstore.Options{Now: c.now, Log: slog.New(slog.NewTextHandler(&log, nil))})
			must(t, s.Create(t.Context(), map[string][]byte{"large": nil}, life))
			if aside, err := os.ReadFile(path + ".damaged"); err != nil || !bytes.Equal(aside, data) {
				t.Errorf("%d bytes moved aside, want %d; %v", len(aside), len(data), err)
			}
			if strings.Count(log.String(), "gateway database replaced") != 1 || !strings.Contains(log.String(), path+".damaged") {
				t.Errorf("log: %s", &log)
			}
			must(t, s.Verify())
		})
	}
}

// edited returns a database that was changed by f.
func edited(t testing.TB, whole []byte, f func(tx *bbolt.Tx) error) []byte {
	t.Helper()
	path := newPath(t)
	must(t, os.WriteFile(path, whole, 0o600))
	db, err := bbolt.Open(path, 0o600, nil)
	must(t, err)
	must(t, db.Update(f))
	must(t, db.Close())
	data, err := os.ReadFile(path)
	must(t, err)
	return data
}

// A crash while the file is created leaves an empty file, or one without buckets.
func TestUnfinishedFile(t *testing.T) {
	empty := newPath(t)
	must(t, os.WriteFile(empty, nil, 0o600))
	bare := newPath(t)
	db, err := bbolt.Open(bare, 0o600, nil)
	must(t, err)
	must(t, db.Close())
	for _, path := range []string{empty, bare} {
		s := open(t, path, boltstore.Options{})
		must(t, s.Create(t.Context(), map[string][]byte{"a": nil}, life))
		if _, err := os.Stat(path + ".damaged"); err == nil {
			t.Error("moved aside")
		}
	}
}

// A database of another program, such as that of a box, stays as it is.
func TestForeignDatabase(t *testing.T) {
	path := newPath(t)
	db, err := bbolt.Open(path, 0o600, nil)
	must(t, err)
	must(t, db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket([]byte("meta"))
		if err == nil {
			err = b.Put([]byte("schema"), []byte{0, 0, 0, 2})
		}
		return err
	}))
	must(t, db.Close())
	before, err := os.ReadFile(path)
	must(t, err)
	if _, err := boltstore.Open(path, boltstore.Options{}); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("Open: %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("changed, %v", err)
	}
}

// A file that is truncated while it is open gives errors, whatever comes first. The
// process lives on.
func TestTruncatedWhileOpen(t *testing.T) {
	c := newClock()
	whole := filled(t, c)
	ctx := t.Context()
	for name, call := range map[string]func(s *boltstore.Store) error{
		"Get":    func(s *boltstore.Store) error { _, err := s.Get(ctx, fmt.Sprintf("%064d", 75)); return err },
		"Create": func(s *boltstore.Store) error { return s.Create(ctx, map[string][]byte{"x": nil}, life) },
	} {
		t.Run(name, func(t *testing.T) {
			path := newPath(t)
			must(t, os.WriteFile(path, whole, 0o600))
			s := open(t, path, boltstore.Options{Now: c.now})
			must(t, os.Truncate(path, 0))
			for range 2 {
				if err := call(s); err == nil || !strings.Contains(err.Error(), "damaged") {
					t.Errorf("error: %v", err)
				}
			}
			if err := s.Ping(ctx); err == nil {
				t.Error("Ping succeeds")
			}
			must(t, s.Close())
		})
	}
}

// A file that consists mostly of free pages is written anew by Open, without the
// bytes of what was removed.
func TestCompact(t *testing.T) {
	c := newClock()
	path := newPath(t)
	s := open(t, path, boltstore.Options{Now: c.now})
	mark := []byte("the sealed answer to somebody")
	entries := map[string][]byte{}
	var names []string
	for i := range 40 {
		name := fmt.Sprint("gone", i)
		names = append(names, name)
		entries[name] = append(make([]byte, 200_000), mark...)
	}
	must(t, s.Create(t.Context(), entries, life))
	must(t, s.Create(t.Context(), map[string][]byte{"kept": []byte("1")}, life))
	_, err := s.Join(t.Context(), "set", "m", 1, life)
	must(t, err)
	must(t, s.Delete(t.Context(), names...))
	must(t, s.Close())
	if data, err := os.ReadFile(path); err != nil || !bytes.Contains(data, mark) || len(data) < 8_000_000 {
		t.Fatalf("%d bytes, %v", len(data), err)
	}
	must(t, os.WriteFile(path+".compact", []byte("left by a crash"), 0o600))

	s = open(t, path, boltstore.Options{Now: c.now})
	if v, err := s.Get(t.Context(), "kept"); string(v) != "1" || err != nil {
		t.Errorf("Get: %q, %v", v, err)
	}
	must(t, s.Verify())
	must(t, s.Create(t.Context(), map[string][]byte{"new": nil}, life))
	if data, err := os.ReadFile(path); err != nil || bytes.Contains(data, mark) || len(data) > 1_000_000 {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	left, err := filepath.Glob(path + "*")
	if err != nil || len(left) != 2 { // and the lock
		t.Errorf("files %v, %v", left, err)
	}
}

// Opening any file ends, and then the store works. Each patch writes eight bytes
// over a good database, and the checksums are corrected.
func FuzzOpen(f *testing.F) {
	c := newClock()
	whole := filled(f, c)
	patch := func(at int, value uint64) []byte {
		return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint32(nil, uint32(at)), value)
	}
	f.Add([]byte{}, uint32(len(whole)))
	f.Add([]byte{}, uint32(8192))
	for _, meta := range []int{16, 4096 + 16} {
		for at := 0; at < 64; at += 8 {
			f.Add(patch(meta+at, 3), uint32(len(whole)))
		}
	}
	for at := 8192; at < len(whole); at += 4096 {
		for _, header := range []int{0, 8, 24, 32} {
			f.Add(patch(at+header, 0x10001), uint32(len(whole)))
		}
	}
	path := newPath(f)
	f.Fuzz(func(t *testing.T, patches []byte, length uint32) {
		data := bytes.Clone(whole)
		for ; len(patches) >= 12; patches = patches[12:] {
			at := int(binary.LittleEndian.Uint32(patches)) % (len(data) - 8)
			copy(data[at:], patches[4:12])
		}
		for _, meta := range []int{16, 4096 + 16} {
			sum := fnv.New64a()
			sum.Write(data[meta : meta+56])
			binary.LittleEndian.PutUint64(data[meta+56:], sum.Sum64())
		}
		path := filepath.Join(t.TempDir(), filepath.Base(path))
		must(t, os.WriteFile(path, data[:min(int(length), len(data))], 0o600))
		s, err := boltstore.Open(path, boltstore.Options{Now: c.now, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			if !strings.Contains(err.Error(), "another program") { // its buckets have other names
				t.Error(err)
			}
			return
		}
		s.NoSync()
		must(t, s.Create(t.Context(), map[string][]byte{"new": nil}, life))
		_, err = s.Join(t.Context(), "set", "new", 100, life)
		must(t, err)
		must(t, s.Delete(t.Context(), fmt.Sprintf("%064d", 75)))
		must(t, s.Close())
	})
}
