package device_test

import (
	"errors"
	"io/fs"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/display"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
)

func TestWholeLife(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		s := w.until("a code", func(s device.Status) bool { return s.Pairing != nil })
		page := w.dev.Pages().Get()
		if page.QR != s.Pairing.VerificationURI+"?user_code="+s.Pairing.UserCode {
			t.Errorf("the QR holds %q", page.QR)
		}
		if page.Code != s.Pairing.UserCode || page.Link != s.Pairing.VerificationURI || page.Until.IsZero() {
			t.Errorf("code, address or countdown is missing beside the QR: %+v", page)
		}
		requestID, name := w.auth.State()
		if name != "Living room" {
			t.Errorf("displayName is %q", name)
		}
		w.auth.Approve(s.Pairing.UserCode)
		s = w.untilState(device.Picking)
		if s.Pick.RequestID != requestID {
			t.Errorf("the session's requestId %s is not the one of the state, %s", s.Pick.RequestID, requestID)
		}
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
		if got := w.dev.Statuses().Get().Library.Items; got != 12 {
			t.Errorf("%d photos, want 12", got)
		}
		w.untilPage("the receipt", func(p display.Page) bool {
			return p.Receipt == "12 photos added. Access to your selection in Google Photos has ended."
		})
		w.untilPage("the receipt to go", func(p display.Page) bool { return p.Receipt == "" && p.Slide != nil })

		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		second := w.untilState(device.Picking)
		if second.Pick.RequestID == requestID {
			t.Error("the second pick has the first one's requestId")
		}
		w.choose("item-3", "item-1")
		w.untilState(device.Showing)
		w.untilClean()
		photos, err := w.store.Photos.Collection()
		if err != nil {
			t.Fatal(err)
		}
		if len(photos) != 2 || photos[0].ID != "item-3" || photos[1].ID != "item-1" {
			t.Errorf("the collection after a replacing pick: %+v", photos)
		}
		for _, s := range w.photos.Sessions() {
			if !s.Deleted {
				t.Errorf("session %s was not deleted", s.ID)
			}
		}
	})
}

func (w *world) untilPage(what string, ok func(display.Page) bool) display.Page {
	w.t.Helper()
	until := time.Now().Add(24 * time.Hour)
	var last display.Page
	for p := range w.dev.Pages().Watch(w.t.Context()) {
		if last = p; ok(p) {
			return p
		}
		if time.Now().After(until) {
			break
		}
	}
	w.t.Fatalf("waited in vain for %s; page %+v", what, last)
	return last
}

func TestOptions(t *testing.T) {
	tests := map[string]options{
		"standard names and complete link": {auth: oauthtest.Options{StandardNames: true, CompleteLink: true}},
		"quoted numbers, no interval":      {auth: oauthtest.Options{QuotedNumbers: true, OmitInterval: true}},
		"pending as 400, short groups":     {auth: oauthtest.Options{PendingStatus: 400, ShortGroups: true}},
		"pending as 403":                   {auth: oauthtest.Options{PendingStatus: 403}},
		"rotating refresh token":           {auth: oauthtest.Options{RotateRefresh: true, TokenLife: 90 * time.Second}},
		"refresh token repeated":           {auth: oauthtest.Options{RepeatRefresh: true, TokenLife: 90 * time.Second}},
		"no mediaItemsSet, no polling":     {photos: pickertest.Options{OmitFalse: true, OmitPolling: true}},
		"fractional durations":             {photos: pickertest.Options{PollInterval: "3.5s", TimeoutIn: 1799*time.Second + 123456789}},
		"no timeoutIn":                     {photos: pickertest.Options{OmitTimeout: true}},
		"empty and short pages":            {photos: pickertest.Options{EmptyPage: true, PageLimit: 5}},
		"numbers as strings":               {photos: pickertest.Options{StringNumbers: true}},
	}
	for name, o := range tests {
		t.Run(name, func(t *testing.T) {
			inWorld(t, o, func(t *testing.T, w *world) {
				w.pair()
				w.pass(3 * time.Minute) // the person looks at their photos
				w.choose()
				if s := w.untilState(device.Showing); s.Library.Items != 12 {
					t.Errorf("%d photos, want 12", s.Library.Items)
				}
				w.untilClean()
			})
		})
	}
}

// What is counted is what happened.
func TestTally(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.choose("item-1", "item-2")
		w.untilState(device.Showing)
		w.untilClean()
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.untilState(device.Picking)
		w.pass(time.Minute)
		if err := w.dev.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.untilClean()
		got := w.dev.Tally()
		if got.Pairings[device.Attempt{device.ByDevice, "started"}] != 1 || got.Pairings[device.Attempt{device.ByDevice, "paired"}] != 1 {
			t.Errorf("pairings: %v", got.Pairings)
		}
		if len(got.Picks) != 2 || got.Picks["done"] != 1 || got.Picks["cancelled"] != 1 || got.Deletions["deleted"] != 2 {
			t.Errorf("picks %v, deletions %v", got.Picks, got.Deletions)
		}
		if got.Items["fetched"] != 2 || got.Items["failed"] != 0 || got.Bytes == 0 {
			t.Errorf("items %v, %d bytes", got.Items, got.Bytes)
		}
		if s := got.States[device.Picking]; s < time.Minute {
			t.Errorf("it was picking for %v", s)
		}
	})
}

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
