package device_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/display"
	"pickerd/picker/pickertest"
	"pickerd/store"
)

// TestSweepRetries checks that failed deletions are retried, also after a restart.
func TestSweepRetries(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.photos.Fail(pickertest.OpDelete, repeat(12, pickertest.Refuse(503, "UNAVAILABLE", ""))...)
		w.pair()
		w.choose()
		w.untilState(device.Showing)
		w.untilPage("receipt that does not claim the deletion", func(p display.Page) bool { return p.Receipt == "12 photos added." })
		w.restart()
		w.untilClean()
	})
}

// TestSweepAfterNewPairing checks that the session of a lost grant is deleted with
// the next grant of the same person, also after one 503.
func TestSweepAfterNewPairing(t *testing.T) {
	skipShort(t)
	inWorld(t, options{}, func(t *testing.T, w *world) {
		first := w.pair()
		w.auth.RevokeAll()
		s := w.untilCode()
		w.photos.Fail(pickertest.OpDelete, pickertest.Refuse(503, "UNAVAILABLE", ""))
		w.auth.Approve(s.Pairing.UserCode)
		w.choose()
		w.untilState(device.Showing)
		w.pass(3 * 24 * time.Hour)
		for _, id := range w.photos.Open() {
			if id == first.Pick.SessionID {
				t.Errorf("the session is open three days after one 503")
			}
		}
	})
}

// TestSweeperFindsGrantLost checks that the box pairs again when the sweeper is the
// first to notice that the grant was revoked during a pick.
func TestSweeperFindsGrantLost(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.photos.Fail(pickertest.OpDelete, repeat(5, pickertest.Refuse(503, "UNAVAILABLE", ""))...)
		w.choose()
		w.untilState(device.Showing)
		w.dev.Pick(t.Context())
		w.untilState(device.Picking)
		w.photos.Fail(pickertest.OpGet, repeat(200, pickertest.Refuse(503, "UNAVAILABLE", ""))...)
		w.auth.RevokeAll()
		w.pass(10 * time.Minute)
		if s := w.dev.Statuses().Get(); s.State != device.Pairing {
			t.Errorf("state %s, pick %v; want pairing", s.State, s.Pick)
		}
	})
}

// TestSweepAfterMethodChange checks that a session is deleted with the client that
// created it after the box was paired by another method.
func TestSweepAfterMethodChange(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.photos.Fail(pickertest.OpDelete, repeat(100, answer(503, "application/json", "{}"))...)
		w.pair()
		if err := w.dev.Unpair(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		w.setUp = methods(device.ByRelay)
		w.restart()
		_, v := w.untilLink(device.ByRelay)
		if _, err := w.dev.Redirected(t.Context(), w.consent(v)); err != nil {
			t.Fatal(err)
		}
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
	})
}

// TestSweepWithWrongExpiry checks that a record with a wrong expireTime is not
// removed before the session was deleted.
func TestSweepWithWrongExpiry(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		s := w.pair()
		w.store.Picks.Update(s.Pick.RequestID, func(p *store.Pick) { p.ExpireTime = time.Now().Add(-2 * time.Hour) })
		w.dev.Cancel(t.Context())
		w.until("removal of all records", func(s device.Status) bool { return s.Sessions == device.Sessions{} })
		if n := len(w.photos.Open()); n > 0 {
			t.Errorf("%d sessions open without a record", n)
		}
	})
}

// TestSweepWithoutDate checks that an answer without a Date does not remove a
// record while the box's clock is ten days ahead, which certificates allow.
func TestSweepWithoutDate(t *testing.T) {
	inWorld(t, options{before: func(w *world) { w.skew(-10 * 24 * time.Hour) }}, func(t *testing.T, w *world) {
		w.pair()
		inner := w.net.media()
		var mended atomic.Bool
		w.net.setMedia(roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if r.Method == "DELETE" && !mended.Load() {
				resp, err := respond(503, "", "application/json", unavailable).RoundTrip(r)
				resp.Header.Del("Date")
				return resp, err
			}
			return inner.RoundTrip(r)
		}))
		w.choose()
		w.untilState(device.Showing)
		w.pass(time.Minute)
		mended.Store(true)
		w.pass(time.Hour)
		if open := w.photos.Open(); len(open) > 0 {
			t.Errorf("sessions open without a record: %v", open)
		}
	})
}

// TestSweepExpiredSession checks that the record of a session that cannot be
// deleted is removed when the session has expired by the servers' time, and not
// before.
func TestSweepExpiredSession(t *testing.T) {
	skipShort(t)
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.auth.RevokeAll()
		w.until("loss of the grant", func(s device.Status) bool { return s.Account == nil })
		// Another person pairs. With their grant a 404 proves nothing.
		w.photos.Change(func(o *pickertest.Options) {
			o.Check = func(access string) (string, string) {
				_, problem := w.auth.Check(access)
				return "another person", problem
			}
		})
		w.pair()
		w.choose()
		w.untilState(device.Showing)
		w.pass(6 * 24 * time.Hour)
		if s := w.dev.Statuses().Get(); s.Sessions.PendingDeletion != 1 {
			t.Errorf("after six days: %+v", s.Sessions)
		}
		if n := countPickerCalls(w, pickertest.OpDelete); n > 5 {
			t.Errorf("%d deletions requested, want at most 5", n)
		}
		w.pass(26 * time.Hour)
		w.restart()
		w.until("removal of all records", func(s device.Status) bool { return s.Sessions == device.Sessions{} })
	})
}
