package device_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
)

// TestRepeatedRequestID checks that a lost answer to the creation of a session
// leaves no session open.
func TestRepeatedRequestID(t *testing.T) {
	for name, mode := range map[string]int{"same session": pickertest.SameSession, "conflict": pickertest.Conflict} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, options{photos: pickertest.Options{RepeatedRequest: mode}}, func(t *testing.T, w *world) {
				var lost atomic.Bool
				w.net.hook(nil, func(r *http.Request) error {
					if r.URL.Path == "/v1/sessions" && !lost.Swap(true) {
						// the session was created, but the answer is lost
						return oauthtest.ErrConnection
					}
					return nil
				})
				w.pair()
				w.choose()
				w.untilState(device.Showing)
				w.until("removal of all records", func(s device.Status) bool { return s.Sessions == device.Sessions{} })
				if open := w.photos.Open(); mode == pickertest.SameSession && len(open) > 0 {
					t.Errorf("%d sessions left open", len(open))
				}
			})
		})
	}
}

// TestUnusedSessions checks sessions in which nothing is picked.
func TestUnusedSessions(t *testing.T) {
	skipShort(t)
	t.Run("replaced while there are no photos", func(t *testing.T) {
		inWorld(t, options{photos: pickertest.Options{TimeoutIn: 10 * time.Minute}}, func(t *testing.T, w *world) {
			first := w.pair()
			seen := map[string]bool{}
			w.until("fourth session", func(s device.Status) bool {
				if s.State == device.Picking {
					seen[s.Pick.SessionID] = true
				}
				return len(seen) == 4
			})
			w.pass(5 * time.Minute)
			if open := w.photos.Open(); len(open) != 4 || open[0] != first.Pick.SessionID {
				t.Errorf("open sessions %v", open)
			}
			w.pass(2 * time.Hour)
			if open := w.photos.Open(); len(open) > 5 {
				t.Errorf("open sessions %v", open)
			}
			w.choose()
			w.untilState(device.Showing)
			w.untilClean()
		})
	})
	t.Run("dropped at Google", func(t *testing.T) {
		inWorld(t, options{}, func(t *testing.T, w *world) {
			s := w.pair()
			w.photos.LoseSession(s.Pick.SessionID)
			w.until("new session", func(n device.Status) bool {
				return n.State == device.Picking && n.Pick.SessionID != s.Pick.SessionID
			})
			w.choose()
			w.untilState(device.Showing)
			w.untilClean()
		})
	})
	t.Run("timeoutIn 0", func(t *testing.T) {
		inWorld(t, options{photos: pickertest.Options{ZeroTimeout: true}}, func(t *testing.T, w *world) {
			w.pair()
			w.pass(10 * time.Minute)
			if n := len(w.photos.Sessions()); n > 60 {
				t.Errorf("%d sessions in ten minutes", n)
			}
			if n := len(w.photos.Open()); n > 1+maxReplaced {
				t.Errorf("%d sessions open", n)
			}
		})
	})
	t.Run("photos return", func(t *testing.T) {
		inWorld(t, options{}, func(t *testing.T, w *world) {
			w.pair()
			w.choose()
			w.untilState(device.Showing)
			if err := w.dev.Pick(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.untilState(device.Picking)
			w.untilState(device.Showing)
			w.untilClean()
			if n := len(w.photos.Sessions()); n != 1+maxUnused {
				t.Errorf("%d sessions, want %d", n, 1+maxUnused)
			}
		})
	})
	t.Run("bad durations", func(t *testing.T) {
		for _, bad := range []string{"-1s", "1e99s", "abc", "5"} {
			inWorld(t, options{photos: pickertest.Options{PollInterval: bad}}, func(t *testing.T, w *world) {
				w.pair()
				w.pass(time.Minute)
				w.choose()
				w.untilState(device.Showing)
				w.untilClean()
				if !strings.Contains(w.log.String(), "pollInterval") {
					t.Error("the log does not name pollInterval")
				}
				var gaps []time.Duration
				var last time.Time
				for _, c := range w.photos.Calls() {
					if c.Op == pickertest.OpGet {
						if !last.IsZero() {
							gaps = append(gaps, c.At.Sub(last))
						}
						last = c.At
					}
				}
				for _, g := range gaps {
					if g < 5*time.Second {
						t.Errorf("pollInterval %q: polled after %v", bad, g)
					}
				}
			})
		}
	})
}

// TestExpiredPickerQR checks that no expired link to the picker stays on the
// screen.
func TestExpiredPickerQR(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.pass(28 * time.Minute)
		w.photos.Fail(pickertest.OpGet, func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Retry-After", "600")
			rw.WriteHeader(429)
		})
		if d := longestExpired(w, 20*time.Minute); d > 0 {
			t.Errorf("an expired QR code was on the screen for %v", d)
		}
	})
}

// TestCancelDuringCreate checks that a cancel during the creation of a session
// leaves no session open.
func TestCancelDuringCreate(t *testing.T) {
	for name, mode := range map[string]int{"conflict": pickertest.Conflict, "new session": pickertest.NewSession} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, options{photos: pickertest.Options{RepeatedRequest: mode}}, func(t *testing.T, w *world) {
				w.pair()
				w.choose()
				w.untilState(device.Showing)
				w.untilClean()
				w.net.delayFirst("POST", "/v1/sessions", 2*time.Second)
				w.dev.Pick(t.Context())
				w.pass(time.Second)
				w.dev.Cancel(t.Context())
				w.until("removal of all records", func(s device.Status) bool { return s.Sessions == device.Sessions{} })
				w.pass(time.Hour)
				if n := len(w.photos.Open()); n > 0 {
					t.Errorf("%d sessions left open", n)
				}
			})
		})
	}
}

// TestRestartDuringCreate checks that a restart during the creation of a session
// leaves no session open, although the repeated request is refused.
func TestRestartDuringCreate(t *testing.T) {
	inWorld(t, options{photos: pickertest.Options{RepeatedRequest: pickertest.Conflict}}, func(t *testing.T, w *world) {
		s := w.untilCode()
		w.net.delayFirst("POST", "/v1/sessions", 2*time.Second)
		w.auth.Approve(s.Pairing.UserCode)
		w.untilState(device.Opening)
		w.pass(time.Second)
		w.restart()
		w.choose()
		w.untilState(device.Showing)
		w.pass(time.Hour)
		if n := len(w.photos.Open()); n > 0 {
			t.Errorf("%d sessions left open after a restart", n)
		}
	})
}
