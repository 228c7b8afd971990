package store_test

import (
	"fmt"
	"slices"
	"testing"

	"pickerd/store"
)

// The last thousand IDs are known, after a restart too, and no more are kept.
func TestOrderIDs(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	seen := func(id string) bool {
		t.Helper()
		seen, err := s.Orders.Seen(id)
		must(t, err)
		return seen
	}
	if seen("a") || !seen("a") {
		t.Error("an ID that was there before is new")
	}
	must(t, s.Close())
	s = open(t, dir)
	for i := range store.MaxOrderIDs - 1 {
		if seen(fmt.Sprint(i)) {
			t.Fatalf("%d was there before", i)
		}
	}
	if !seen("a") || seen("b") || seen("a") {
		t.Error("the oldest of a thousand IDs is not known, or one that is older is")
	}
}

// Topics are known after a restart.
func TestTopics(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for _, want := range [][]string{nil, {"a", "b"}, {"c"}} {
		if want != nil {
			must(t, s.Orders.SetTopics(want))
			must(t, s.Close())
			s = open(t, dir)
		}
		got, err := s.Orders.Topics()
		if must(t, err); !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
}

// A serial that is not higher than the last one of its target is refused, after a
// restart too.
func TestSerials(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for i, tt := range []struct {
		target string
		serial uint64
		want   bool
	}{{"box", 3, true}, {"box", 3, false}, {"box", 2, false}, {"site=lobby", 1, true}, {"box", 4, true}, {"box", 1 << 63, true}, {"box", 5, false}, {"site=lobby", 0, false}} {
		got, err := s.Orders.Advance(tt.target, tt.serial)
		must(t, err)
		if got != tt.want {
			t.Errorf("%d: %s %d: %v, want %v", i, tt.target, tt.serial, got, tt.want)
		}
		must(t, s.Close())
		s = open(t, dir)
	}
}
