package device_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/display"
)

// pickFor starts a pick for a collection.
func (w *world) pickFor(collection string) {
	w.t.Helper()
	if err := w.dev.do(w.t.Context(), display.Wish{Verb: display.Pick, Collection: collection}); err != nil {
		w.t.Fatal(err)
	}
}

// checkIn compares the IDs of the items in a collection.
func (w *world) checkIn(collection string, want ...string) {
	w.t.Helper()
	list, err := w.dev.ItemsIn(collection)
	if err != nil {
		w.t.Fatal(err)
	}
	var ids []string
	for _, i := range list {
		ids = append(ids, i.ID)
	}
	if !slices.Equal(ids, want) {
		w.t.Errorf("items in %q: %v, want %v", collection, ids, want)
	}
}

// The collection of a pick is kept over pairing, a lost grant, a restart and a new
// session in place of one that timed out. A replacing pick leaves the others alone.
func TestPickForCollection(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		code := w.untilCode()
		w.pickFor("Christmas")
		w.restart() // the code on the screen is another one, or the same
		if code = w.untilCode(); !w.auth.Approve(code.Pairing.UserCode) {
			t.Fatal("the code on the screen is not valid")
		}
		first := w.untilState(device.Picking)
		w.restart()
		w.untilReplaced(first) // polling of it has to stop
		w.choose("item-1", "item-2")
		w.untilState(device.Showing)
		w.untilClean()
		w.checkIn("christmas", "item-1", "item-2")
		w.checkIn("default")

		w.pickFor("Family")
		first = w.untilState(device.Picking)
		w.pass(45 * time.Minute)
		if err := w.photos.Choose(first.Pick.SessionID, "item-2", "item-3"); err != nil { // the session has left the screen
			t.Fatal(err)
		}
		w.until("items of both", func(s device.Status) bool { return s.Library.Items == 3 })
		w.untilClean()
		w.checkIn("Family", "item-2", "item-3")

		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.choose("item-4")
		w.until("4 items", func(s device.Status) bool { return s.Library.Items == 4 })
		w.untilClean()
		w.pickFor("Family")
		first = w.untilState(device.Picking)
		w.photos.LoseSession(first.Pick.SessionID)
		w.untilReplaced(first)
		w.choose("item-1")
		w.until("a replaced collection", func(s device.Status) bool { return s.Library.Items == 3 && s.State == device.Showing })
		w.untilClean()
		w.checkIn("Family", "item-1")
		w.checkIn("Christmas", "item-1", "item-2")
		w.checkIn("default", "item-4")
		if strings.Contains(w.log.String(), "Christmas") || strings.Contains(w.log.String(), "Family") {
			t.Error("the name of a collection is in the log")
		}
	})
}

func TestChangeCollections(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.choose("item-1")
		w.untilState(device.Showing)
		w.pickFor("Family")
		w.choose("item-1", "item-2")
		w.until("2 items", func(s device.Status) bool { return s.Library.Items == 2 })
		w.untilClean()
		list, err := w.dev.Collections()
		if err != nil || len(list) != 2 || list[0].ID != device.DefaultCollection || list[1].Name != "Family" || list[1].Items != 2 {
			t.Fatalf("collections %+v, %v", list, err)
		}
		id := list[1].ID
		for name, tt := range map[string]struct {
			wish display.Wish
			want error
		}{
			"no name":    {display.Wish{Verb: display.RenameCollection, Collection: id, Name: " "}, device.ErrCollectionName},
			"unknown":    {display.Wish{Verb: display.RenameCollection, Collection: "unknown", Name: "a"}, device.ErrNoCollection},
			"default":    {display.Wish{Verb: display.RemoveCollection, Collection: device.DefaultCollection}, device.ErrNoCollection},
			"a bad name": {display.Wish{Verb: display.Pick, Collection: "a\nb"}, device.ErrCollectionName},
			"renamed":    {display.Wish{Verb: display.RenameCollection, Collection: id, Name: "We"}, nil},
		} {
			if err := w.dev.do(t.Context(), tt.wish); !errors.Is(err, tt.want) {
				t.Errorf("%s: %v, want %v", name, err, tt.want)
			}
		}
		w.checkIn("We", "item-1", "item-2")
		if err := w.dev.do(t.Context(), display.Wish{Verb: display.RemoveCollection, Collection: id}); err != nil {
			t.Error(err)
		}
		w.checkCollection("item-1")
	})
	inWorld(t, options{config: guests}, func(t *testing.T, w *world) {
		w.untilCode()
		if err := w.dev.do(t.Context(), display.Wish{Verb: display.Pick, Collection: "Family"}); !errors.Is(err, device.ErrNoCollections) {
			t.Errorf("a guest's collection: %v", err)
		}
	})
}

// A name that somebody chose and went back from leaves no collection, also after a
// restart. One that is being picked for stays.
func TestAbandonedCollection(t *testing.T) {
	inWorld(t, options{config: twoAccounts}, func(t *testing.T, w *world) {
		names := func() (list []string) {
			all, err := w.dev.Collections()
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range all[1:] {
				list = append(list, c.Name)
			}
			return list
		}
		check := func(when string, want ...string) {
			t.Helper()
			w.pass(time.Second)
			if got := names(); !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", when, got, want)
			}
		}
		w.pair()
		w.choose("item-1")
		w.untilState(device.Showing)
		w.pickFor("Family")
		w.choose("item-2")
		w.until("2 items", func(s device.Status) bool { return s.Library.Items == 2 })
		w.untilClean()
		w.pickFor("Cancelled")
		w.untilState(device.Picking)
		check("choosing", "Cancelled", "Family")
		if err := w.dev.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		check("cancelled", "Family")
		w.pickFor("Timed out")
		w.untilState(device.Picking)
		w.restart()
		check("restarted", "Family", "Timed out")
		w.pass(3 * time.Hour)
		w.untilState(device.Showing)
		check("timed out", "Family")
		if err := w.dev.do(t.Context(), display.Wish{Verb: display.Pick, Collection: "Paired", Account: device.NewAccount}); err != nil {
			t.Fatal(err)
		}
		w.untilState(device.Pairing)
		check("pairing", "Family", "Paired")
		if err := w.dev.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		check("pairing cancelled", "Family")
		w.checkIn("Family", "item-2")
	})
}
