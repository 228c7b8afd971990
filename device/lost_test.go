package device_test

import (
	"strings"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
)

// showPhotos pairs the box and picks photos.
func (w *world) showPhotos() {
	w.t.Helper()
	w.pair()
	w.choose()
	w.untilState(device.Showing)
	w.untilClean()
}

const insufficientScopes = `{"error":{"code":403,"status":"PERMISSION_DENIED","message":"Request had insufficient authentication scopes.","details":[{"reason":"ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]}}`

// TestLossReason checks that the pairing screen says why the last pairing was lost,
// also after a restart, until somebody pairs again, and that the photos stay.
func TestLossReason(t *testing.T) {
	for name, tt := range map[string]struct {
		lose   func(w *world)
		code   string
		remedy string
		log    string
	}{
		"revoked": {func(w *world) { w.auth.RevokeAll() }, "grant_revoked", "Google account", "invalid_grant (Token has been expired or revoked.)"},
		"reauth required": {func(w *world) { w.auth.RequireReauth(); w.auth.ExpireAccess(); w.pass(2 * time.Hour) },
			"reauth_required", "again", "invalid_grant, invalid_rapt (reauth related error (invalid_rapt))"},
		"client deleted": {func(w *world) { w.auth.RefuseClient(oauthtest.TV, "deleted_client"); w.auth.ExpireAccess() },
			"client_gone", "deleted or disabled", "deleted_client (The OAuth client was deleted.)"},
		"client disabled": {func(w *world) { w.auth.RefuseClient(oauthtest.TV, "disabled_client"); w.auth.ExpireAccess() },
			"client_gone", "deleted or disabled", "disabled_client (The OAuth client was disabled.)"},
		"scope missing": {func(w *world) {
			w.photos.Fail(pickertest.OpCreate, answer(403, "application/json", insufficientScopes))
		}, "scope_missing", "permission", "insufficient authentication scopes"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, options{setUp: methods(device.ByDevice, device.ByRelay)}, func(t *testing.T, w *world) {
				w.showPhotos()
				tt.lose(w)
				if err := w.dev.Pick(t.Context()); err != nil {
					t.Fatal(err)
				}
				for _, when := range []string{"at once", "after a minute", "after a restart"} {
					s := w.until("code with the reason "+when, func(s device.Status) bool { return s.Pairing != nil && s.Problem != nil })
					if s.Problem.Code != tt.code || !strings.Contains(s.Problem.Remedy, tt.remedy) || s.Library.Items == 0 {
						t.Errorf("%s: problem %+v, %d photos", when, s.Problem, s.Library.Items)
					}
					if p := w.dev.Pages().Get(); !strings.Contains(p.Problem, s.Problem.Message) {
						t.Errorf("%s: the page says %q", when, p.Problem)
					}
					if when == "at once" {
						w.pass(time.Minute)
						continue
					}
					w.restart()
					if err := w.dev.Pick(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				if !strings.Contains(w.log.String(), tt.log) {
					t.Errorf("the log lacks %q", tt.log)
				}
				if s := w.dev.Statuses().Get(); s.Pairing.Method == device.ByRelay {
					_, v := w.untilLink(device.ByRelay)
					if _, err := w.dev.Redirected(t.Context(), w.consent(v)); err != nil {
						t.Error(err)
					}
				} else {
					w.auth.Approve(s.Pairing.UserCode)
				}
				if s := w.untilState(device.Picking); s.Problem != nil {
					t.Errorf("problem after pairing: %+v", s.Problem)
				}
			})
		})
	}
}

// TestClientGone checks that the second way in is used when the client of the
// first one was deleted, by the grant too.
func TestClientGone(t *testing.T) {
	inWorld(t, options{setUp: methods(device.ByDevice, device.ByRelay)}, func(t *testing.T, w *world) {
		w.showPhotos()
		w.auth.RefuseClient(oauthtest.TV, "deleted_client")
		w.pass(2 * time.Hour)
		w.auth.ForgetCalls()
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.untilLink(device.ByRelay)
		s := w.dev.Statuses().Get()
		if len(s.Refused) != 1 || s.Refused[0].Error != "deleted_client" || s.Account != nil || s.Library.Items == 0 {
			t.Errorf("status %+v", s)
		}
		w.pass(24 * time.Hour)
		if n := countCalls(w, oauthtest.OpRefresh); n != 1 {
			t.Errorf("%d refreshes with a client that is gone", n)
		}
	})
}

// TestForgottenGrantLost checks that the loss of a token that somebody has
// forgotten is no news to the next person.
func TestForgottenGrantLost(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.auth.RevokeAll()
		w.auth.ExpireAccess()
		if err := w.dev.Unpair(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Hour)
		if s := w.untilCode(); s.Problem != nil {
			t.Errorf("problem %+v", s.Problem)
		}
	})
}
