package store_test

import (
	"fmt"
	"reflect"
	"runtime"
	"testing"
	"time"

	"pickerd/store"
)

// filled returns a store with two accounts, a pairing in progress, picks, photos, a
// refusal and a warning.
func filled(t *testing.T) *store.Store {
	t.Helper()
	s := open(t, t.TempDir())
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	must(t, s.FinishPairing(store.Grant{ID: "dead", RefreshToken: "x", PairedAt: day(1)}, nil))
	must(t, s.FinishPairing(store.Grant{ID: "anna", RefreshToken: "x", PairedAt: day(2), Imported: "file"}, &store.Pick{RequestID: "one", GrantID: "anna", CreatedAt: day(5)}))
	must(t, s.FinishPairing(store.Grant{ID: "bert", RefreshToken: "x", PairedAt: day(3)}, &store.Pick{RequestID: "two", GrantID: "bert", CreatedAt: day(4)}))
	must(t, s.Grants.MarkDead("dead", "grant lost", "pair_again"))
	must(t, s.Pairings.Refuse(store.Refusal{Method: "device", Code: "invalid_scope"}))
	must(t, s.Pairings.Save(store.Pairing{RequestID: "three"}))
	addOwned(t, s, "one", "anna", "a", "b")
	addOwned(t, s, "two", "bert", "c")
	_, err := s.Photos.Hide("b", true)
	must(t, err)
	return s
}

// addOwned adds photos of an account.
func addOwned(t *testing.T, s *store.Store, pick, grant string, ids ...string) {
	t.Helper()
	for i, id := range ids {
		part, err := s.Photos.NewPart()
		must(t, err)
		_, err = part.Write([]byte("bytes of " + id))
		must(t, err)
		must(t, s.Photos.Add([]store.Addition{{Photo: store.Photo{ID: id, MimeType: "image/jpeg", Pick: pick, Index: i, Grant: grant}, Part: part}}, true))
	}
}

// Facts agree with the methods for each kind of record.
func TestFacts(t *testing.T) {
	s := filled(t)
	var want store.Facts
	var err error
	want.Grant, err = s.Grants.Current()
	must(t, err)
	want.Grants, err = s.Grants.All()
	must(t, err)
	want.Pairing, err = s.Pairings.Current()
	must(t, err)
	want.Refusals, err = s.Pairings.Refusals()
	must(t, err)
	want.Picks, err = s.Picks.All()
	must(t, err)
	want.Warning, err = s.Pairings.Warning()
	must(t, err)
	photos, err := s.Photos.Collection()
	must(t, err)
	want.Library = store.Sum(photos)
	if want.Grant.ID != "bert" || len(want.Grants) != 3 || want.Pairing.RequestID != "three" || len(want.Refusals) != 1 ||
		len(want.Picks) != 2 || want.Picks[0].RequestID != "two" || want.Warning != "pair_again" ||
		want.Library != (store.Library{Photos: 3, Hidden: 1, Bytes: 30}) {
		t.Fatalf("the store has %+v", want)
	}
	for _, name := range []string{"uncounted", "counted"} { // the totals
		before := s.ReadTransactions()
		got, err := s.Facts()
		must(t, err)
		if n := s.ReadTransactions() - before; n != 1 {
			t.Errorf("%s: %d read transactions, want 1", name, n)
		}
		want.Version = got.Version // TestVersion is about it
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}

// The version grows with each write, and with nothing else.
func TestVersion(t *testing.T) {
	s := open(t, t.TempDir())
	version := func() int64 {
		t.Helper()
		f, err := s.Facts()
		must(t, err)
		return f.Version
	}
	before := version()
	if again := version(); again != before {
		t.Errorf("without a write: version %d after %d", again, before)
	}
	must(t, s.Pairings.Save(store.Pairing{RequestID: "one"}))
	if after := version(); after <= before {
		t.Errorf("after a write: version %d, before %d", after, before)
	}
}

// Facts of an empty store are zero.
func TestNoFacts(t *testing.T) {
	got, err := open(t, t.TempDir()).Facts()
	got.Version = 0 // the store was created by a write
	if !reflect.DeepEqual(got, store.Facts{}) || err != nil {
		t.Errorf("got %+v, %v", got, err)
	}
}

// The totals follow each change of the collection.
func TestLibrary(t *testing.T) {
	s := open(t, t.TempDir())
	check := func(want store.Library) {
		t.Helper()
		facts, err := s.Facts()
		must(t, err)
		got, err := s.Photos.Library()
		must(t, err)
		if got != want || facts.Library != want {
			t.Errorf("got %+v and %+v, want %+v", got, facts.Library, want)
		}
	}
	check(store.Library{})
	add(t, s, "one", true, "a", "b")
	check(store.Library{Photos: 2, Bytes: 20})
	for _, hidden := range []bool{true, true, false} {
		if found, err := s.Photos.Hide("a", hidden); !found || err != nil {
			t.Errorf("hide %v: %v, %v", hidden, found, err)
		}
		want := store.Library{Photos: 2, Bytes: 20}
		if hidden {
			want.Hidden = 1
		}
		check(want)
	}
	if found, err := s.Photos.Hide("unknown", true); found || err != nil {
		t.Errorf("hide an unknown photo: %v, %v", found, err)
	}
	for _, id := range []string{"a", "b"} {
		_, err := s.Photos.Hide(id, true)
		must(t, err)
	}
	check(store.Library{Photos: 2, Bytes: 20, Hidden: 2})
	must(t, s.Photos.UnhideAll())
	must(t, s.Photos.UnhideAll())
	check(store.Library{Photos: 2, Bytes: 20})
	add(t, s, "one", true, "c") // one more
	check(store.Library{Photos: 3, Bytes: 30})
	add(t, s, "one", true, "c", "d") // one of them is there
	check(store.Library{Photos: 4, Bytes: 40})
	add(t, s, "two", false, "e", "f") // another pick joins
	check(store.Library{Photos: 6, Bytes: 60})
	add(t, s, "two", false, "a") // from one pick to the other
	check(store.Library{Photos: 6, Bytes: 60})
	add(t, s, "one", true, "g") // a pick that is in the collection replaces nothing
	check(store.Library{Photos: 7, Bytes: 70})
	add(t, s, "three", true, "h", "i") // replaces all
	check(store.Library{Photos: 2, Bytes: 20})
	photos, err := s.Photos.Collection()
	must(t, err)
	must(t, s.Photos.Delete(photos[:1]))
	check(store.Library{Photos: 1, Bytes: 10})
	must(t, s.Unpair("unpaired", false, false))
	check(store.Library{})
}

// A photo more costs the same with few photos and with many.
func TestGrowth(t *testing.T) {
	s := open(t, t.TempDir())
	facts := func() (allocations uint64) {
		t.Helper()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := s.Facts()
		runtime.ReadMemStats(&after)
		must(t, err)
		return after.Mallocs - before.Mallocs
	}
	add(t, s, "one", true, "first")
	facts()
	add(t, s, "one", true, "second")
	few := facts()
	var ids []string
	for i := range 200 {
		ids = append(ids, fmt.Sprint(i))
	}
	add(t, s, "one", true, ids...)
	if many := facts(); many > few+50 {
		t.Errorf("%d allocations with 202 photos, %d with 2", many, few)
	}
}

func BenchmarkFacts(b *testing.B) {
	s, err := store.Open(b.TempDir(), store.Options{})
	must(b, err)
	defer s.Close()
	must(b, s.FinishPairing(store.Grant{ID: "g"}, &store.Pick{RequestID: "r", GrantID: "g"}))
	for b.Loop() {
		if _, err := s.Facts(); err != nil {
			b.Fatal(err)
		}
	}
}
