package device_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/device/engine"
	"pickerd/device/screen"
	"pickerd/display"
	"pickerd/oauthdevice"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/oauthdevice/tokenfile"
)

// issueToken returns a token obtained on another computer.
func (w *world) issueToken(without ...string) *tokenfile.File {
	w.t.Helper()
	m := w.method(device.ByPaste)
	c := w.oauth
	c.ID, c.Secret = m.ClientID, m.Secret
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

// seal encrypts a token file for this box.
func (w *world) seal(f *tokenfile.File) []byte {
	w.t.Helper()
	data, err := f.SealFor(w.until("recipient", func(s device.Status) bool { return s.Recipient != "" }).Recipient)
	if err != nil {
		w.t.Fatal(err)
	}
	return data
}

// TestImport checks that an imported token pairs the box and can be rotated.
func TestImport(t *testing.T) {
	o := options{auth: oauthtest.Options{RefuseScope: true, RotateRefresh: true}, setUp: methods(device.ByDevice, device.ByImport)}
	inWorld(t, o, func(t *testing.T, w *world) {
		s := w.until("pairing by import", func(s device.Status) bool { return s.Pairing != nil && s.Pairing.Method == device.ByImport })
		if page := w.dev.Pages().Get(); page.QR != "" || len(page.Steps) == 0 {
			t.Errorf("page %+v", page)
		}
		f := w.issueToken()
		tried, err := w.dev.Import(t.Context(), w.seal(f))
		if err != nil || !tried {
			t.Fatalf("error %v, tried %v", err, tried)
		}
		if s = w.untilState(device.Idle); s.Account == nil || s.Account.Method != device.ByImport {
			t.Errorf("status %+v", s)
		}
		if _, err := w.dev.Import(t.Context(), w.seal(f)); !errors.Is(err, device.ErrPaired) {
			t.Errorf("import on a paired box: %v", err)
		}
		w.auth.ExpireAccess()
		w.restart() // the rotated token is on the disk
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
	})
}

// TestImportRefused checks unusable tokens, and a token that cannot be checked yet.
func TestImportRefused(t *testing.T) {
	inWorld(t, options{setUp: methods(device.ByImport)}, func(t *testing.T, w *world) {
		revoked := w.issueToken()
		w.auth.RevokeAll()
		_, err := w.dev.Import(t.Context(), w.seal(revoked))
		if e, ok := errors.AsType[*oauthdevice.Error](err); !ok || e.Code != oauthdevice.InvalidGrant {
			t.Errorf("revoked token: %v", err)
		}
		_, err = w.dev.Import(t.Context(), w.seal(w.issueToken(oauthtest.PickerScope)))
		if _, ok := errors.AsType[*engine.ScopeError](err); !ok {
			t.Errorf("token without the scope: %v", err)
		}
		secret, err := tokenfile.NewIdentity()
		if err != nil {
			t.Fatal(err)
		}
		to, err := tokenfile.Recipient(secret)
		if err != nil {
			t.Fatal(err)
		}
		foreign, err := w.issueToken().SealFor(to)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.dev.Import(t.Context(), foreign); !errors.Is(err, tokenfile.ErrWrongIdentity) {
			t.Errorf("token sealed for another box: %v", err)
		}
		plain, err := json.Marshal(w.issueToken())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.dev.Import(t.Context(), plain); !errors.Is(err, tokenfile.ErrNotTokenFile) {
			t.Errorf("unsealed token: %v", err)
		}
		w.until("pairing without an account", func(s device.Status) bool { return s.State == device.Pairing && s.Account == nil })
		w.pass(time.Second)
		if grants, err := w.store.Grants.All(); err != nil || len(grants) > 0 {
			t.Errorf("grants %v, %v; want none", grants, err)
		}
		// Without a network the token is kept and checked when it is needed.
		f := w.issueToken()
		w.net.cut()
		if tried, err := w.dev.Import(t.Context(), w.seal(f)); err != nil || tried {
			t.Errorf("error %v, tried %v", err, tried)
		}
		w.untilState(device.Idle)
		w.net.mend()
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.untilState(device.Picking)
	})
}

// TestImportUnverified checks that an answer that does not refuse a token does not
// discard it.
func TestImportUnverified(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"cut off":      cutOff,
		"no scope":     answer(200, "application/json", `{"access_token":"a-s3cr3t","expires_in":3600,"token_type":"Bearer"}`),
		"proxy":        answer(403, "text/html", "<html>"),
		"server error": answer(500, "application/json", `{"error":"server_error"}`),
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, options{setUp: methods(device.ByImport)}, func(t *testing.T, w *world) {
				f := w.issueToken()
				f.Scope = ""
				w.auth.Fail(oauthtest.OpRefresh, answer)
				if _, err := w.dev.Import(t.Context(), w.seal(f)); err != nil {
					t.Error(err)
				}
				w.pass(time.Minute)
				if g, err := w.store.Grants.Current(); err != nil || g == nil || g.RefreshToken == "" {
					t.Errorf("grant %v, %v", g, err)
				}
			})
		})
	}
}

// TestImportWhileBlocked checks that an imported token unblocks the box.
func TestImportWhileBlocked(t *testing.T) {
	inWorld(t, options{auth: oauthtest.Options{RefuseScope: true}}, func(t *testing.T, w *world) {
		w.untilState(device.Blocked)
		if _, err := w.dev.Import(t.Context(), w.seal(w.issueToken())); err != nil {
			t.Fatal(err)
		}
		if s := w.untilState(device.Idle); s.Problem != nil {
			t.Errorf("problem %+v", s.Problem)
		}
		if p := w.dev.Pages().Get(); p.Label(display.Pick) == "" {
			t.Errorf("page %+v", p)
		}
	})
}

// TestImportDuringPick checks that an import does not interrupt a pick or a
// sign-in.
func TestImportDuringPick(t *testing.T) {
	inWorld(t, options{config: twoAccounts}, func(t *testing.T, w *world) {
		w.pairAndChoose("anna", "item-1")
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.untilState(device.Picking)
		token := w.seal(w.issueToken())
		if _, err := w.dev.Import(t.Context(), token); !errors.Is(err, device.ErrPickRunning) {
			t.Errorf("import during a pick: %v", err)
		}
		w.choose("item-2")
		w.untilState(device.Showing)
		w.untilClean()
		if err := w.dev.PickAs(t.Context(), device.NewAccount); err != nil {
			t.Fatal(err)
		}
		w.untilCode()
		if _, err := w.dev.Import(t.Context(), token); !errors.Is(err, device.ErrPickRunning) {
			t.Errorf("import during a sign-in: %v", err)
		}
		w.pass(time.Minute)
		code := w.dev.Statuses().Get().Pairing.UserCode
		if err := w.dev.Renew(t.Context()); err != nil { // also for a new account
			t.Error(err)
		}
		w.until("new code", func(s device.Status) bool { return s.Pairing != nil && s.Pairing.UserCode != code })
		w.press(screen.KeyBack)
		if _, err := w.dev.Import(t.Context(), token); err != nil {
			t.Errorf("import afterwards: %v", err)
		}
	})
}

// TestRecipientAfterFullDisk checks that a disk that was full at the start does not
// leave the box without a recipient.
func TestRecipientAfterFullDisk(t *testing.T) {
	skipShort(t)
	var full atomic.Bool
	o := options{before: func(w *world) {
		w.fullAtBoot(&full)
	}}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pass(time.Minute)
		full.Store(false)
		w.pass(24 * time.Hour)
		if w.dev.Statuses().Get().Recipient == "" {
			t.Error("no recipient a day after the disk was mended")
		}
	})
}

// TestProvisioned checks that a provisioned token is taken once. It must not return
// after the account was unpaired.
func TestProvisioned(t *testing.T) {
	for _, form := range []string{"plain", "sealed"} {
		inWorld(t, options{}, func(t *testing.T, w *world) {
			data := w.seal(w.issueToken())
			if form == "plain" {
				var err error
				if data, err = json.Marshal(w.issueToken()); err != nil {
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
				t.Errorf("the unpaired account returned: %+v", s)
			}
			w.config = func(c *Config) { c.Provisioned = []byte("{}") }
			w.restart()
			w.untilCode() // although the credential is invalid
		})
	}
}

// TestProvisionedTokenStaysForgotten checks that a provisioned token does not
// return after other accounts were imported and unpaired.
func TestProvisionedTokenStaysForgotten(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.until("recipient", func(s device.Status) bool { return s.Recipient != "" })
		data, err := json.Marshal(w.issueToken())
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
			if _, err := w.dev.Import(t.Context(), w.seal(w.issueToken())); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.dev.Unpair(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		w.restart()
		w.pass(time.Minute)
		if s := w.dev.Statuses().Get(); s.State != device.Pairing {
			t.Errorf("the unpaired account returned: %+v", s)
		}
	})
}

// TestProvisionedAfterFullDisk checks that a provisioned token is taken after the
// disk was full at the start.
func TestProvisionedAfterFullDisk(t *testing.T) {
	var full atomic.Bool
	o := options{config: func(c *Config) {
		c.Provisioned = []byte(`{"client_id":"x","client_secret":"y","refresh_token":"1//z"}`)
	}, before: func(w *world) {
		w.fullAtBoot(&full)
	}}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pass(time.Minute)
		full.Store(false)
		w.pass(30 * time.Minute)
		if s := w.dev.Statuses().Get(); s.Account == nil {
			t.Errorf("the provisioned token was not taken: state %s", s.State)
		}
	})
}
