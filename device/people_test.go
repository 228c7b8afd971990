package device_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/device/screen"
	"pickerd/display"
	"pickerd/display/words"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/store"
)

// family configures a box for several people who can be told apart.
func family(c *Config) {
	c.MaxAccounts = 2
	c.Append = true
	c.OAuth.Scopes = append(c.OAuth.Scopes, "openid", "email")
}

func nameless(c *Config) { c.MaxAccounts, c.Append = 3, true }

// join pairs somebody and lets them choose.
func (w *world) join(person string, ids ...string) device.Status {
	w.t.Helper()
	s := w.until("a code", func(s device.Status) bool { return s.Pairing != nil })
	if !w.auth.ApproveAs(s.Pairing.UserCode, person) {
		w.t.Fatal("the code on the screen is not good")
	}
	w.choose(ids...)
	w.untilState(device.Showing)
	w.untilClean()
	return w.dev.Statuses().Get()
}

func (w *world) idOf(email string) string {
	w.t.Helper()
	for _, a := range w.dev.Statuses().Get().Accounts {
		if a.Email == email {
			return a.ID
		}
	}
	w.t.Fatalf("%s is not paired", email)
	return ""
}

func (w *world) press(keys ...screen.Key) display.Page {
	w.t.Helper()
	for _, k := range keys {
		if err := w.dev.Press(w.t.Context(), k); err != nil {
			w.t.Fatalf("%s: %v", k, err)
		}
	}
	synctest.Wait() // what the engine has to do for a key is done beside it
	return w.dev.Pages().Get()
}

// A box at home with two people: each pairs once, a pick asks who it is, sessions
// are made and deleted with one's own token, and one can be forgotten without the
// other.
func TestFamily(t *testing.T) {
	inWorld(t, options{config: family}, func(t *testing.T, w *world) {
		w.join("anna", "item-1", "item-2")
		if m := w.press(screen.KeyMenu).Menu; labels(m) != "Choose photos/Link another account/Forget this account/About this screen/Back" {
			t.Errorf("the menu with one person: %s", labels(m))
		}
		w.press(screen.KeyDown, screen.KeyOK)
		if p := w.untilPage("a code", func(p display.Page) bool { return p.QR != "" }); p.Label(display.Cancel) != "Back to the photos" {
			t.Errorf("the way back is called %q", p.Label(display.Cancel))
		}
		s := w.join("ben", "item-3")
		if len(s.Accounts) != 2 || s.Account.Email != "ben@example.org" || s.Library.Items != 3 {
			t.Fatalf("%+v", s)
		}

		// Both stay, for hours and over a power cut.
		for _, later := range []func(){func() { w.pass(3 * time.Hour) }, w.restart} {
			later()
			if s = w.untilState(device.Showing); len(s.Accounts) != 2 {
				t.Fatalf("there are %+v", s.Accounts)
			}
		}

		// OK asks who is choosing, and takes the answer.
		m := w.press(screen.KeyOK).Menu
		if m == nil || m.Title != "Who is choosing?" || labels(m) != "anna@example.org/ben@example.org/Back" {
			t.Fatalf("%+v", m)
		}
		if s = w.dev.Statuses().Get(); s.Asking != "who" {
			t.Error("programs are not told of the question")
		}
		if err := w.dev.Cancel(t.Context()); err != nil || w.dev.Pages().Get().Menu != nil {
			t.Errorf("the question can't be withdrawn: %v", err)
		}
		w.press(screen.KeyOK, screen.KeyOK) // anna
		if s = w.untilState(device.Picking); s.Account.Email != "anna@example.org" {
			t.Errorf("the pick is %s's", s.Account.Email)
		}
		if err := w.dev.PickAs(t.Context(), s.Account.ID); !errors.Is(err, device.ErrPickRunning) {
			t.Errorf("a second pick: %v", err)
		}
		// Her session is deleted with her token: with another the simulator says 404
		// and complains about who was left open.
		w.choose("item-4")
		w.untilState(device.Showing)
		w.untilClean()
		owners := map[string]string{}
		items, err := w.dev.Items()
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range items {
			owners[it.ID] = it.Account
		}
		anna, ben := w.idOf("anna@example.org"), w.idOf("ben@example.org")
		if owners["item-1"] != anna || owners["item-4"] != anna || owners["item-3"] != ben {
			t.Errorf("whose is what: %v", owners)
		}

		if err := w.dev.PickAs(t.Context(), device.NewAccount); !errors.Is(err, device.ErrPaired) {
			t.Errorf("a third one: %v", err)
		}
		for name, err := range map[string]error{"pick": w.dev.PickAs(t.Context(), "nobody"), "unpair": w.dev.UnpairOne(t.Context(), "nobody", true)} {
			if !errors.Is(err, device.ErrNoAccount) {
				t.Errorf("%s of nobody: %v", name, err)
			}
		}

		// Anna is forgotten in the menu, and Ben is not.
		if m = w.press(screen.KeyMenu, screen.KeyDown, screen.KeyOK).Menu; m.Title != "Forget which account?" || labels(m) != "Back/anna@example.org/ben@example.org" {
			t.Fatalf("%+v", m)
		}
		if m = w.press(screen.KeyDown, screen.KeyOK).Menu; m.Title != "Forget this account?" || len(m.Facts) != 1 || m.Facts[0].Value != "anna@example.org" {
			t.Fatalf("%+v", m)
		}
		w.press(screen.KeyDown, screen.KeyDown, screen.KeyOK) // everywhere
		s = w.until("Anna gone", func(s device.Status) bool { return len(s.Accounts) == 1 && s.Outstanding == nil })
		if s.State != device.Showing || s.Account.ID != ben || s.Library.Items != 1 {
			t.Errorf("Ben has %+v", s)
		}
		if found := w.search(map[string][]byte{"e-mail": []byte("anna@example.org"), "id": []byte(anna), "photo": []byte("item-4")}); len(found) > 0 {
			t.Errorf("of Anna there is %v", found)
		}
		w.press(screen.KeyOK) // one person is not asked for
		if s = w.untilState(device.Picking); s.Account.ID != ben {
			t.Errorf("the pick is %+v's", s.Account)
		}
		w.choose("item-5")
		w.untilClean()
	})
}

// People without a name are counted, and one who changed their mind goes back.
func TestNewcomer(t *testing.T) {
	inWorld(t, options{config: nameless}, func(t *testing.T, w *world) {
		w.join("anna", "item-1")
		for _, how := range []string{"cancelled", "not waited for"} {
			if err := w.dev.PickAs(t.Context(), device.NewAccount); err != nil {
				t.Fatal(err)
			}
			w.until("a code", func(s device.Status) bool { return s.Pairing != nil })
			if how == "cancelled" {
				w.press(screen.KeyBack)
			}
			if s := w.untilState(device.Showing); len(s.Accounts) != 1 || s.Pick != nil {
				t.Errorf("%s: %+v", how, s)
			}
		}
		// A power cut does not send a newcomer away, nor one who was there.
		if err := w.dev.PickAs(t.Context(), device.NewAccount); err != nil {
			t.Fatal(err)
		}
		code := w.until("a code", func(s device.Status) bool { return s.Pairing != nil }).Pairing.UserCode
		w.restart()
		if s := w.until("the code", func(s device.Status) bool { return s.Pairing != nil }); s.Pairing.UserCode != code || len(s.Accounts) != 1 {
			t.Errorf("after a power cut: %+v", s)
		}
		w.join("ben", "item-2")
		if m := w.press(screen.KeyOK).Menu; m == nil || labels(m) != "Person 1/Person 2/Someone else/Back" {
			t.Errorf("%+v", m)
		}
		w.press(screen.KeyDown, screen.KeyDown, screen.KeyOK)
		w.join("cleo", "item-3")
		if m := w.press(screen.KeyOK).Menu; m == nil || labels(m) != "Person 1/Person 2/Person 3/Back" {
			t.Errorf("with all: %+v", m)
		}
		// Everybody at once.
		if err := w.dev.Unpair(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		if s := w.until("nobody", func(s device.Status) bool {
			return s.State == device.Pairing && s.Outstanding == nil && s.Pairing != nil
		}); len(s.Accounts) > 0 || s.Library.Items > 0 {
			t.Errorf("%+v", s)
		}
	})
}

// Without photos there is a way back too.
func TestNewcomerWithoutPhotos(t *testing.T) {
	inWorld(t, options{config: nameless}, func(t *testing.T, w *world) {
		w.pair()
		if err := w.dev.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.untilState(device.Idle)
		for range 2 {
			if err := w.dev.PickAs(t.Context(), device.NewAccount); err != nil {
				t.Fatal(err)
			}
			if p := w.untilPage("a code", func(p display.Page) bool { return p.QR != "" }); p.Label(display.Cancel) != "Cancel" {
				t.Errorf("the way back is called %q", p.Label(display.Cancel))
			}
			w.press(screen.KeyBack)
			w.untilState(device.Idle)
		}
		// Who has not paired gives way to who has.
		if err := w.dev.PickAs(t.Context(), device.NewAccount); err != nil {
			t.Fatal(err)
		}
		w.until("a code", func(s device.Status) bool { return s.Pairing != nil })
		if err := w.dev.PickAs(t.Context(), w.dev.Statuses().Get().Accounts[0].ID); err != nil {
			t.Fatal(err)
		}
		w.choose("item-1")
		w.untilState(device.Showing)
		w.untilClean()
	})
}

// Whose permission has ended signs in again: the pick is not made with another
// person's.
func TestOneOfSeveralIsLost(t *testing.T) {
	inWorld(t, options{config: family}, func(t *testing.T, w *world) {
		w.join("anna", "item-1")
		if err := w.dev.PickAs(t.Context(), device.NewAccount); err != nil {
			t.Fatal(err)
		}
		w.join("ben", "item-2")
		anna, ben := w.idOf("anna@example.org"), w.idOf("ben@example.org")
		w.auth.RevokePerson("ben")
		if err := w.dev.PickAs(t.Context(), ben); err != nil {
			t.Fatal(err)
		}
		s := w.until("a code", func(s device.Status) bool { return s.Pairing != nil || s.State == device.Picking })
		if s.State != device.Pairing || len(s.Accounts) != 1 || s.Accounts[0].ID != anna {
			t.Fatalf("%+v", s)
		}
		s = w.join("ben", "item-3")
		if len(s.Accounts) != 2 || s.Account.Email != "ben@example.org" {
			t.Errorf("%+v", s)
		}
		// His photos from before go with him too.
		if err := w.dev.UnpairOne(t.Context(), w.idOf("ben@example.org"), true); err != nil {
			t.Fatal(err)
		}
		if items, err := w.dev.Items(); err != nil || len(items) != 1 || items[0].ID != "item-1" {
			t.Errorf("left are %+v, %v", items, err)
		}
	})
}

// Who pairs twice is one person, with all their photos.
func TestSamePersonAgain(t *testing.T) {
	inWorld(t, options{config: family}, func(t *testing.T, w *world) {
		first := w.join("anna", "item-1").Account.ID
		if err := w.dev.PickAs(t.Context(), device.NewAccount); err != nil {
			t.Fatal(err)
		}
		s := w.join("anna", "item-2")
		w.until("the older token to be erased", func(s device.Status) bool { return s.Outstanding == nil })
		if len(s.Accounts) != 1 || s.Account.ID == first {
			t.Fatalf("%+v", s.Accounts)
		}
		items, err := w.dev.Items()
		if err != nil || len(items) != 2 || items[0].Account != s.Account.ID || items[1].Account != s.Account.ID {
			t.Errorf("%+v, %v", items, err)
		}
		if err := w.dev.Pick(t.Context()); err != nil { // the token that is left works
			t.Fatal(err)
		}
		w.choose("item-3")
		w.untilState(device.Showing)
		w.untilClean()
	})
}

// Photos from before there were several people are the one's who was there.
func TestPhotosFromBefore(t *testing.T) {
	inWorld(t, options{config: family}, func(t *testing.T, w *world) {
		w.join("anna", "item-1")
		photos, err := w.store.Photos.Collection()
		if err != nil {
			t.Fatal(err)
		}
		photos[0].Grant = ""
		if err := w.store.Photos.Add([]store.Addition{{Photo: photos[0]}}, false); err != nil {
			t.Fatal(err)
		}
		if err := w.dev.PickAs(t.Context(), device.NewAccount); err != nil {
			t.Fatal(err)
		}
		w.join("ben", "item-2")
		if err := w.dev.UnpairOne(t.Context(), w.idOf("ben@example.org"), false); err != nil {
			t.Fatal(err)
		}
		items, err := w.dev.Items()
		if err != nil || len(items) != 1 || items[0].ID != "item-1" || items[0].Account != w.idOf("anna@example.org") {
			t.Errorf("%+v, %v", items, err)
		}
	})
}

// A pick that replaces photos replaces the picker's own.
func TestReplaceOwn(t *testing.T) {
	inWorld(t, options{config: func(c *Config) { family(c); c.Append = false }}, func(t *testing.T, w *world) {
		w.join("anna", "item-1", "item-2")
		if err := w.dev.PickAs(t.Context(), device.NewAccount); err != nil {
			t.Fatal(err)
		}
		w.join("ben", "item-3")
		if err := w.dev.PickAs(t.Context(), w.idOf("anna@example.org")); err != nil {
			t.Fatal(err)
		}
		w.choose("item-4")
		w.untilState(device.Showing)
		w.untilClean()
		photos, err := w.store.Photos.Collection()
		if got := strings.Join(idsOf(photos), " "); err != nil || got != "item-3 item-4" {
			t.Errorf("there are %s, %v", got, err)
		}
	})
}

// Somebody who imports a token for another one does not take the phone out of the
// hands of who is choosing.
func TestImportDuringPick(t *testing.T) {
	inWorld(t, options{config: family}, func(t *testing.T, w *world) {
		w.join("anna", "item-1")
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.untilState(device.Picking)
		token := w.sealed(w.granted())
		if _, err := w.dev.Import(t.Context(), token); !errors.Is(err, device.ErrPickRunning) {
			t.Errorf("while Anna chooses: %v", err)
		}
		w.choose("item-2")
		w.untilState(device.Showing)
		w.untilClean()
		if err := w.dev.PickAs(t.Context(), device.NewAccount); err != nil {
			t.Fatal(err)
		}
		w.until("a code", func(s device.Status) bool { return s.Pairing != nil })
		if _, err := w.dev.Import(t.Context(), token); !errors.Is(err, device.ErrPickRunning) {
			t.Errorf("while somebody signs in: %v", err)
		}
		w.pass(time.Minute)
		code := w.dev.Statuses().Get().Pairing.UserCode
		if err := w.dev.Renew(t.Context()); err != nil { // works for a newcomer too
			t.Error(err)
		}
		w.until("another code", func(s device.Status) bool { return s.Pairing != nil && s.Pairing.UserCode != code })
		w.press(screen.KeyBack)
		if _, err := w.dev.Import(t.Context(), token); err != nil {
			t.Errorf("when nobody is there: %v", err)
		}
	})
}

func TestHiding(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.choose("item-1", "item-2")
		w.untilState(device.Showing)
		w.untilClean()
		seen := func() []string {
			var all []string
			for range 4 {
				p := w.dev.Pages().Get()
				if p.Slide != nil {
					all = append(all, p.Slide.Media[0].File)
				}
				w.pass(defaultSlide + time.Second)
			}
			slices.Sort(all)
			return slices.Compact(all)
		}
		if n := len(seen()); n != 2 {
			t.Fatalf("%d photos are shown", n)
		}
		hide := func(id string, hidden bool) {
			t.Helper()
			if err := w.dev.HideItem(t.Context(), id, hidden); err != nil {
				t.Fatal(err)
			}
			w.pass(time.Second)
		}
		hide("item-1", true)
		if s := w.dev.Statuses().Get(); len(seen()) != 1 || s.Library.Items != 2 || s.Library.Hidden != 1 {
			t.Errorf("%d are shown of %+v", len(seen()), s.Library)
		}
		w.restart()
		w.untilState(device.Showing)
		if len(seen()) != 1 {
			t.Error("after a power cut it is shown again")
		}
		hide("item-2", true)
		p := w.untilPage("no photo", func(p display.Page) bool { return p.Slide == nil && p.State == string(device.Idle) })
		if p.Title != "All photos are hidden" || p.Label(display.Pick) == "" || p.Label(display.AskForget) == "" {
			t.Errorf("%+v", p)
		}
		hide("item-2", false)
		w.untilState(device.Showing)
		if err := w.dev.HideItem(t.Context(), "nothing", true); err == nil {
			t.Error("what is not there can be hidden")
		}
		// Who chooses it again wants to see it.
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.choose("item-1")
		w.until("it", func(s device.Status) bool {
			return s.State == device.Showing && s.Library == device.Library{Items: 1, Bytes: s.Library.Bytes}
		})
		w.untilClean()
	})
}

func TestNewestFirst(t *testing.T) {
	inWorld(t, options{config: func(c *Config) { c.Append, c.Slideshow.Newest = true, true }}, func(t *testing.T, w *world) {
		w.join("anna", "item-1", "item-2")
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.choose("item-4", "item-3")
		w.untilState(device.Showing)
		w.untilClean()
		w.restart()
		w.untilPage("a slide", func(p display.Page) bool { return p.Slide != nil })
		var order []string
		photos, err := w.store.Photos.Collection()
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			file := w.dev.Pages().Get().Slide.Media[0].File
			i := slices.IndexFunc(photos, func(p store.Photo) bool { return p.File == file })
			order = append(order, photos[i].ID)
			if err := w.dev.Next(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.pass(time.Second)
		}
		if got := strings.Join(order, " "); got != "item-4 item-3 item-1 item-2" {
			t.Errorf("the order is %s", got)
		}
	})
}

// The remote of a phone: its key is short-lived, and opens nothing else.
func TestPhoneRemote(t *testing.T) {
	inWorld(t, options{config: func(c *Config) { family(c); c.MaxAccounts = 3 }}, func(t *testing.T, w *world) {
		w.join("anna", "item-1", "item-2", "item-3")
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
		if err != nil || label(r, display.Pause) != "Continue" || r.Now != now || r.Name != "Living room" || label(r, display.AskForget) != "" {
			t.Errorf("%+v, %v", r, err)
		}
		do(display.Pick, "", "http://photos.test/picker/")
		do(display.Cancel, "", "")
		if err := w.dev.PickAs(t.Context(), device.NewAccount); err != nil {
			t.Fatal(err)
		}
		w.join("ben", "item-4")
		if r, err = w.dev.Remote(key); err != nil || len(picks(r)) != 3 || picks(r)[0].Name != "anna@example.org" {
			t.Errorf("%+v, %v", r.Buttons, err)
		}
		do(display.Pick, picks(r)[0].Wish.Account, "http://photos.test/picker/")
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
		w.visitKiosk()
		w.phones.set("", errors.New("no network"))
		if m := w.press(screen.KeyMenu).Menu; m == nil || m.QR != "" {
			t.Fatalf("%+v", m)
		}
		w.press(screen.KeyBack)
		w.phones.set("http://192.168.1.20:8420", nil)
		_, key, _ := strings.Cut(w.press(screen.KeyMenu).Menu.QR, device.RemotePath)
		if r, err := w.dev.Remote(key); err != nil || label(r, display.AskForget) != "Finish" {
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

// What goes wrong is told on the phone.
func TestRemoteInTrouble(t *testing.T) {
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
func label(r device.Remote, verb display.Verb) string {
	for _, b := range r.Buttons {
		if b.Wish.Verb == verb {
			return b.Label(words.English())
		}
	}
	return ""
}

// picks are the buttons of a remote to choose photos.
func picks(r device.Remote) (list []device.Button) {
	for _, b := range r.Buttons {
		if b.Wish.Verb == display.Pick {
			list = append(list, b)
		}
	}
	return list
}
