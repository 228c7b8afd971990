package screen_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"pickerd/device"
	"pickerd/device/screen"
	"pickerd/display"
)

// choose takes a line of the menu, as a browser does.
func choose(t *testing.T, s *screen.Screen, id string) {
	t.Helper()
	if err := s.Choose(t.Context(), id); err != nil {
		t.Fatalf("%s: %v", id, err)
	}
}

// The menu offers the collections that there are and names for new ones, and asks who
// is choosing where several people are paired.
func TestCollectionsMenu(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &household{}
		var snapshots display.Board[device.Snapshot]
		snap := device.Snapshot{Seq: 1, State: device.Idle, Accounts: []device.AccountStatus{{ID: "a", Email: "a@example.org"}}, Collections: []device.Collection{{ID: "c1", Name: "Garden"}, {ID: "c2", Name: "family"}}}
		snapshots.Set(snap)
		s := h.screen(func(c *screen.Config) {
			c.Displays, c.Snapshots = nil, &snapshots
			c.Collections = func() ([]device.Collection, error) { return nil, nil }
		})
		open := func() {
			t.Helper()
			if err := s.Press(t.Context(), screen.KeyMenu); err != nil {
				t.Fatal(err)
			}
			choose(t, s, "collections")
		}
		open()
		if got, want := plain(lines(s)), []string{"[Garden]", "family", "Friends", "Children", "Travel", "Christmas", "Back"}; !slices.Equal(got, want) {
			t.Errorf("the menu has %q, want %q", got, want)
		}
		choose(t, s, "suggestion-5")
		snap.Seq, snap.Accounts = 2, append(snap.Accounts, device.AccountStatus{ID: "b", Email: "b@example.org"})
		for i := range 20 {
			snap.Collections = append(snap.Collections, device.Collection{ID: string(rune('A' + i)), Name: string(rune('a' + i))})
		}
		snapshots.Set(snap)
		open()
		choose(t, s, "more")
		choose(t, s, "more")
		choose(t, s, "more")
		if got := plain(lines(s)); len(got) != 6 || got[5] != "Back" {
			t.Errorf("the end of the list is %q", got)
		}
		s.Press(t.Context(), screen.KeyMenu)
		open()
		choose(t, s, "collection-c1")
		if got := plain(lines(s)); !slices.Equal(got, []string{"[a@example.org]", "b@example.org", "Back"}) {
			t.Errorf("asked who is choosing: %q", got)
		}
		choose(t, s, "b")
		want := []display.Wish{{Verb: display.Pick, Collection: "Christmas"}, {Verb: display.Pick, Account: "b", Collection: "c1"}}
		if !slices.Equal(h.asked, want) {
			t.Errorf("asked for %+v, want %+v", h.asked, want)
		}
		snap.Seq, snap.State, snap.Pick = 3, device.Picking, &device.Pick{RequestID: "r", PickerURI: "https://photos.test/1", Collection: "c1"}
		snapshots.Set(snap)
		s.Press(t.Context(), screen.KeyMenu)
		if p := s.Pages().Get(); p.Title != "Choose photos for “Garden”" || s.Statuses().Get().Pick.Collection != "c1" {
			t.Errorf("the page says %q, the status %+v", p.Title, s.Statuses().Get().Pick)
		}
	})
}

// Nobody is asked who is choosing for a collection that can't be. The menu says why.
func TestRefusedCollection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &household{}
		var snapshots display.Board[device.Snapshot]
		snapshots.Set(device.Snapshot{Seq: 1, State: device.Idle, Accounts: []device.AccountStatus{{ID: "a"}, {ID: "b"}}})
		refused := map[string]error{"a\nb": device.ErrCollectionName, "One more": device.ErrManyCollections, "Family": device.ErrManyCollections}
		s := h.screen(func(c *screen.Config) {
			c.Displays, c.Snapshots = nil, &snapshots
			c.Collections = func() ([]device.Collection, error) { return nil, nil }
			c.CheckCollection = func(name string) error { return refused[name] }
		})
		for name, want := range refused {
			if err := s.Do(t.Context(), display.Wish{Verb: display.Pick, Collection: name}); !errors.Is(err, want) || lines(s) != nil {
				t.Errorf("%q: %v, the menu has %q", name, err, lines(s))
			}
		}
		if err := s.Press(t.Context(), screen.KeyMenu); err != nil {
			t.Fatal(err)
		}
		choose(t, s, "collections")
		if err := s.Choose(t.Context(), "suggestion-1"); !errors.Is(err, device.ErrManyCollections) {
			t.Error(err)
		}
		if m := s.Pages().Get().Menu; m == nil || m.Text != "There are 50 collections already. Delete one first." {
			t.Errorf("the menu is %+v", m)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		defer func() { cancel(); <-done }()
		if err := s.Press(t.Context(), screen.KeyOK); err != nil { // the first line, which is refused again
			t.Fatal(err)
		}
		if synctest.Wait(); s.Pages().Get().Menu == nil || s.Pages().Get().Menu.Text == "" {
			t.Errorf("by key: %+v", s.Pages().Get().Menu)
		}
		choose(t, s, "suggestion-2")
		if got := plain(lines(s)); len(got) < 2 || got[1] != "Person 2" {
			t.Errorf("asked who is choosing: %q", got)
		}
	})
}
