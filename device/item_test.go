package device_test

import (
	"errors"
	"io/fs"
	"slices"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/display"
)

// Single items can be removed; with the last one there is nothing to show.
func TestRemoveItem(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.choose("item-1", "item-2")
		w.untilState(device.Showing)
		w.untilClean()
		if err := w.dev.RemoveItem(t.Context(), "item-9"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("one that is not here: %v", err)
		}
		if err := w.dev.RemoveItem(t.Context(), "item-1"); err != nil {
			t.Fatal(err)
		}
		w.until("one is left", func(s device.Status) bool { return s.Library.Items == 1 && s.State == device.Showing })
		w.untilPage("it is on the screen", func(p display.Page) bool { return p.Slide != nil && len(p.Slide.Media) == 1 })
		if _, _, err := w.dev.OpenItem("item-1"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("its file is there: %v", err)
		}
		if err := w.dev.RemoveItem(t.Context(), "item-2"); err != nil {
			t.Fatal(err)
		}
		w.untilState(device.Idle)
		w.restart()
		w.untilState(device.Idle)
	})
}

func TestHideItem(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.choose("item-1", "item-2")
		w.untilState(device.Showing)
		w.untilClean()
		seen := func() []string {
			var all []string
			for range 4 {
				p := w.dev.Pages().Get()
				if p.Slide != nil {
					all = append(all, p.Slide.Media[0].File)
				}
				w.pass(defaultInterval + time.Second)
			}
			slices.Sort(all)
			return slices.Compact(all)
		}
		if n := len(seen()); n != 2 {
			t.Fatalf("%d photos are shown", n)
		}
		hide := func(id string, hidden bool) {
			t.Helper()
			if err := w.dev.HideItem(t.Context(), id, hidden); err != nil {
				t.Fatal(err)
			}
			w.pass(time.Second)
		}
		hide("item-1", true)
		if s := w.dev.Statuses().Get(); len(seen()) != 1 || s.Library.Items != 2 || s.Library.Hidden != 1 {
			t.Errorf("%d are shown of %+v", len(seen()), s.Library)
		}
		w.restart()
		w.untilState(device.Showing)
		if len(seen()) != 1 {
			t.Error("after a power cut it is shown again")
		}
		hide("item-2", true)
		p := w.untilPage("no photo", func(p display.Page) bool { return p.Slide == nil && p.State == string(device.Idle) })
		if p.Title != "All photos are hidden" || p.Label(display.Pick) == "" || p.Label(display.AskForget) == "" {
			t.Errorf("%+v", p)
		}
		hide("item-2", false)
		w.untilState(device.Showing)
		if err := w.dev.HideItem(t.Context(), "nothing", true); err == nil {
			t.Error("what is not there can be hidden")
		}
		// Who chooses it again wants to see it.
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.choose("item-1")
		w.until("it", func(s device.Status) bool {
			return s.State == device.Showing && s.Library == device.Library{Items: 1, Bytes: s.Library.Bytes}
		})
		w.untilClean()
	})
}
