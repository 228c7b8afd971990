package store_test

import (
	"slices"
	"testing"

	"pickerd/store"
)

// methods returns the refused methods and their error codes.
func methods(t *testing.T, s *store.Store) (list []string) {
	t.Helper()
	refusals, err := s.Pairings.Refusals()
	must(t, err)
	for _, r := range refusals {
		list = append(list, r.Method+" "+r.Code)
	}
	return list
}

// A refusal replaces the earlier one of its method and ends the pairing.
func TestRefusals(t *testing.T) {
	s := open(t, t.TempDir())
	if got := methods(t, s); got != nil {
		t.Errorf("in a new store: %v", got)
	}
	must(t, s.Pairings.Save(store.Pairing{Method: "device"}))
	must(t, s.Pairings.Refuse(store.Refusal{Method: "device", Code: "invalid_scope"}))
	must(t, s.Pairings.Refuse(store.Refusal{Method: "relay", Code: "invalid_client"}))
	must(t, s.Pairings.Refuse(store.Refusal{Method: "device", Code: "invalid_client"}))
	if got := methods(t, s); !slices.Equal(got, []string{"relay invalid_client", "device invalid_client"}) {
		t.Errorf("refused: %v", got)
	}
	if p, err := s.Pairings.Current(); p != nil || err != nil {
		t.Errorf("pairing: %v, %v", p, err)
	}
	must(t, s.Pairings.DeleteRefusals(func(r store.Refusal) bool { return r.Method == "relay" }))
	if got := methods(t, s); !slices.Equal(got, []string{"device invalid_client"}) {
		t.Errorf("left: %v", got)
	}
}

func TestDeletePairing(t *testing.T) {
	s := open(t, t.TempDir())
	must(t, s.Pairings.Save(store.Pairing{RequestID: "r", Code: "c"}))
	p, err := s.Pairings.Current()
	must(t, err)
	if p == nil || !p.Answered() {
		t.Errorf("saved: %v", p)
	}
	must(t, s.Pairings.Delete())
	if p, err := s.Pairings.Current(); p != nil || err != nil {
		t.Errorf("deleted: %v, %v", p, err)
	}
}
