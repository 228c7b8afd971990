package store_test

import (
	"pickerd/store"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func opened(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "state")
	opened(t, dir)
	st, err := os.Stat(filepath.Join(dir, store.DatabaseName))
	must(t, err)
	if st.Mode().Perm() != 0o600 {
		t.Errorf("the database has mode %v", st.Mode())
	}
	entries, err := os.ReadDir(dir)
	must(t, err)
	if len(entries) != 4 {
		t.Errorf("beside database, key, reserve and media: %v", entries)
	}
}

func TestRefusals(t *testing.T) {
	t.Run("in use", func(t *testing.T) {
		dir := t.TempDir()
		opened(t, dir)
		if _, err := store.Open(dir, store.Options{}); !errors.Is(err, store.ErrInUse) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("not writable", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		must(t, os.WriteFile(file, nil, 0o600))
		if _, err := store.Open(filepath.Join(file, "state"), store.Options{}); err == nil {
			t.Error("no error")
		}
	})
}

func TestPickMovesForwardOnly(t *testing.T) {
	s := opened(t, t.TempDir())
	must(t, s.Picks.Add(store.Pick{RequestID: "a"}))
	must(t, s.Picks.End("a", "cancelled"))
	must(t, s.Picks.End("a", "time-out"))
	must(t, s.Picks.Update("a", func(p *store.Pick) { p.EndReason, p.SessionID = "", "s" }))
	picks, err := s.Picks.All()
	must(t, err)
	if len(picks) != 1 || picks[0].EndReason != "cancelled" || picks[0].SessionID != "s" {
		t.Errorf("%+v", picks)
	}
	must(t, s.Picks.Delete("a"))
	if err := s.Picks.Update("a", func(*store.Pick) {}); err == nil {
		t.Error("a forgotten pick was updated")
	}
}

func TestGrants(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir)
	must(t, s.Pairings.Save(store.Pairing{RequestID: "r", DeviceCode: "d"}))
	must(t, s.FinishPairing(store.Grant{ID: "g", AccessToken: "a1", RefreshToken: "r1"}, &store.Pick{RequestID: "r", GrantID: "g"}))
	must(t, s.Grants.Update("g", func(g *store.Grant) { g.AccessToken = "a2" }))
	must(t, s.Close())
	s = opened(t, dir)
	g, err := s.Grants.Current()
	must(t, err)
	if p, err := s.Pairings.Current(); p != nil || err != nil {
		t.Errorf("pairing %v, %v", p, err)
	}
	if g == nil || g.AccessToken != "a2" || g.RefreshToken != "r1" {
		t.Errorf("%#v", g)
	}
	must(t, s.Grants.MarkDead("g", "grant lost", "too old"))
	if g, err := s.Grants.Current(); g != nil || err != nil {
		t.Errorf("after it was killed: %v, %v", g, err)
	}
	picks, err := s.Picks.All()
	must(t, err)
	if picks[0].EndReason != "grant lost" {
		t.Errorf("%+v", picks)
	}
	if w, err := s.Pairings.Warning(); w != "too old" || err != nil {
		t.Errorf("warning %q, %v", w, err)
	}
	grants, err := s.Grants.All()
	must(t, err)
	if !grants[0].Dead || grants[0].RefreshToken != "" {
		t.Error("a dead grant keeps its token")
	}
	for _, text := range []string{fmt.Sprint(store.Grant{RefreshToken: "secret"}), fmt.Sprintf("%#v %v", store.Grant{RefreshToken: "secret"}, store.Pairing{DeviceCode: "secret"})} {
		if bytes.Contains([]byte(text), []byte("secret")) {
			t.Errorf("printed: %s", text)
		}
	}
}

func add(t *testing.T, s *store.Store, pick string, replace bool, ids ...string) {
	t.Helper()
	for i, id := range ids {
		part, err := s.Photos.NewPart()
		must(t, err)
		_, err = part.Write([]byte("bytes of " + id))
		must(t, err)
		must(t, s.Photos.Add([]store.Addition{{store.Photo{ID: id, MimeType: "image/jpeg", Pick: pick, Index: i}, part}}, replace))
	}
}

func prune(t *testing.T, s *store.Store) {
	t.Helper()
	_, err := s.Photos.Prune()
	must(t, err)
}

func ids(t *testing.T, s *store.Store) string {
	t.Helper()
	photos, err := s.Photos.Collection()
	must(t, err)
	list := ""
	for _, p := range photos {
		list += p.ID
	}
	return list
}

func TestCollection(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir)
	add(t, s, "one", true, "c", "a", "b")
	if got := ids(t, s); got != "cab" {
		t.Errorf("in the order picked: %s", got)
	}
	add(t, s, "two", true, "d")
	if got := ids(t, s); got != "d" {
		t.Errorf("after a replacing pick: %s", got)
	}
	prune(t, s)
	add(t, s, "three", false, "e")
	if got := ids(t, s); got != "de" {
		t.Errorf("after an appending pick: %s", got)
	}
	entries, err := os.ReadDir(filepath.Join(dir, store.MediaName))
	must(t, err)
	if len(entries) != 2 {
		t.Errorf("files: %v", entries)
	}
	must(t, s.Unpair("unpaired", false, false))
	entries, err = os.ReadDir(filepath.Join(dir, store.MediaName))
	must(t, err)
	if len(entries) != 0 || ids(t, s) != "" {
		t.Errorf("after dropping all: %v", entries)
	}
}

func TestTidy(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir)
	add(t, s, "one", true, "a", "b", "c")
	photos, err := s.Photos.Collection()
	must(t, err)
	part, err := s.Photos.NewPart() // a power cut leaves it
	must(t, err)
	_, err = part.Write([]byte("half a ph"))
	must(t, err)
	must(t, s.Close())
	media := filepath.Join(dir, store.MediaName)
	must(t, os.Remove(filepath.Join(media, photos[0].File)))
	must(t, os.WriteFile(filepath.Join(media, photos[1].File), []byte("shorter"), 0o600))
	must(t, os.WriteFile(filepath.Join(media, "orphan.jpg"), nil, 0o600))

	s = opened(t, dir)
	if got := ids(t, s); got != "c" {
		t.Errorf("left: %s", got)
	}
	entries, err := os.ReadDir(media)
	must(t, err)
	if len(entries) != 1 {
		t.Errorf("files: %v", entries)
	}
}

func TestNamesNeverLeaveTheDirectory(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir)
	add(t, s, "one", true, "../../etc/passwd", "a/b", string(bytes.Repeat([]byte("n"), 300)))
	photos, err := s.Photos.Collection()
	must(t, err)
	if len(photos) != 3 {
		t.Errorf("%d photos", len(photos))
	}
	for _, file := range []string{"../pickerd.db", "/etc/passwd", ".part-x", "..", ""} {
		if f, err := s.Photos.Open(file); err == nil {
			if st, _ := f.Stat(); !st.IsDir() {
				t.Errorf("%q was opened", file)
			}
			f.Close()
		}
	}
}
