package device_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/store"
)

// TestReadTransactions checks that the loop reads the store at most twice a round
// while a code is on the screen: for the facts and for the number of sessions.
// Store.Upkeep reads it once.
func TestReadTransactions(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.untilState(device.Pairing)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		before, polls := w.store.ReadTransactions(), len(w.auth.Calls())
		time.Sleep(time.Minute)
		synctest.Wait()
		reads, rounds := w.store.ReadTransactions()-before, len(w.auth.Calls())-polls
		if rounds < 5 || reads > int64(2*rounds+1) {
			t.Errorf("%d read transactions in %d rounds", reads, rounds)
		}
	})
}

// TestSecondProcess checks that a second process cannot open the store.
func TestSecondProcess(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := store.Open(dir, store.Options{}); !errors.Is(err, store.ErrInUse) {
		t.Errorf("got %v, want ErrInUse", err)
	}
}
