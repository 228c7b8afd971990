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

func TestSweepRetries(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.photos.Fail(pickertest.OpDelete, repeat(12, pickertest.Refuse(503, "UNAVAILABLE", ""))...)
		w.pair()
		w.choose()
		w.untilState(device.Showing)
		w.untilPage("an honest receipt", func(p display.Page) bool { return p.Receipt == "12 photos added." })
		w.restart()
		w.untilClean()
	})
}

// after a lost grant and a new pairing of the same person, one 503 for the old session
func TestSweepAfterNewPairing(t *testing.T) {
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
				t.Errorf("the session is left at Google for three days after one 503")
			}
		}
	})
}

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
			t.Errorf("a person was choosing; the box is now %s, pick %v", s.State, s.Pick)
		}
	})
}

// A session belongs to its client: nothing is left behind where a box is paired
// first one way and then another.
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

// a wrong expireTime (or a box clock that was ahead): the record is forgotten unasked
func TestSweepWithWrongExpiry(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		s := w.pair()
		w.store.Picks.Update(s.Pick.RequestID, func(p *store.Pick) { p.ExpireTime = time.Now().Add(-2 * time.Hour) })
		w.dev.Cancel(t.Context())
		w.until("records gone", func(s device.Status) bool { return s.Sessions == device.Sessions{} })
		if n := len(w.photos.Open()); n > 0 {
			t.Errorf("%d session open at Google, none on record, and a live token", n)
		}
	})
}

// The box's clock is ten days ahead (well within a certificate's life), and one
// 503 comes without a Date: the record is forgotten at once.
func TestSweepWithoutDate(t *testing.T) {
	inWorld(t, options{before: func(w *world) { w.skew(-10 * 24 * time.Hour) }}, func(t *testing.T, w *world) {
		w.pair()
		google := w.net.media()
		var mended atomic.Bool
		w.net.setMedia(roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if r.Method == "DELETE" && !mended.Load() {
				resp, err := respond(503, "", "application/json", unavailable).RoundTrip(r)
				resp.Header.Del("Date")
				return resp, err
			}
			return google.RoundTrip(r)
		}))
		w.choose()
		w.untilState(device.Showing)
		w.pass(time.Minute)
		mended.Store(true)
		w.pass(time.Hour)
		if open := w.photos.Open(); len(open) > 0 {
			t.Errorf("left at Google without a record: %v", open)
		}
	})
}

// A session that nobody can delete any more is forgotten when it has ended, by
// the servers' time, and not before.
func TestSweepExpiredSession(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.auth.RevokeAll()
		w.until("the grant to be lost", func(s device.Status) bool { return s.Account == nil })
		// Another person pairs: under their grant 404 proves nothing.
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
			t.Errorf("%d deletions were tried", n)
		}
		w.pass(26 * time.Hour)
		w.restart()
		w.until("records gone", func(s device.Status) bool { return s.Sessions == device.Sessions{} })
	})
}
