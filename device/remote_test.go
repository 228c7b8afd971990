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

// TestPhoneRemote checks what a phone remote can do, that it can do nothing else,
// and when its key expires.
func TestPhoneRemote(t *testing.T) {
	inWorld(t, options{config: func(c *Config) { twoAccounts(c); c.MaxAccounts = 3 }}, func(t *testing.T, w *world) {
		w.pairAndChoose("anna", "item-1", "item-2", "item-3")
		m := w.press(screen.KeyMenu).Menu
		w.pass(time.Second) // the slideshow has read all photos
		base, key, ok := strings.Cut(m.QR, device.RemotePath)
		if !ok || base != w.phones.base || len(key) < 20 || m.QRLabel == "" || !w.phones.isOpen() {
			t.Fatalf("menu %+v, phone listener open: %v", m, w.phones.isOpen())
		}
		w.press(screen.KeyBack)
		do := func(verb display.Verb, account, want string) {
			t.Helper()
			to, err := w.dev.Control(t.Context(), key, verb, account)
			if err != nil || !strings.HasPrefix(to, want) {
				t.Errorf("%s: %q, %v", verb, to, err)
			}
			synctest.Wait() // the slideshow may not have shown it yet
		}
		slide := func() string { return w.dev.Pages().Get().Slide.Media[0].File }
		first, now := slide(), w.dev.Pages().Get().Slide.Alt // the order of arrival varies
		do(display.Next, "", "")
		second := slide()
		do(display.Previous, "", "")
		if slide() != first || second == first {
			t.Error("Next and Previous do not turn the slides")
		}
		do(display.Pause, "", "")
		r, err := w.dev.Remote(strings.ToUpper(key))
		if err != nil || buttonLabel(r, display.Pause) != "Continue" || r.Now != now || r.Name != "Living room" || buttonLabel(r, display.AskForget) != "" {
			t.Errorf("remote %+v, %v", r, err)
		}
		do(display.Pick, "", "http://photos.test/picker/")
		do(display.Cancel, "", "")
		if err := w.dev.PickAs(t.Context(), device.NewAccount); err != nil {
			t.Fatal(err)
		}
		w.pairAndChoose("ben", "item-4")
		if r, err = w.dev.Remote(key); err != nil || len(pickButtons(r)) != 3 || pickButtons(r)[0].Name != "anna@example.org" {
			t.Errorf("buttons %+v, %v", r.Buttons, err)
		}
		do(display.Pick, pickButtons(r)[0].Wish.Account, "http://photos.test/picker/")
		do(display.Cancel, "", "")
		do(display.Pick, device.NewAccount, "http://auth.test/device?user_code=")
		do(display.Cancel, "", "")
		w.untilClean()

		// The remote refuses what it does not offer.
		if _, err := w.dev.Control(t.Context(), key, display.AskForget, ""); !errors.Is(err, device.ErrNotOffered) || len(w.dev.Statuses().Get().Accounts) != 2 {
			t.Errorf("forget without an account: %v", err)
		}
		if _, err := w.dev.Control(t.Context(), key, display.Pick, ""); !errors.Is(err, device.ErrNotOffered) {
			t.Errorf("pick without an account: %v", err)
		}
		for _, bad := range []string{"", key[:20], key + "x", "0" + key[1:]} {
			if _, err := w.dev.Remote(bad); !errors.Is(err, device.ErrRemoteGone) {
				t.Errorf("%q: %v", bad, err)
			}
			if _, err := w.dev.Control(t.Context(), bad, display.AskForget, ""); !errors.Is(err, device.ErrRemoteGone) {
				t.Errorf("%q: %v", bad, err)
			}
		}
		// The key is valid for two hours at most, and for 15 minutes after the last use.
		n := 0
		for ; n < 20; n++ {
			w.pass(10 * time.Minute)
			if _, err := w.dev.Remote(key); err != nil {
				break
			}
		}
		if n < 8 || n > 12 {
			t.Errorf("the key was valid for %d times ten minutes", n)
		}
		if w.pass(2 * time.Minute); w.phones.isOpen() {
			t.Error("the phone listener is still open")
		}
		again := w.press(screen.KeyMenu).Menu.QR
		if strings.HasSuffix(again, key) {
			t.Error("an expired key is on the screen")
		}
		_, key, _ = strings.Cut(again, device.RemotePath)
		do(display.CloseRemote, "", "")
		if _, err := w.dev.Remote(key); !errors.Is(err, device.ErrRemoteGone) {
			t.Errorf("closed remote: %v", err)
		}
		w.pass(2 * time.Minute)
		_, key, _ = strings.Cut(w.press(screen.KeyMenu).Menu.QR, device.RemotePath)
		if w.pass(remoteFresh + time.Second); w.phones.isOpen() {
			t.Error("a key that no phone has used does not expire")
		}
		w.press(screen.KeyBack)
		w.pass(2 * time.Minute)
		_, key, _ = strings.Cut(w.press(screen.KeyMenu).Menu.QR, device.RemotePath)
		if _, err := w.dev.Remote(key); err != nil {
			t.Fatal(err)
		}
		w.pass(15*time.Minute + time.Second)
		if _, err := w.dev.Remote(key); !errors.Is(err, device.ErrRemoteGone) {
			t.Errorf("unused remote: %v", err)
		}
	})
}

// TestRemoteOfGuest checks that there is no remote without a network, and that a
// guest's remote ends with the guest.
func TestRemoteOfGuest(t *testing.T) {
	inWorld(t, options{config: guests}, func(t *testing.T, w *world) {
		w.pairGuest()
		w.phones.set("", errors.New("no network"))
		if m := w.press(screen.KeyMenu).Menu; m == nil || m.QR != "" {
			t.Fatalf("menu %+v", m)
		}
		w.press(screen.KeyBack)
		w.phones.set("http://192.168.1.20:8420", nil)
		_, key, _ := strings.Cut(w.press(screen.KeyMenu).Menu.QR, device.RemotePath)
		if r, err := w.dev.Remote(key); err != nil || buttonLabel(r, display.AskForget) != "Finish" {
			t.Errorf("remote %+v, %v", r, err)
		}
		if _, err := w.dev.Control(t.Context(), key, display.AskForget, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := w.dev.Remote(key); !errors.Is(err, device.ErrRemoteGone) {
			t.Errorf("remote of the last guest: %v", err)
		}
		w.untilCode() // for the next guest
	})
}

// TestRemoteBeforeGuest checks that a remote from before the sign-in ends with it.
func TestRemoteBeforeGuest(t *testing.T) {
	inWorld(t, options{config: guests}, func(t *testing.T, w *world) {
		w.untilCode()
		_, key, _ := strings.Cut(w.press(screen.KeyMenu).Menu.QR, device.RemotePath)
		if _, err := w.dev.Remote(key); err != nil {
			t.Fatal(err)
		}
		w.pairGuest()
		if r, err := w.dev.Remote(key); !errors.Is(err, device.ErrRemoteGone) {
			t.Errorf("remote from before the sign-in: %+v, %v", r, err)
		}
	})
}

// TestRemoteOffline checks that a remote reports the problem of a failed pick.
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
			t.Errorf("error %v", err)
		}
		w.net.mend()
		w.until("session", func(s device.Status) bool { return s.State == device.Picking })
		if err := w.dev.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.untilClean()
	})
}

// buttonLabel returns the English label of the button for a verb, "" if there is
// none.
func buttonLabel(r device.Remote, verb display.Verb) string {
	for _, b := range r.Buttons {
		if b.Wish.Verb == verb {
			return b.Label(words.English())
		}
	}
	return ""
}

// pickButtons returns the buttons that begin a pick.
func pickButtons(r device.Remote) (list []device.Button) {
	for _, b := range r.Buttons {
		if b.Wish.Verb == display.Pick {
			list = append(list, b)
		}
	}
	return list
}
