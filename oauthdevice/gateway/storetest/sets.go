package storetest

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"pickerd/oauthdevice/gateway"
)

func joins(t *testing.T, s gateway.Store, set, member string, limit int, ttl time.Duration, want bool) {
	t.Helper()
	if in, err := s.Join(t.Context(), set, member, limit, ttl); in != want || err != nil {
		t.Errorf("Join(%q, %q, %d) = %t, %v, want %t", set, member, limit, in, err, want)
	}
}

func has(t *testing.T, s gateway.Store, set string, want int) {
	t.Helper()
	if n, err := s.Members(t.Context(), set); n != want || err != nil {
		t.Errorf("Members(%q) = %d, %v, want %d", set, n, err, want)
	}
}

func sets(t *testing.T, open Open) {
	s, _ := open(t)
	has(t, s, "a", 0)
	is(t, s.Leave(t.Context(), "a", "m"), nil)
	joins(t, s, "a", "1", 0, life, false)
	joins(t, s, "a", "1", -1, life, false)
	joins(t, s, "a", "1", 2, life, true)
	joins(t, s, "a", "1", 2, life, true) // is the same member
	has(t, s, "a", 1)
	joins(t, s, "a", "2", 2, life, true)
	joins(t, s, "a", "3", 2, life, false)
	joins(t, s, "a", "2", 2, life, true) // is a member of the full set
	joins(t, s, "a", "2", 0, life, true)
	has(t, s, "a", 2)
	is(t, s.Leave(t.Context(), "a", "3"), nil)
	has(t, s, "a", 2)
	is(t, s.Leave(t.Context(), "a", "1"), nil)
	has(t, s, "a", 1)
	joins(t, s, "a", "3", 2, life, true)

	// Sets and entries have names of their own.
	joins(t, s, "aa", "1", 1, life, true)
	put(t, s, life, "a", "entry")
	has(t, s, "a", 2)
	has(t, s, "aa", 1)
	is(t, s.Delete(t.Context(), "a", "aa"), nil)
	has(t, s, "a", 2)
	has(t, s, "aa", 1)
}

func setExpiry(t *testing.T, open Open) {
	s, advance := open(t)
	joins(t, s, "a", "short", 2, life, true)
	joins(t, s, "a", "long", 2, 3*life, true)
	joins(t, s, "b", "m", 1, life, true)
	joins(t, s, "a", "new", 2, life, false)
	advance(life / 2)
	has(t, s, "a", 2)
	joins(t, s, "b", "m", 1, life, true) // gets a new expiry
	advance(life / 2)
	has(t, s, "a", 1)
	has(t, s, "b", 1)
	joins(t, s, "a", "new", 2, 5*life, true)
	joins(t, s, "a", "short", 2, life, false) // its place is taken
	has(t, s, "a", 2)
	advance(life)
	has(t, s, "b", 0)
	joins(t, s, "b", "other", 1, life, true)
	advance(life)
	has(t, s, "a", 1)
	joins(t, s, "a", "new", 2, life, true) // gets an earlier expiry
	advance(life)
	has(t, s, "a", 0)
	has(t, s, "b", 0)
}

// largeSet has more members than one transaction removes.
func largeSet(t *testing.T, open Open) {
	s, advance := open(t)
	const half = 10 * racers
	fill := func(name string, limit int, ttl time.Duration) {
		for _, err := range race(func(i int) error {
			for j := range half / racers {
				if in, err := s.Join(t.Context(), "a", fmt.Sprint(name, i, "of", j), limit, ttl); !in || err != nil {
					return fmt.Errorf("join %s: %t, %w", name, in, err)
				}
			}
			return nil
		}) {
			is(t, err, nil)
		}
	}
	fill("short", half, life)
	fill("long", 2*half, 2*life)
	joins(t, s, "a", "more", 2*half, life, false)
	has(t, s, "a", 2*half)
	advance(life)
	has(t, s, "a", half)
	fill("more", 2*half, 3*life)
	joins(t, s, "a", "more", 2*half, life, false)
	advance(life)
	has(t, s, "a", half)
	advance(2 * life)
	has(t, s, "a", 0)
	joins(t, s, "a", "last", 1, life, true)
	has(t, s, "a", 1)
}

// raceForSet has many callers join a set. Exactly as many as the limit succeed.
func raceForSet(t *testing.T, open Open) {
	s, _ := open(t)
	const limit = 7
	for round := range 10 {
		set := fmt.Sprint(round)
		var joined atomic.Int64
		for _, err := range race(func(i int) error {
			in, err := s.Join(t.Context(), set, fmt.Sprint(i), limit, life)
			if in {
				joined.Add(1)
			}
			return err
		}) {
			is(t, err, nil)
		}
		if joined.Load() != limit {
			t.Errorf("%d joined, want %d", joined.Load(), limit)
		}
		has(t, s, set, limit)
	}
}
