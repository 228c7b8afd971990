package device_test

import (
	"testing"
	"time"

	"pickerd/device"
	"pickerd/oauthdevice/oauthtest"
)

// TestKeepalive checks that a token that nobody uses is refreshed about weekly, and
// that it is tried again once a day after a failure.
func TestKeepalive(t *testing.T) {
	skipShort(t)
	inWorld(t, options{config: func(c *Config) { c.Slideshow.Interval = time.Hour }}, func(t *testing.T, w *world) {
		w.showPhotos()
		w.pass(8 * 24 * time.Hour) // at the end of the first week there is one more
		w.auth.ForgetCalls()
		const weeks = 3
		w.pass(weeks * 7 * 24 * time.Hour)
		var last time.Time
		for _, c := range w.auth.Calls() {
			if gap := c.At.Sub(last); c.Op != oauthtest.OpRefresh || !last.IsZero() && (gap < 5*24*time.Hour || gap > 8*24*time.Hour) {
				t.Errorf("%s after %v", c.Op, gap)
			}
			last = c.At
		}
		if n := countCalls(w, oauthtest.OpRefresh); n < weeks-1 || n > weeks*7/5 {
			t.Errorf("%d refreshes in %d weeks", n, weeks)
		}
		if s := w.dev.Statuses().Get(); s.State != device.Showing || s.Problem != nil {
			t.Errorf("status %+v", s)
		}

		w.auth.ForgetCalls()
		w.auth.Fail(oauthtest.OpRefresh, repeat(1000, refuse(503, ""))...)
		w.pass(9 * 24 * time.Hour)
		if n := countCalls(w, oauthtest.OpRefresh); n < 2 || n > 9 {
			t.Errorf("%d tries in 9 days of failures", n)
		}
		if s := w.dev.Statuses().Get(); s.State != device.Showing || s.Problem != nil || s.Account == nil {
			t.Errorf("status %+v", s)
		}
		w.auth.ClearFaults(oauthtest.OpRefresh)
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.untilState(device.Picking)
	})
}

// TestLossWithoutPick checks that a lost grant is told about a week later at the
// latest, though nobody wants to choose photos, and that the photos stay.
func TestLossWithoutPick(t *testing.T) {
	skipShort(t)
	for name, tt := range map[string]struct {
		after time.Duration
		lose  func(w *world)
		code  string
	}{
		"revoked":         {9 * 24 * time.Hour, func(w *world) { w.auth.RevokeAll() }, "grant_revoked"},
		"reauth required": {24 * time.Hour, func(w *world) { w.auth.RequireReauth() }, "reauth_required"},
		"client deleted":  {24 * time.Hour, func(w *world) { w.auth.RefuseClient(oauthtest.TV, "deleted_client") }, "client_gone"},
		"Testing":         {7 * 24 * time.Hour, func(w *world) { w.auth.RevokeAll() }, "testing_project"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, options{config: func(c *Config) { c.Slideshow.Interval = time.Hour }}, func(t *testing.T, w *world) {
				w.showPhotos()
				w.pass(tt.after)
				tt.lose(w)
				w.pass(8 * 24 * time.Hour)
				s := w.dev.Statuses().Get()
				if s.State != device.Showing || s.Library.Items == 0 || s.Account != nil || s.Problem == nil || s.Problem.Code != tt.code {
					t.Errorf("state %s, problem %+v, account %+v", s.State, s.Problem, s.Account)
				}
				n := countCalls(w, oauthtest.OpRefresh)
				w.pass(2 * 24 * time.Hour)
				if again := countCalls(w, oauthtest.OpRefresh) - n; again != 0 {
					t.Errorf("refreshed %d times after it was lost", again)
				}
			})
		})
	}
}
