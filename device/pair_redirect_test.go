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
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/device/engine"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
)

// untilLink waits for a link on the screen and opens it as a phone does.
func (w *world) untilLink(method string) (link string, v device.Visit) {
	w.t.Helper()
	synctest.Wait() // a link that has just been used leaves the status
	s := w.until("link", func(s device.Status) bool { return s.Pairing != nil && s.Pairing.Method == method })
	base, _, _ := strings.Cut(s.Pairing.QRURI, device.LinkPath)
	link = strings.TrimPrefix(s.Pairing.QRURI, base+device.LinkPath)
	v, err := w.dev.Visit(link)
	if err != nil {
		w.t.Fatal(err)
	}
	return link, v
}

// consent lets the person consent and returns the parameters of the redirect.
func (w *world) consent(v device.Visit, without ...string) url.Values {
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

// TestRedirectState checks that a state parameter is valid once, for a limited
// time, and on one box.
func TestRedirectState(t *testing.T) {
	o := options{setUp: methods(device.ByRelay), photos: pickertest.Options{}}
	t.Run("unknown", func(t *testing.T) {
		inWorld(t, o, func(t *testing.T, w *world) {
			_, v := w.untilLink(device.ByRelay)
			good := w.consent(v)
			enc := base64.RawURLEncoding.EncodeToString
			for _, state := range []string{"", "x", enc([]byte(`{"nonce":""}`)), enc([]byte(`{"nonce":"` + strings.Repeat("A", 26) + `"}`)), good.Get("state") + "x", enc([]byte(`{"to":1}`))} {
				_, err := w.dev.Redirected(t.Context(), url.Values{"code": {good.Get("code")}, "state": {state}})
				if !errors.Is(err, device.ErrLinkUnknown) {
					t.Errorf("state %q: %v", state, err)
				}
			}
			if _, err := w.dev.Visit("nosuchlink"); !errors.Is(err, device.ErrLinkUnknown) {
				t.Errorf("unknown link: %v", err)
			}
			if _, err := w.dev.Redirected(t.Context(), url.Values{"state": good["state"]}); !errors.Is(err, device.ErrNoAnswer) {
				t.Errorf("redirect without a code: %v", err)
			}
			if countCalls(w, oauthtest.OpExchange) > 0 {
				t.Error("a code with an unknown state was exchanged")
			}
			if _, err := w.dev.Redirected(t.Context(), good); err != nil {
				t.Errorf("valid redirect afterwards: %v", err)
			}
		})
	})
	t.Run("replayed", func(t *testing.T) {
		inWorld(t, o, func(t *testing.T, w *world) {
			link, v := w.untilLink(device.ByRelay)
			answer := w.consent(v)
			if _, err := w.dev.Redirected(t.Context(), answer); err != nil {
				t.Fatal(err)
			}
			w.untilState(device.Picking)
			if _, err := w.dev.Redirected(t.Context(), answer); !errors.Is(err, device.ErrLinkUsed) {
				t.Errorf("error %v", err)
			}
			if _, err := w.dev.Visit(link); !errors.Is(err, device.ErrLinkUsed) {
				t.Errorf("second visit of the link: %v", err)
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
				t.Errorf("visit within linkGrace: %v", err)
			}
			w.pass(linkGrace)
			if _, err := w.dev.Redirected(t.Context(), w.consent(v)); !errors.Is(err, device.ErrLinkLate) {
				t.Errorf("error %v", err)
			}
			w.pass(2 * linkLife)
			if _, err := w.dev.Visit(link); !errors.Is(err, device.ErrLinkLate) {
				t.Errorf("visit long afterwards: %v", err)
			}
		})
	})
	t.Run("within linkGrace", func(t *testing.T) {
		inWorld(t, o, func(t *testing.T, w *world) {
			_, v := w.untilLink(device.ByRelay)
			w.pass(linkLife + linkGrace/2)
			if _, err := w.dev.Redirected(t.Context(), w.consent(v)); err != nil {
				t.Error(err)
			}
			w.untilState(device.Picking)
		})
	})
	t.Run("two phones at once", func(t *testing.T) {
		inWorld(t, o, func(t *testing.T, w *world) {
			_, v := w.untilLink(device.ByRelay)
			answers := []url.Values{w.consent(v), w.consent(v), w.consent(v)}
			results := make([]error, len(answers))
			var wg sync.WaitGroup
			for i, a := range answers {
				wg.Go(func() { _, results[i] = w.dev.Redirected(t.Context(), a) })
			}
			wg.Wait()
			succeeded := 0
			for _, err := range results {
				switch {
				case err == nil:
					succeeded++
				case !errors.Is(err, device.ErrLinkUsed):
					t.Errorf("slower phone: %v", err)
				}
			}
			if succeeded != 1 || countCalls(w, oauthtest.OpExchange) != 1 {
				t.Errorf("%d phones succeeded, %d codes were exchanged; want 1 of each", succeeded, countCalls(w, oauthtest.OpExchange))
			}
			w.untilState(device.Picking)
		})
	})
}

// TestForgedRedirects checks that requests without a valid state cannot delay the
// box or spoil a sign-in.
func TestForgedRedirects(t *testing.T) {
	nonsense := url.Values{"code": {"x"}, "state": {"nonsense"}}
	t.Run("during an exchange", func(t *testing.T) {
		inWorld(t, options{setUp: methods(device.ByRelay)}, func(t *testing.T, w *world) {
			_, v := w.untilLink(device.ByRelay)
			good := w.consent(v)
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
				t.Errorf("redirect of the person: %v", err)
			}
		})
	})
	t.Run("during a fetch", func(t *testing.T) {
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
				t.Errorf("the fetch took %v", took)
			}
		})
	})
	t.Run("forged error", func(t *testing.T) {
		inWorld(t, options{setUp: methods(device.ByRelay, device.ByPaste)}, func(t *testing.T, w *world) {
			_, v := w.untilLink(device.ByRelay)
			u, _ := url.Parse(v.AuthURL)
			state := u.Query().Get("state")
			_, err := w.dev.Redirected(t.Context(), url.Values{"error": {"invalid_client\x1b[31m"}, "state": {state}})
			if p, ok := err.(*device.Problem); !ok || p.Code != "code_spent" || strings.Contains(w.log.String(), "\x1b") {
				t.Errorf("error %v", err)
			}
			_, v = w.untilLink(device.ByRelay)
			u, _ = url.Parse(v.AuthURL)
			w.dev.Redirected(t.Context(), url.Values{"error": {"unauthorized_client"}, "state": {u.Query().Get("state")}})
			w.untilLink(device.ByPaste)
			w.pass(unverifiedFor)
			w.until("first method again", func(s device.Status) bool { return s.Pairing != nil && s.Pairing.Method == device.ByRelay })
		})
	})
}

// TestConsentDeclined checks that a declined consent is shown and leads to a new
// link.
func TestConsentDeclined(t *testing.T) {
	inWorld(t, options{setUp: methods(device.ByRelay)}, func(t *testing.T, w *world) {
		link, v := w.untilLink(device.ByRelay)
		to, err := w.auth.Decline(v.AuthURL)
		if err != nil {
			t.Fatal(err)
		}
		u, _ := url.Parse(to)
		_, err = w.dev.Redirected(t.Context(), u.Query())
		if p, ok := errors.AsType[*device.Problem](err); !ok || p.Code != "denied" {
			t.Errorf("error on the phone: %v", err)
		}
		if s := w.untilCode(); strings.HasSuffix(s.Pairing.QRURI, link) || s.Problem == nil {
			t.Errorf("status %+v", s)
		}
	})
}

// TestRefusalEnds checks that a refusal is not shown any more once somebody has
// signed in.
func TestRefusalEnds(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		s := w.untilCode()
		w.auth.Deny(s.Pairing.UserCode)
		w.untilProblem("denied")
		if s := w.pair(); s.Problem != nil {
			t.Errorf("after signing in: %+v", s.Problem)
		}
	})
}

// TestConsentWithoutScope checks that a person who unticks the scope gets a new
// link.
func TestConsentWithoutScope(t *testing.T) {
	inWorld(t, options{setUp: methods(device.ByRelay)}, func(t *testing.T, w *world) {
		_, v := w.untilLink(device.ByRelay)
		_, err := w.dev.Redirected(t.Context(), w.consent(v, oauthtest.PickerScope))
		if p, ok := errors.AsType[*device.Problem](err); !ok || p.Code != "scope_missing" {
			t.Errorf("error on the phone: %v", err)
		}
		w.untilLink(device.ByRelay)
	})
}

// TestExchangeAnswers checks the problem for each answer to an exchange, and that
// pairing continues with a new link.
func TestExchangeAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		answers []http.HandlerFunc
		problem string // "" if the exchange succeeds
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
			inWorld(t, options{setUp: methods(device.ByRelay)}, func(t *testing.T, w *world) {
				w.auth.Fail(oauthtest.OpExchange, tt.answers...)
				_, v := w.untilLink(device.ByRelay)
				_, err := w.dev.Redirected(t.Context(), w.consent(v))
				if tt.problem == "" {
					if err != nil {
						t.Error(err)
					}
					return
				}
				if p, ok := errors.AsType[*device.Problem](err); !ok || p.Code != tt.problem {
					t.Errorf("error on the phone: %v", err)
				}
				if s := w.untilProblem(tt.problem); s.State == device.Blocked && s.Refused != nil {
					// The refusal counts until a person tries again.
					w.pass(24 * time.Hour)
					if s := w.dev.Statuses().Get(); s.State != device.Blocked {
						t.Errorf("status %+v", s)
					}
					if err := w.dev.Pick(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				w.until("new link without a problem", func(s device.Status) bool { return s.Problem == nil && s.Pairing != nil })
			})
		})
	}
}

// TestPowerCutBeforeExchange checks that an exchange that a power cut prevents is
// made after the restart, without another consent.
func TestPowerCutBeforeExchange(t *testing.T) {
	inWorld(t, options{setUp: methods(device.ByRelay)}, func(t *testing.T, w *world) {
		_, v := w.untilLink(device.ByRelay)
		answer := w.consent(v)
		w.net.cut()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if _, err := w.dev.Redirected(ctx, answer); err == nil {
			t.Fatal("the exchange succeeded without a network")
		}
		if page := w.dev.Pages().Get(); page.QR != "" {
			t.Error("a used link is still on the screen")
		}
		w.stop()
		w.net.mend()
		w.start()
		w.untilState(device.Picking)
	})
}

// TestAddressChange checks that the link follows the address of the box, that the
// old link remains valid, and that the listener for phones closes after pairing.
func TestAddressChange(t *testing.T) {
	inWorld(t, options{setUp: methods(device.ByRelay)}, func(t *testing.T, w *world) {
		link, _ := w.untilLink(device.ByRelay)
		w.phones.set("http://10.0.0.7:8420", nil)
		w.until("link with the new address", func(s device.Status) bool {
			return s.Pairing != nil && strings.HasPrefix(s.Pairing.QRURI, "http://10.0.0.7:8420/pair/")
		})
		if _, err := w.dev.Visit(link); err != nil {
			t.Errorf("visit of the old link: %v", err)
		}
		if page := w.dev.Pages().Get(); page.Link != page.QR || len(page.QR) > 60 {
			t.Errorf("link to type %q, QR code %q", page.Link, page.QR)
		}
		w.phones.set("", errors.New("no route"))
		w.untilProblem("no_lan")
		w.phones.set("http://10.0.0.7:8420", nil)
		w.until("link without a problem", func(s device.Status) bool { return s.Problem == nil && s.Pairing != nil })
		if !w.phones.isOpen() {
			t.Error("the phone listener is closed")
		}
		_, v := w.untilLink(device.ByRelay)
		if _, err := w.dev.Redirected(t.Context(), w.consent(v)); err != nil {
			t.Fatal(err)
		}
		w.choose()
		w.untilState(device.Showing)
		if w.phones.isOpen() {
			t.Error("the phone listener is still open")
		}
	})
}

// TestRelayAddress checks that the relay is used only while the box has a local
// address. The relay page redirects to no other.
func TestRelayAddress(t *testing.T) {
	inWorld(t, options{setUp: methods(device.ByRelay), before: func(w *world) { w.phones.set("http://203.0.113.7:8420", nil) }}, func(t *testing.T, w *world) {
		w.untilProblem("no_lan")
		w.phones.set("http://frame.local:8420", nil)
		w.untilLink(device.ByRelay)
	})
	for base, private := range map[string]bool{
		"http://192.168.1.20:8420": true, "http://10.0.0.1": true, "http://169.254.1.1": true, "http://[fd00::1]:8420": true, "http://box.local": true,
		"http://127.0.0.1:8420": false, "http://203.0.113.7": false, "http://kitchen:8420": false, "http://box.lan": false, "http://[::1]": false, ":": false,
	} {
		if engine.IsPrivateBase(base) != private {
			t.Errorf("IsPrivateBase(%q) = %v", base, !private)
		}
	}
}
