package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"pickerd/store"
)

// addTo adds photos that a pick of anna's brings to a collection, by its ID. Those that
// are on the box already are moved, as a fetch does.
func addTo(t *testing.T, s *store.Store, pick, collection string, replace bool, ids ...string) {
	t.Helper()
	for i, id := range ids {
		a := store.Addition{Photo: store.Photo{ID: id, MimeType: "image/jpeg", Type: "PHOTO"}}
		if old, err := s.Photos.Get(id); err == nil && old != nil {
			a.Photo = *old
		} else {
			a.Part, err = s.Photos.NewPart()
			must(t, err)
			fmt.Fprint(a.Part, "bytes of ", id)
		}
		a.Photo.Pick, a.Photo.Index, a.Photo.Collection, a.Photo.Grant = pick, i, collection, "anna"
		must(t, s.Photos.Add([]store.Addition{a}, replace))
	}
	prune(t, s)
}

// in returns the IDs of the photos in a collection, in order.
func in(t *testing.T, s *store.Store, name string) string {
	t.Helper()
	list, err := s.Photos.In(name)
	must(t, err)
	var ids strings.Builder
	for _, p := range list {
		ids.WriteString(p.ID)
	}
	return ids.String()
}

func ensure(t *testing.T, s *store.Store, name string) string {
	t.Helper()
	id, err := s.Collections.Ensure(name)
	must(t, err)
	return id
}

// A photo is in each collection that it was picked for, with one file. A replacing pick
// replaces what its own collection has.
func TestNamedCollections(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	family, christmas := ensure(t, s, " Family "), ensure(t, s, "Christmas")
	if again := ensure(t, s, "fAMILY"); again != family || ensure(t, s, "default") != "" || ensure(t, s, christmas) != christmas {
		t.Errorf("IDs %q, %q, %q", family, again, christmas)
	}
	steps := []struct {
		pick, collection string
		replace          bool
		ids              []string
		all, def, fam    string
	}{
		{"1", "", true, []string{"a", "b"}, "ab", "ab", ""},
		{"2", family, true, []string{"c", "b"}, "acb", "ab", "cb"},
		{"3", family, false, []string{"d", "c"}, "abdc", "ab", "bdc"},
		{"4", family, true, []string{"e", "a"}, "bea", "ab", "ea"},
		{"5", "", true, []string{"f"}, "eaf", "f", "ea"},
		{"6", "gone", false, []string{"g"}, "eafg", "fg", "ea"}, // as the default one
	}
	for _, tt := range steps {
		addTo(t, s, tt.pick, tt.collection, tt.replace, tt.ids...)
		if all, def, fam := in(t, s, ""), in(t, s, "Default"), in(t, s, "FAMILY"); all != tt.all || def != tt.def || fam != tt.fam {
			t.Errorf("pick %s: all %s, default %s, family %s, want %s, %s, %s", tt.pick, all, def, fam, tt.all, tt.def, tt.fam)
		}
		if entries, err := os.ReadDir(filepath.Join(dir, store.MediaName)); err != nil || len(entries) != len(tt.all) {
			t.Errorf("pick %s: %d files, %v, want one for each photo", tt.pick, len(entries), err)
		}
	}
	sizes, err := s.Collections.Sizes()
	must(t, err)
	if got := fmt.Sprint(sizes); got != fmt.Sprintf("[{{ } 2 20} {{%s Christmas} 0 0} {{%s Family} 2 20}]", christmas, family) {
		t.Errorf("sizes %s", got)
	}
	if _, err := s.Photos.In("nothing"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("unknown collection: %v", err)
	}
}

// A replacing pick counts on the room of its own collection alone.
func TestCollectionUsage(t *testing.T) {
	s := open(t, t.TempDir())
	family := ensure(t, s, "Family")
	addTo(t, s, "1", "", true, "a", "b")
	addTo(t, s, "2", family, true, "b", "c", "d")
	for collection, want := range map[string]store.Usage{"": {All: 40, Others: 30}, family: {All: 40, Others: 20}} {
		if got, err := s.Photos.Usage("new", "anna", collection); got != want || err != nil {
			t.Errorf("%q: %+v, %v, want %+v", collection, got, err, want)
		}
	}
}

func TestCollectionNames(t *testing.T) {
	s := open(t, t.TempDir())
	long := strings.Repeat("ä", store.MaxCollectionName)
	id := ensure(t, s, "Family")
	ensure(t, s, long)
	for _, name := range []string{"", " ", long + "a", "a\nb", "a\x00", "\xff", "a\u202eb", "\u2067a", "dEFault"} {
		if err := s.Collections.Rename(id, name); !errors.Is(err, store.ErrCollectionName) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for name, want := range map[string]error{"FAMILY": nil, "Weihnachten 🎄": nil, strings.ToUpper(long): store.ErrCollectionTaken} {
		if err := s.Collections.Rename(id, name); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", name, err, want)
		}
	}
	if err := s.Collections.Rename("unknown", "x"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("unknown ID: %v", err)
	}
	for i := 2; i < store.MaxCollections; i++ {
		ensure(t, s, fmt.Sprint(i))
	}
	for name, want := range map[string]error{"one more": store.ErrFull, "a\nb": store.ErrCollectionName, "": nil, "Default": nil, id: nil, " 2": nil} {
		if err := s.Collections.Check(name); !errors.Is(err, want) {
			t.Errorf("check %q: %v, want %v", name, err, want)
		}
	}
	if _, err := s.Collections.Ensure("one more"); !errors.Is(err, store.ErrFull) {
		t.Errorf("one more: %v", err)
	}
}

// Without photos to show in it, a collection leaves the wall to all.
func TestOnWall(t *testing.T) {
	s := open(t, t.TempDir())
	ensure(t, s, "Empty")
	addTo(t, s, "1", ensure(t, s, "Family"), true, "a")
	addTo(t, s, "2", "", true, "b")
	for _, tt := range []struct {
		name, hidden string
		want         int
	}{{"", "", 2}, {"Family", "", 1}, {"Empty", "", 2}, {"gone", "", 2}, {"Family", "a", 2}} {
		if tt.hidden != "" {
			_, err := s.Photos.Hide(tt.hidden, true)
			must(t, err)
		}
		if list, err := s.Photos.OnWall(tt.name); len(list) != tt.want || err != nil {
			t.Errorf("%+v: %d photos, %v", tt, len(list), err)
		}
	}
}

// Names go with the last person who used them.
func TestForgetCollections(t *testing.T) {
	s := filled(t)
	ensure(t, s, "Empty")
	family, picking := ensure(t, s, "Family"), ensure(t, s, "Picking")
	addTo(t, s, "3", ensure(t, s, "Anna's"), true, "d")
	addTo(t, s, "4", family, true, "e")
	part, err := s.Photos.NewPart()
	must(t, err)
	must(t, s.Photos.Add([]store.Addition{{Photo: store.Photo{ID: "f", MimeType: "image/jpeg", Pick: "5", Collection: family, Grant: "bert"}, Part: part}}, true))
	must(t, s.Picks.Add(store.Pick{RequestID: "6", GrantID: "bert", Collection: picking}))
	must(t, s.UnpairOne("anna", "unpaired", false, false))
	if list, err := s.Collections.All(); fmt.Sprint(list) != fmt.Sprintf("[{%s Family} {%s Picking}]", family, picking) || err != nil || in(t, s, "") != "cf" {
		t.Errorf("after one has left: %v, %v, photos %s", list, err, in(t, s, ""))
	}
	must(t, s.Unpair("unpaired", false, false))
	if list, err := s.Collections.All(); len(list) != 0 || err != nil {
		t.Errorf("after all have left: %v, %v", list, err)
	}
}

// Deleting a collection is complete after the next start, wherever the power is cut, or
// has not begun.
func TestDeleteCollection(t *testing.T) {
	for cut := 1; ; cut++ {
		dir := t.TempDir()
		options, arm := cutLater(cut)
		s, err := store.Open(dir, options)
		must(t, err)
		id := ensure(t, s, "Family")
		addTo(t, s, "1", "", true, "a", "b")
		addTo(t, s, "2", id, true, "b", "c")
		arm()
		derr := s.Collections.Delete(id)
		must(t, s.Close())
		s = open(t, dir)
		list, err := s.Collections.All()
		must(t, err)
		entries, err := os.ReadDir(filepath.Join(dir, store.MediaName))
		must(t, err)
		want, files := "ab", 2
		if len(list) > 0 {
			want, files = "abc", 3
		}
		if got := in(t, s, ""); got != want || len(entries) != files || len(list) > 0 && derr == nil {
			t.Errorf("cut at %d: photos %s, %d files, collections %v, error %v", cut, got, len(entries), list, derr)
		}
		if derr == nil {
			if cut < 3 {
				t.Errorf("%d operations", cut)
			}
			break
		}
	}
}

// Collections without photos are deleted all at once or not at all, wherever the power is
// cut. One that is picked for, that a pairing is for, or that is to be kept stays.
func TestDeleteEmpty(t *testing.T) {
	for cut := 1; ; cut++ {
		dir := t.TempDir()
		options, arm := cutLater(cut)
		s, err := store.Open(dir, options)
		must(t, err)
		if deleted, err := s.Collections.DeleteEmpty(""); deleted || err != nil {
			t.Errorf("without collections: %v, %v", deleted, err)
		}
		addTo(t, s, "1", ensure(t, s, "Photos"), true, "a")
		must(t, s.Picks.Add(store.Pick{RequestID: "2", GrantID: "g", Collection: ensure(t, s, "Pick")}))
		must(t, s.Picks.Add(store.Pick{RequestID: "3", GrantID: "g", Collection: ensure(t, s, "Ended")}))
		must(t, s.Picks.End("3", "cancelled"))
		must(t, s.Pairings.Save(store.Pairing{RequestID: "4", Collection: ensure(t, s, "Pairing")}))
		keep := ensure(t, s, "Kept")
		ensure(t, s, "Empty")
		arm()
		deleted, derr := s.Collections.DeleteEmpty(keep)
		must(t, s.Close())
		s = open(t, dir)
		list, err := s.Collections.All()
		must(t, err)
		if want := 6; deleted != (derr == nil) || len(list) != 4 && (derr == nil || len(list) != want) || in(t, s, "Photos") != "a" {
			t.Errorf("cut at %d: %v, %v, collections %v", cut, deleted, derr, list)
		}
		if derr == nil {
			for _, name := range []string{"Photos", "Pick", "Pairing", "Kept"} {
				in(t, s, name)
			}
			if deleted, err := s.Collections.DeleteEmpty(keep); deleted || err != nil || cut < 2 {
				t.Errorf("again: %v, %v, after %d operations", deleted, err, cut)
			}
			break
		}
	}
}

// A damaged record of a collection costs its name: the photos stay. Earlier versions
// read the records of photos without one.
func TestCollectionRecords(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	id := ensure(t, s, "Family")
	addTo(t, s, "1", "", true, "a")
	addTo(t, s, "2", id, true, "b", "a")
	must(t, s.UpdateRaw(func(tx *bbolt.Tx) error {
		return tx.Bucket(store.BucketMeta).Put([]byte("collection/"+id), []byte("nonsense"))
	}))
	if got := in(t, s, ""); got != "ba" {
		t.Errorf("before the repair: %s", got)
	}
	must(t, s.Close())
	s = open(t, dir)
	list, err := s.Collections.All()
	must(t, err)
	if got := in(t, s, "default"); got != "ba" || len(list) != 0 || len(s.Repairs()) != 1 {
		t.Errorf("after the repair: %s, collections %v", got, list)
	}
	addTo(t, s, "3", "", true, "c")
	must(t, s.ViewRaw(func(tx *bbolt.Tx) error {
		if record := tx.Bucket(store.BucketPhotos).Get([]byte("c")); strings.Contains(string(record), "collection") || strings.Contains(string(record), "also") {
			t.Errorf("record %s", record)
		}
		return nil
	}))
}
