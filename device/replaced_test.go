package device_test

import (
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/picker/pickertest"
)

// untilReplaced waits until another session than a status's is on the screen.
func (w *world) untilReplaced(old device.Status) device.Status {
	w.t.Helper()
	return w.until("another session", func(s device.Status) bool {
		return s.State == device.Picking && s.Pick.SessionID != old.Pick.SessionID
	})
}

// TestChoosingPastTimeout checks that a pick counts that a person began before
// polling had to stop and completed afterwards, and that no session is left.
func TestChoosingPastTimeout(t *testing.T) {
	skipShort(t)
	tests := map[string]struct {
		timeout time.Duration
		takes   time.Duration // the person, from the code to Done
		photos  bool          // are on the box before
		restart bool          // between
	}{
		"29 minutes":               {timeout: 30 * time.Minute, takes: 29 * time.Minute},
		"45 minutes":               {timeout: 30 * time.Minute, takes: 45 * time.Minute},
		"an hour less a minute":    {timeout: 30 * time.Minute, takes: 59 * time.Minute},
		"10 minutes, short link":   {timeout: 2 * time.Minute, takes: 10 * time.Minute},
		"25 minutes, short link":   {timeout: 2 * time.Minute, takes: 25 * time.Minute},
		"over a restart":           {timeout: 30 * time.Minute, takes: 45 * time.Minute, restart: true},
		"over photos":              {timeout: 30 * time.Minute, takes: 45 * time.Minute, photos: true},
		"over photos, short link":  {timeout: 2 * time.Minute, takes: 20 * time.Minute, photos: true},
		"over photos, and restart": {timeout: 2 * time.Minute, takes: 20 * time.Minute, photos: true, restart: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inWorld(t, options{photos: pickertest.Options{TimeoutIn: tt.timeout}}, func(t *testing.T, w *world) {
				s := w.pair()
				if tt.photos {
					w.choose("item-1")
					w.untilState(device.Showing)
					w.untilClean()
					if err := w.dev.Pick(t.Context()); err != nil {
						t.Fatal(err)
					}
					s = w.untilState(device.Picking)
				}
				began := time.Now()
				w.pass(tt.takes - time.Minute)
				if tt.restart {
					w.restart()
				}
				w.pass(time.Until(began.Add(tt.takes)))
				if err := w.photos.Choose(s.Pick.SessionID); err != nil {
					t.Fatalf("the session was deleted while somebody was choosing: %v", err)
				}
				w.pass(5 * time.Minute)
				if s := w.dev.Statuses().Get(); s.State != device.Showing || s.Library.Items != 12 {
					t.Errorf("the pick is lost: state %s, %d photos", s.State, s.Library.Items)
				}
				w.untilClean()
			})
		})
	}
}

// TestReplacedSession checks the session on the screen and the one before it.
func TestReplacedSession(t *testing.T) {
	skipShort(t)
	t.Run("a minute early, without a gap", func(t *testing.T) {
		inWorld(t, options{}, func(t *testing.T, w *world) {
			s := w.pair()
			end := *s.Pick.ExpiresAt
			for p := range w.dev.Statuses().Watch(t.Context()) {
				if p.State != device.Picking || p.Pick.PickerURI == "" {
					t.Fatalf("state %s without a code", p.State)
				}
				if p.Pick.SessionID != s.Pick.SessionID {
					break
				}
			}
			if left := time.Until(end); left < 30*time.Second || left > time.Minute {
				t.Errorf("replaced %v before the end", left)
			}
			if n := len(w.photos.Open()); n != 2 {
				t.Errorf("%d sessions open, want both", n)
			}
		})
	})
	t.Run("the new one is used", func(t *testing.T) {
		inWorld(t, options{}, func(t *testing.T, w *world) {
			w.untilReplaced(w.pair())
			w.choose()
			w.untilState(device.Showing)
			w.pass(time.Minute)
			if n := len(w.photos.Open()); n != 0 {
				t.Errorf("%d sessions open a minute after Done", n)
			}
			w.untilClean()
		})
	})
	t.Run("cancelled", func(t *testing.T) {
		inWorld(t, options{}, func(t *testing.T, w *world) {
			w.untilReplaced(w.pair())
			if err := w.dev.Cancel(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.pass(time.Minute)
			if n := len(w.photos.Open()); n != 0 {
				t.Errorf("%d sessions open a minute after a cancellation", n)
			}
		})
	})
	t.Run("unpaired", func(t *testing.T) {
		inWorld(t, options{}, func(t *testing.T, w *world) {
			w.untilReplaced(w.pair())
			if err := w.dev.Unpair(t.Context(), true); err != nil {
				t.Fatal(err)
			}
			w.pass(time.Minute)
			if n := len(w.photos.Open()); n != 0 {
				t.Errorf("%d sessions open a minute after unpairing", n)
			}
		})
	})
	t.Run("half an hour more", func(t *testing.T) {
		inWorld(t, options{}, func(t *testing.T, w *world) {
			first := w.pair()
			w.untilReplaced(first)
			w.pass(29 * time.Minute)
			if !slices.Contains(w.photos.Open(), first.Pick.SessionID) {
				t.Error("deleted after less than half an hour")
			}
			w.pass(3 * time.Minute)
			if slices.Contains(w.photos.Open(), first.Pick.SessionID) {
				t.Error("open after more than half an hour")
			}
		})
	})
	t.Run("no other can be made", func(t *testing.T) {
		inWorld(t, options{}, func(t *testing.T, w *world) {
			first := w.pair()
			w.pass(20 * time.Minute)
			w.photos.Fail(pickertest.OpCreate, repeat(20, pickertest.Refuse(503, "UNAVAILABLE", ""))...)
			w.pass(9*time.Minute + 45*time.Second)
			if s := w.dev.Statuses().Get(); s.State != device.Picking || s.Pick.SessionID != first.Pick.SessionID {
				t.Errorf("state %s, %+v: the code is good for 15 seconds more", s.State, s.Pick)
			}
			if err := w.photos.Choose(first.Pick.SessionID); err != nil {
				t.Fatal(err)
			}
			w.untilState(device.Showing)
			w.photos.ClearFaults(pickertest.OpCreate)
			w.untilClean()
		})
	})
	t.Run("room for few sessions", func(t *testing.T) {
		inWorld(t, options{photos: pickertest.Options{TimeoutIn: 2 * time.Minute, MaxSessions: 3}}, func(t *testing.T, w *world) {
			w.pair()
			w.pass(20 * time.Minute)
			if d := longestExpired(w, 20*time.Minute); d > 0 {
				t.Errorf("an expired code was on the screen for %v", d)
			}
			w.choose()
			w.untilState(device.Showing)
			w.untilClean()
		})
	})
	t.Run("gone at Google", func(t *testing.T) {
		inWorld(t, options{}, func(t *testing.T, w *world) {
			first := w.pair()
			second := w.untilReplaced(first)
			w.photos.LoseSession(first.Pick.SessionID)
			w.pass(time.Minute)
			if s := w.dev.Statuses().Get(); s.State != device.Picking || s.Pick.SessionID != second.Pick.SessionID || s.Sessions.Open != 1 {
				t.Errorf("state %s, sessions %+v", s.State, s.Sessions)
			}
			w.choose()
			w.untilState(device.Showing)
			w.untilClean()
		})
	})
	t.Run("polled without an answer", func(t *testing.T) {
		inWorld(t, options{}, func(t *testing.T, w *world) {
			first := w.pair()
			w.untilReplaced(first)
			w.pass(20 * time.Minute)
			if err := w.photos.Choose(first.Pick.SessionID); err != nil {
				t.Fatal(err)
			}
			w.photos.Fail(pickertest.OpGet, repeat(20, func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(503) })...)
			w.untilState(device.Showing)
			w.untilClean()
		})
	})
}

// TestReplacedSessionOfAnother checks that what one person chose is fetched after
// another one, who is choosing meanwhile.
func TestReplacedSessionOfAnother(t *testing.T) {
	inWorld(t, options{config: twoAccounts, photos: pickertest.Options{TimeoutIn: 2 * time.Minute}}, func(t *testing.T, w *world) {
		w.pairAndChoose("anna@example.org", "item-1")
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		first := w.untilState(device.Picking)
		w.until("photos", func(s device.Status) bool { return s.State == device.Showing })
		if err := w.dev.PickAs(t.Context(), device.NewAccount); err != nil {
			t.Fatal(err)
		}
		s := w.untilCode()
		if !w.auth.ApproveAs(s.Pairing.UserCode, "ben@example.org") {
			t.Fatal("the code on the screen is not valid")
		}
		w.untilState(device.Picking)
		if err := w.photos.Choose(first.Pick.SessionID, "item-2"); err != nil {
			t.Fatal(err)
		}
		w.pass(20 * time.Second)
		var requests atomic.Int32
		w.photos.FailItem("item-3", func(rw http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			select {
			case <-time.After(30 * time.Second):
				pickertest.ServeOriginal(rw, pickertest.PlainPhotos(3)[2])
			case <-r.Context().Done():
			}
		})
		w.choose("item-3")
		w.untilState(device.Showing)
		if n := requests.Load(); n != 1 {
			t.Errorf("what Ben chose was requested %d times while Anna's pick waited", n)
		}
		w.until("the photos of both", func(s device.Status) bool { return s.State == device.Showing && s.Library.Items == 3 })
		w.untilClean()
	})
}

// TestNeverCreatedSession checks that a pick is not counted as to be deleted of which
// Google has not heard.
func TestNeverCreatedSession(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
		w.pass(2 * time.Hour) // the token expires
		w.net.cut()
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.untilState(device.Opening)
		w.pass(time.Minute)
		if s := w.dev.Statuses().Get(); s.Sessions != (device.Sessions{}) {
			t.Errorf("sessions %+v before a cancellation", s.Sessions)
		}
		done := make(chan bool)
		go func() { // a status may come and go
			defer close(done)
			for s := range w.dev.Statuses().Watch(t.Context()) {
				if s.Sessions.PendingDeletion > 0 {
					t.Errorf("sessions %+v", s.Sessions)
				}
				if s.State == device.Showing && s.Pick == nil {
					return
				}
			}
		}()
		if err := w.dev.Cancel(t.Context()); err != nil {
			t.Error(err)
		}
		<-done
	})
}
