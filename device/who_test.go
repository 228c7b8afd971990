package device_test

import (
	"testing"

	"pickerd/device"
	"pickerd/display"
)

// TestWhoIsAnswered checks that the screen stops asking who is choosing when another
// program has said so.
func TestWhoIsAnswered(t *testing.T) {
	inWorld(t, options{config: twoAccounts}, func(t *testing.T, w *world) {
		w.pairAndChoose("anna", "item-1")
		if err := w.dev.PickAs(t.Context(), device.NewAccount); err != nil {
			t.Fatal(err)
		}
		w.pairAndChoose("ben", "item-2")
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.untilPage("question", func(p display.Page) bool { return p.Menu != nil && p.Menu.Title == "Who is choosing?" })
		if err := w.dev.PickAs(t.Context(), w.accountID("anna@example.org")); err != nil {
			t.Fatal(err)
		}
		w.untilState(device.Picking)
		if p := w.dev.Pages().Get(); p.Menu != nil || p.QR == "" {
			t.Errorf("%q is over the code", p.Menu.Title)
		}
		w.choose("item-3")
		w.untilState(device.Showing)
		w.untilClean()
	})
}
