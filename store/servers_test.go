package store_test

import (
	"fmt"
	"strings"
	"testing"

	"pickerd/store"
)

// Records of old versions get the addresses once, and others keep theirs.
func TestAdoptAddresses(t *testing.T) {
	s := open(t, t.TempDir())
	must(t, s.FinishPairing(store.Grant{ID: "old", RefreshToken: "r"}, nil))
	must(t, s.FinishPairing(store.Grant{ID: "new", RefreshToken: "r", Issuer: "https://g.test", TokenURL: "https://g.test/token"}, nil))
	must(t, s.Pairings.Save(store.Pairing{RequestID: "p", DeviceCode: "d", Previous: &store.Pairing{RequestID: "q"}}))
	must(t, s.AdoptAddresses("https://a.test/token", "https://a.test/revoke"))
	must(t, s.AdoptAddresses("https://b.test/token", "https://b.test/revoke"))
	for id, want := range map[string]string{"old": "https://a.test/token https://a.test/revoke", "new": "https://g.test/token "} {
		g, err := s.Grants.Get(id)
		must(t, err)
		if got := g.TokenURL + " " + g.RevokeURL; got != want || g.RefreshToken != "r" {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
	p, err := s.Pairings.Current()
	must(t, err)
	if p.TokenURL != "https://a.test/token" || p.DeviceCode != "d" || p.Previous.TokenURL != "https://a.test/token" {
		t.Errorf("pairing: %s, %s", p.TokenURL, p.Previous.TokenURL)
	}
}

// Nothing is written if no record lacks addresses.
func TestAdoptAddressesWritesNothing(t *testing.T) {
	commits := 0
	s, err := store.Open(t.TempDir(), store.Options{BeforeOp: func(op store.Op) error {
		if op.Kind == store.OpCommit {
			commits++
		}
		return nil
	}})
	must(t, err)
	defer s.Close()
	must(t, s.FinishPairing(store.Grant{ID: "g", TokenURL: "https://g.test/token"}, nil))
	before := commits
	must(t, s.AdoptAddresses("https://a.test/token", ""))
	if commits != before {
		t.Errorf("%d commits", commits-before)
	}
}

func TestMetadata(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if data, err := s.Pairings.Metadata(); data != nil || err != nil {
		t.Errorf("in a new store: %q, %v", data, err)
	}
	must(t, s.Pairings.SaveMetadata([]byte(`{"issuer":"https://g.test"}`)))
	must(t, s.Close())
	s = open(t, dir)
	if data, err := s.Pairings.Metadata(); string(data) != `{"issuer":"https://g.test"}` || err != nil {
		t.Errorf("after reopening: %q, %v", data, err)
	}
}

// A device_code is erased with its grant's tokens, and is never printed.
func TestHandover(t *testing.T) {
	s := open(t, t.TempDir())
	for _, id := range []string{"dead", "retired"} {
		must(t, s.FinishPairing(store.Grant{ID: id, Handover: &store.Handover{DeviceCode: "secret", ContinueURL: "https://g.test/continue"}}, nil))
	}
	must(t, s.Grants.MarkDead("dead", "grant lost", ""))
	must(t, s.Grants.Retire("retired", "unpaired", true))
	for _, id := range []string{"dead", "retired"} {
		g, err := s.Grants.Get(id)
		must(t, err)
		if g.Handover != nil {
			t.Errorf("a %s grant still has its device_code", id)
		}
	}
	h := store.Handover{DeviceCode: "secret"}
	if text := fmt.Sprint(h) + fmt.Sprintf("%#v %v", h, &h); strings.Contains(text, "secret") {
		t.Errorf("printed: %s", text)
	}
}
