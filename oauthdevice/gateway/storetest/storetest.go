// Package storetest tests implementations of gateway.Store.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pickerd/oauthdevice/gateway"
)

// An Open returns an empty store for one test, and a function that lets time pass
// for it. The store is closed by the test, and may be closed by Open's cleanup too.
type Open func(t *testing.T) (s gateway.Store, advance func(time.Duration))

// Run runs the tests.
func Run(t *testing.T, open Open) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Open)
	}{
		{"Create", create},
		{"CreateSeveral", createSeveral},
		{"Swap", swap},
		{"Take", take},
		{"Delete", remove},
		{"Expiry", expiry},
		{"Bytes", anyBytes},
		{"OwnCopy", ownCopy},
		{"Bounds", bounds},
		{"Sets", sets},
		{"SetExpiry", setExpiry},
		{"LargeSet", largeSet},
		{"RaceForEntry", raceForEntry},
		{"RaceForSet", raceForSet},
		{"Cancelled", cancelled},
		{"Closed", closed},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open) })
	}
}

const life = time.Minute

// racers is how many goroutines compete in a test.
const racers = 50

func value(t *testing.T, s gateway.Store, key, want string) {
	t.Helper()
	if got, err := s.Get(t.Context(), key); err != nil || string(got) != want {
		t.Errorf("Get(%q) = %q, %v, want %q", key, got, err, want)
	}
}

func missing(t *testing.T, s gateway.Store, keys ...string) {
	t.Helper()
	for _, key := range keys {
		if got, err := s.Get(t.Context(), key); !errors.Is(err, gateway.ErrNotFound) {
			t.Errorf("Get(%q) = %q, %v, want ErrNotFound", key, got, err)
		}
	}
}

func is(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func put(t *testing.T, s gateway.Store, ttl time.Duration, keysAndValues ...string) {
	t.Helper()
	entries := map[string][]byte{}
	for i := 0; i < len(keysAndValues); i += 2 {
		entries[keysAndValues[i]] = []byte(keysAndValues[i+1])
	}
	if err := s.Create(t.Context(), entries, ttl); err != nil {
		t.Fatal(err)
	}
}

func create(t *testing.T, open Open) {
	s, _ := open(t)
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping: %v", err)
	}
	missing(t, s, "a")
	put(t, s, life, "a", "1")
	value(t, s, "a", "1")
	is(t, s.Create(t.Context(), map[string][]byte{"a": []byte("2")}, life), gateway.ErrExists)
	value(t, s, "a", "1")
	is(t, s.Create(t.Context(), nil, life), nil)
}

// Either all entries are created or none.
func createSeveral(t *testing.T, open Open) {
	s, _ := open(t)
	put(t, s, life, "a", "1", "b", "2", "c", "3")
	value(t, s, "a", "1")
	value(t, s, "b", "2")
	value(t, s, "c", "3")
	entries := map[string][]byte{}
	for _, key := range strings.Split("d e f g c h i j k l", " ") {
		entries[key] = []byte("new")
	}
	is(t, s.Create(t.Context(), entries, life), gateway.ErrExists)
	value(t, s, "c", "3")
	missing(t, s, "d", "e", "f", "g", "h", "i", "j", "k", "l")
}

func swap(t *testing.T, open Open) {
	s, advance := open(t)
	is(t, s.Swap(t.Context(), "a", nil, []byte("1"), life), gateway.ErrNotFound)
	missing(t, s, "a")
	put(t, s, life, "a", "1", "b", "1")
	is(t, s.Swap(t.Context(), "a", []byte("2"), []byte("3"), life), gateway.ErrChanged)
	is(t, s.Swap(t.Context(), "a", nil, []byte("3"), life), gateway.ErrChanged)
	value(t, s, "a", "1")
	is(t, s.Swap(t.Context(), "a", []byte("1"), []byte("2"), 3*life), nil)
	is(t, s.Swap(t.Context(), "b", []byte("1"), []byte("2"), 0), nil)
	value(t, s, "a", "2")
	value(t, s, "b", "2")
	advance(2 * life)
	value(t, s, "a", "2") // has a new expiry
	missing(t, s, "b")    // has kept its expiry
	is(t, s.Swap(t.Context(), "b", []byte("2"), []byte("3"), life), gateway.ErrNotFound)
	is(t, s.Swap(t.Context(), "a", []byte("2"), []byte("3"), life/2), nil)
	advance(life)
	missing(t, s, "a")
}

func take(t *testing.T, open Open) {
	s, advance := open(t)
	_, err := s.Take(t.Context(), "a")
	is(t, err, gateway.ErrNotFound)
	put(t, s, life, "a", "1", "b", "2")
	if got, err := s.Take(t.Context(), "a"); err != nil || string(got) != "1" {
		t.Errorf("Take = %q, %v", got, err)
	}
	_, err = s.Take(t.Context(), "a")
	is(t, err, gateway.ErrNotFound)
	missing(t, s, "a")
	put(t, s, life, "a", "again")
	value(t, s, "a", "again")
	advance(2 * life)
	_, err = s.Take(t.Context(), "b")
	is(t, err, gateway.ErrNotFound)
}

func remove(t *testing.T, open Open) {
	s, _ := open(t)
	is(t, s.Delete(t.Context()), nil)
	put(t, s, life, "a", "1", "b", "2", "c", "3")
	is(t, s.Delete(t.Context(), "a", "none", "c"), nil)
	missing(t, s, "a", "c")
	value(t, s, "b", "2")
}

func expiry(t *testing.T, open Open) {
	s, advance := open(t)
	put(t, s, life, "short", "1")
	put(t, s, 10*life, "long", "2")
	advance(life / 2)
	value(t, s, "short", "1")
	put(t, s, life, "later", "3")
	advance(life / 2)
	missing(t, s, "short")
	value(t, s, "later", "3")
	value(t, s, "long", "2")
	put(t, s, life, "short", "new", "other", "4") // its key is free again
	value(t, s, "short", "new")
	advance(life / 2)
	value(t, s, "short", "new") // not removed with the entry of the same key
	advance(life / 2)
	missing(t, s, "short", "later", "other")
	value(t, s, "long", "2")
	advance(10 * life)
	missing(t, s, "long")
}

func anyBytes(t *testing.T, open Open) {
	s, _ := open(t)
	var all [256]byte
	for i := range all {
		all[i] = byte(i)
	}
	for i, key := range []string{"\x00", "\x00\x00", "\xff\xfe\r\n", "{a}", " ", "*", string(all[:]), strings.Repeat("\xff", gateway.MaxKey)} {
		for j, v := range []string{"", "\x00", string(all[:]), strings.Repeat("x", 70_000), strings.Repeat("\x00", gateway.MaxValue)} {
			put(t, s, life, key, v)
			value(t, s, key, v)
			next := fmt.Sprint(i, j)
			is(t, s.Swap(t.Context(), key, []byte(v + "x")[:len(v)], []byte(next), life), nil)
			value(t, s, key, next)
			if got, err := s.Take(t.Context(), key); string(got) != next || err != nil {
				t.Errorf("Take(%q) = %.20q, %v", key, got, err)
			}
		}
		if in, err := s.Join(t.Context(), key, key, 1, life); !in || err != nil {
			t.Errorf("Join(%q) = %t, %v", key, in, err)
		}
		if n, err := s.Members(t.Context(), key); n != 1 || err != nil {
			t.Errorf("Members(%q) = %d, %v", key, n, err)
		}
	}
}

// The store keeps no slice of the caller, and gives none of its own away.
func ownCopy(t *testing.T, open Open) {
	s, _ := open(t)
	v := []byte("one")
	is(t, s.Create(t.Context(), map[string][]byte{"a": v}, life), nil)
	clear(v)
	got, err := s.Get(t.Context(), "a")
	is(t, err, nil)
	clear(got)
	value(t, s, "a", "one")
	v = []byte("two")
	is(t, s.Swap(t.Context(), "a", []byte("one"), v, life), nil)
	clear(v)
	value(t, s, "a", "two")
}

// Calls beyond the bounds change nothing.
func bounds(t *testing.T, open Open) {
	s, _ := open(t)
	put(t, s, life, "a", "1")
	long, large := strings.Repeat("k", gateway.MaxKey+1), make([]byte, gateway.MaxValue+1)
	ctx := t.Context()
	join := func(set, member string, ttl time.Duration) error {
		_, err := s.Join(ctx, set, member, 1, ttl)
		return err
	}
	for name, err := range map[string]error{
		"Create without a key":    s.Create(ctx, map[string][]byte{"": nil}, life),
		"Create, long key":        s.Create(ctx, map[string][]byte{"b": nil, long: nil}, life),
		"Create, large value":     s.Create(ctx, map[string][]byte{"b": large}, life),
		"Create without a ttl":    s.Create(ctx, map[string][]byte{"b": nil}, 0),
		"Create, negative ttl":    s.Create(ctx, map[string][]byte{"b": nil}, -life),
		"Create, short ttl":       s.Create(ctx, map[string][]byte{"b": nil}, time.Nanosecond),
		"Create, long ttl":        s.Create(ctx, map[string][]byte{"b": nil}, 1<<62),
		"Swap, large value":       s.Swap(ctx, "a", []byte("1"), large, life),
		"Swap, negative ttl":      s.Swap(ctx, "a", []byte("1"), []byte("2"), -life),
		"Swap without a key":      s.Swap(ctx, "", []byte("1"), []byte("2"), life),
		"Delete without a key":    s.Delete(ctx, "a", ""),
		"Join without a set":      join("", "m", life),
		"Join without a member":   join("b", "", life),
		"Join, long set":          join(long, "m", life),
		"Join, long member":       join("b", long, life),
		"Join without a ttl":      join("b", "m", 0),
		"Leave without a member":  s.Leave(ctx, "b", ""),
		"Create, nothing, no ttl": s.Create(ctx, nil, 0),
	} {
		if !isTrouble(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, key := range []string{"", long} {
		if _, err := s.Get(ctx, key); !isTrouble(err) {
			t.Errorf("Get: %v", err)
		}
		if _, err := s.Take(ctx, key); !isTrouble(err) {
			t.Errorf("Take: %v", err)
		}
		if _, err := s.Members(ctx, key); !isTrouble(err) {
			t.Errorf("Members: %v", err)
		}
	}
	value(t, s, "a", "1")
	missing(t, s, "b")
	if n, err := s.Members(ctx, "b"); n != 0 || err != nil {
		t.Errorf("Members = %d, %v", n, err)
	}
}

// isTrouble reports whether an error is none of those that tell of an entry.
func isTrouble(err error) bool {
	return err != nil && !errors.Is(err, gateway.ErrNotFound) && !errors.Is(err, gateway.ErrExists) && !errors.Is(err, gateway.ErrChanged)
}

func cancelled(t *testing.T, open Open) {
	s, _ := open(t)
	put(t, s, life, "a", "1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range calls(ctx, s) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	value(t, s, "a", "1")
	missing(t, s, "new")
	if n, err := s.Members(t.Context(), "set"); n != 0 || err != nil {
		t.Errorf("Members = %d, %v", n, err)
	}
}

func closed(t *testing.T, open Open) {
	s, _ := open(t)
	put(t, s, life, "a", "1")
	var busy sync.WaitGroup
	for i := range racers { // their calls may succeed or fail
		busy.Go(func() {
			key := fmt.Sprint(i)
			if err := s.Create(t.Context(), map[string][]byte{key: nil}, life); err == nil || isTrouble(err) {
				s.Get(t.Context(), key)
			} else {
				t.Errorf("Create while closing: %v", err)
			}
		})
	}
	is(t, s.Close(), nil)
	busy.Wait()
	for name, err := range calls(t.Context(), s) {
		if !isTrouble(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	is(t, s.Close(), nil)
}

// calls calls every method and returns the errors.
func calls(ctx context.Context, s gateway.Store) map[string]error {
	_, get := s.Get(ctx, "a")
	_, take := s.Take(ctx, "a")
	_, join := s.Join(ctx, "set", "m", 1, life)
	_, members := s.Members(ctx, "set")
	return map[string]error{
		"Create": s.Create(ctx, map[string][]byte{"new": []byte("1")}, life),
		"Get":    get, "Take": take, "Join": join, "Members": members,
		"Swap":   s.Swap(ctx, "a", []byte("1"), []byte("2"), life),
		"Delete": s.Delete(ctx, "a"),
		"Leave":  s.Leave(ctx, "set", "m"),
		"Ping":   s.Ping(ctx),
	}
}

// raceForEntry has many callers do the same thing. One succeeds.
func raceForEntry(t *testing.T, open Open) {
	s, _ := open(t)
	for round := range 10 {
		key := fmt.Sprint(round)
		one(t, "Create", gateway.ErrExists, func(i int) error {
			return s.Create(t.Context(), map[string][]byte{key: []byte("0"), key + "of" + fmt.Sprint(i): nil}, life)
		})
		one(t, "Swap", gateway.ErrChanged, func(i int) error {
			return s.Swap(t.Context(), key, []byte("0"), fmt.Append(nil, i+1), life)
		})
		got, err := s.Get(t.Context(), key)
		is(t, err, nil)
		one(t, "Take", gateway.ErrNotFound, func(int) error {
			taken, err := s.Take(t.Context(), key)
			if err == nil && !bytes.Equal(taken, got) {
				return fmt.Errorf("taken %q, want %q", taken, got)
			}
			return err
		})
		created := 0
		for i := range racers {
			if _, err := s.Get(t.Context(), key+"of"+fmt.Sprint(i)); err == nil {
				created++
			}
		}
		if created != 1 {
			t.Errorf("%d of the entries that were created together, want 1", created)
		}
	}
}

// one calls f in many goroutines. Except for one, each call must return lost.
func one(t *testing.T, name string, lost error, f func(i int) error) {
	t.Helper()
	errs := race(f)
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, lost):
			t.Errorf("%s: %v", name, err)
		}
	}
	if won != 1 {
		t.Errorf("%s: %d of %d succeeded, want 1", name, won, racers)
	}
}

// race calls f in many goroutines at once and returns the errors.
func race(f func(i int) error) []error {
	errs := make([]error, racers)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range racers {
		all.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	all.Wait()
	return errs
}
