package device_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/device/engine"
	"pickerd/display"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
	"pickerd/store"
)

// Revoking reaches every token of the person: it must be over before the same
// person is let in again.
func TestRevocationIsOverBeforeTheNextPairing(t *testing.T) {
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
			if s := w.dev.Statuses().Get(); s.Account == nil || s.Problem != nil || count(w, oauthtest.OpRevoke) != 1 {
				t.Errorf("%+v, %d revocations", s, count(w, oauthtest.OpRevoke))
			}
		})
	})
	t.Run("while sessions can't be deleted", func(t *testing.T) {
		inWorld(t, options{}, func(t *testing.T, w *world) {
			w.pair()
			w.photos.Fail(pickertest.OpDelete, repeat(12, answer(503, "application/json", "{}"))...)
			if err := w.dev.Unpair(t.Context(), true); err != nil {
				t.Fatal(err)
			}
			if s := w.untilProblem("forgetting"); s.Pairing != nil {
				t.Errorf("%+v", s.Pairing)
			}
			w.pair()
			w.pass(time.Hour)
			if s := w.dev.Statuses().Get(); s.Account == nil {
				t.Errorf("%+v", s)
			}
		})
	})
	t.Run("what answers is no server", func(t *testing.T) {
		inWorld(t, options{}, func(t *testing.T, w *world) {
			w.pair()
			w.auth.Fail(oauthtest.OpRevoke, repeat(1000, answer(404, "text/html", "<html>"))...)
			if err := w.dev.Unpair(t.Context(), true); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			w.until("a code all the same", func(s device.Status) bool { return s.Pairing != nil })
			if waited := time.Since(began); waited < giveUpRevoking || waited > 2*giveUpRevoking {
				t.Errorf("given up after %v", waited)
			}
		})
	})
}

// A server that rotates knows only the newest token.
func TestTheNewestTokenIsRevoked(t *testing.T) {
	inWorld(t, options{auth: oauthtest.Options{RotateRefresh: true}}, func(t *testing.T, w *world) {
		w.pair()
		w.net.cut()
		w.pass(2 * time.Hour) // the access token has ended
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
		w.until("told", func(s device.Status) bool { return s.Outstanding == nil && s.Account == nil })
		if revoked == "" || revoked != onDisk || count(w, oauthtest.OpRefresh) == 0 {
			t.Errorf("revoked the newest: %v, after %d refreshes", revoked == onDisk, count(w, oauthtest.OpRefresh))
		}
	})
}

// Who does not know a state can neither stop the box nor spoil a sign-in.
func TestStrangersAtTheDoor(t *testing.T) {
	nonsense := url.Values{"code": {"x"}, "state": {"nonsense"}}
	t.Run("while a code is traded in", func(t *testing.T) {
		inWorld(t, options{ways: methods(device.ByRelay)}, func(t *testing.T, w *world) {
			_, v := w.untilLink(device.ByRelay)
			good := w.allowed(v)
			w.net.hook(nil, func(r *http.Request) error {
				if r.URL.Path == "/token" {
					<-time.After(8 * time.Second) // a slow answer
				}
				return nil
			})
			for _, what := range []func(){
				func() { w.dev.Redirected(t.Context(), nonsense) },
				func() { w.dev.Redirected(t.Context(), good) }, // the same phone reloads
				func() { w.dev.Renew(t.Context()) },
			} {
				go func() {
					<-time.After(time.Second)
					what()
				}()
			}
			if _, err := w.dev.Redirected(t.Context(), good); err != nil {
				t.Errorf("the person: %v", err)
			}
		})
	})
	t.Run("while photos come", func(t *testing.T) {
		inWorld(t, options{}, func(t *testing.T, w *world) {
			w.net.hook(func(*http.Request) error { <-time.After(time.Second); return nil }, nil)
			w.pair()
			w.choose()
			stop := make(chan struct{})
			go func() {
				for tick := time.NewTicker(500 * time.Millisecond); ; {
					select {
					case <-stop:
						tick.Stop()
						return
					case <-tick.C:
						w.dev.Redirected(t.Context(), nonsense)
					}
				}
			}()
			began := time.Now()
			w.untilState(device.Showing)
			close(stop)
			if took := time.Since(began); took > time.Minute {
				t.Errorf("photos were held up for %v", took)
			}
		})
	})
	t.Run("with an error that they made up", func(t *testing.T) {
		inWorld(t, options{ways: methods(device.ByRelay, device.ByPaste)}, func(t *testing.T, w *world) {
			_, v := w.untilLink(device.ByRelay)
			u, _ := url.Parse(v.AuthURL)
			state := u.Query().Get("state")
			_, err := w.dev.Redirected(t.Context(), url.Values{"error": {"invalid_client\x1b[31m"}, "state": {state}})
			if p, ok := err.(*device.Problem); !ok || p.Code != "code_spent" || strings.Contains(w.log.String(), "\x1b") {
				t.Errorf("got %v", err)
			}
			_, v = w.untilLink(device.ByRelay)
			u, _ = url.Parse(v.AuthURL)
			w.dev.Redirected(t.Context(), url.Values{"error": {"unauthorized_client"}, "state": {u.Query().Get("state")}})
			w.untilLink(device.ByPaste)
			w.pass(hearsayFor)
			w.until("the first way again", func(s device.Status) bool { return s.Pairing != nil && s.Pairing.Method == device.ByRelay })
		})
	})
}

func TestTheDoorShutsWithTheWay(t *testing.T) {
	inWorld(t, options{auth: oauthtest.Options{RefuseCodeScope: true}, ways: methods(device.ByRelay, device.ByImport)}, func(t *testing.T, w *world) {
		_, v := w.untilLink(device.ByRelay)
		if _, err := w.dev.Redirected(t.Context(), w.allowed(v)); err == nil {
			t.Fatal("through")
		}
		w.until("import", func(s device.Status) bool { return s.Pairing != nil && s.Pairing.Method == device.ByImport })
		w.pass(time.Minute)
		if w.phones.isOpen() {
			t.Error("the door stays open with nothing behind it")
		}
	})
}

func TestADeliveredTokenStaysForgotten(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.until("a recipient", func(s device.Status) bool { return s.Recipient != "" })
		data, err := json.Marshal(w.granted())
		if err != nil {
			t.Fatal(err)
		}
		w.config = func(c *Config) { c.Provisioned = data }
		w.restart()
		for range 2 {
			w.untilState(device.Idle)
			if err := w.dev.Unpair(t.Context(), false); err != nil {
				t.Fatal(err)
			}
			w.untilState(device.Pairing)
			if _, err := w.dev.Import(t.Context(), w.sealed(w.granted())); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.dev.Unpair(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		w.restart()
		w.pass(time.Minute)
		if s := w.dev.Statuses().Get(); s.State != device.Pairing {
			t.Errorf("it is back: %+v", s)
		}
	})
}

// Who somebody is may be left out, and is no reason to refuse a token.
func TestIdentityIsOptional(t *testing.T) {
	named := func(c *Config) { c.OAuth.Scopes = []string{oauthtest.PickerScope, "openid", "email"} }
	inWorld(t, options{config: named}, func(t *testing.T, w *world) {
		s := w.until("a code", func(s device.Status) bool { return s.Pairing != nil })
		w.auth.Approve(s.Pairing.UserCode, "email")
		if s := w.untilState(device.Picking); s.Account == nil || s.Account.Email != "" {
			t.Errorf("%+v", s.Account)
		}
	})
	inWorld(t, options{ways: methods(device.ByImport)}, func(t *testing.T, w *world) {
		f := w.granted()
		w.config = named
		w.restart()
		if tried, err := w.dev.Import(t.Context(), w.sealed(f)); err != nil || !tried {
			t.Errorf("tried %v, %v", tried, err)
		}
	})
	inWorld(t, options{ways: methods(device.ByImport), config: named}, func(t *testing.T, w *world) {
		if _, err := w.dev.Import(t.Context(), w.sealed(w.granted())); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Second)
		if s := w.dev.Statuses().Get(); s.Account == nil || s.Account.Email != "person@example.org" {
			t.Errorf("%+v", s.Account)
		}
	})
}

// What is not understood is no reason to forget a token.
func TestImportIsKeptInDoubt(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"cut off":            cutOff,
		"without a scope":    answer(200, "application/json", `{"access_token":"a-s3cr3t","expires_in":3600,"token_type":"Bearer"}`),
		"somebody else's":    answer(403, "text/html", "<html>"),
		"something went bad": answer(500, "application/json", `{"error":"server_error"}`),
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, options{ways: methods(device.ByImport)}, func(t *testing.T, w *world) {
				f := w.granted()
				f.Scope = ""
				w.auth.Fail(oauthtest.OpRefresh, answer)
				if _, err := w.dev.Import(t.Context(), w.sealed(f)); err != nil {
					t.Error(err)
				}
				w.pass(time.Minute)
				if g, err := w.store.Grants.Current(); err != nil || g == nil || g.RefreshToken == "" {
					t.Errorf("%v, %v", g, err)
				}
			})
		})
	}
}

// The way out of a blocked screen is on it, whatever there is left to say.
func TestTryAgain(t *testing.T) {
	o := options{auth: oauthtest.Options{RefuseScope: true, RefuseCodeScope: true}, ways: methods(device.ByDevice, device.ByRelay, device.ByPaste)}
	inWorld(t, o, func(t *testing.T, w *world) {
		for _, m := range []string{device.ByRelay, device.ByPaste} {
			_, v := w.untilLink(m)
			if _, err := w.dev.Redirected(t.Context(), w.allowed(v)); err == nil {
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

// A record from before there were several ways.
func TestGrantWithoutAClient(t *testing.T) {
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

// A relay page sends nobody to what is not near.
func TestRelayNeedsALocalAddress(t *testing.T) {
	inWorld(t, options{ways: methods(device.ByRelay), before: func(w *world) { w.phones.set("http://203.0.113.7:8420", nil) }}, func(t *testing.T, w *world) {
		w.untilProblem("no_lan")
		w.phones.set("http://frame.local:8420", nil)
		w.untilLink(device.ByRelay)
	})
	for base, near := range map[string]bool{
		"http://192.168.1.20:8420": true, "http://10.0.0.1": true, "http://169.254.1.1": true, "http://[fd00::1]:8420": true, "http://box.local": true,
		"http://127.0.0.1:8420": false, "http://203.0.113.7": false, "http://kitchen:8420": false, "http://box.lan": false, "http://[::1]": false, ":": false,
	} {
		if engine.IsPrivateBase(base) != near {
			t.Errorf("%s: near %v", base, !near)
		}
	}
}

// Forgetting here first, and everywhere as an afterthought.
func TestEverywhereAfterHere(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.net.cut()
		for _, everywhere := range []bool{false, true} {
			if err := w.dev.Unpair(t.Context(), everywhere); err != nil {
				t.Fatal(err)
			}
		}
		w.net.mend()
		w.until("told", func(s device.Status) bool { return s.Outstanding == nil && s.Pairing != nil })
		if n := count(w, oauthtest.OpRevoke); n != 1 {
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
			s := w.until("a code", func(s device.Status) bool { return s.Pairing != nil })
			if err := w.dev.Unpair(t.Context(), true); err != nil {
				t.Fatal(err)
			}
			w.auth.Approve(s.Pairing.UserCode) // too late: another one follows
			w.until("another code", func(n device.Status) bool { return n.Pairing != nil && n.Pairing.UserCode != s.Pairing.UserCode })
			w.pair()
			w.pass(time.Hour)
			if s := w.dev.Statuses().Get(); s.Account == nil || count(w, oauthtest.OpRevoke) != 1 {
				t.Errorf("%+v, %d revocations", s.Account, count(w, oauthtest.OpRevoke))
			}
		})
	})
}

// An operator who was told to import a token sees that it helped.
func TestImportOnABlockedBox(t *testing.T) {
	inWorld(t, options{auth: oauthtest.Options{RefuseScope: true}}, func(t *testing.T, w *world) {
		w.untilState(device.Blocked)
		if _, err := w.dev.Import(t.Context(), w.sealed(w.granted())); err != nil {
			t.Fatal(err)
		}
		if s := w.untilState(device.Idle); s.Problem != nil {
			t.Errorf("%+v", s.Problem)
		}
		if p := w.dev.Pages().Get(); p.Label(display.Pick) == "" {
			t.Errorf("%+v", p)
		}
	})
}
