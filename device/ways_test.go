package device_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/display"
	"pickerd/display/words"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
)

// untilLink waits for a link on the screen and opens it.
func (w *world) untilLink(method string) (link string, v device.Visit) {
	w.t.Helper()
	s := w.until("a link", func(s device.Status) bool { return s.Pairing != nil && s.Pairing.Method == method })
	base, _, _ := strings.Cut(s.Pairing.QRURI, device.LinkPath)
	link = strings.TrimPrefix(s.Pairing.QRURI, base+device.LinkPath)
	v, err := w.dev.Visit(link)
	if err != nil {
		w.t.Fatal(err)
	}
	return link, v
}

// allowed lets the person agree and returns what their phone brings back.
func (w *world) allowed(v device.Visit, without ...string) url.Values {
	w.t.Helper()
	to, err := w.auth.Allow(v.AuthURL, "person", without...)
	if err != nil {
		w.t.Fatal(err)
	}
	u, err := url.Parse(to)
	if err != nil {
		w.t.Fatal(err)
	}
	return u.Query()
}

// The door that Google keeps shut for the Picker's scope: the person does not
// notice, and one scan does everything.
func TestRefusedScopeGoesOnByRelay(t *testing.T) {
	o := options{auth: oauthtest.Options{RefuseScope: true}, ways: methods(device.ByDevice, device.ByRelay)}
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
		link, err := w.dev.Redirected(t.Context(), w.allowed(v))
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
		if n := count(w, oauthtest.OpCode); n != 1 {
			t.Errorf("the device flow was asked for %d times", n)
		}
		w.config = func(c *Config) { c.OAuth.Scopes = append(c.OAuth.Scopes, "email") }
		w.restart()
		w.untilLink(device.ByRelay)
		if n := count(w, oauthtest.OpCode); n != 2 {
			t.Errorf("after a change of the configuration the device flow was asked for %d times", n)
		}
	})
}

func TestWrongClientTypeGoesOn(t *testing.T) {
	for _, op := range []string{oauthtest.OpCode, oauthtest.OpPoll} {
		o := options{auth: oauthtest.Options{WrongType: op}, ways: methods(device.ByDevice, device.ByPaste)}
		inWorld(t, o, func(t *testing.T, w *world) {
			_, v := w.untilLink(device.ByPaste)
			if !v.Paste || w.dev.Statuses().Get().Refused[0].Error != "invalid_client" {
				t.Errorf("%+v", v)
			}
			if _, err := w.dev.Redirected(t.Context(), w.allowed(v)); err != nil {
				t.Error(err)
			}
			w.untilState(device.Picking)
		})
	}
}

// A state is good once, in its time, on its box.
func TestStates(t *testing.T) {
	o := options{ways: methods(device.ByRelay), photos: pickertest.Options{}}
	t.Run("wrong and foreign", func(t *testing.T) {
		inWorld(t, o, func(t *testing.T, w *world) {
			_, v := w.untilLink(device.ByRelay)
			good := w.allowed(v)
			enc := base64.RawURLEncoding.EncodeToString
			for _, state := range []string{"", "x", enc([]byte(`{"nonce":""}`)), enc([]byte(`{"nonce":"` + strings.Repeat("A", 26) + `"}`)), good.Get("state") + "x", enc([]byte(`{"to":1}`))} {
				_, err := w.dev.Redirected(t.Context(), url.Values{"code": {good.Get("code")}, "state": {state}})
				if !errors.Is(err, device.ErrLinkUnknown) {
					t.Errorf("state %q: %v", state, err)
				}
			}
			if _, err := w.dev.Visit("nosuchlink"); !errors.Is(err, device.ErrLinkUnknown) {
				t.Errorf("a link that is not: %v", err)
			}
			if _, err := w.dev.Redirected(t.Context(), url.Values{"state": good["state"]}); !errors.Is(err, device.ErrNoAnswer) {
				t.Errorf("without a code: %v", err)
			}
			if count(w, oauthtest.OpExchange) > 0 {
				t.Error("a code was traded in that nobody had to bring")
			}
			if _, err := w.dev.Redirected(t.Context(), good); err != nil {
				t.Errorf("after all that, the right one: %v", err)
			}
		})
	})
	t.Run("replayed", func(t *testing.T) {
		inWorld(t, o, func(t *testing.T, w *world) {
			link, v := w.untilLink(device.ByRelay)
			answer := w.allowed(v)
			if _, err := w.dev.Redirected(t.Context(), answer); err != nil {
				t.Fatal(err)
			}
			w.untilState(device.Picking)
			if _, err := w.dev.Redirected(t.Context(), answer); !errors.Is(err, device.ErrLinkUsed) {
				t.Errorf("got %v", err)
			}
			if _, err := w.dev.Visit(link); !errors.Is(err, device.ErrLinkUsed) {
				t.Errorf("the link, again: %v", err)
			}
		})
	})
	t.Run("late", func(t *testing.T) {
		inWorld(t, o, func(t *testing.T, w *world) {
			link, v := w.untilLink(device.ByRelay)
			w.pass(linkLife + linkGrace/2)
			if now := w.dev.Statuses().Get().Pairing.QRURI; strings.HasSuffix(now, link) {
				t.Error("the link was not replaced")
			}
			if _, err := w.dev.Visit(link); err != nil {
				t.Errorf("scanned in time, and slow: %v", err)
			}
			w.pass(linkGrace)
			if _, err := w.dev.Redirected(t.Context(), w.allowed(v)); !errors.Is(err, device.ErrLinkLate) {
				t.Errorf("got %v", err)
			}
			w.pass(2 * linkLife)
			if _, err := w.dev.Visit(link); !errors.Is(err, device.ErrLinkLate) {
				t.Errorf("long after: %v", err)
			}
		})
	})
	t.Run("slow but in time", func(t *testing.T) {
		inWorld(t, o, func(t *testing.T, w *world) {
			_, v := w.untilLink(device.ByRelay)
			w.pass(linkLife + linkGrace/2)
			if _, err := w.dev.Redirected(t.Context(), w.allowed(v)); err != nil {
				t.Error(err)
			}
			w.untilState(device.Picking)
		})
	})
	t.Run("two phones at once", func(t *testing.T) {
		inWorld(t, o, func(t *testing.T, w *world) {
			_, v := w.untilLink(device.ByRelay)
			answers := []url.Values{w.allowed(v), w.allowed(v), w.allowed(v)}
			results := make([]error, len(answers))
			var wg sync.WaitGroup
			for i, a := range answers {
				wg.Go(func() { _, results[i] = w.dev.Redirected(t.Context(), a) })
			}
			wg.Wait()
			through := 0
			for _, err := range results {
				switch {
				case err == nil:
					through++
				case !errors.Is(err, device.ErrLinkUsed):
					t.Errorf("the slower phone: %v", err)
				}
			}
			if through != 1 || count(w, oauthtest.OpExchange) != 1 {
				t.Errorf("%d phones came through, %d codes were traded in", through, count(w, oauthtest.OpExchange))
			}
			w.untilState(device.Picking)
		})
	})
}

func TestDeclinedOnThePhone(t *testing.T) {
	inWorld(t, options{ways: methods(device.ByRelay)}, func(t *testing.T, w *world) {
		link, v := w.untilLink(device.ByRelay)
		to, err := w.auth.Decline(v.AuthURL)
		if err != nil {
			t.Fatal(err)
		}
		u, _ := url.Parse(to)
		_, err = w.dev.Redirected(t.Context(), u.Query())
		if p, ok := errors.AsType[*device.Problem](err); !ok || p.Code != "denied" {
			t.Errorf("the phone is told %v", err)
		}
		if s := w.until("a new link", func(s device.Status) bool { return s.Pairing != nil }); strings.HasSuffix(s.Pairing.QRURI, link) || s.Problem == nil {
			t.Errorf("%+v", s)
		}
	})
}

func TestPermissionUntickedOnThePhone(t *testing.T) {
	inWorld(t, options{ways: methods(device.ByRelay)}, func(t *testing.T, w *world) {
		_, v := w.untilLink(device.ByRelay)
		_, err := w.dev.Redirected(t.Context(), w.allowed(v, oauthtest.PickerScope))
		if p, ok := errors.AsType[*device.Problem](err); !ok || p.Code != "scope_missing" {
			t.Errorf("the phone is told %v", err)
		}
		w.untilLink(device.ByRelay)
	})
}

// What may go wrong between the phone's return and the token.
func TestExchangeTable(t *testing.T) {
	for name, tt := range map[string]struct {
		answers []http.HandlerFunc
		problem string // "" means that it goes through all the same
	}{
		"500, then fine":        {repeat(2, refuse(500, "")), ""},
		"no network, then fine": {repeat(2, abort), ""},
		"portal, then fine":     {repeat(2, answer(200, "text/html", "<html>")), ""},
		"invalid_grant":         {repeat(1, refuse(400, "invalid_grant")), "code_spent"},
		"cut off":               {repeat(1, cutOff), "code_spent"},
		"org_internal":          {repeat(1, refuse(403, "org_internal")), "org_internal"},
		"admin policy":          {repeat(1, refuse(400, "admin_policy_enforced")), "admin_policy"},
		"redirect mismatch":     {repeat(1, refuse(400, "redirect_uri_mismatch")), "refused"},
		"invalid_client":        {repeat(1, refuse(401, "invalid_client")), "client_refused"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, options{ways: methods(device.ByRelay)}, func(t *testing.T, w *world) {
				w.auth.Fail(oauthtest.OpExchange, tt.answers...)
				_, v := w.untilLink(device.ByRelay)
				_, err := w.dev.Redirected(t.Context(), w.allowed(v))
				if tt.problem == "" {
					if err != nil {
						t.Error(err)
					}
					return
				}
				if p, ok := errors.AsType[*device.Problem](err); !ok || p.Code != tt.problem {
					t.Errorf("the phone is told %v", err)
				}
				if s := w.untilProblem(tt.problem); s.State == device.Blocked && s.Refused != nil {
					// The server's own word counts until somebody asks again.
					w.pass(24 * time.Hour)
					if s := w.dev.Statuses().Get(); s.State != device.Blocked {
						t.Errorf("%+v", s)
					}
					if err := w.dev.Pick(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				w.until("calm and a new link", func(s device.Status) bool { return s.Problem == nil && s.Pairing != nil })
			})
		})
	}
}

// The plug is pulled between the phone's return and the token: the code is still
// good, and the phone's part need not be done again.
func TestPlugPulledBeforeTheExchange(t *testing.T) {
	inWorld(t, options{ways: methods(device.ByRelay)}, func(t *testing.T, w *world) {
		_, v := w.untilLink(device.ByRelay)
		answer := w.allowed(v)
		w.net.cut()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if _, err := w.dev.Redirected(ctx, answer); err == nil {
			t.Fatal("through without a network")
		}
		if page := w.dev.Pages().Get(); page.QR != "" {
			t.Error("a link that is used up is still on the screen")
		}
		w.stop()
		w.net.mend()
		w.start()
		w.untilState(device.Picking)
	})
}

func TestLinkFollowsTheAddress(t *testing.T) {
	inWorld(t, options{ways: methods(device.ByRelay)}, func(t *testing.T, w *world) {
		link, _ := w.untilLink(device.ByRelay)
		w.phones.set("http://10.0.0.7:8420", nil)
		w.until("the new address", func(s device.Status) bool {
			return s.Pairing != nil && strings.HasPrefix(s.Pairing.QRURI, "http://10.0.0.7:8420/pair/")
		})
		if _, err := w.dev.Visit(link); err != nil {
			t.Errorf("the old link: %v", err)
		}
		if page := w.dev.Pages().Get(); page.Link != page.QR || len(page.QR) > 60 {
			t.Errorf("a link to read and type: %q, %q", page.Link, page.QR)
		}
		w.phones.set("", errors.New("no route"))
		w.untilProblem("no_lan")
		w.phones.set("http://10.0.0.7:8420", nil)
		w.until("calm", func(s device.Status) bool { return s.Problem == nil && s.Pairing != nil })
		if !w.phones.isOpen() {
			t.Error("the door is shut")
		}
		_, v := w.untilLink(device.ByRelay)
		if _, err := w.dev.Redirected(t.Context(), w.allowed(v)); err != nil {
			t.Fatal(err)
		}
		w.choose()
		w.untilState(device.Showing)
		if w.phones.isOpen() {
			t.Error("the door stays open")
		}
	})
}

func TestNoWayLeft(t *testing.T) {
	inWorld(t, options{auth: oauthtest.Options{RefuseScope: true, RefuseCodeScope: true}, ways: methods(device.ByDevice, device.ByRelay)}, func(t *testing.T, w *world) {
		_, v := w.untilLink(device.ByRelay)
		_, err := w.dev.Redirected(t.Context(), w.allowed(v))
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
		if n := count(w, oauthtest.OpCode); n < 4 {
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

// A person who can't use the code on the screen gets another, and the first one
// stays good.
func TestFreshCode(t *testing.T) {
	for _, method := range []string{device.ByDevice, device.ByRelay} {
		inWorld(t, options{ways: methods(method)}, func(t *testing.T, w *world) {
			first := w.until("a code", func(s device.Status) bool { return s.Pairing != nil })
			if err := w.dev.Renew(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.pass(time.Minute)
			if w.dev.Statuses().Get().Pairing.QRURI != first.Pairing.QRURI {
				t.Error("renewed at once: a held key would use up the server's patience")
			}
			if err := w.dev.Renew(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.until("another code", func(s device.Status) bool { return s.Pairing != nil && s.Pairing.QRURI != first.Pairing.QRURI })
			if method == device.ByDevice {
				w.auth.Approve(first.Pairing.UserCode)
			} else {
				v, err := w.dev.Visit(first.Pairing.QRURI[len("http://192.168.1.20:8420/pair/"):])
				if err != nil {
					t.Fatal(err)
				}
				if _, err := w.dev.Redirected(t.Context(), w.allowed(v)); err != nil {
					t.Fatal(err)
				}
			}
			w.untilState(device.Picking)
			if err := w.dev.Renew(t.Context()); !errors.Is(err, device.ErrNoCode) {
				t.Errorf("when there is no code: %v", err)
			}
		})
	}
}

// A grant is good for the client that it was given to, whatever the
// configuration says later.
func TestClientChanges(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		w.photos.Fail(pickertest.OpDelete, repeat(50, answer(503, "application/json", "{}"))...)
		w.untilState(device.Showing)
		w.auth.ExpireAccess()
		w.setUp = methods(device.ByRelay)
		w.restart()
		w.untilClean()
		if s := w.dev.Statuses().Get(); s.Account == nil || s.Account.Method != device.ByDevice {
			t.Errorf("%+v", s.Account)
		}
		// Its client is gone at Google, and nobody will bring it back.
		w.auth.ExpireAccess()
		w.auth.Fail(oauthtest.OpRefresh, repeat(3, refuse(401, "invalid_client"))...)
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.untilLink(device.ByRelay)
	})
}

func TestAccountIsTold(t *testing.T) {
	o := options{config: func(c *Config) { c.OAuth.Scopes = []string{oauthtest.PickerScope, "openid", "email"} }}
	t.Run("by userinfo", func(t *testing.T) {
		o := o
		o.auth.NoIDToken = true
		inWorld(t, o, func(t *testing.T, w *world) {
			if s := w.pair(); s.Account == nil || s.Account.Email != "person@example.org" {
				t.Errorf("%+v", s.Account)
			}
		})
		inWorld(t, o, func(t *testing.T, w *world) {
			w.auth.Fail(oauthtest.OpUserinfo, refuse(500, ""))
			if s := w.pair(); s.Account == nil || s.Account.Email != "" {
				t.Errorf("%+v", s.Account)
			}
		})
	})
	inWorld(t, o, func(t *testing.T, w *world) {
		s := w.pair()
		if s.Account == nil || s.Account.Email != "person@example.org" {
			t.Errorf("%+v", s.Account)
		}
		if p := w.dev.Pages().Get(); p.Account != "Linked to person@example.org" {
			t.Errorf("the screen says %q", p.Account)
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

func TestSpokenCode(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		s := w.until("a code", func(s device.Status) bool { return s.Pairing != nil })
		p := w.dev.Pages().Get()
		if !strings.Contains(p.Spoken, words.English().Spell(s.Pairing.UserCode)) || !strings.Contains(p.Spoken, ", dash, ") || p.Label(display.Renew) == "" {
			t.Errorf("%+v", p)
		}
	})
}
