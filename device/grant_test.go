package device_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
	"pickerd/store"
)

// TestGrantLost checks that a revoked grant is noticed by the next pick, which asks
// for a new sign-in, and that the photos remain.
func TestGrantLost(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
		w.auth.RevokeAll()
		w.pass(2 * time.Hour)
		if s := w.dev.Statuses().Get(); s.State != device.Showing {
			t.Errorf("state %s before the next pick", s.State)
		}
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.untilCode()
		if err := w.dev.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.until("photos with a notice", func(s device.Status) bool {
			return s.State == device.Showing && s.Problem != nil && s.Problem.Code == "grant_revoked"
		})
		w.restart()
		w.untilProblem("grant_revoked")
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.pair()
		w.choose("item-2")
		w.until("one photo", func(s device.Status) bool { return s.State == device.Showing && s.Library.Items == 1 })
		w.untilClean()
	})
}

// TestScopeLost checks that the box pairs again when the scope is missing during a
// pick.
func TestScopeLost(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		no := answer(403, "application/json", `{"error":{"code":403,"status":"PERMISSION_DENIED","message":"Request had insufficient authentication scopes.","details":[{"reason":"ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]}}`)
		w.photos.Fail(pickertest.OpList, repeat(100000, no)...)
		w.choose()
		ctx, cancel := context.WithTimeout(t.Context(), 6*time.Hour)
		defer cancel()
		for s := range w.dev.Statuses().Watch(ctx) {
			if s.Pairing != nil {
				return
			}
		}
		s := w.dev.Statuses().Get()
		t.Errorf("the box does not pair again: state %s, problem %+v", s.State, s.Problem)
	})
}

// TestKeyLost checks that the loss of the key costs the pairing and not the photos.
func TestKeyLost(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
		w.stop()
		if err := os.Remove(filepath.Join(w.dir, "state.key")); err != nil {
			t.Fatal(err)
		}
		w.start()
		s := w.untilState(device.Showing) // the photos remain
		if s.Problem == nil || s.Problem.Code != "key_lost" || s.Account != nil {
			t.Errorf("status %+v", s)
		}
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.pair()
	})
}

// TestNoRefreshToken checks that the box pairs again when its access token expires
// and the server has given no refresh token.
func TestNoRefreshToken(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		s := w.untilCode()
		w.pass(2 * time.Second)
		w.auth.Approve(s.Pairing.UserCode)
		w.untilState(device.Picking)
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
		g, _ := w.store.Grants.Current()
		w.stop()
		st, _ := store.Open(w.dir, store.Options{})
		// as after an answer without a refresh token
		g.RefreshToken = ""
		_ = st.FinishPairing(*g, &store.Pick{RequestID: "x", GrantID: g.ID, EndReason: "x", CreatedAt: time.Now()})
		st.Close()
		w.start()
		w.pass(3 * time.Hour)
		w.dev.Pick(t.Context())
		for range 600 {
			w.pass(time.Minute)
			if s := w.dev.Statuses().Get(); s.Pairing != nil {
				return
			}
		}
		s = w.dev.Statuses().Get()
		t.Errorf("the box does not pair again: state %s, problem %+v", s.State, s.Problem)
	})
}

// TestRefreshUnnoticed checks that a refresh with a few failures shows no problem.
func TestRefreshUnnoticed(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
		w.pass(5 * time.Hour)
		w.auth.ExpireAccess() // before the time that was announced
		w.auth.Fail(oauthtest.OpRefresh, refuse(500, ""), abort)
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		for p := range w.dev.Pages().Watch(t.Context()) {
			if p.Problem != "" {
				t.Errorf("the page shows %q", p.Problem)
			}
			if p.State == string(device.Picking) {
				break
			}
		}
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
	})
}

// TestCancelDuringRefresh checks that a cancel does not lose a rotated token that
// is still on its way.
func TestCancelDuringRefresh(t *testing.T) {
	inWorld(t, options{auth: oauthtest.Options{RotateRefresh: true}}, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
		w.pass(2 * time.Hour)
		w.net.delayFirst("POST", "/token", 2*time.Second)
		w.dev.Pick(t.Context())
		w.pass(time.Second)
		w.dev.Cancel(t.Context())
		w.dev.Pick(t.Context())
		w.until("session or code", func(s device.Status) bool { return s.State == device.Picking || s.Pairing != nil })
		if s := w.dev.Statuses().Get(); s.Pairing != nil {
			t.Error("the pairing was lost by the cancel")
		}
	})
}

// TestGrantWithoutClient checks grants stored before there were several pairing
// methods. They belong to the device flow's client.
func TestGrantWithoutClient(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
		g, err := w.store.Grants.Current()
		if err != nil {
			t.Fatal(err)
		}
		if err := w.store.Grants.Update(g.ID, func(g *store.Grant) { g.ClientID, g.ClientSecret, g.Method = "", "", "" }); err != nil {
			t.Fatal(err)
		}
		w.auth.ExpireAccess()
		w.restart()
		if err := w.dev.Pick(t.Context()); err != nil { // refreshes with the TV client
			t.Fatal(err)
		}
		w.untilState(device.Picking)
		if err := w.dev.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.untilClean()
		w.auth.ExpireAccess()
		w.setUp = methods(device.ByRelay, device.ByImport)
		w.restart()
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.untilLink(device.ByRelay)
	})
}

// TestClientChange checks that a grant is used with the client it was issued to,
// also after the configuration names another one.
func TestClientChange(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		w.photos.Fail(pickertest.OpDelete, repeat(50, answer(503, "application/json", "{}"))...)
		w.untilState(device.Showing)
		w.auth.ExpireAccess()
		w.setUp = methods(device.ByRelay)
		w.restart()
		w.untilClean()
		if s := w.dev.Statuses().Get(); s.Account == nil || s.Account.Method != device.ByDevice {
			t.Errorf("account %+v", s.Account)
		}
		// The client was deleted at Google.
		w.auth.ExpireAccess()
		w.auth.Fail(oauthtest.OpRefresh, repeat(3, refuse(401, "invalid_client"))...)
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.untilLink(device.ByRelay)
	})
}

// TestTestingProject checks the warning that Google revokes the tokens of a project
// in Testing after seven days.
func TestTestingProject(t *testing.T) {
	skipShort(t)
	t.Parallel()
	for _, tt := range []struct {
		name  string
		after time.Duration
		warns bool
	}{
		{"after a day", 24 * time.Hour, false},
		{"after seven days", 7*24*time.Hour + time.Hour, true},
		{"after a month", 30 * 24 * time.Hour, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, options{config: func(c *Config) { c.Slideshow.Interval = time.Hour }}, func(t *testing.T, w *world) {
				w.pair()
				w.choose()
				w.untilState(device.Showing)
				w.pass(tt.after)
				w.auth.RevokeAll()
				if err := w.dev.Pick(t.Context()); err != nil {
					t.Fatal(err)
				}
				s := w.untilCode()
				warned := s.Problem != nil && s.Problem.Code == "testing_project" && strings.Contains(s.Problem.Remedy, "Publish the project")
				if warned != tt.warns {
					t.Errorf("problem %+v", s.Problem)
				}
				if n := strings.Count(w.log.String(), "is in Testing"); (n == 1) != tt.warns {
					t.Errorf("%d warnings in the log", n)
				}
				w.restart()
				w.pair()
				if s := w.dev.Statuses().Get(); s.Problem != nil {
					t.Errorf("problem after pairing: %+v", s.Problem)
				}
			})
		})
	}
}
