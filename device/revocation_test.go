package device_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
)

// pairAndUnpair pairs the box, calls before, and unpairs everywhere.
func pairAndUnpair(t *testing.T, w *world, before func()) {
	t.Helper()
	w.pair()
	before()
	if err := w.dev.Unpair(t.Context(), true); err != nil {
		t.Fatal(err)
	}
}

// TestRevocationBeforePairing checks that the box does not pair again before the
// revocation has ended. A revocation affects all tokens of a person, also new ones.
func TestRevocationBeforePairing(t *testing.T) {
	t.Run("after an outage", func(t *testing.T) {
		inWorld(t, options{}, func(t *testing.T, w *world) {
			w.pair()
			w.net.cut()
			if err := w.dev.Unpair(t.Context(), true); err != nil {
				t.Fatal(err)
			}
			w.pass(30 * time.Minute)
			w.net.mend()
			w.pair()
			w.pass(2 * time.Hour)
			if s := w.dev.Statuses().Get(); s.Account == nil || s.Problem != nil || countCalls(w, oauthtest.OpRevoke) != 1 {
				t.Errorf("got %+v and %d revocations", s, countCalls(w, oauthtest.OpRevoke))
			}
		})
	})
	t.Run("sessions not deleted", func(t *testing.T) {
		inWorld(t, options{}, func(t *testing.T, w *world) {
			w.pair()
			w.photos.Fail(pickertest.OpDelete, repeat(12, answer(503, "application/json", "{}"))...)
			if err := w.dev.Unpair(t.Context(), true); err != nil {
				t.Fatal(err)
			}
			if s := w.untilProblem("forgetting"); s.Pairing != nil {
				t.Errorf("pairing %+v", s.Pairing)
			}
			w.pair()
			w.pass(time.Hour)
			if s := w.dev.Statuses().Get(); s.Account == nil {
				t.Errorf("status %+v", s)
			}
		})
	})
	t.Run("revocation answered by a proxy", func(t *testing.T) {
		inWorld(t, options{}, func(t *testing.T, w *world) {
			w.pair()
			w.auth.Fail(oauthtest.OpRevoke, repeat(1000, answer(404, "text/html", "<html>"))...)
			if err := w.dev.Unpair(t.Context(), true); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			w.untilCode()
			if waited := time.Since(began); waited < maxRevokeWait || waited > 2*maxRevokeWait {
				t.Errorf("code after %v, want %v to twice that", waited, maxRevokeWait)
			}
		})
	})
}

// TestNewestTokenRevoked checks that the newest of rotated tokens is revoked.
func TestNewestTokenRevoked(t *testing.T) {
	inWorld(t, options{auth: oauthtest.Options{RotateRefresh: true}}, func(t *testing.T, w *world) {
		w.pair()
		w.net.cut()
		w.pass(2 * time.Hour) // the access token expires
		if err := w.dev.Unpair(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		var revoked, onDisk string
		w.net.hook(func(r *http.Request) error {
			if r.URL.Path != "/revoke" {
				return nil
			}
			body, err := r.GetBody()
			if err != nil {
				return err
			}
			data, err := io.ReadAll(body)
			if err != nil {
				return err
			}
			form, err := url.ParseQuery(string(data))
			revoked = form.Get("token")
			if grants, gerr := w.store.Grants.All(); gerr == nil && len(grants) == 1 {
				onDisk = grants[0].RefreshToken
			}
			return err
		}, nil)
		w.until("revocation", func(s device.Status) bool { return s.Outstanding == nil && s.Account == nil })
		if revoked == "" || revoked != onDisk || countCalls(w, oauthtest.OpRefresh) == 0 {
			t.Errorf("newest token revoked: %v, after %d refreshes", revoked == onDisk, countCalls(w, oauthtest.OpRefresh))
		}
	})
}

// TestRevocationRefused checks that the receipt reports a refused revocation.
func TestRevocationRefused(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.auth.Fail(oauthtest.OpRevoke, refuse(400, "unsupported_token_type"))
		if err := w.dev.Unpair(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		w.until("code after the revocation", func(s device.Status) bool { return s.Outstanding == nil && s.Pairing != nil })
		if r := w.dev.Pages().Get().Receipt; !strings.Contains(r, "did not withdraw") {
			t.Errorf("receipt %q", r)
		}
	})
}

// TestRevocationAfterOutage checks that an outage does not count against the limit
// for failures of the server after it.
func TestRevocationAfterOutage(t *testing.T) {
	skipShort(t)
	inWorld(t, options{}, func(t *testing.T, w *world) {
		pairAndUnpair(t, w, w.net.cut)
		s := w.untilProblem("no_network")
		w.pass(24 * time.Hour)
		if n := strings.Count(w.log.String(), "\n"); n > 100 {
			t.Errorf("%d lines in the log after a day, problem %+v", n, s.Problem)
		}
		w.auth.Fail(oauthtest.OpRevoke, answer(503, "application/json", "{}"))
		w.net.mend()
		w.untilCode()
		if n := countCalls(w, oauthtest.OpRevoke); n != 2 || strings.Contains(w.log.String(), "refuses to revoke") {
			t.Errorf("%d requests, want 2", n)
		}
	})
}

// TestRevocationTimeout checks that a revocation that keeps failing delays the next
// pairing for a limited time.
func TestRevocationTimeout(t *testing.T) {
	for name, before := range map[string]func(w *world){
		"endpoint unreachable": func(w *world) {
			w.net.hook(func(r *http.Request) error {
				if r.URL.Path == "/revoke" {
					return oauthtest.ErrConnection
				}
				return nil
			}, nil)
		},
		"session not deleted": func(w *world) {
			w.photos.Fail(pickertest.OpDelete, repeat(1000, pickertest.Refuse(403, "PERMISSION_DENIED", "no"))...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, options{}, func(t *testing.T, w *world) {
				pairAndUnpair(t, w, func() { before(w) })
				began := time.Now()
				w.untilCode()
				if waited := time.Since(began); waited < maxRevokeWait || waited > 2*maxRevokeWait {
					t.Errorf("code after %v, want %v to twice that", waited, maxRevokeWait)
				}
				if revoked := countCalls(w, oauthtest.OpRevoke) == 1; revoked != strings.Contains(name, "session") {
					t.Errorf("revoked: %v", revoked)
				}
				w.pair()
			})
		})
	}
}

// TestRevocationAfterUnpair checks that an account unpaired locally can be revoked
// afterwards.
func TestRevocationAfterUnpair(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.net.cut()
		for _, everywhere := range []bool{false, true} {
			if err := w.dev.Unpair(t.Context(), everywhere); err != nil {
				t.Fatal(err)
			}
		}
		w.net.mend()
		w.until("code after the revocation", func(s device.Status) bool { return s.Outstanding == nil && s.Pairing != nil })
		if n := countCalls(w, oauthtest.OpRevoke); n != 1 {
			t.Errorf("%d revocations", n)
		}
	})
	t.Run("with a code on the screen", func(t *testing.T) {
		inWorld(t, options{}, func(t *testing.T, w *world) {
			w.pair()
			w.photos.Fail(pickertest.OpDelete, repeat(5, answer(503, "application/json", "{}"))...)
			if err := w.dev.Unpair(t.Context(), false); err != nil {
				t.Fatal(err)
			}
			s := w.untilCode()
			if err := w.dev.Unpair(t.Context(), true); err != nil {
				t.Fatal(err)
			}
			w.auth.Approve(s.Pairing.UserCode) // too late, the code is replaced
			w.until("new code", func(n device.Status) bool { return n.Pairing != nil && n.Pairing.UserCode != s.Pairing.UserCode })
			w.pair()
			w.pass(time.Hour)
			if s := w.dev.Statuses().Get(); s.Account == nil || countCalls(w, oauthtest.OpRevoke) != 1 {
				t.Errorf("got %+v and %d revocations", s.Account, countCalls(w, oauthtest.OpRevoke))
			}
		})
	})
}

// TestRevocationOfOneAccount checks that unpairing everywhere revokes only the
// current account, and not one unpaired locally before.
func TestRevocationOfOneAccount(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.photos.Fail(pickertest.OpDelete, repeat(6, answer(503, "application/json", "{}"))...)
		if err := w.dev.Unpair(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		w.untilCode()
		w.pair()
		if err := w.dev.Unpair(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		w.until("code after the revocation", func(s device.Status) bool { return s.Pairing != nil && s.Outstanding == nil })
		if n := countCalls(w, oauthtest.OpRevoke); n != 1 {
			t.Errorf("%d revocations", n)
		}
	})
}

// TestListenerClosedDuringRevocation checks that the listener for phones is closed
// while no link may be shown.
func TestListenerClosedDuringRevocation(t *testing.T) {
	inWorld(t, options{setUp: methods(device.ByRelay)}, func(t *testing.T, w *world) {
		_, v := w.untilLink(device.ByRelay)
		if _, err := w.dev.Redirected(t.Context(), w.consent(v)); err != nil {
			t.Fatal(err)
		}
		w.untilState(device.Picking)
		w.photos.Fail(pickertest.OpDelete, repeat(1000, answer(503, "application/json", "{}"))...)
		if err := w.dev.Unpair(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		w.untilLink(device.ByRelay)
		if err := w.dev.Unpair(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		w.pass(maxRevokeWait / 2)
		if s := w.dev.Statuses().Get(); w.phones.isOpen() || s.Pairing != nil {
			t.Errorf("phone listener open: %v; pairing %+v", w.phones.isOpen(), s.Pairing)
		}
	})
}
