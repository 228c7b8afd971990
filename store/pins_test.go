package store_test

import (
	"testing"
)

// The number of tries survives a restart, and a right PIN forgets it.
func TestPINTries(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for want := range 3 {
		n, err := s.PINs.Tries()
		must(t, err)
		counted, err := s.PINs.Count()
		must(t, err)
		if n != want || counted != want+1 {
			t.Errorf("%d, then %d; want %d", n, counted, want)
		}
		must(t, s.Close())
		s = open(t, dir)
	}
	must(t, s.PINs.Reset())
	must(t, s.PINs.Reset())
	if n, err := s.PINs.Tries(); n != 0 || err != nil {
		t.Errorf("after a right PIN: %d, %v", n, err)
	}
}
