package device_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/picker/pickertest"
)

// TestSessionMadeAtConsent checks a pick whose requestId is taken by a session that
// Google made when the person consented. It may be read, or only be deleted.
func TestSessionMadeAtConsent(t *testing.T) {
	unavailable := pickertest.Refuse(503, "UNAVAILABLE", "")
	missing := pickertest.Refuse(404, "NOT_FOUND", "")
	tests := map[string]struct {
		mode    int
		fail    map[string][]http.HandlerFunc
		adopted bool
	}{
		"readable":                    {mode: pickertest.MadeAtConsent, adopted: true},
		"readable after a 503":        {mode: pickertest.MadeAtConsent, fail: map[string][]http.HandlerFunc{pickertest.OpGet: {unavailable}}, adopted: true},
		"hidden":                      {mode: pickertest.MadeAtConsentHidden},
		"hidden by 404":               {mode: pickertest.MadeAtConsent, fail: map[string][]http.HandlerFunc{pickertest.OpGet: {missing}}},
		"hidden, deleted after a 503": {mode: pickertest.MadeAtConsentHidden, fail: map[string][]http.HandlerFunc{pickertest.OpDelete: {unavailable, unavailable}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inWorld(t, options{photos: pickertest.Options{RepeatedRequest: tt.mode}}, func(t *testing.T, w *world) {
				for op, answers := range tt.fail {
					w.photos.Fail(op, answers...)
				}
				s := w.pair()
				first := w.photos.Sessions()[0]
				if adopted := s.Pick.SessionID == first.ID; adopted != tt.adopted {
					t.Errorf("session %s on the screen, %s was made at consent", s.Pick.SessionID, first.ID)
				}
				if !tt.adopted {
					w.pass(time.Minute)
					if slices.Contains(w.photos.Open(), first.ID) {
						t.Error("the session made at consent is open after a minute")
					}
				}
				w.choose()
				w.untilState(device.Showing)
				w.untilClean()
			})
		})
	}
}

// TestSweepMadeAtConsent checks that the sweeper deletes a session made at consent
// that the box was told nothing of but that its requestId is taken.
func TestSweepMadeAtConsent(t *testing.T) {
	for name, mode := range map[string]int{"readable": pickertest.MadeAtConsent, "hidden": pickertest.MadeAtConsentHidden} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, options{photos: pickertest.Options{RepeatedRequest: mode}}, func(t *testing.T, w *world) {
				s := w.untilCode()
				w.net.delayFirst("POST", "/v1/sessions", 2*time.Second)
				w.auth.Approve(s.Pairing.UserCode)
				w.untilState(device.Opening)
				w.pass(time.Second)
				w.net.cut()
				w.pass(time.Minute)
				w.dev.Unpair(t.Context(), false)
				w.net.mend()
				w.untilClean()
				sessions := w.photos.Sessions()
				if len(sessions) == 0 || !sessions[0].Deleted {
					t.Errorf("sessions %+v", sessions)
				}
			})
		})
	}
}
