package device_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/device/engine"
	"pickerd/oauthdevice"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/oauthdevice/tokenfile"
	"pickerd/picker/pickertest"
)

// granted is a token that somebody got on another computer.
func (w *world) granted(without ...string) *tokenfile.File {
	w.t.Helper()
	way := w.method(device.ByPaste)
	c := w.oauth
	c.ID, c.Secret = way.ClientID, way.Secret
	to, err := w.auth.Allow(c.AuthCodeURL("http://127.0.0.1:41000/", "s", "v"), "person", without...)
	if err != nil {
		w.t.Fatal(err)
	}
	_, code, _ := strings.Cut(to, "code=")
	code, _, _ = strings.Cut(code, "&")
	code = strings.ReplaceAll(code, "%2F", "/")
	tok, err := c.Exchange(w.t.Context(), oauthdevice.Secret(code), "http://127.0.0.1:41000/", "v")
	if err != nil {
		w.t.Fatal(err)
	}
	return &tokenfile.File{ClientID: c.ID, ClientSecret: string(c.Secret), RefreshToken: string(tok.Refresh), Scope: strings.Join(tok.Scopes, " ")}
}

func (w *world) sealed(f *tokenfile.File) []byte {
	w.t.Helper()
	data, err := f.SealFor(w.until("a recipient", func(s device.Status) bool { return s.Recipient != "" }).Recipient)
	if err != nil {
		w.t.Fatal(err)
	}
	return data
}

func TestImport(t *testing.T) {
	o := options{auth: oauthtest.Options{RefuseScope: true, RotateRefresh: true}, ways: methods(device.ByDevice, device.ByImport)}
	inWorld(t, o, func(t *testing.T, w *world) {
		s := w.until("the way by import", func(s device.Status) bool { return s.Pairing != nil && s.Pairing.Method == device.ByImport })
		if page := w.dev.Pages().Get(); page.QR != "" || len(page.Steps) == 0 {
			t.Errorf("%+v", page)
		}
		f := w.granted()
		tried, err := w.dev.Import(t.Context(), w.sealed(f))
		if err != nil || !tried {
			t.Fatalf("%v, tried %v", err, tried)
		}
		if s = w.untilState(device.Idle); s.Account == nil || s.Account.Method != device.ByImport {
			t.Errorf("%+v", s)
		}
		if _, err := w.dev.Import(t.Context(), w.sealed(f)); !errors.Is(err, device.ErrPaired) {
			t.Errorf("over an account: %v", err)
		}
		w.auth.ExpireAccess()
		w.restart() // the rotated token is on disk
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
	})
}

func TestImportRefused(t *testing.T) {
	inWorld(t, options{ways: methods(device.ByImport)}, func(t *testing.T, w *world) {
		dead := w.granted()
		w.auth.RevokeAll()
		_, err := w.dev.Import(t.Context(), w.sealed(dead))
		if e, ok := errors.AsType[*oauthdevice.Error](err); !ok || e.Code != oauthdevice.InvalidGrant {
			t.Errorf("a dead token: %v", err)
		}
		_, err = w.dev.Import(t.Context(), w.sealed(w.granted(oauthtest.PickerScope)))
		if _, ok := errors.AsType[*engine.ScopeError](err); !ok {
			t.Errorf("too little granted: %v", err)
		}
		secret, err := tokenfile.NewIdentity()
		if err != nil {
			t.Fatal(err)
		}
		to, err := tokenfile.Recipient(secret)
		if err != nil {
			t.Fatal(err)
		}
		foreign, err := w.granted().SealFor(to)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.dev.Import(t.Context(), foreign); !errors.Is(err, tokenfile.ErrWrongIdentity) {
			t.Errorf("sealed for another box: %v", err)
		}
		plain, err := json.Marshal(w.granted())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.dev.Import(t.Context(), plain); !errors.Is(err, tokenfile.ErrNotTokenFile) {
			t.Errorf("not sealed: %v", err)
		}
		w.until("nothing of them left", func(s device.Status) bool { return s.State == device.Pairing && s.Account == nil })
		w.pass(time.Second)
		if grants, err := w.store.Grants.All(); err != nil || len(grants) > 0 {
			t.Errorf("%v, %v", grants, err)
		}
		// Without a network it is kept, and tried when it is needed.
		f := w.granted()
		w.net.cut()
		if tried, err := w.dev.Import(t.Context(), w.sealed(f)); err != nil || tried {
			t.Errorf("%v, tried %v", err, tried)
		}
		w.untilState(device.Idle)
		w.net.mend()
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.untilState(device.Picking)
	})
}

// A box that was delivered with a token takes it once: after it was forgotten it
// does not come back.
func TestProvisioned(t *testing.T) {
	for _, form := range []string{"plain", "sealed"} {
		inWorld(t, options{}, func(t *testing.T, w *world) {
			data := w.sealed(w.granted())
			if form == "plain" {
				var err error
				if data, err = json.Marshal(w.granted()); err != nil {
					t.Fatal(err)
				}
			}
			w.config = func(c *Config) { c.Provisioned = data }
			w.restart()
			w.untilState(device.Idle)
			w.restart()
			w.untilState(device.Idle)
			if err := w.dev.Unpair(t.Context(), false); err != nil {
				t.Fatal(err)
			}
			w.untilState(device.Pairing)
			w.restart()
			w.pass(time.Minute)
			if s := w.dev.Statuses().Get(); s.State != device.Pairing {
				t.Errorf("a forgotten account is back: %+v", s)
			}
			w.config = func(c *Config) { c.Provisioned = []byte("{}") }
			w.restart()
			w.until("a code although the credential is broken", func(s device.Status) bool { return s.Pairing != nil })
		})
	}
}

func TestUnpairWithoutANetwork(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		w.untilState(device.Showing)
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.untilState(device.Picking)
		w.net.cut()
		if err := w.dev.Unpair(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		s := w.until("what is outstanding", func(s device.Status) bool { return s.Outstanding != nil && s.Library.Items == 0 })
		if s.Outstanding.Sessions != 1 || !s.Outstanding.Revocation || s.Account != nil {
			t.Errorf("%+v, %+v", s.Outstanding, s.Account)
		}
		if r := w.dev.Pages().Get().Receipt; !strings.Contains(r, "forgotten the account") || !strings.Contains(r, "as soon as Google can be reached") {
			t.Errorf("the screen says %q", r)
		}
		if entries, err := os.ReadDir(filepath.Join(w.dir, "media")); err != nil || len(entries) > 0 {
			t.Errorf("photos are still there: %v, %v", entries, err)
		}
		w.restart() // still without a network
		w.pass(3 * time.Hour)
		if s := w.dev.Statuses().Get(); s.Outstanding == nil {
			t.Errorf("given up: %+v", s)
		}
		w.net.mend()
		w.until("everything told", func(s device.Status) bool { return s.Outstanding == nil })
		if r := w.dev.Pages().Get().Receipt; !strings.Contains(r, "the permission at Google is withdrawn") {
			t.Errorf("the screen says %q", r)
		}
		if n := count(w, oauthtest.OpRevoke); n != 1 || len(w.photos.Open()) > 0 {
			t.Errorf("%d revocations, %v open", n, w.photos.Open())
		}
		w.pass(12*time.Second + time.Second)
		if r := w.dev.Pages().Get().Receipt; r != "" {
			t.Errorf("the screen goes on saying %q", r)
		}
		if grants, err := w.store.Grants.All(); err != nil || len(grants) > 0 {
			t.Errorf("tokens are still there: %v, %v", grants, err)
		}
	})
}

func TestUnpairHereOnly(t *testing.T) {
	keep := func(c *Config) { c.KeepPhotos = true }
	for _, tt := range []struct {
		name   string
		config func(*Config)
		photos int
	}{{"photos go", nil, 0}, {"photos stay", keep, 12}} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, options{config: tt.config}, func(t *testing.T, w *world) {
				w.pair()
				w.choose()
				w.untilState(device.Showing)
				if err := w.dev.Unpair(t.Context(), false); err != nil {
					t.Fatal(err)
				}
				s := w.until("forgotten", func(s device.Status) bool { return s.Account == nil && s.Outstanding == nil })
				w.pass(time.Second)
				if s = w.dev.Statuses().Get(); s.Library.Items != tt.photos || count(w, oauthtest.OpRevoke) > 0 {
					t.Errorf("%+v, %d revocations", s.Library, count(w, oauthtest.OpRevoke))
				}
				w.untilClean()
				if err := w.dev.Unpair(t.Context(), false); !errors.Is(err, device.ErrNotPaired) {
					t.Errorf("twice: %v", err)
				}
			})
		})
	}
}

func TestRevocationRefused(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.auth.Fail(oauthtest.OpRevoke, refuse(400, "unsupported_token_type"))
		if err := w.dev.Unpair(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		w.until("told", func(s device.Status) bool { return s.Outstanding == nil && s.Pairing != nil })
		if r := w.dev.Pages().Get().Receipt; !strings.Contains(r, "did not withdraw") {
			t.Errorf("the screen says %q", r)
		}
	})
}

// Google ends the tokens of a project in Testing after seven days.
func TestSevenDays(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		after time.Duration
		warns bool
	}{
		{"after a day", 24 * time.Hour, false},
		{"after seven days", 7*24*time.Hour + time.Hour, true},
		{"after a month", 30 * 24 * time.Hour, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, options{}, func(t *testing.T, w *world) {
				w.pair()
				w.choose()
				w.untilState(device.Showing)
				w.pass(tt.after)
				w.auth.RevokeAll()
				if err := w.dev.Pick(t.Context()); err != nil {
					t.Fatal(err)
				}
				s := w.until("a code", func(s device.Status) bool { return s.Pairing != nil })
				warned := s.Problem != nil && s.Problem.Code == "testing_project" && strings.Contains(s.Problem.Remedy, "Publish the project")
				if warned != tt.warns {
					t.Errorf("problem %+v", s.Problem)
				}
				if n := strings.Count(w.log.String(), "is in Testing"); (n == 1) != tt.warns {
					t.Errorf("said %d times in the log", n)
				}
				w.restart()
				w.pair()
				if s := w.dev.Statuses().Get(); s.Problem != nil {
					t.Errorf("paired, and still %+v", s.Problem)
				}
			})
		})
	}
}

func TestKeyLost(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
		w.stop()
		if err := os.Remove(filepath.Join(w.dir, "state.key")); err != nil {
			t.Fatal(err)
		}
		w.start()
		s := w.untilState(device.Showing) // the photos stay
		if s.Problem == nil || s.Problem.Code != "key_lost" || s.Account != nil {
			t.Errorf("%+v", s)
		}
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.pair()
	})
}

// A session belongs to its client: nothing is left behind where a box is paired
// first one way and then another.
func TestEachWayDeletesItsOwn(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.photos.Fail(pickertest.OpDelete, repeat(100, answer(503, "application/json", "{}"))...)
		w.pair()
		if err := w.dev.Unpair(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		w.setUp = methods(device.ByRelay)
		w.restart()
		_, v := w.untilLink(device.ByRelay)
		if _, err := w.dev.Redirected(t.Context(), w.allowed(v)); err != nil {
			t.Fatal(err)
		}
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
	})
}
