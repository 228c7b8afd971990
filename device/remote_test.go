package device_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/device/screen"
	"pickerd/display"
	"pickerd/display/words"
	"pickerd/oauthdevice/oauthtest"
)

// The remote of a phone: its key is short-lived, and opens nothing else.
func TestPhoneRemote(t *testing.T) {
	inWorld(t, options{config: func(c *Config) { twoAccounts(c); c.MaxAccounts = 3 }}, func(t *testing.T, w *world) {
		w.pairAndChoose("anna", "item-1", "item-2", "item-3")
		m := w.press(screen.KeyMenu).Menu
		w.pass(time.Second) // all slides are read
		base, key, ok := strings.Cut(m.QR, device.RemotePath)
		if !ok || base != w.phones.base || len(key) < 20 || m.QRLabel == "" || !w.phones.isOpen() {
			t.Fatalf("%+v, the door is open: %v", m, w.phones.isOpen())
		}
		w.press(screen.KeyBack)
		do := func(verb display.Verb, account, want string) {
			t.Helper()
			to, err := w.dev.Control(t.Context(), key, verb, account)
			if err != nil || !strings.HasPrefix(to, want) {
				t.Errorf("%s: %q, %v", verb, to, err)
			}
			synctest.Wait() // the slideshow has taken it, but may not have shown it
		}
		slide := func() string { return w.dev.Pages().Get().Slide.Media[0].File }
		first, now := slide(), w.dev.Pages().Get().Slide.Alt // any of them may have come first
		do(display.Next, "", "")
		second := slide()
		do(display.Previous, "", "")
		if slide() != first || second == first {
			t.Error("slides are not turned")
		}
		do(display.Pause, "", "")
		r, err := w.dev.Remote(strings.ToUpper(key))
		if err != nil || buttonLabel(r, display.Pause) != "Continue" || r.Now != now || r.Name != "Living room" || buttonLabel(r, display.AskForget) != "" {
			t.Errorf("%+v, %v", r, err)
		}
		do(display.Pick, "", "http://photos.test/picker/")
		do(display.Cancel, "", "")
		if err := w.dev.PickAs(t.Context(), device.NewAccount); err != nil {
			t.Fatal(err)
		}
		w.pairAndChoose("ben", "item-4")
		if r, err = w.dev.Remote(key); err != nil || len(pickButtons(r)) != 3 || pickButtons(r)[0].Name != "anna@example.org" {
			t.Errorf("%+v, %v", r.Buttons, err)
		}
		do(display.Pick, pickButtons(r)[0].Wish.Account, "http://photos.test/picker/")
		do(display.Cancel, "", "")
		do(display.Pick, device.NewAccount, "http://auth.test/device?user_code=")
		do(display.Cancel, "", "")
		w.untilClean()

		// What it does not show it does not do.
		if _, err := w.dev.Control(t.Context(), key, display.AskForget, ""); !errors.Is(err, device.ErrNotOffered) || len(w.dev.Statuses().Get().Accounts) != 2 {
			t.Errorf("a remote at home forgets everybody: %v", err)
		}
		if _, err := w.dev.Control(t.Context(), key, display.Pick, ""); !errors.Is(err, device.ErrNotOffered) {
			t.Errorf("a pick of nobody: %v", err)
		}
		for _, bad := range []string{"", key[:20], key + "x", "0" + key[1:]} {
			if _, err := w.dev.Remote(bad); !errors.Is(err, device.ErrRemoteGone) {
				t.Errorf("%q: %v", bad, err)
			}
			if _, err := w.dev.Control(t.Context(), bad, display.AskForget, ""); !errors.Is(err, device.ErrRemoteGone) {
				t.Errorf("%q: %v", bad, err)
			}
		}
		// Used now and then it is good for two hours at the most, unused for a
		// quarter of one.
		n := 0
		for ; n < 20; n++ {
			w.pass(10 * time.Minute)
			if _, err := w.dev.Remote(key); err != nil {
				break
			}
		}
		if n < 8 || n > 12 {
			t.Errorf("it was good for %d times ten minutes", n)
		}
		if w.pass(2 * time.Minute); w.phones.isOpen() {
			t.Error("the door is still open")
		}
		again := w.press(screen.KeyMenu).Menu.QR
		if strings.HasSuffix(again, key) {
			t.Error("an old key is on the screen")
		}
		_, key, _ = strings.Cut(again, device.RemotePath)
		do(display.CloseRemote, "", "")
		if _, err := w.dev.Remote(key); !errors.Is(err, device.ErrRemoteGone) {
			t.Errorf("put away: %v", err)
		}
		w.pass(2 * time.Minute)
		_, key, _ = strings.Cut(w.press(screen.KeyMenu).Menu.QR, device.RemotePath)
		if w.pass(remoteFresh + time.Second); w.phones.isOpen() {
			t.Error("a code that nobody has scanned stays good")
		}
		w.press(screen.KeyBack)
		w.pass(2 * time.Minute)
		_, key, _ = strings.Cut(w.press(screen.KeyMenu).Menu.QR, device.RemotePath)
		if _, err := w.dev.Remote(key); err != nil {
			t.Fatal(err)
		}
		w.pass(15*time.Minute + time.Second)
		if _, err := w.dev.Remote(key); !errors.Is(err, device.ErrRemoteGone) {
			t.Errorf("a remote that nobody uses any more: %v", err)
		}
	})
}

// Where phones can't reach the box there is no code for them, and a guest's
// remote goes with the guest.
func TestRemoteOfGuest(t *testing.T) {
	inWorld(t, options{config: guests}, func(t *testing.T, w *world) {
		w.pairGuest()
		w.phones.set("", errors.New("no network"))
		if m := w.press(screen.KeyMenu).Menu; m == nil || m.QR != "" {
			t.Fatalf("%+v", m)
		}
		w.press(screen.KeyBack)
		w.phones.set("http://192.168.1.20:8420", nil)
		_, key, _ := strings.Cut(w.press(screen.KeyMenu).Menu.QR, device.RemotePath)
		if r, err := w.dev.Remote(key); err != nil || buttonLabel(r, display.AskForget) != "Finish" {
			t.Errorf("%+v, %v", r, err)
		}
		if _, err := w.dev.Control(t.Context(), key, display.AskForget, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := w.dev.Remote(key); !errors.Is(err, device.ErrRemoteGone) {
			t.Errorf("the next guest's remote is the last one's: %v", err)
		}
		w.until("the next guest's code", func(s device.Status) bool { return s.Pairing != nil })
	})
}

// A phone that was a remote before a guest came is none of theirs.
func TestRemoteBeforeGuest(t *testing.T) {
	inWorld(t, options{config: guests}, func(t *testing.T, w *world) {
		w.untilCode()
		_, key, _ := strings.Cut(w.press(screen.KeyMenu).Menu.QR, device.RemotePath)
		if _, err := w.dev.Remote(key); err != nil {
			t.Fatal(err)
		}
		w.pairGuest()
		if r, err := w.dev.Remote(key); !errors.Is(err, device.ErrRemoteGone) {
			t.Errorf("it shows %+v, %v", r, err)
		}
	})
}

// What goes wrong is told on the phone.
func TestRemoteOffline(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
		_, key, _ := strings.Cut(w.press(screen.KeyMenu).Menu.QR, device.RemotePath)
		w.net.hook(func(*http.Request) error { return oauthtest.ErrConnection }, nil)
		_, err := w.dev.Control(t.Context(), key, display.Pick, "")
		if p, ok := errors.AsType[*device.Problem](err); !ok || p.Code != "no_network" {
			t.Errorf("got %v", err)
		}
		w.net.mend()
		w.until("a session", func(s device.Status) bool { return s.State == device.Picking })
		if err := w.dev.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.untilClean()
	})
}

// label is what a remote's button for a verb says in English, "" if there is none.
func buttonLabel(r device.Remote, verb display.Verb) string {
	for _, b := range r.Buttons {
		if b.Wish.Verb == verb {
			return b.Label(words.English())
		}
	}
	return ""
}

// picks are the buttons of a remote to choose photos.
func pickButtons(r device.Remote) (list []device.Button) {
	for _, b := range r.Buttons {
		if b.Wish.Verb == display.Pick {
			list = append(list, b)
		}
	}
	return list
}
