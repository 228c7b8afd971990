package device_test

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/device/engine"
	"pickerd/device/screen"
	"pickerd/display"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
	"pickerd/store"
)

const forgetAfter = 15 * time.Minute

// guests configures a box in guest mode.
func guests(c *Config) {
	c.ForgetAfter = forgetAfter
	c.OAuth.Scopes = append(c.OAuth.Scopes, "openid", "email")
}

// traces returns data that identifies the current guest: tokens, ids, names and
// contents of files.
func (w *world) traces() map[string][]byte {
	w.t.Helper()
	all := map[string][]byte{"e-mail": []byte("person@example.org"), "tokens": []byte(oauthtest.Mark)}
	grants, err := w.store.Grants.All()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, g := range grants {
		all["grant"] = []byte(g.ID)
	}
	picks, err := w.store.Picks.All()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, p := range picks {
		all["request "+p.RequestID], all["session "+p.RequestID] = []byte(p.RequestID), []byte(p.SessionID)
	}
	photos, err := w.store.Photos.Collection()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, p := range photos {
		all["id of "+p.ID], all["name of "+p.ID], all["file of "+p.ID] = []byte(p.ID), []byte(p.Filename), []byte(p.File)
		data, err := os.ReadFile(filepath.Join(w.dir, "media", p.File))
		if err != nil {
			w.t.Fatal(err)
		}
		all["bytes of "+p.ID] = data[len(data)/2:]
	}
	return all
}

// find returns the traces that are left in the state directory, in contents or
// names of files.
func (w *world) find(traces map[string][]byte) (found []string) {
	w.t.Helper()
	err := filepath.WalkDir(w.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, w.dir)
		for what, trace := range traces {
			if len(trace) > 0 && (bytes.Contains(data, trace) || strings.Contains(name, string(trace))) {
				found = append(found, what+" in "+name)
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

// checkForgotten checks that nothing is left of a guest on the disk, at Google, in
// the status and on the page.
func (w *world) checkForgotten(traces map[string][]byte) {
	w.t.Helper()
	s := w.until("code for the next guest", func(s device.Status) bool {
		return s.State == device.Pairing && s.Outstanding == nil && s.Sessions == device.Sessions{}
	})
	w.pass(time.Second) // unusable tokens are erased in the background
	if found := w.find(traces); len(found) > 0 {
		w.t.Errorf("traces left on the disk: %v", found)
	}
	if left := w.photos.Open(); len(left) > 0 {
		w.t.Errorf("sessions left open: %v", left)
	}
	if s.Library != (device.Library{}) || s.Account != nil || len(s.Accounts) > 0 || s.Pick != nil {
		w.t.Errorf("status %+v", s)
	}
	if items, err := w.dev.Items(); err != nil || len(items) > 0 {
		w.t.Errorf("items %v, %v", items, err)
	}
	if p := w.dev.Pages().Get(); p.Slide != nil || p.Next != nil || p.Account != "" {
		w.t.Errorf("page %+v", p)
	}
}

// pairGuest pairs a guest who picks three photos, and returns their traces.
func (w *world) pairGuest() map[string][]byte {
	w.t.Helper()
	w.pair()
	traces := w.traces()
	w.choose("item-1", "item-2", "item-3")
	w.untilState(device.Showing)
	for k, v := range w.traces() {
		traces[k] = v
	}
	if len(w.find(traces)) < 6 {
		w.t.Error("find does not find the traces of the current guest")
	}
	return traces
}

// TestGuestLeaves checks the countdown for an absent guest, that a guest can stay,
// and that a guest can leave with Finish.
func TestGuestLeaves(t *testing.T) {
	inWorld(t, options{config: guests}, func(t *testing.T, w *world) {
		hint := w.untilPage("code", func(p display.Page) bool { return p.QR != "" }).Hint
		if !strings.Contains(hint, "your photos and sign-in are removed") {
			t.Errorf("the pairing page does not say that guests are forgotten: %q", hint)
		}
		before := w.dev.Pages().Get().Visit
		traces := w.pairGuest()
		for range 3 {
			p := w.untilPage("countdown", func(p display.Page) bool { return !p.LeavesAt.IsZero() })
			if left := time.Until(p.LeavesAt); left > time.Minute || left < 50*time.Second || p.Label(display.Stay) != "I'm still here" {
				t.Fatalf("%v left, the label of stay is %q", left, p.Label(display.Stay))
			}
			synctest.Wait() // the status follows the page
			if s := w.dev.Statuses().Get(); s.Guest == nil || s.Guest.ForgetsAt.IsZero() {
				t.Error("the status lacks the countdown")
			}
			if err := w.dev.Press(t.Context(), screen.KeyOK); err != nil { // must not begin a pick
				t.Fatal(err)
			}
			if p := w.dev.Pages().Get(); !p.LeavesAt.IsZero() || p.State != string(device.Showing) || p.Slide == nil {
				t.Fatalf("the key did not end the countdown: %+v", p)
			}
		}
		began := time.Now()
		w.untilPage("receipt", func(p display.Page) bool {
			return p.Receipt == "Your photos and sign-in were removed from this screen." && p.State == string(device.Pairing)
		})
		if took := time.Since(began); took < forgetAfter || took > forgetAfter+time.Minute {
			t.Errorf("forgotten after %v", took)
		}
		w.checkForgotten(traces)
		w.untilPage("code without a receipt", func(p display.Page) bool { return p.Receipt == "" && p.QR != "" })
		if p := w.dev.Pages().Get(); p.Visit == before || p.Visit == "" {
			t.Error("the page still names the old visit, so browsers keep its photos")
		}
		// The next guest leaves with Finish.
		traces = w.pairGuest()
		if p := w.dev.Pages().Get(); p.Label(display.AskForget) != "Finish" {
			t.Errorf("the label of Finish is %q", p.Label(display.AskForget))
		}
		if err := w.dev.Forget(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p := w.untilPage("page of another state", func(p display.Page) bool { return p.State != string(device.Showing) }); p.Slide != nil || p.Menu != nil {
			t.Error("photos or a question are shown after Finish")
		}
		w.checkForgotten(traces)
	})
}

// TestGuestLeavesAnytime checks each state in which a guest can leave.
func TestGuestLeavesAnytime(t *testing.T) {
	for name, get := range map[string]func(w *world){
		"signed in": func(w *world) {
			w.net.hook(func(r *http.Request) error {
				if r.URL.Path == "/v1/sessions" {
					return oauthtest.ErrConnection
				}
				return nil
			}, nil)
			s := w.untilCode()
			w.auth.Approve(s.Pairing.UserCode)
			w.untilState(device.Opening)
		},
		"choosing": func(w *world) { w.pair() },
		"fetching": func(w *world) {
			w.net.hook(func(r *http.Request) error {
				if strings.HasPrefix(r.URL.Path, "/media/") {
					return oauthtest.ErrConnection
				}
				return nil
			}, nil)
			w.pair()
			w.choose()
			w.untilState(device.Fetching)
		},
		"showing": func(w *world) { w.pairGuest() },
		"idle": func(w *world) {
			w.pair()
			if err := w.dev.Cancel(w.t.Context()); err != nil {
				w.t.Fatal(err)
			}
			w.untilState(device.Idle)
		},
		"signed out at Google": func(w *world) {
			w.pairGuest()
			w.untilClean()
			w.auth.RevokeAll()
			if err := w.dev.Pick(w.t.Context()); err != nil {
				w.t.Fatal(err)
			}
			w.untilState(device.Pairing)
		},
	} {
		for how, leave := range map[string]func(w *world){
			"leaves": func(w *world) {
				if err := w.dev.Forget(w.t.Context()); err != nil && !errors.Is(err, device.ErrNotPaired) { // Google revoked the grant first
					w.t.Error(err)
				}
			},
			"walks away":   func(w *world) { w.pass(forgetAfter + time.Minute) },
			"power is cut": func(w *world) { w.restart() },
		} {
			t.Run(name+", then "+how, func(t *testing.T) {
				inWorld(t, options{config: guests}, func(t *testing.T, w *world) {
					get(w)
					traces := w.traces()
					leave(w)
					w.net.mend()
					w.checkForgotten(traces)
				})
			})
		}
	}
}

// TestGuestBusy checks that a guest who picks on a phone or waits for many photos
// is not forgotten.
func TestGuestBusy(t *testing.T) {
	inWorld(t, options{config: guests, items: pickertest.PlainPhotos(100)}, func(t *testing.T, w *world) {
		w.net.hook(func(r *http.Request) error {
			if strings.HasPrefix(r.URL.Path, "/media/") {
				time.Sleep(50 * time.Second) // 100 of these, four at a time, take longer than forgetAfter
			}
			return nil
		}, nil)
		w.pair()
		w.pass(forgetAfter - 2*time.Minute)
		w.choose()
		w.untilState(device.Fetching)
		s := w.until("all photos", func(s device.Status) bool { return s.State == device.Showing || s.State == device.Pairing })
		if s.Library.Items != 100 {
			t.Errorf("%d photos, want 100", s.Library.Items)
		}
	})
}

// TestGuestOnReadOnlyDisk checks that a guest's photos are not shown when the disk
// does not allow to delete them.
func TestGuestOnReadOnlyDisk(t *testing.T) {
	var bad atomic.Bool
	inWorld(t, options{config: guests, before: func(w *world) {
		w.watch = func(c store.Op) error {
			if bad.Load() && c.Kind != store.OpStatfs {
				return &os.PathError{Op: c.Kind, Path: c.Name, Err: syscall.EROFS}
			}
			return nil
		}
	}}, func(t *testing.T, w *world) {
		traces := w.pairGuest()
		w.untilClean()
		bad.Store(true)
		w.untilPage("page without photos", func(p display.Page) bool { return p.Slide == nil && p.Title != "" })
		w.pass(time.Hour)
		if p := w.dev.Pages().Get(); p.Slide != nil || p.Account != "" || p.QR != "" || p.Label(display.Pick) != "" {
			t.Errorf("the page shows something of the guest: %+v", p)
		}
		bad.Store(false)
		w.checkForgotten(traces)
	})
}

// TestGuestPowerCuts checks that the next start finishes forgetting a guest before
// anything is shown, wherever the power was cut.
func TestGuestPowerCuts(t *testing.T) {
	cuts := 0
	for at := 0; ; at++ {
		cut := false
		inWorld(t, options{config: guests}, func(t *testing.T, w *world) {
			traces := w.pairGuest()
			w.untilClean()
			w.stop()
			n, off := 0, false
			touch := func(c store.Op) error {
				switch {
				case c.Kind == store.OpStatfs:
					return nil
				case off || n == at:
					off = true
					return errPowerCut
				}
				n++
				return nil
			}
			if st, err := store.Open(w.dir, store.Options{BeforeOp: touch}); err == nil {
				err = engine.ForgetGuest(st, slog.New(slog.DiscardHandler))
				if off && err == nil {
					t.Error("ForgetGuest returned no error after a power cut")
				}
				st.Close()
			}
			cut = off
			w.start()
			if s := w.dev.Statuses().Get(); s.Library.Items > 0 {
				t.Error("photos left after the next start")
			}
			w.checkForgotten(traces)
		})
		if t.Failed() {
			t.Fatalf("power cut at use %d of the disk", at)
		}
		if !cut {
			break
		}
		cuts++
	}
	if cuts < 8 {
		t.Errorf("only %d crash points were found", cuts)
	}
}

// TestGuestManyPhotosPowerCut checks that a start after a power cut leaves nothing
// of a guest with many photos, also without a network.
func TestGuestManyPhotosPowerCut(t *testing.T) {
	skipShort(t)
	for at := range 6 {
		inWorld(t, options{config: guests, items: pickertest.PlainPhotos(200)}, func(t *testing.T, w *world) {
			w.pair()
			w.choose()
			w.untilState(device.Showing)
			w.untilClean()
			traces := w.traces()
			delete(traces, "e-mail")
			delete(traces, "grant") // kept, sealed, until it is revoked at Google
			w.stop()
			n := 0
			st, err := store.Open(w.dir, store.Options{BeforeOp: func(c store.Op) error {
				if c.Kind != store.OpStatfs {
					n++
				}
				if n > at+20 { // opening the store uses the disk as well
					return errPowerCut
				}
				return nil
			}})
			if err == nil {
				_ = engine.ForgetGuest(st, slog.New(slog.DiscardHandler))
				st.Close()
			}
			w.net.cut()
			w.start()
			if found := w.find(traces); len(found) > 0 {
				t.Errorf("cut %d: traces left: %v", at, found[:min(len(found), 3)])
			}
			w.net.mend()
			w.untilState(device.Pairing)
			w.pass(time.Hour)
		})
	}
}

// TestGuestDamagedDatabase checks that no copy of a damaged database is kept in
// guest mode.
func TestGuestDamagedDatabase(t *testing.T) {
	inWorld(t, options{config: guests}, func(t *testing.T, w *world) {
		traces := w.pairGuest()
		w.untilClean()
		w.stop()
		name := filepath.Join(w.dir, "pickerd.db")
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		copy(data, bytes.Repeat([]byte{0xff}, 8192))
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		w.start()
		if w.store.Recovery() == nil {
			t.Fatal("the database is not damaged enough")
		}
		w.checkForgotten(traces)
		if files, _ := filepath.Glob(name + ".damaged-*"); len(files) > 0 {
			t.Errorf("copies left: %v", files)
		}
	})
}

// TestGuestLosesPermission checks that the next guest does not see the photos of a
// guest whose grant was revoked.
func TestGuestLosesPermission(t *testing.T) {
	inWorld(t, options{config: func(c *Config) { guests(c); c.Append = true }}, func(t *testing.T, w *world) {
		traces := w.pairGuest()
		w.untilClean()
		w.auth.RevokeAll()
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.checkForgotten(traces)
		w.pairAndChoose("other", "item-5")
		if items, err := w.dev.Items(); err != nil || len(items) != 1 {
			t.Errorf("items of the next guest: %+v, %v", items, err)
		}
	})
}

// TestGuestLeavesWhilePicking checks that replaced sessions do not count as
// activity of a guest.
func TestGuestLeavesWhilePicking(t *testing.T) {
	inWorld(t, options{config: func(c *Config) { guests(c); c.ForgetAfter = 3 * time.Hour }}, func(t *testing.T, w *world) {
		w.pair()
		traces, began := w.traces(), time.Now()
		w.until("forgotten guest", func(s device.Status) bool { return s.Account == nil })
		if took := time.Since(began); took > 3*time.Hour+time.Minute {
			t.Errorf("forgotten after %v", took)
		}
		w.checkForgotten(traces)
	})
}

// TestGuestNotProvisioned checks that a provisioned token is ignored in guest mode.
func TestGuestNotProvisioned(t *testing.T) {
	inWorld(t, options{config: func(c *Config) {
		guests(c)
		c.Provisioned = []byte(`{"type":"authorized_user","client_id":"x","refresh_token":"y"}`)
	}}, func(t *testing.T, w *world) {
		if s := w.untilState(device.Pairing); s.Account != nil {
			t.Errorf("account %+v", s.Account)
		}
		if err := w.dev.Forget(t.Context()); !errors.Is(err, device.ErrNotPaired) {
			t.Errorf("error %v", err)
		}
	})
}

// TestGuestNotImported checks that a token cannot be imported in guest mode.
func TestGuestNotImported(t *testing.T) {
	inWorld(t, options{config: guests}, func(t *testing.T, w *world) {
		if _, err := w.dev.Import(t.Context(), w.seal(w.issueToken())); !errors.Is(err, device.ErrGuests) {
			t.Errorf("error %v", err)
		}
	})
}

// slowly delays the requests whose path ends with suffix.
func (w *world) slowly(suffix string, d time.Duration) {
	w.net.hook(func(r *http.Request) error {
		if strings.HasSuffix(r.URL.Path, suffix) {
			time.Sleep(d)
		}
		return nil
	}, nil)
}

// TestGuestSignsInLate checks that a guest who signs in by phone at a screen that
// nobody has touched for long is not forgotten at once.
func TestGuestSignsInLate(t *testing.T) {
	inWorld(t, options{config: guests, setUp: methods(device.ByRelay)}, func(t *testing.T, w *world) {
		w.untilLink(device.ByRelay)
		w.pass(forgetAfter + 2*time.Minute)
		_, v := w.untilLink(device.ByRelay)
		w.slowly("/token", 300*time.Millisecond)
		if uri, err := w.dev.Redirected(t.Context(), w.consent(v)); err != nil || uri == "" {
			t.Errorf("%q, %v", uri, err)
		}
		w.pass(5 * time.Second)
		if s := w.dev.Statuses().Get(); s.State != device.Picking {
			t.Errorf("state %s", s.State)
		}
	})
}

// TestGuestReturns checks that a guest is not forgotten who touches the screen
// while the engine has not got to it yet.
func TestGuestReturns(t *testing.T) {
	inWorld(t, options{config: guests}, func(t *testing.T, w *world) {
		w.pair()
		if err := w.dev.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.untilState(device.Idle)
		w.pass(30 * time.Second)
		w.dev.Touch()
		w.pass(forgetAfter - time.Second)
		w.slowly("/sessions", 3*time.Second)
		go func() { _ = w.dev.engine.Do(t.Context(), display.Wish{Verb: display.Pick}) }()
		w.pass(1500 * time.Millisecond)
		w.dev.Touch()
		w.pass(10 * time.Second)
		if s := w.dev.Statuses().Get(); s.Account == nil {
			t.Errorf("forgotten in state %s", s.State)
		}
	})
}

// TestGuestDuringOutage checks that tries to fetch that bring nothing don't keep a
// guest who has left.
func TestGuestDuringOutage(t *testing.T) {
	inWorld(t, options{config: guests}, func(t *testing.T, w *world) {
		w.pair()
		w.net.hook(func(r *http.Request) error {
			if strings.Contains(r.URL.Path, "mediaItems") || strings.Contains(r.URL.Path, "/media/") {
				return oauthtest.ErrConnection
			}
			return nil
		}, nil)
		w.choose()
		w.pass(2 * forgetAfter)
		if s := w.dev.Statuses().Get(); s.Account != nil {
			t.Errorf("state %s, account %+v", s.State, s.Account)
		}
		w.net.mend()
	})
}
