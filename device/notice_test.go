package device_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/display"
	"pickerd/picker/pickertest"
)

// TestNoticeEnds checks that a notice is not shown any longer than until what it is
// about has succeeded, or was given up.
func TestNoticeEnds(t *testing.T) {
	noProblem := func(t *testing.T, s device.Status) {
		t.Helper()
		if s.Problem != nil {
			t.Errorf("in state %s: %+v", s.State, s.Problem)
		}
	}
	deny := func(w *world) {
		w.auth.Deny(w.untilCode().Pairing.UserCode)
		w.untilProblem("denied")
	}
	t.Run("declined, then signed in", func(t *testing.T) {
		inWorld(t, options{}, func(t *testing.T, w *world) {
			deny(w)
			noProblem(t, w.pair())
		})
	})
	t.Run("declined, then cancelled", func(t *testing.T) {
		inWorld(t, options{config: twoAccounts}, func(t *testing.T, w *world) {
			w.pairAndChoose("anna", "item-1")
			if err := w.dev.PickAs(t.Context(), device.NewAccount); err != nil {
				t.Fatal(err)
			}
			deny(w)
			if err := w.dev.Cancel(t.Context()); err != nil {
				t.Fatal(err)
			}
			noProblem(t, w.untilState(device.Showing))
		})
	})
	t.Run("declined, then another account chooses", func(t *testing.T) {
		inWorld(t, options{config: twoAccounts}, func(t *testing.T, w *world) {
			w.pairAndChoose("anna", "item-1")
			if err := w.dev.PickAs(t.Context(), device.NewAccount); err != nil {
				t.Fatal(err)
			}
			deny(w)
			if err := w.dev.PickAs(t.Context(), w.accountID("anna@example.org")); err != nil {
				t.Fatal(err)
			}
			noProblem(t, w.untilState(device.Picking))
		})
	})
	t.Run("no Google Photos account, then one", func(t *testing.T) {
		inWorld(t, options{}, func(t *testing.T, w *world) {
			w.photos.Fail(pickertest.OpCreate, repeat(4, pickertest.Refuse(400, "FAILED_PRECONDITION", ""))...)
			w.auth.Approve(w.untilCode().Pairing.UserCode)
			w.untilProblem("no_photos_account")
			noProblem(t, w.untilState(device.Picking))
		})
	})
	t.Run("photos lost, then another pick", func(t *testing.T) {
		inWorld(t, options{}, func(t *testing.T, w *world) {
			w.photos.Fail(pickertest.OpList, repeat(50, answer(200, "application/json", `{"nextPageToken":"again"}`))...)
			w.pair()
			w.choose()
			w.untilProblem("photos_lost")
			if err := w.dev.Pick(t.Context()); err != nil {
				t.Fatal(err)
			}
			noProblem(t, w.untilState(device.Picking))
		})
	})
	t.Run("no answer, then photos", func(t *testing.T) {
		inWorld(t, options{items: pickertest.PlainPhotos(40)}, func(t *testing.T, w *world) {
			w.photos.Fail(pickertest.OpList, repeat(6, pickertest.Refuse(503, "UNAVAILABLE", ""))...)
			slow := func(w http.ResponseWriter, r *http.Request) {
				select {
				case <-time.After(10 * time.Minute):
				case <-r.Context().Done():
				}
			}
			w.pair()
			w.photos.FailItem("item-40", slow)
			w.choose()
			w.untilProblem("server_trouble")
			p := w.untilPage("most photos", func(p display.Page) bool { return p.Progress != nil && p.Progress.Done >= 39 })
			if p.Problem != "" {
				t.Errorf("%q over %+v", strings.TrimSpace(p.Problem), p.Progress)
			}
		})
	})
}
