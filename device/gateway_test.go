package device_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
	"pickerd/store"
)

// TestGateway checks that a box signs people in, refreshes and revokes through its
// gateway alone, tells it that the token arrived, and leads the phone on.
func TestGateway(t *testing.T) {
	var gw *fakeGateway
	o := options{setUp: through("gw.test"), before: func(w *world) { gw = w.addGateway("gw.test", nil) }}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.net.delayFirst("POST", "/v1/sessions", 5*time.Second)
		s := w.pair()
		synctest.Wait()
		received, continued := gw.told()
		if len(received) != 1 || !slices.Equal(continued, []string{s.Pick.PickerURI}) {
			t.Fatalf("the gateway was told %d times of the token and of %q", len(received), continued)
		}
		p := w.dev.Pages().Get()
		if p.QR != s.Pick.PickerURI || !strings.Contains(strings.Join(p.Steps, " "), "on your phone") {
			t.Errorf("page %+v", p)
		}
		g, err := w.store.Grants.Current()
		if err != nil || g.Handover != nil || g.Issuer != "https://gw.test" || g.TokenURL != "https://gw.test/token" {
			t.Errorf("grant %+v, handover %v, %v", g.TokenURL, g.Handover, err)
		}
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
		w.pass(2 * time.Hour)
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.untilState(device.Picking)
		if p := w.dev.Pages().Get(); strings.Contains(strings.Join(p.Steps, " "), "on your phone") {
			t.Errorf("the second pick is on no phone: %q", p.Steps)
		}
		if err := w.dev.Unpair(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		w.until("unpaired box", func(s device.Status) bool { return s.Account == nil && s.Outstanding == nil })
		if len(gw.saw("refresh_token")) == 0 || countCalls(w, oauthtest.OpRevoke) != 1 || len(gw.saw("/revoke")) != 1 {
			t.Errorf("%d refreshes, %d revocations", len(gw.saw("refresh_token")), len(gw.saw("/revoke")))
		}
		if _, continued := gw.told(); len(continued) != 1 {
			t.Errorf("the phone was led on %d times", len(continued))
		}
	})
}

// TestGatewayWithoutOurEndpoints checks that a server with standard metadata is
// enough, also one without a revocation endpoint.
func TestGatewayWithoutOurEndpoints(t *testing.T) {
	var gw *fakeGateway
	o := options{setUp: through("gw.test"), before: func(w *world) {
		gw = w.addGateway("gw.test", nil)
		gw.change = func(m map[string]any) {
			delete(m, "received_endpoint")
			delete(m, "continue_endpoint")
			delete(m, "revocation_endpoint")
		}
	}}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pair()
		if g, err := w.store.Grants.Current(); err != nil || g.Handover != nil || g.RevokeURL != "" {
			t.Errorf("grant %v, %v, %v", g.Handover, g.RevokeURL, err)
		}
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
		if err := w.dev.Unpair(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		w.until("forgotten account", func(s device.Status) bool { return s.Account == nil && s.Outstanding == nil })
		if n := countCalls(w, oauthtest.OpRevoke); n != 0 {
			t.Errorf("%d revocations", n)
		}
	})
}

// secretsOf returns what no other server may see of the box's only grant.
func secretsOf(t *testing.T, w *world) []string {
	t.Helper()
	grants, err := w.store.Grants.All()
	if err != nil || len(grants) != 1 {
		t.Fatalf("%d grants, %v", len(grants), err)
	}
	g := grants[0]
	list := []string{g.AccessToken, g.RefreshToken, g.ClientSecret}
	if g.Handover != nil {
		list = append(list, g.Handover.DeviceCode)
	}
	if slices.Contains(list, "") {
		t.Fatal("the grant has no token")
	}
	return list
}

// TestServerChanged pairs a box, changes the configured server, and checks that the
// old one still refreshes and revokes, and that no secret of the old one reaches
// the new one.
func TestServerChanged(t *testing.T) {
	toURLs := func(host string) func(*world, *Config) {
		return func(_ *world, c *Config) {
			c.OAuth.DeviceAuthURL, c.OAuth.TokenURL = "https://"+host+"/device/code", "https://"+host+"/token"
			c.OAuth.RevokeURL, c.OAuth.UserinfoURL = "https://"+host+"/revoke", "https://"+host+"/userinfo"
			c.Methods[0].Secret = "another secret"
		}
	}
	toGateway := func(w *world, c *Config) {
		through("new.test")(w, c)
		c.Methods[0].Secret = "another secret"
	}
	for name, tt := range map[string]struct {
		first, second func(*world, *Config)
		old           bool // the grant is from a version that stored no addresses
	}{
		"another gateway":              {through("old.test"), toGateway, false},
		"no gateway":                   {through("old.test"), toURLs("new.test"), false},
		"the first gateway":            {toURLs("old.test"), toGateway, false},
		"token_url":                    {toURLs("old.test"), toURLs("new.test"), false},
		"token_url of an old record":   {toURLs("old.test"), toURLs("new.test"), true},
		"the first gateway, an update": {toURLs("old.test"), toGateway, true},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after *fakeGateway
			first := func(w *world, c *Config) {
				tt.first(w, c)
				c.Methods[0].Secret = w.method(device.ByDevice).Secret
			}
			o := options{setUp: first, before: func(w *world) {
				before = w.addGateway("old.test", nil)
				after = w.addGateway("new.test", oauthtest.New(oauthtest.Options{}))
			}}
			inWorld(t, o, func(t *testing.T, w *world) {
				w.pair()
				secrets := secretsOf(t, w)
				w.choose()
				w.untilState(device.Showing)
				w.untilClean()
				if tt.old {
					err := w.store.Grants.Update(mustCurrent(t, w).ID, func(g *store.Grant) { g.Issuer, g.TokenURL, g.RevokeURL = "", "", "" })
					if err != nil {
						t.Fatal(err)
					}
					w.restart() // the update, with the configuration of before
					synctest.Wait()
				}
				w.setUp = tt.second
				w.restart()
				w.pass(2 * time.Hour)
				if err := w.dev.Pick(t.Context()); err != nil {
					t.Fatal(err)
				}
				w.untilState(device.Picking)
				secrets = append(secrets, secretsOf(t, w)...)
				if len(before.saw("grant_type=refresh_token")) == 0 {
					t.Error("the old server was not asked to refresh")
				}
				if err := w.dev.Unpair(t.Context(), true); err != nil {
					t.Fatal(err)
				}
				w.until("revoked account", func(s device.Status) bool { return s.Account == nil && s.Outstanding == nil })
				if len(before.saw("old.test/revoke")) != 1 {
					t.Error("the old server was not asked to revoke")
				}
				w.untilCode()
				for _, secret := range secrets {
					for _, r := range after.saw(secret) {
						t.Errorf("the new server got a secret of the old one:\n%s", r)
					}
				}
				if len(after.saw("device/code")) == 0 {
					t.Error("the new server was not asked for a code")
				}
				if len(before.saw("another secret")) > 0 {
					t.Error("the old server got the new client's secret")
				}
			})
		})
	}
}

func mustCurrent(t *testing.T, w *world) *store.Grant {
	t.Helper()
	g, err := w.store.Grants.Current()
	if err != nil || g == nil {
		t.Fatalf("grant %v, %v", g, err)
	}
	return g
}

// TestServerChangedDuringPairing checks that a code on the screen is not polled at
// another server.
func TestServerChangedDuringPairing(t *testing.T) {
	var before, after *fakeGateway
	o := options{setUp: through("old.test"), before: func(w *world) {
		before = w.addGateway("old.test", nil)
		after = w.addGateway("new.test", oauthtest.New(oauthtest.Options{}))
	}}
	inWorld(t, o, func(t *testing.T, w *world) {
		first := w.untilCode()
		w.pass(time.Minute)
		p, err := w.store.Pairings.Current()
		if err != nil {
			t.Fatal(err)
		}
		w.setUp = through("new.test")
		w.restart()
		polled := len(before.saw("device_code"))
		w.pass(time.Minute)
		if s := w.untilCode(); s.Pairing.UserCode == first.Pairing.UserCode || len(before.saw("device_code")) > polled {
			t.Error("the code of the old server is still on the screen or polled")
		}
		if len(after.saw(p.DeviceCode)) > 0 {
			t.Error("the new server got the device_code of the old one")
		}
		if len(before.saw("device_code")) == 0 || len(after.saw("device_code")) == 0 {
			t.Error("a server was not polled")
		}
	})
}

// TestGatewayDown checks that a gateway that is down is an outage: it is named if
// the network works, a code appears as soon as it is back, photos stay, and a token
// that is good is used.
func TestGatewayDown(t *testing.T) {
	for name, fault := range map[string]http.HandlerFunc{"no answer": abort, "503": refuse(503, "temporarily_unavailable"), "silent": silent} {
		t.Run(name, func(t *testing.T) {
			var gw *fakeGateway
			o := options{setUp: through("gw.test"), before: func(w *world) {
				gw = w.addGateway("gw.test", nil)
				gw.failAll(fault)
			}}
			inWorld(t, o, func(t *testing.T, w *world) {
				if s := w.untilProblem("gateway_down"); s.State != device.Pairing {
					t.Errorf("state %s", s.State)
				}
				w.net.cut()
				w.untilProblem("no_network")
				w.net.mend()
				gw.failAll(nil)
				w.pair()
				w.choose()
				w.untilState(device.Showing)
				w.untilClean()
				gw.failAll(fault)
				w.pass(10 * time.Minute)
				if s := w.dev.Statuses().Get(); s.State != device.Showing || s.Problem != nil {
					t.Errorf("state %s, %+v", s.State, s.Problem)
				}
				if err := w.dev.Pick(t.Context()); err != nil { // with the token that is good for an hour
					t.Fatal(err)
				}
				w.choose("item-2")
				w.untilState(device.Showing)
				w.untilClean()
				w.pass(2 * time.Hour)
				if err := w.dev.Pick(t.Context()); err != nil {
					t.Fatal(err)
				}
				if s := w.untilProblem("gateway_down"); s.Library.Items == 0 {
					t.Error("the photos are gone")
				}
				gw.failAll(nil)
				w.untilState(device.Picking)
			})
		})
	}
}

// TestStoredMetadata checks that codes are renewed while only the metadata is
// missing, also after a restart.
func TestStoredMetadata(t *testing.T) {
	var gw *fakeGateway
	o := options{setUp: through("gw.test"), before: func(w *world) { gw = w.addGateway("gw.test", nil) }}
	inWorld(t, o, func(t *testing.T, w *world) {
		first := w.untilCode()
		gw.failing("/.well-known/oauth-authorization-server", refuse(503, ""))
		w.restart()
		s := w.until("next code", func(s device.Status) bool {
			return s.Pairing != nil && s.Pairing.UserCode != first.Pairing.UserCode
		})
		if s.Problem != nil {
			t.Errorf("problem %+v", s.Problem)
		}
		w.pair()
	})
}

// TestGatewayRefuses checks what an operator is told, and that the box recovers.
func TestGatewayRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		path string
		with http.HandlerFunc
	}{
		"unknown client":    {"/device/code", refuse(401, "invalid_client")},
		"scope not listed":  {"/device/code", refuse(400, "invalid_scope")},
		"another issuer":    {"/.well-known/oauth-authorization-server", answer(200, "application/json", `{"issuer":"https://gw.test/"}`)},
		"no gateway there":  {"/.well-known/oauth-authorization-server", answer(404, "text/plain", "404 page not found")},
		"refused at a poll": {"/token", refuse(401, "invalid_client")},
	} {
		t.Run(name, func(t *testing.T) {
			var gw *fakeGateway
			o := options{setUp: through("gw.test"), before: func(w *world) {
				gw = w.addGateway("gw.test", nil)
				gw.failing(tt.path, tt.with)
			}}
			inWorld(t, o, func(t *testing.T, w *world) {
				s := w.untilProblem("gateway_refused")
				if s.State != device.Blocked || s.Problem.Remedy == "" || !strings.Contains(s.Problem.Message, "sign-in server") {
					t.Errorf("state %s, %+v", s.State, s.Problem)
				}
				gw.failing(tt.path, nil)
				w.until("code", func(s device.Status) bool { return s.Pairing != nil && s.Problem == nil })
				w.pair()
			})
		})
	}
}

// TestGatewayCertificate checks that a certificate of the gateway that has expired or is
// from an unknown authority is not taken for a wrong clock or a captive portal.
func TestGatewayCertificate(t *testing.T) {
	for name, err := range map[string]error{
		"expired":              x509.CertificateInvalidError{Reason: x509.Expired},
		"an unknown authority": x509.UnknownAuthorityError{},
	} {
		t.Run(name, func(t *testing.T) {
			o := options{setUp: through("gw.test"), before: func(w *world) {
				w.addGateway("gw.test", nil)
				w.net.hosts["gw.test"] = roundTripFunc(func(*http.Request) (*http.Response, error) {
					return nil, &tls.CertificateVerificationError{Err: err}
				})
			}}
			inWorld(t, o, func(t *testing.T, w *world) { w.untilProblem("gateway_down") })
		})
	}
}

// TestGatewayMissing checks that the next method is tried where no gateway is, and the
// gateway again after an hour.
func TestGatewayMissing(t *testing.T) {
	var gw *fakeGateway
	const metadata = "/.well-known/oauth-authorization-server"
	o := options{
		setUp: func(w *world, c *Config) {
			through("gw.test")(w, c)
			c.Methods = append(c.Methods, w.method(device.ByRelay))
		},
		before: func(w *world) {
			gw = w.addGateway("gw.test", nil)
			gw.failing(metadata, answer(200, "application/json", `{"issuer":"https://other.test"}`))
		},
	}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.untilLink(device.ByRelay)
		began := time.Now()
		gw.failing(metadata, nil)
		first := w.until("a code of the gateway", func(s device.Status) bool { return s.Pairing != nil && s.Pairing.Method == device.ByDevice })
		if after := time.Since(began); after < unverifiedFor-time.Minute || first.Problem != nil {
			t.Errorf("after %v, problem %+v", after, first.Problem)
		}
		// A code that is on the screen outlives metadata that is gone for a while.
		gw.failing(metadata, answer(404, "text/plain", "404 page not found"))
		w.restart()
		w.pass(time.Minute)
		if s := w.dev.Statuses().Get(); s.Pairing == nil || s.Pairing.UserCode != first.Pairing.UserCode {
			t.Errorf("the code is gone: %+v", s)
		}
		w.pair()
	})
}

// TestHandover checks that the gateway is told of the token and of the picker over
// outages and restarts, and for ten minutes at most, after which the device_code is
// erased.
func TestHandover(t *testing.T) {
	unavailable := refuse(503, "temporarily_unavailable")
	for name, tt := range map[string]struct {
		down, restartAfter time.Duration
		received, told     int
	}{
		"a short outage": {3 * time.Minute, 0, 1, 1},
		"a restart":      {3 * time.Minute, time.Minute, 1, 1},
		"a long outage":  {11 * time.Minute, 0, 0, 0},
		"off for long":   {11 * time.Minute, time.Second, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var gw *fakeGateway
			o := options{setUp: through("gw.test"), before: func(w *world) {
				gw = w.addGateway("gw.test", nil)
				gw.failing("/received", unavailable)
				gw.failing("/continue", unavailable)
			}}
			inWorld(t, o, func(t *testing.T, w *world) {
				s := w.pair()
				if p := w.dev.Pages().Get(); p.QR == "" || strings.Contains(strings.Join(p.Steps, " "), "on your phone") {
					t.Errorf("page %+v", p)
				}
				w.pass(tt.restartAfter)
				if tt.restartAfter > 0 {
					w.stop()
					w.pass(tt.down - tt.restartAfter)
				} else {
					w.pass(tt.down)
				}
				gw.failing("/received", nil)
				gw.failing("/continue", nil)
				if tt.restartAfter > 0 {
					w.start()
				}
				w.pass(time.Minute)
				received, continued := gw.told()
				if len(received) != tt.received || len(continued) != tt.told || tt.told > 0 && continued[0] != s.Pick.PickerURI {
					t.Errorf("told %d times of the token, and of %q", len(received), continued)
				}
				if g := mustCurrent(t, w); g.Handover != nil {
					t.Error("the device_code is still on disk")
				}
			})
		})
	}
}

// TestHandoverRefused checks that a refusal is final and changes nothing else.
func TestHandoverRefused(t *testing.T) {
	var gw *fakeGateway
	o := options{setUp: through("gw.test"), before: func(w *world) {
		gw = w.addGateway("gw.test", nil)
		gw.failing("/received", refuse(400, "invalid_grant"))
		gw.failing("/continue", refuse(400, "invalid_grant"))
	}}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pair()
		w.pass(time.Minute)
		if n, m := len(gw.saw("/received")), len(gw.saw("/continue")); n != 1 || m != 1 {
			t.Errorf("%d and %d requests", n, m)
		}
		if g := mustCurrent(t, w); g.Handover != nil {
			t.Error("the device_code is still on disk")
		}
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
	})
}

// TestAnswerFetchedAgain checks that a token whose answer was cut off is fetched
// again with the same code, also after a restart.
func TestAnswerFetchedAgain(t *testing.T) {
	for _, restart := range []bool{false, true} {
		var gw *fakeGateway
		o := options{setUp: through("gw.test"), before: func(w *world) { gw = w.addGateway("gw.test", nil) }}
		inWorld(t, o, func(t *testing.T, w *world) {
			s := w.untilCode()
			var cut atomic.Bool
			gw.failing("/token", func(rw http.ResponseWriter, r *http.Request) {
				rec := httptest.NewRecorder()
				gw.poll(rec, r, r.PostFormValue("device_code"))
				if rec.Code != http.StatusOK {
					gw.poll(rw, r, r.PostFormValue("device_code"))
					return
				}
				if cut.Store(true); restart {
					silent(rw, r)
				}
				cutOff(rw, r)
			})
			w.auth.Approve(s.Pairing.UserCode)
			for !cut.Load() {
				w.pass(time.Second)
			}
			if restart {
				w.stop()
			}
			gw.failing("/token", nil)
			if restart {
				w.start()
			}
			w.untilState(device.Picking)
			if n := countCalls(w, oauthtest.OpCode); n != 1 {
				t.Errorf("%d codes", n)
			}
		})
	}
}

// TestHandoverForgotten checks that unpairing erases the device_code.
func TestHandoverForgotten(t *testing.T) {
	var gw *fakeGateway
	o := options{setUp: through("gw.test"), photos: pickertest.Options{}, before: func(w *world) {
		gw = w.addGateway("gw.test", nil)
		gw.failing("/received", refuse(503, "temporarily_unavailable"))
	}}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pair()
		w.net.cut() // the grant stays until it is revoked
		if err := w.dev.Unpair(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		grants, err := w.store.Grants.All()
		if err != nil || len(grants) != 1 || grants[0].Handover != nil {
			t.Errorf("grants %v, %v", grants, err)
		}
	})
}
