package store_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"go.etcd.io/bbolt"

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

// Damaged records keep no order from being carried out. One with a flipped bit is
// corrected.
func TestDamagedOrders(t *testing.T) {
	bit := func(v []byte) []byte {
		v[0] ^= 1
		return v
	}
	garbage := func([]byte) []byte { return []byte("{torn") }
	for name, tt := range map[string]struct {
		damage func([]byte) []byte
		serial bool // the old one is taken again
		topics int
	}{"bit": {bit, false, 1}, "garbage": {garbage, true, 0}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			_, err := s.Orders.Seen("first")
			must(t, err)
			_, err = s.Orders.Advance("box", 7)
			must(t, err)
			must(t, s.Orders.SetTopics([]string{"a"}))
			must(t, s.UpdateRaw(func(tx *bbolt.Tx) error {
				b := tx.Bucket(store.BucketMeta)
				for _, key := range []string{"order-number/\x00\x00\x00\x00\x00\x00\x00\x01", "serial/box", "mqtt-topics"} {
					if err := b.Put([]byte(key), tt.damage(bytes.Clone(b.Get([]byte(key))))); err != nil {
						return err
					}
				}
				return nil
			}))
			must(t, s.Close())
			s = open(t, dir)
			if len(s.Repairs()) == 0 {
				t.Error("nothing is told of it")
			}
			for i := range store.MaxOrderIDs {
				_, err := s.Orders.Seen(fmt.Sprint(i))
				must(t, err)
			}
			topics, err := s.Orders.Topics()
			must(t, err)
			if got, err := s.Orders.Advance("box", 7); err != nil || got != tt.serial || len(topics) != tt.topics {
				t.Errorf("the serial is taken again: %v, %v; topics %v", got, err, topics)
			}
			if got, err := s.Orders.Advance("box", 8); err != nil || !got {
				t.Errorf("a higher serial: %v, %v", got, err)
			}
		})
	}
}
