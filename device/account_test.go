package device_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/device/screen"
	"pickerd/display"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/store"
)

// TestTwoAccounts checks a box with two accounts. Each pairs once, a pick asks for
// the account, sessions are created and deleted with their account's token, and
// one account can be unpaired without the other.
func TestTwoAccounts(t *testing.T) {
	inWorld(t, options{config: twoAccounts}, func(t *testing.T, w *world) {
		w.pairAndChoose("anna", "item-1", "item-2")
		if m := w.press(screen.KeyMenu).Menu; menuLabels(m) != "Choose photos/Link another account/This photo/Forget this account/About this screen/Back" {
			t.Errorf("menu with one account: %s", menuLabels(m))
		}
		w.press(screen.KeyDown, screen.KeyOK)
		if p := w.untilPage("code", func(p display.Page) bool { return p.QR != "" }); p.Label(display.Cancel) != "Back to the photos" {
			t.Errorf("the label of cancel is %q", p.Label(display.Cancel))
		}
		s := w.pairAndChoose("ben", "item-3")
		if len(s.Accounts) != 2 || s.Account.Email != "ben@example.org" || s.Library.Items != 3 {
			t.Fatalf("status %+v", s)
		}

		// Both accounts remain, for hours and over a restart.
		for _, later := range []func(){func() { w.pass(3 * time.Hour) }, w.restart} {
			later()
			if s = w.untilState(device.Showing); len(s.Accounts) != 2 {
				t.Fatalf("accounts %+v, want 2", s.Accounts)
			}
		}

		// OK asks for the account.
		m := w.press(screen.KeyOK).Menu
		if m == nil || m.Title != "Who is choosing?" || menuLabels(m) != "anna@example.org/ben@example.org/Back" {
			t.Fatalf("menu %+v", m)
		}
		if s = w.dev.Statuses().Get(); s.Asking != "who" {
			t.Error("the status does not name the question")
		}
		if err := w.dev.Cancel(t.Context()); err != nil || w.dev.Pages().Get().Menu != nil {
			t.Errorf("the question was not cancelled: %v", err)
		}
		w.press(screen.KeyOK, screen.KeyOK) // anna
		if s = w.untilState(device.Picking); s.Account.Email != "anna@example.org" {
			t.Errorf("the pick belongs to %s", s.Account.Email)
		}
		if err := w.dev.PickAs(t.Context(), s.Account.ID); !errors.Is(err, device.ErrPickRunning) {
			t.Errorf("second pick: %v", err)
		}
		// Her session is deleted with her token. With another token the simulator
		// answers 404 and reports the session as left open.
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
		anna, ben := w.accountID("anna@example.org"), w.accountID("ben@example.org")
		if owners["item-1"] != anna || owners["item-4"] != anna || owners["item-3"] != ben {
			t.Errorf("owners of the items: %v", owners)
		}

		if err := w.dev.PickAs(t.Context(), device.NewAccount); !errors.Is(err, device.ErrPaired) {
			t.Errorf("third account: %v", err)
		}
		for name, err := range map[string]error{"pick": w.dev.PickAs(t.Context(), "unknown"), "unpair": w.dev.UnpairOne(t.Context(), "unknown", true)} {
			if !errors.Is(err, device.ErrNoAccount) {
				t.Errorf("%s of an unknown account: %v", name, err)
			}
		}

		// The menu unpairs Anna, and not Ben.
		if m = w.press(screen.KeyMenu, screen.KeyDown, screen.KeyDown, screen.KeyOK).Menu; m.Title != "Forget which account?" || menuLabels(m) != "Back/anna@example.org/ben@example.org" {
			t.Fatalf("menu %+v", m)
		}
		if m = w.press(screen.KeyDown, screen.KeyOK).Menu; m.Title != "Forget this account?" || len(m.Facts) != 1 || m.Facts[0].Value != "anna@example.org" {
			t.Fatalf("menu %+v", m)
		}
		w.press(screen.KeyDown, screen.KeyDown, screen.KeyOK) // everywhere
		s = w.until("unpaired account", func(s device.Status) bool { return len(s.Accounts) == 1 && s.Outstanding == nil })
		if s.State != device.Showing || s.Account.ID != ben || s.Library.Items != 1 {
			t.Errorf("after the other account was unpaired: %+v", s)
		}
		if found := w.find(map[string][]byte{"e-mail": []byte("anna@example.org"), "id": []byte(anna), "photo": []byte("item-4")}); len(found) > 0 {
			t.Errorf("data of the unpaired account left: %v", found)
		}
		w.press(screen.KeyOK) // a single account needs no question
		if s = w.untilState(device.Picking); s.Account.ID != ben {
			t.Errorf("the pick belongs to %+v", s.Account)
		}
		w.choose("item-5")
		w.untilClean()
	})
}

// TestNewAccount checks that accounts without a name are numbered, and that adding
// an account can be cancelled.
func TestNewAccount(t *testing.T) {
	inWorld(t, options{config: unnamedAccounts}, func(t *testing.T, w *world) {
		w.pairAndChoose("anna", "item-1")
		for _, how := range []string{"cancelled", "timed out"} {
			if err := w.dev.PickAs(t.Context(), device.NewAccount); err != nil {
				t.Fatal(err)
			}
			w.untilCode()
			if how == "cancelled" {
				w.press(screen.KeyBack)
			}
			if s := w.untilState(device.Showing); len(s.Accounts) != 1 || s.Pick != nil {
				t.Errorf("%s: %+v", how, s)
			}
		}
		// A restart keeps both the sign-in and the account.
		if err := w.dev.PickAs(t.Context(), device.NewAccount); err != nil {
			t.Fatal(err)
		}
		code := w.untilCode().Pairing.UserCode
		w.restart()
		if s := w.until("code", func(s device.Status) bool { return s.Pairing != nil }); s.Pairing.UserCode != code || len(s.Accounts) != 1 {
			t.Errorf("after a restart: %+v", s)
		}
		w.pairAndChoose("ben", "item-2")
		if m := w.press(screen.KeyOK).Menu; m == nil || menuLabels(m) != "Person 1/Person 2/Someone else/Back" {
			t.Errorf("menu %+v", m)
		}
		w.press(screen.KeyDown, screen.KeyDown, screen.KeyOK)
		w.pairAndChoose("cleo", "item-3")
		if m := w.press(screen.KeyOK).Menu; m == nil || menuLabels(m) != "Person 1/Person 2/Person 3/Back" {
			t.Errorf("with the most accounts: %+v", m)
		}
		// All accounts are unpaired together.
		if err := w.dev.Unpair(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		if s := w.until("box without accounts", func(s device.Status) bool {
			return s.State == device.Pairing && s.Outstanding == nil && s.Pairing != nil
		}); len(s.Accounts) > 0 || s.Library.Items > 0 {
			t.Errorf("status %+v", s)
		}
	})
}

// TestNewAccountWithoutPhotos checks that adding an account can be cancelled while
// there are no photos.
func TestNewAccountWithoutPhotos(t *testing.T) {
	inWorld(t, options{config: unnamedAccounts}, func(t *testing.T, w *world) {
		w.pair()
		if err := w.dev.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.untilState(device.Idle)
		for range 2 {
			if err := w.dev.PickAs(t.Context(), device.NewAccount); err != nil {
				t.Fatal(err)
			}
			if p := w.untilPage("code", func(p display.Page) bool { return p.QR != "" }); p.Label(display.Cancel) != "Cancel" {
				t.Errorf("the label of cancel is %q", p.Label(display.Cancel))
			}
			w.press(screen.KeyBack)
			w.untilState(device.Idle)
		}
		// A pick of a paired account replaces the sign-in of a new one.
		if err := w.dev.PickAs(t.Context(), device.NewAccount); err != nil {
			t.Fatal(err)
		}
		w.untilCode()
		if err := w.dev.PickAs(t.Context(), w.dev.Statuses().Get().Accounts[0].ID); err != nil {
			t.Fatal(err)
		}
		w.choose("item-1")
		w.untilState(device.Showing)
		w.untilClean()
	})
}

// TestSameAccountTwice checks that pairing an account again keeps one account with
// all its photos.
func TestSameAccountTwice(t *testing.T) {
	inWorld(t, options{config: twoAccounts}, func(t *testing.T, w *world) {
		first := w.pairAndChoose("anna", "item-1").Account.ID
		if err := w.dev.PickAs(t.Context(), device.NewAccount); err != nil {
			t.Fatal(err)
		}
		s := w.pairAndChoose("anna", "item-2")
		w.until("erased old token", func(s device.Status) bool { return s.Outstanding == nil })
		if len(s.Accounts) != 1 || s.Account.ID == first {
			t.Fatalf("accounts %+v", s.Accounts)
		}
		items, err := w.dev.Items()
		if err != nil || len(items) != 2 || items[0].Account != s.Account.ID || items[1].Account != s.Account.ID {
			t.Errorf("items %+v, %v", items, err)
		}
		if err := w.dev.Pick(t.Context()); err != nil { // with the new token
			t.Fatal(err)
		}
		w.choose("item-3")
		w.untilState(device.Showing)
		w.untilClean()
	})
}

// TestOneGrantLost checks that a pick of an account whose grant was revoked asks
// for a new sign-in, and does not use another account's grant.
func TestOneGrantLost(t *testing.T) {
	inWorld(t, options{config: twoAccounts}, func(t *testing.T, w *world) {
		w.pairAndChoose("anna", "item-1")
		if err := w.dev.PickAs(t.Context(), device.NewAccount); err != nil {
			t.Fatal(err)
		}
		w.pairAndChoose("ben", "item-2")
		anna, ben := w.accountID("anna@example.org"), w.accountID("ben@example.org")
		w.auth.RevokePerson("ben")
		if err := w.dev.PickAs(t.Context(), ben); err != nil {
			t.Fatal(err)
		}
		s := w.until("a code", func(s device.Status) bool { return s.Pairing != nil || s.State == device.Picking })
		if s.State != device.Pairing || len(s.Accounts) != 1 || s.Accounts[0].ID != anna {
			t.Fatalf("status %+v", s)
		}
		s = w.pairAndChoose("ben", "item-3")
		if len(s.Accounts) != 2 || s.Account.Email != "ben@example.org" {
			t.Errorf("status %+v", s)
		}
		// Photos from before the revocation are removed with the account.
		if err := w.dev.UnpairOne(t.Context(), w.accountID("ben@example.org"), true); err != nil {
			t.Fatal(err)
		}
		if items, err := w.dev.Items(); err != nil || len(items) != 1 || items[0].ID != "item-1" {
			t.Errorf("items %+v, %v", items, err)
		}
	})
}

// TestPhotosWithoutAccount checks that photos stored without an account belong to
// the first account.
func TestPhotosWithoutAccount(t *testing.T) {
	inWorld(t, options{config: twoAccounts}, func(t *testing.T, w *world) {
		w.pairAndChoose("anna", "item-1")
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
		w.pairAndChoose("ben", "item-2")
		if err := w.dev.UnpairOne(t.Context(), w.accountID("ben@example.org"), false); err != nil {
			t.Fatal(err)
		}
		items, err := w.dev.Items()
		if err != nil || len(items) != 1 || items[0].ID != "item-1" || items[0].Account != w.accountID("anna@example.org") {
			t.Errorf("items %+v, %v", items, err)
		}
	})
}

// TestReplaceOwnPhotos checks that a pick replaces only the photos of its account.
func TestReplaceOwnPhotos(t *testing.T) {
	inWorld(t, options{config: func(c *Config) { twoAccounts(c); c.Append = false }}, func(t *testing.T, w *world) {
		w.pairAndChoose("anna", "item-1", "item-2")
		if err := w.dev.PickAs(t.Context(), device.NewAccount); err != nil {
			t.Fatal(err)
		}
		w.pairAndChoose("ben", "item-3")
		if err := w.dev.PickAs(t.Context(), w.accountID("anna@example.org")); err != nil {
			t.Fatal(err)
		}
		w.choose("item-4")
		w.untilState(device.Showing)
		w.untilClean()
		photos, err := w.store.Photos.Collection()
		if got := strings.Join(photoIDs(photos), " "); err != nil || got != "item-3 item-4" {
			t.Errorf("photos %s, %v", got, err)
		}
	})
}

// TestAccountName checks where the name of an account comes from.
func TestAccountName(t *testing.T) {
	o := options{config: func(c *Config) { c.OAuth.Scopes = []string{oauthtest.PickerScope, "openid", "email"} }}
	t.Run("by userinfo", func(t *testing.T) {
		o := o
		o.auth.NoIDToken = true
		inWorld(t, o, func(t *testing.T, w *world) {
			if s := w.pair(); s.Account == nil || s.Account.Email != "person@example.org" {
				t.Errorf("account %+v", s.Account)
			}
		})
		inWorld(t, o, func(t *testing.T, w *world) {
			w.auth.Fail(oauthtest.OpUserinfo, refuse(500, ""))
			if s := w.pair(); s.Account == nil || s.Account.Email != "" {
				t.Errorf("account %+v", s.Account)
			}
		})
	})
	inWorld(t, o, func(t *testing.T, w *world) {
		s := w.pair()
		if s.Account == nil || s.Account.Email != "person@example.org" {
			t.Errorf("account %+v", s.Account)
		}
		if p := w.dev.Pages().Get(); p.Account != "Linked to person@example.org" {
			t.Errorf("the page shows %q", p.Account)
		}
		w.auth.ExpireAccess()
		w.choose()
		w.untilState(device.Showing)
		w.restart()
		if s := w.untilState(device.Showing); s.Account == nil || s.Account.Email != "person@example.org" {
			t.Errorf("after a refresh and a restart: %+v", s.Account)
		}
	})
	inWorld(t, options{}, func(t *testing.T, w *world) {
		if s := w.pair(); s.Account == nil || s.Account.Email != "" {
			t.Errorf("without the scopes: %+v", s.Account)
		}
	})
}

// TestAccountNameOptional checks that a token without the scope of the name is
// accepted.
func TestAccountNameOptional(t *testing.T) {
	named := func(c *Config) { c.OAuth.Scopes = []string{oauthtest.PickerScope, "openid", "email"} }
	inWorld(t, options{config: named}, func(t *testing.T, w *world) {
		s := w.untilCode()
		w.auth.Approve(s.Pairing.UserCode, "email")
		if s := w.untilState(device.Picking); s.Account == nil || s.Account.Email != "" {
			t.Errorf("account %+v", s.Account)
		}
	})
	inWorld(t, options{setUp: methods(device.ByImport)}, func(t *testing.T, w *world) {
		f := w.issueToken()
		w.config = named
		w.restart()
		if tried, err := w.dev.Import(t.Context(), w.seal(f)); err != nil || !tried {
			t.Errorf("tried %v, %v", tried, err)
		}
	})
	inWorld(t, options{setUp: methods(device.ByImport), config: named}, func(t *testing.T, w *world) {
		if _, err := w.dev.Import(t.Context(), w.seal(w.issueToken())); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Second)
		if s := w.dev.Statuses().Get(); s.Account == nil || s.Account.Email != "person@example.org" {
			t.Errorf("account %+v", s.Account)
		}
	})
}
