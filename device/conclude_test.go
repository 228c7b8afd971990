package device_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/device/engine"
)

// TestConclude checks that an engine whose guest has left hands on what the next one
// needs, in another process, and that nothing changes on the screen.
func TestConclude(t *testing.T) {
	inWorld(t, options{config: guests}, func(t *testing.T, w *world) {
		w.pairAndChoose("guest@hotel.example")
		if _, err := engine.Conclude(t.Context(), w.dev.engine); !errors.Is(err, device.ErrGuestHere) {
			t.Fatalf("with a guest: %v, want %v", err, device.ErrGuestHere)
		}
		if err := w.dev.Forget(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := w.untilCode()
		page, tally := w.dev.Pages().Get(), w.dev.Tally()
		w.pass(3 * time.Second)

		c, err := engine.Conclude(t.Context(), w.dev.engine)
		if err != nil {
			t.Fatal(err)
		}
		c.Visit = page.Visit
		data, err := json.Marshal(c)
		if err != nil || strings.Contains(string(data), "guest") || strings.Contains(string(data), "IMG_") {
			t.Fatalf("%v: %s", err, data)
		}
		carried := new(device.Carryover)
		if err := json.Unmarshal(data, carried); err != nil {
			t.Fatal(err)
		}
		w.stop()
		w.setUp = func(_ *world, cfg *Config) { cfg.Carried = carried }
		w.start()

		if s := w.dev.Statuses().Get(); s.State != device.Pairing || !s.Since.Equal(before.Since) {
			t.Errorf("at first it is %s since %v, want pairing since %v", s.State, s.Since, before.Since)
		}
		after := w.untilCode()
		if after.Pairing.UserCode != before.Pairing.UserCode || !after.Since.Equal(before.Since) || !reflect.DeepEqual(after.Forgotten, before.Forgotten) {
			t.Errorf("the status was %+v, is %+v", before, after)
		}
		if p := w.dev.Pages().Get(); p.Visit != page.Visit || p.Receipt != page.Receipt || p.Receipt == "" {
			t.Errorf("visit %q, receipt %q; want %q, %q", p.Visit, p.Receipt, page.Visit, page.Receipt)
		}
		now := w.dev.Tally()
		if got, want := now.States[device.Pairing]-tally.States[device.Pairing], 3*time.Second; got.Round(time.Second) != want {
			t.Errorf("another %v of pairing, want %v", got, want)
		}
		now.States, tally.States = nil, nil
		if !reflect.DeepEqual(now, tally) {
			t.Errorf("tally %+v, want %+v", now, tally)
		}
		w.pass(device.ReceiptFor - 2*time.Second) // since the next one has started
		if p := w.dev.Pages().Get(); p.Receipt != page.Receipt {
			t.Errorf("receipt %q is gone, it is %q", page.Receipt, p.Receipt)
		}
		w.pairAndChoose("next@hotel.example")
	})
}

// TestConcludeLate checks that an engine goes on for a guest whose token comes just
// then.
func TestConcludeLate(t *testing.T) {
	inWorld(t, options{config: guests}, func(t *testing.T, w *world) {
		s := w.untilCode()
		w.net.delayFirst("POST", "/token", 2*time.Second)
		w.pass(5 * time.Second) // the next poll is on its way
		w.auth.ApproveAs(s.Pairing.UserCode, "guest@hotel.example")
		for i := 0; w.dev.Statuses().Get().Account == nil && i < 100; i++ {
			if _, err := engine.Conclude(t.Context(), w.dev.engine); err == nil {
				w.stop()
				w.setUp = func(_ *world, cfg *Config) { cfg.Carried = &device.Carryover{} }
				w.start()
			}
			w.pass(time.Second)
		}
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
	})
}
