package device_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
)

// forgetEverywhere pairs, and wants to be forgotten with the network as it is
// after before.
func forgetEverywhere(t *testing.T, w *world, before func()) {
	t.Helper()
	w.pair()
	before()
	if err := w.dev.Unpair(t.Context(), true); err != nil {
		t.Fatal(err)
	}
}

// An outage does not use up the patience for a server that stumbles after it.
func TestRevocationSurvivesAHiccup(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		forgetEverywhere(t, w, w.net.cut)
		s := w.untilProblem("no_network") // that is what somebody has to look at
		w.pass(24 * time.Hour)
		if n := strings.Count(w.log.String(), "\n"); n > 100 {
			t.Errorf("%d lines in the log after a day, problem %+v", n, s.Problem)
		}
		w.auth.Fail(oauthtest.OpRevoke, answer(503, "application/json", "{}"))
		w.net.mend()
		w.until("a code", func(s device.Status) bool { return s.Pairing != nil })
		if n := count(w, oauthtest.OpRevoke); n != 2 || strings.Contains(w.log.String(), "refuses to revoke") {
			t.Errorf("%d requests", n)
		}
	})
}

// Nobody waits for ever for a revocation that can't happen.
func TestRevocationThatCannotHappen(t *testing.T) {
	for name, before := range map[string]func(w *world){
		"its endpoint is silent": func(w *world) {
			w.net.hook(func(r *http.Request) error {
				if r.URL.Path == "/revoke" {
					return oauthtest.ErrConnection
				}
				return nil
			}, nil)
		},
		"a session can't be deleted": func(w *world) {
			w.photos.Fail(pickertest.OpDelete, repeat(1000, pickertest.Refuse(403, "PERMISSION_DENIED", "no"))...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, options{}, func(t *testing.T, w *world) {
				forgetEverywhere(t, w, func() { before(w) })
				began := time.Now()
				w.until("a code", func(s device.Status) bool { return s.Pairing != nil })
				if waited := time.Since(began); waited < giveUpRevoking || waited > 2*giveUpRevoking {
					t.Errorf("waited %v", waited)
				}
				if revoked := count(w, oauthtest.OpRevoke) == 1; revoked != strings.Contains(name, "session") {
					t.Errorf("revoked: %v", revoked)
				}
				w.pair()
			})
		})
	}
}

// Everywhere is said for oneself.
func TestEverywhereIsNotForOthers(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.photos.Fail(pickertest.OpDelete, repeat(6, answer(503, "application/json", "{}"))...)
		if err := w.dev.Unpair(t.Context(), false); err != nil { // somebody leaves
			t.Fatal(err)
		}
		w.until("a code", func(s device.Status) bool { return s.Pairing != nil })
		w.pair() // somebody else comes
		if err := w.dev.Unpair(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		w.until("a code", func(s device.Status) bool { return s.Pairing != nil && s.Outstanding == nil })
		if n := count(w, oauthtest.OpRevoke); n != 1 {
			t.Errorf("%d revocations", n)
		}
	})
}

// The door is shut while no link may be shown.
func TestTheDoorIsShutWhileForgetting(t *testing.T) {
	inWorld(t, options{ways: methods(device.ByRelay)}, func(t *testing.T, w *world) {
		_, v := w.untilLink(device.ByRelay)
		if _, err := w.dev.Redirected(t.Context(), w.allowed(v)); err != nil {
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
		w.pass(giveUpRevoking / 2)
		if s := w.dev.Statuses().Get(); w.phones.isOpen() || s.Pairing != nil {
			t.Errorf("open %v, %+v", w.phones.isOpen(), s.Pairing)
		}
	})
}

// Somebody forgets while a code is traded in: nobody is paired after that.
func TestForgettingDuringASignIn(t *testing.T) {
	inWorld(t, options{ways: methods(device.ByRelay)}, func(t *testing.T, w *world) {
		_, v := w.untilLink(device.ByRelay)
		good := w.allowed(v)
		w.auth.Fail(oauthtest.OpExchange, repeat(3, refuse(503, ""))...)
		go w.dev.Redirected(t.Context(), good)
		w.pass(time.Second)
		if err := w.dev.Unpair(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Hour)
		if s := w.dev.Statuses().Get(); s.Account != nil || s.Pairing == nil {
			t.Errorf("%+v", s)
		}
	})
}
