package store_test

import (
	"testing"

	"pickerd/store"
)

// current returns the ID of the current grant, "" for none.
func current(t *testing.T, s *store.Store) string {
	t.Helper()
	g, err := s.Grants.Current()
	must(t, err)
	if g == nil {
		return ""
	}
	return g.ID
}

// When the current grant goes, the one in force that was paired last follows. Its
// picks end with it.
func TestPromoteNext(t *testing.T) {
	for name, remove := range map[string]func(*store.Store, string) error{
		"retired": func(s *store.Store, id string) error { return s.Grants.Retire(id, "gone", "", true) },
		"dead":    func(s *store.Store, id string) error { return s.Grants.MarkDead(id, "gone", "") },
		"unpaired": func(s *store.Store, id string) error {
			return s.UnpairOne(id, "gone", true, true)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := filled(t)
			must(t, s.Picks.Add(store.Pick{RequestID: "four", GrantID: "anna"}))
			if got := current(t, s); got != "anna" {
				t.Fatalf("after a pick of anna's: %q", got)
			}
			must(t, remove(s, "anna"))
			if got := current(t, s); got != "bert" {
				t.Errorf("after anna: %q", got)
			}
			picks, err := s.Picks.All()
			must(t, err)
			for _, p := range picks {
				if ended := p.EndReason != ""; ended != (p.GrantID == "anna") {
					t.Errorf("pick of %s: end reason %q", p.GrantID, p.EndReason)
				}
			}
			must(t, remove(s, "bert"))
			if got := current(t, s); got != "" {
				t.Errorf("after bert: %q", got)
			}
			must(t, remove(s, "unknown"))
		})
	}
}

// A grant whose account was paired again hands its photos to the newer one.
func TestSupersede(t *testing.T) {
	s := filled(t)
	must(t, s.Supersede("anna", "bert"))
	old, err := s.Grants.Get("anna")
	must(t, err)
	if !old.Retired || old.Revoke || current(t, s) != "bert" {
		t.Errorf("retired %v, revoke %v, current %q", old.Retired, old.Revoke, current(t, s))
	}
	photos, err := s.Photos.Collection()
	must(t, err)
	for _, p := range photos {
		if p.Grant != "bert" {
			t.Errorf("photo %s belongs to %q", p.ID, p.Grant)
		}
	}
	if len(photos) != 3 {
		t.Errorf("%d photos", len(photos))
	}
}

// Forgetting one account keeps the photos of the others, and only those.
func TestUnpairOne(t *testing.T) {
	s := filled(t)
	addOwned(t, s, "two", "", "unowned")
	must(t, s.UnpairOne("anna", "unpaired", true, false))
	if got := ids(t, s); got != "c" {
		t.Errorf("photos left: %q", got)
	}
	if g, err := s.Grants.Get("anna"); err != nil || !g.Retired || !g.Revoke || g.Account != "" {
		t.Errorf("%#v, %v", g, err)
	}
	if p, err := s.Photos.Get("a"); p != nil || err != nil {
		t.Errorf("photo a: %v, %v", p, err)
	}
}

// Photos of unknown owner become those of the only account when a second one is
// paired.
func TestClaimPhotos(t *testing.T) {
	s := open(t, t.TempDir())
	must(t, s.FinishPairing(store.Grant{ID: "anna"}, nil))
	add(t, s, "one", true, "a")
	must(t, s.FinishPairing(store.Grant{ID: "bert"}, nil))
	p, err := s.Photos.Get("a")
	must(t, err)
	if p.Grant != "anna" {
		t.Errorf("the photo belongs to %q", p.Grant)
	}
}
