package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"pickerd/store"
)

func TestGrants(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	must(t, s.Pairings.Save(store.Pairing{RequestID: "r", DeviceCode: "d"}))
	must(t, s.FinishPairing(store.Grant{ID: "g", AccessToken: "a1", RefreshToken: "r1"}, &store.Pick{RequestID: "r", GrantID: "g"}))
	must(t, s.Grants.Update("g", func(g *store.Grant) { g.AccessToken = "a2" }))
	must(t, s.Close())
	s = open(t, dir)
	g, err := s.Grants.Current()
	must(t, err)
	if p, err := s.Pairings.Current(); p != nil || err != nil {
		t.Errorf("pairing %v, %v", p, err)
	}
	if g == nil || g.AccessToken != "a2" || g.RefreshToken != "r1" {
		t.Errorf("after reopening: %#v", g)
	}
	must(t, s.Grants.MarkDead("g", "grant lost", "too old"))
	if g, err := s.Grants.Current(); g != nil || err != nil {
		t.Errorf("current after MarkDead: %v, %v", g, err)
	}
	picks, err := s.Picks.All()
	must(t, err)
	if picks[0].EndReason != "grant lost" {
		t.Errorf("picks of a dead grant: %+v", picks)
	}
	if w, err := s.Pairings.Warning(); w != "too old" || err != nil {
		t.Errorf("warning %q, %v", w, err)
	}
	grants, err := s.Grants.All()
	must(t, err)
	if !grants[0].Dead || grants[0].RefreshToken != "" {
		t.Error("a dead grant still has its token")
	}
	for _, text := range []string{fmt.Sprint(store.Grant{RefreshToken: "secret"}), fmt.Sprintf("%#v %v", store.Grant{RefreshToken: "secret"}, store.Pairing{DeviceCode: "secret"})} {
		if bytes.Contains([]byte(text), []byte("secret")) {
			t.Errorf("a secret was printed: %s", text)
		}
	}
}

// A grant that was deleted, or never stored, is ErrNotFound.
func TestGrantNotFound(t *testing.T) {
	s := filled(t)
	must(t, s.Grants.Delete("bert"))
	if _, err := s.Grants.Get("bert"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("get: %v", err)
	}
	if err := s.Grants.Update("bert", func(*store.Grant) {}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("update: %v", err)
	}
	if file, err := s.Grants.Imported(); file != "file" || err != nil {
		t.Errorf("imported: %q, %v", file, err)
	}
}
