package store_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pickerd/store"
)

func displayCalled(id string) store.Display {
	return store.Display{ID: id, Name: "Hall", Key: sha256.Sum256([]byte(id)), Address: "192.0.2.1", LastSeen: time.Unix(0, 0).UTC()}
}

// Displays survive a restart, are changed and removed one by one, and are bounded.
func TestDisplays(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for i := range store.MaxDisplays {
		must(t, s.Displays.Add(displayCalled(fmt.Sprintf("d%03d", i))))
	}
	if err := s.Displays.Add(displayCalled("more")); !errors.Is(err, store.ErrFull) {
		t.Errorf("one more than allowed: %v", err)
	}
	must(t, s.Displays.Remove("d000"))
	must(t, s.Displays.Update("d001", func(d *store.Display) { d.Name = "Kitchen" }))
	moved := displayCalled("d002")
	moved.Address = "192.0.2.9"
	must(t, s.Displays.Save([]store.Display{displayCalled("d000"), moved}))
	for what, err := range map[string]error{
		"removing twice":   s.Displays.Remove("d000"),
		"changing nothing": s.Displays.Update("d000", func(*store.Display) {}),
	} {
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	must(t, s.Close())
	s = open(t, dir)
	list, err := s.Displays.All()
	must(t, err)
	want := displayCalled("d001")
	want.Name = "Kitchen"
	if len(list) != store.MaxDisplays-1 || list[0] != want || list[1] != moved {
		t.Errorf("after a restart: %d displays, the first are %+v", len(list), list[:2])
	}
}

// A link is used once. The oldest makes room, and expired ones are deleted.
func TestDisplayLinks(t *testing.T) {
	s := open(t, t.TempDir())
	now := time.Unix(1000, 0)
	token := func(i int) store.DisplayHash { return sha256.Sum256(fmt.Append(nil, "link", i)) }
	count := func() int {
		links, err := s.Displays.Links()
		must(t, err)
		return len(links)
	}
	for i := range store.MaxDisplayLinks + 1 {
		must(t, s.Displays.AddLink(store.DisplayLink{Token: token(i), ExpiresAt: now.Add(time.Duration(i+1) * time.Minute)}, now))
	}
	if n := count(); n != store.MaxDisplayLinks {
		t.Errorf("%d links, want %d", n, store.MaxDisplayLinks)
	}
	must(t, s.Displays.UseLink(token(3), displayCalled("a")))
	for i, what := range map[int]string{0: "the oldest, which made room", 3: "one that was used"} {
		if err := s.Displays.UseLink(token(i), displayCalled("b")); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	must(t, s.Displays.AddLink(store.DisplayLink{Token: token(99), ExpiresAt: now.Add(time.Hour)}, now.Add(30*time.Minute)))
	if n := count(); n != 1 {
		t.Errorf("%d links after all but one have expired", n)
	}
	if list, err := s.Displays.All(); err != nil || len(list) != 1 || list[0].ID != "a" {
		t.Errorf("displays: %+v, %v", list, err)
	}
}

// A display whose record lost a bit is corrected; one that is damaged further is
// dropped, and the others stay.
func TestDamagedDisplays(t *testing.T) {
	for name, tt := range map[string]struct {
		from, to string
		want     int
	}{
		"one bit":  {"Hall", "Hqll", 2},
		"two bits": {"Hall", "Hgll", 1},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			first := displayCalled("a")
			must(t, s.Displays.Add(first))
			other := displayCalled("b")
			other.Name = "Kitchen"
			must(t, s.Displays.Add(other))
			must(t, s.Close())
			path := filepath.Join(dir, "pickerd.db")
			data, err := os.ReadFile(path)
			must(t, err)
			must(t, os.WriteFile(path, bytes.ReplaceAll(data, []byte(`"name":"`+tt.from), []byte(`"name":"`+tt.to)), 0o600))
			s = open(t, dir)
			list, err := s.Displays.All()
			must(t, err)
			if len(list) != tt.want || tt.want == 2 && list[0] != first {
				t.Errorf("%d displays are left: %+v", len(list), list)
			}
		})
	}
}
