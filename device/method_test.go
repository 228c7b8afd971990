package device_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/display"
	"pickerd/oauthdevice/oauthtest"
)

// TestScopeRefused checks that the box uses the relay when the device flow refuses
// the picker's scope, without a notice, and that one scan leads to the picker.
func TestScopeRefused(t *testing.T) {
	o := options{auth: oauthtest.Options{RefuseScope: true}, setUp: methods(device.ByDevice, device.ByRelay)}
	inWorld(t, o, func(t *testing.T, w *world) {
		_, v := w.untilLink(device.ByRelay)
		s := w.dev.Statuses().Get()
		if len(s.Refused) != 1 || s.Refused[0].Method != device.ByDevice || s.Refused[0].Error != "invalid_scope" || !strings.Contains(s.Refused[0].Reason, "photospicker") {
			t.Errorf("refused methods %+v", s.Refused)
		}
		if s.Problem != nil {
			t.Errorf("problem %+v", s.Problem)
		}
		if !strings.Contains(w.log.String(), "Invalid device flow scope") {
			t.Error("the log lacks the reason")
		}
		link, err := w.dev.Redirected(t.Context(), w.consent(v))
		if err != nil {
			t.Fatal(err)
		}
		s = w.untilState(device.Picking)
		if link != s.Pick.PickerURI || s.Account == nil || s.Account.Method != device.ByRelay {
			t.Errorf("the phone is redirected to %q, the screen shows %q; account %+v", link, s.Pick.PickerURI, s.Account)
		}
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()

		// The refusal is remembered over a restart.
		if err := w.dev.Unpair(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		w.restart()
		w.untilLink(device.ByRelay)
		if n := countCalls(w, oauthtest.OpCode); n != 1 {
			t.Errorf("%d requests for a code", n)
		}
		w.config = func(c *Config) { c.OAuth.Scopes = append(c.OAuth.Scopes, "email") }
		w.restart()
		w.untilLink(device.ByRelay)
		if n := countCalls(w, oauthtest.OpCode); n != 2 {
			t.Errorf("%d requests for a code after a change of the configuration", n)
		}
	})
}

// TestWrongClientType checks that the next method is used when the server refuses
// the type of the client.
func TestWrongClientType(t *testing.T) {
	for _, op := range []string{oauthtest.OpCode, oauthtest.OpPoll} {
		o := options{auth: oauthtest.Options{WrongType: op}, setUp: methods(device.ByDevice, device.ByPaste)}
		inWorld(t, o, func(t *testing.T, w *world) {
			_, v := w.untilLink(device.ByPaste)
			if !v.Paste || w.dev.Statuses().Get().Refused[0].Error != "invalid_client" {
				t.Errorf("visit %+v", v)
			}
			if _, err := w.dev.Redirected(t.Context(), w.consent(v)); err != nil {
				t.Error(err)
			}
			w.untilState(device.Picking)
		})
	}
}

// TestAllMethodsRefused checks that the box is blocked when all methods are
// refused, names the others, and asks again now and then.
func TestAllMethodsRefused(t *testing.T) {
	inWorld(t, options{auth: oauthtest.Options{RefuseScope: true, RefuseCodeScope: true}, setUp: methods(device.ByDevice, device.ByRelay)}, func(t *testing.T, w *world) {
		_, v := w.untilLink(device.ByRelay)
		_, err := w.dev.Redirected(t.Context(), w.consent(v))
		if p, ok := errors.AsType[*device.Problem](err); !ok || p.Code != "scope_refused" {
			t.Errorf("error on the phone: %v", err)
		}
		s := w.untilState(device.Blocked)
		others := strings.Join(s.Problem.Ways, "\n")
		if !strings.Contains(s.Problem.Message, "Web application") || !strings.Contains(s.Problem.Message, "photospicker.mediaitems.readonly") ||
			!strings.Contains(others, "paste:") || !strings.Contains(others, "import:") || strings.Contains(others, "relay:") || len(s.Refused) != 2 {
			t.Errorf("status %+v", s)
		}
		if page := w.dev.Pages().Get(); page.QR != "" || len(page.Steps) != 2 || page.Title == "" {
			t.Errorf("page %+v", page)
		}
		// The box repeats requests that need no person. It does not show a link that
		// is known not to work.
		w.pass(40 * time.Minute)
		if n := countCalls(w, oauthtest.OpCode); n < 4 {
			t.Errorf("%d requests for a code, want 4 or more", n)
		}
		if s := w.dev.Statuses().Get(); s.State != device.Blocked || s.Pairing != nil {
			t.Errorf("status %+v", s)
		}
		if err := w.dev.Pick(t.Context()); err != nil { // OK on the remote control
			t.Fatal(err)
		}
		w.untilLink(device.ByRelay)
	})
}

// TestRetryAfterAllRefused checks that the page of a blocked box offers to try
// again.
func TestRetryAfterAllRefused(t *testing.T) {
	o := options{auth: oauthtest.Options{RefuseScope: true, RefuseCodeScope: true}, setUp: methods(device.ByDevice, device.ByRelay, device.ByPaste)}
	inWorld(t, o, func(t *testing.T, w *world) {
		for _, m := range []string{device.ByRelay, device.ByPaste} {
			_, v := w.untilLink(m)
			if _, err := w.dev.Redirected(t.Context(), w.consent(v)); err == nil {
				t.Fatal("the exchange succeeded")
			}
		}
		w.untilState(device.Blocked)
		w.pass(time.Minute)
		if p := w.dev.Pages().Get(); p.Label(display.Pick) == "" {
			t.Errorf("page %+v", p)
		}
	})
}

// TestListenerClosesWithMethod checks that the listener for phones closes when the
// next method does not need it.
func TestListenerClosesWithMethod(t *testing.T) {
	inWorld(t, options{auth: oauthtest.Options{RefuseCodeScope: true}, setUp: methods(device.ByRelay, device.ByImport)}, func(t *testing.T, w *world) {
		_, v := w.untilLink(device.ByRelay)
		if _, err := w.dev.Redirected(t.Context(), w.consent(v)); err == nil {
			t.Fatal("the exchange succeeded")
		}
		w.until("pairing by import", func(s device.Status) bool { return s.Pairing != nil && s.Pairing.Method == device.ByImport })
		w.pass(time.Minute)
		if w.phones.isOpen() {
			t.Error("the phone listener is still open")
		}
	})
}
