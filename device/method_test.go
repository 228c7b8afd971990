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

// The door that Google keeps shut for the Picker's scope: the person does not
// notice, and one scan does everything.
func TestScopeRefused(t *testing.T) {
	o := options{auth: oauthtest.Options{RefuseScope: true}, setUp: methods(device.ByDevice, device.ByRelay)}
	inWorld(t, o, func(t *testing.T, w *world) {
		_, v := w.untilLink(device.ByRelay)
		s := w.dev.Statuses().Get()
		if len(s.Refused) != 1 || s.Refused[0].Method != device.ByDevice || s.Refused[0].Error != "invalid_scope" || !strings.Contains(s.Refused[0].Reason, "photospicker") {
			t.Errorf("refused: %+v", s.Refused)
		}
		if s.Problem != nil {
			t.Errorf("the person is told of %+v", s.Problem)
		}
		if !strings.Contains(w.log.String(), "Invalid device flow scope") {
			t.Error("the reason is not in the log")
		}
		link, err := w.dev.Redirected(t.Context(), w.consent(v))
		if err != nil {
			t.Fatal(err)
		}
		s = w.untilState(device.Picking)
		if link != s.Pick.PickerURI || s.Account == nil || s.Account.Method != device.ByRelay {
			t.Errorf("the phone goes to %q, the screen shows %q; %+v", link, s.Pick.PickerURI, s.Account)
		}
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()

		// What the probe learned counts after a restart too.
		if err := w.dev.Unpair(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		w.restart()
		w.untilLink(device.ByRelay)
		if n := countCalls(w, oauthtest.OpCode); n != 1 {
			t.Errorf("the device flow was asked for %d times", n)
		}
		w.config = func(c *Config) { c.OAuth.Scopes = append(c.OAuth.Scopes, "email") }
		w.restart()
		w.untilLink(device.ByRelay)
		if n := countCalls(w, oauthtest.OpCode); n != 2 {
			t.Errorf("after a change of the configuration the device flow was asked for %d times", n)
		}
	})
}

func TestWrongClientType(t *testing.T) {
	for _, op := range []string{oauthtest.OpCode, oauthtest.OpPoll} {
		o := options{auth: oauthtest.Options{WrongType: op}, setUp: methods(device.ByDevice, device.ByPaste)}
		inWorld(t, o, func(t *testing.T, w *world) {
			_, v := w.untilLink(device.ByPaste)
			if !v.Paste || w.dev.Statuses().Get().Refused[0].Error != "invalid_client" {
				t.Errorf("%+v", v)
			}
			if _, err := w.dev.Redirected(t.Context(), w.consent(v)); err != nil {
				t.Error(err)
			}
			w.untilState(device.Picking)
		})
	}
}

func TestAllMethodsRefused(t *testing.T) {
	inWorld(t, options{auth: oauthtest.Options{RefuseScope: true, RefuseCodeScope: true}, setUp: methods(device.ByDevice, device.ByRelay)}, func(t *testing.T, w *world) {
		_, v := w.untilLink(device.ByRelay)
		_, err := w.dev.Redirected(t.Context(), w.consent(v))
		if p, ok := errors.AsType[*device.Problem](err); !ok || p.Code != "scope_refused" {
			t.Errorf("the phone is told %v", err)
		}
		s := w.untilState(device.Blocked)
		ways := strings.Join(s.Problem.Ways, "\n")
		if !strings.Contains(s.Problem.Message, "Web application") || !strings.Contains(s.Problem.Message, "photospicker.mediaitems.readonly") ||
			!strings.Contains(ways, "paste:") || !strings.Contains(ways, "import:") || strings.Contains(ways, "relay:") || len(s.Refused) != 2 {
			t.Errorf("%+v", s)
		}
		if page := w.dev.Pages().Get(); page.QR != "" || len(page.Steps) != 2 || page.Title == "" {
			t.Errorf("%+v", page)
		}
		// What can be asked without a person is asked now and then; a link that is
		// known not to work is not put on the screen meanwhile.
		w.pass(40 * time.Minute)
		if n := countCalls(w, oauthtest.OpCode); n < 4 {
			t.Errorf("asked %d times", n)
		}
		if s := w.dev.Statuses().Get(); s.State != device.Blocked || s.Pairing != nil {
			t.Errorf("%+v", s)
		}
		if err := w.dev.Pick(t.Context()); err != nil { // OK on the remote control
			t.Fatal(err)
		}
		w.untilLink(device.ByRelay)
	})
}

// The way out of a blocked screen is on it, whatever there is left to say.
func TestRetryAfterAllRefused(t *testing.T) {
	o := options{auth: oauthtest.Options{RefuseScope: true, RefuseCodeScope: true}, setUp: methods(device.ByDevice, device.ByRelay, device.ByPaste)}
	inWorld(t, o, func(t *testing.T, w *world) {
		for _, m := range []string{device.ByRelay, device.ByPaste} {
			_, v := w.untilLink(m)
			if _, err := w.dev.Redirected(t.Context(), w.consent(v)); err == nil {
				t.Fatal("through")
			}
		}
		w.untilState(device.Blocked)
		w.pass(time.Minute)
		if p := w.dev.Pages().Get(); p.Label(display.Pick) == "" {
			t.Errorf("%+v", p)
		}
	})
}

func TestListenerClosesWithMethod(t *testing.T) {
	inWorld(t, options{auth: oauthtest.Options{RefuseCodeScope: true}, setUp: methods(device.ByRelay, device.ByImport)}, func(t *testing.T, w *world) {
		_, v := w.untilLink(device.ByRelay)
		if _, err := w.dev.Redirected(t.Context(), w.consent(v)); err == nil {
			t.Fatal("through")
		}
		w.until("import", func(s device.Status) bool { return s.Pairing != nil && s.Pairing.Method == device.ByImport })
		w.pass(time.Minute)
		if w.phones.isOpen() {
			t.Error("the door stays open with nothing behind it")
		}
	})
}
