package store_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pickerd/store"
)

// Of bbolt's page format.
const (
	metaSize   = 64
	flagBranch = 0x01
)

// filledDatabase returns a database that has branch pages, free pages and a record
// larger than a page.
func filledDatabase(t testing.TB, dir string) []byte {
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

// damages returns damaged copies of a database, by what is wrong.
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
			binary.LittleEndian.PutUint16(p[8:], flagBranch)
			binary.LittleEndian.PutUint16(p[10:], 1)
			binary.LittleEndian.PutUint32(p[16:], 16)
			binary.LittleEndian.PutUint32(p[20:], 1)
			binary.LittleEndian.PutUint64(p[24:], id)
		}),
	}
	return list
}

// Opening any file ends, and a database that opens can be used. Each patch writes
// eight bytes over a good database, and the checksums are corrected: random files
// would all fail there.
func FuzzDatabase(f *testing.F) {
	whole := filledDatabase(f, f.TempDir())
	patch := func(at int, value uint64) []byte {
		return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint32(nil, uint32(at)), value)
	}
	f.Add([]byte{}, uint32(len(whole)))
	f.Add([]byte{}, uint32(8192))
	f.Add(patch(0xe010, 48), uint32(len(whole))) // an empty key
	for _, meta := range []int{16, 4096 + 16} {  // magic, page size, root, free list, number of pages
		for at := 0; at < metaSize; at += 8 {
			f.Add(patch(meta+at, 3), uint32(len(whole)))
		}
	}
	for at := 8192; at < len(whole); at += 4096 { // number, type and count, first element
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
		for _, meta := range []int{16, 4096 + 16} { // correct the checksums
			sum := fnv.New64a()
			sum.Write(data[meta : meta+metaSize-8])
			binary.LittleEndian.PutUint64(data[meta+metaSize-8:], sum.Sum64())
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
