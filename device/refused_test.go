package device_test

import (
	"net/http"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/picker/pickertest"
	"pickerd/store"
)

// TestRefusedSession checks for how long a session is asked for that Google refuses,
// and that another one follows.
func TestRefusedSession(t *testing.T) {
	skipShort(t)
	const day = 24 * time.Hour
	denied := pickertest.Refuse(403, "PERMISSION_DENIED", "The caller does not have permission.")
	disabled := pickertest.Refuse(403, "PERMISSION_DENIED", "", map[string]any{"reason": "SERVICE_DISABLED"})
	tests := map[string]struct {
		op       string
		refusal  http.HandlerFunc
		restarts bool          // twice a day
		unknown  bool          // expireTime
		life     time.Duration // of sessions; 0 means 7 days
		after    time.Duration // from the first refusal until the session is given up; 0 for never
	}{
		"denied":                       {op: pickertest.OpGet, refusal: denied, after: day},
		"denied over restarts":         {op: pickertest.OpGet, refusal: denied, restarts: true, after: day},
		"invalid":                      {op: pickertest.OpGet, refusal: pickertest.Refuse(400, "INVALID_ARGUMENT", ""), after: day},
		"list denied":                  {op: pickertest.OpList, refusal: denied, after: day},
		"list denied over restarts":    {op: pickertest.OpList, refusal: denied, restarts: true, after: day},
		"API disabled, until it ends":  {op: pickertest.OpGet, refusal: disabled, life: 2 * day, after: 2 * day},
		"API disabled, end unknown":    {op: pickertest.OpGet, refusal: disabled, unknown: true, after: 7 * day},
		"list unavailable until ended": {op: pickertest.OpList, refusal: pickertest.Refuse(503, "UNAVAILABLE", ""), life: 2 * day, after: 2 * day},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inWorld(t, options{photos: pickertest.Options{SessionLife: tt.life}}, func(t *testing.T, w *world) {
				first := w.pair()
				if tt.unknown {
					if err := w.store.Picks.Update(first.Pick.RequestID, func(p *store.Pick) { p.ExpireTime = time.Time{} }); err != nil {
						t.Fatal(err)
					}
				}
				w.photos.Change(func(o *pickertest.Options) { o.Answers = map[string]http.HandlerFunc{tt.op: tt.refusal} })
				if tt.op == pickertest.OpList {
					w.choose()
				}
				began, given := time.Now(), time.Duration(0)
				for given == 0 && time.Since(began) < tt.after+day {
					w.pass(time.Hour)
					if tt.restarts && time.Since(began)%(12*time.Hour) == 0 {
						w.restart()
						w.pass(time.Minute)
						began = began.Add(time.Minute)
					}
					if s := w.dev.Statuses().Get(); s.Pick == nil || s.Pick.SessionID != first.Pick.SessionID {
						given = time.Since(began)
					}
				}
				if given < tt.after-time.Hour || given > tt.after+3*time.Hour {
					t.Errorf("given up after %v, want %v", given, tt.after)
				}
				w.photos.Change(func(o *pickertest.Options) { o.Answers = nil })
				if s := w.dev.Statuses().Get(); s.State == device.Idle {
					if err := w.dev.Pick(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				w.choose()
				w.untilState(device.Showing)
				w.untilClean()
			})
		})
	}
}

// TestRefusalsInterrupted checks that a session survives refusals of a day that are
// not the same, or that a good answer interrupts.
func TestRefusalsInterrupted(t *testing.T) {
	skipShort(t)
	denied := pickertest.Refuse(403, "PERMISSION_DENIED", "")
	for name, other := range map[string]http.HandlerFunc{"good answer": nil, "another refusal": pickertest.Refuse(400, "INVALID_ARGUMENT", "")} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, options{}, func(t *testing.T, w *world) {
				first := w.pair()
				for range 4 {
					w.photos.Change(func(o *pickertest.Options) { o.Answers = map[string]http.HandlerFunc{pickertest.OpGet: denied} })
					w.pass(20 * time.Hour)
					w.photos.Change(func(o *pickertest.Options) {
						o.Answers = map[string]http.HandlerFunc{pickertest.OpGet: other}
						if other == nil {
							o.Answers = nil
						}
					})
					w.photos.Extend(first.Pick.SessionID, 48*time.Hour)
					w.pass(2 * time.Minute)
				}
				if s := w.dev.Statuses().Get(); s.Pick == nil || s.Pick.SessionID != first.Pick.SessionID {
					t.Errorf("the session was given up: %+v", s.Pick)
				}
			})
		})
	}
}
