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

// TestRemoveItem checks that single items can be removed, also the last one.
func TestRemoveItem(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.choose("item-1", "item-2")
		w.untilState(device.Showing)
		w.untilClean()
		if err := w.dev.RemoveItem(t.Context(), "item-9"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("removal of an unknown item: %v", err)
		}
		if err := w.dev.RemoveItem(t.Context(), "item-1"); err != nil {
			t.Fatal(err)
		}
		w.until("one item", func(s device.Status) bool { return s.Library.Items == 1 && s.State == device.Showing })
		w.untilPage("slide of one item", func(p display.Page) bool { return p.Slide != nil && len(p.Slide.Media) == 1 })
		if _, _, err := w.dev.OpenItem("item-1"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the file of the removed item: %v", err)
		}
		if err := w.dev.RemoveItem(t.Context(), "item-2"); err != nil {
			t.Fatal(err)
		}
		w.untilState(device.Idle)
		w.restart()
		w.untilState(device.Idle)
	})
}

// TestHideItem checks that hidden items are not shown until they are unhidden or
// picked again.
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
			t.Fatalf("%d photos shown, want 2", n)
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
			t.Errorf("%d photos shown of %+v", len(seen()), s.Library)
		}
		w.restart()
		w.untilState(device.Showing)
		if len(seen()) != 1 {
			t.Error("the hidden photo is shown after a restart")
		}
		hide("item-2", true)
		p := w.untilPage("page without a photo", func(p display.Page) bool { return p.Slide == nil && p.State == string(device.Idle) })
		if p.Title != "All photos are hidden" || p.Label(display.Pick) == "" || p.Label(display.AskForget) == "" {
			t.Errorf("page %+v", p)
		}
		hide("item-2", false)
		w.untilState(device.Showing)
		if err := w.dev.HideItem(t.Context(), "nothing", true); err == nil {
			t.Error("an unknown item can be hidden")
		}
		// An item that is picked again is shown.
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.choose("item-1")
		w.until("the picked item", func(s device.Status) bool {
			return s.State == device.Showing && s.Library == device.Library{Items: 1, Bytes: s.Library.Bytes}
		})
		w.untilClean()
	})
}
