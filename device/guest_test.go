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

// guests configures a kiosk.
func guests(c *Config) {
	c.ForgetAfter = forgetAfter
	c.OAuth.Scopes = append(c.OAuth.Scopes, "openid", "email")
}

// traces is what a guest could be found by: what was on the disk while they were
// there, and is about them alone.
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

// search reads every byte of the state directory, names of files too.
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

// nobody checks that nothing is left of a guest: on the disk, at Google, and in
// what screens and programs are told.
func (w *world) checkForgotten(traces map[string][]byte) {
	w.t.Helper()
	s := w.until("the next guest's code", func(s device.Status) bool {
		return s.State == device.Pairing && s.Outstanding == nil && s.Sessions == device.Sessions{}
	})
	w.pass(time.Second) // a token that is good for nothing is erased beside all that
	if found := w.find(traces); len(found) > 0 {
		w.t.Errorf("of the last guest there is %v", found)
	}
	if left := w.photos.Open(); len(left) > 0 {
		w.t.Errorf("sessions are left: %v", left)
	}
	if s.Library != (device.Library{}) || s.Account != nil || len(s.Accounts) > 0 || s.Pick != nil {
		w.t.Errorf("programs are told %+v", s)
	}
	if items, err := w.dev.Items(); err != nil || len(items) > 0 {
		w.t.Errorf("items: %v, %v", items, err)
	}
	if p := w.dev.Pages().Get(); p.Slide != nil || p.Next != nil || p.Account != "" {
		w.t.Errorf("the screen still shows %+v", p)
	}
}

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
		w.t.Error("the search finds nothing while a guest is here")
	}
	return traces
}

// Who goes away is counted down for, and forgotten; who says so stays.
func TestGuestLeaves(t *testing.T) {
	inWorld(t, options{config: guests}, func(t *testing.T, w *world) {
		hint := w.untilPage("a code", func(p display.Page) bool { return p.QR != "" }).Hint
		if !strings.Contains(hint, "your photos and sign-in are removed") {
			t.Errorf("the pairing screen does not say what becomes of a guest: %q", hint)
		}
		before := w.dev.Pages().Get().Visit
		traces := w.pairGuest()
		for range 3 {
			p := w.untilPage("the countdown", func(p display.Page) bool { return !p.LeavesAt.IsZero() })
			if left := time.Until(p.LeavesAt); left > time.Minute || left < 50*time.Second || p.Label(display.Stay) != "I'm still here" {
				t.Fatalf("%v left, to stay is called %q", left, p.Label(display.Stay))
			}
			if s := w.dev.Statuses().Get(); s.Guest == nil || s.Guest.ForgetsAt.IsZero() {
				t.Error("programs are not told")
			}
			if err := w.dev.Press(t.Context(), screen.KeyOK); err != nil { // does not begin a pick
				t.Fatal(err)
			}
			if p := w.dev.Pages().Get(); !p.LeavesAt.IsZero() || p.State != string(device.Showing) || p.Slide == nil {
				t.Fatalf("who is still here is not taken for that: %+v", p)
			}
		}
		began := time.Now()
		w.untilPage("the receipt", func(p display.Page) bool {
			return p.Receipt == "Your photos and sign-in were removed from this screen." && p.State == string(device.Pairing)
		})
		if took := time.Since(began); took < forgetAfter || took > forgetAfter+time.Minute {
			t.Errorf("forgotten after %v", took)
		}
		w.checkForgotten(traces)
		w.untilPage("the receipt to go", func(p display.Page) bool { return p.Receipt == "" && p.QR != "" })
		if p := w.dev.Pages().Get(); p.Visit == before || p.Visit == "" {
			t.Error("browsers are not told to drop what they keep")
		}
		// The next guest, and one who says so.
		traces = w.pairGuest()
		if p := w.dev.Pages().Get(); p.Label(display.AskForget) != "Finish" {
			t.Errorf("to go is called %q", p.Label(display.AskForget))
		}
		if err := w.dev.Forget(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p := w.untilPage("something else", func(p display.Page) bool { return p.State != string(device.Showing) }); p.Slide != nil || p.Menu != nil {
			t.Error("photos are shown after the finish, or there is a question")
		}
		w.checkForgotten(traces)
	})
}

// At each moment of a visit a guest can go, or just be gone.
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
			"says so": func(w *world) {
				if err := w.dev.Forget(w.t.Context()); err != nil && !errors.Is(err, device.ErrNotPaired) { // Google said so first
					w.t.Error(err)
				}
			},
			"is gone":      func(w *world) { w.pass(forgetAfter + time.Minute) },
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

// Who is busy on a phone, or waits for many photos, is not gone.
func TestGuestBusy(t *testing.T) {
	inWorld(t, options{config: guests, items: pickertest.PlainPhotos(100)}, func(t *testing.T, w *world) {
		w.net.hook(func(r *http.Request) error {
			if strings.HasPrefix(r.URL.Path, "/media/") {
				time.Sleep(50 * time.Second) // for 100, four at a time, longer than a guest may be still
			}
			return nil
		}, nil)
		w.pair()
		w.pass(forgetAfter - 2*time.Minute)
		w.choose()
		w.untilState(device.Fetching)
		s := w.until("all of them", func(s device.Status) bool { return s.State == device.Showing || s.State == device.Pairing })
		if s.Library.Items != 100 {
			t.Errorf("%d photos came", s.Library.Items)
		}
	})
}

// A disk that takes nothing must not leave a guest's photos on the wall.
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
		w.untilPage("something else than the photos", func(p display.Page) bool { return p.Slide == nil && p.Title != "" })
		w.pass(time.Hour)
		if p := w.dev.Pages().Get(); p.Slide != nil || p.Account != "" || p.QR != "" || p.Label(display.Pick) != "" {
			t.Errorf("something of the guest is back: %+v", p)
		}
		bad.Store(false)
		w.checkForgotten(traces)
	})
}

// Wherever the power is cut while a guest is being forgotten, the next start
// finishes that before anything is shown.
func TestGuestPowerCuts(t *testing.T) {
	cuts := 0
	for at := 0; ; at++ {
		pulled := false
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
					t.Error("a power cut passes for a success")
				}
				st.Close()
			}
			pulled = off
			w.start()
			if s := w.dev.Statuses().Get(); s.Library.Items > 0 {
				t.Error("photos are there at the next start")
			}
			w.checkForgotten(traces)
		})
		if t.Failed() {
			t.Fatalf("at cut %d", at)
		}
		if !pulled {
			break
		}
		cuts++
	}
	if cuts < 8 {
		t.Errorf("only %d places to cut the power were found", cuts)
	}
}

// Right after a start that follows a power cut nothing is left, also without a
// network, and where there were many photos.
func TestGuestManyPhotosPowerCut(t *testing.T) {
	for at := range 6 {
		inWorld(t, options{config: guests, items: pickertest.PlainPhotos(200)}, func(t *testing.T, w *world) {
			w.pair()
			w.choose()
			w.untilState(device.Showing)
			w.untilClean()
			traces := w.traces()
			delete(traces, "e-mail")
			delete(traces, "grant") // sealed, until Google is told
			w.stop()
			n := 0
			st, err := store.Open(w.dir, store.Options{BeforeOp: func(c store.Op) error {
				if c.Kind != store.OpStatfs {
					n++
				}
				if n > at+20 { // the opening itself takes some
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
				t.Errorf("cut %d: there is %v", at, found[:min(len(found), 3)])
			}
			w.net.mend()
			w.untilState(device.Pairing)
			w.pass(time.Hour)
		})
	}
}

// A database that could not be read is not kept where guests come and go.
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
			t.Errorf("%v stays", files)
		}
	})
}

// The next guest does not see the photos of one whose permission has ended.
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
			t.Errorf("the next guest has %+v, %v", items, err)
		}
	})
}

// Who walks away while choosing is not kept by sessions that replace each other,
// however long a guest may be still.
func TestGuestLeavesWhilePicking(t *testing.T) {
	inWorld(t, options{config: func(c *Config) { guests(c); c.ForgetAfter = 3 * time.Hour }}, func(t *testing.T, w *world) {
		w.pair()
		traces, began := w.traces(), time.Now()
		w.until("nobody", func(s device.Status) bool { return s.Account == nil })
		if took := time.Since(began); took > 3*time.Hour+time.Minute {
			t.Errorf("forgotten after %v", took)
		}
		w.checkForgotten(traces)
	})
}

// A token that a box was delivered with is nobody's on a kiosk.
func TestGuestNotProvisioned(t *testing.T) {
	inWorld(t, options{config: func(c *Config) {
		guests(c)
		c.Provisioned = []byte(`{"type":"authorized_user","client_id":"x","refresh_token":"y"}`)
	}}, func(t *testing.T, w *world) {
		if s := w.untilState(device.Pairing); s.Account != nil {
			t.Errorf("%+v", s.Account)
		}
		if err := w.dev.Forget(t.Context()); !errors.Is(err, device.ErrNotPaired) {
			t.Errorf("got %v", err)
		}
	})
}

// Operators pair nobody where guests come and go.
func TestGuestNotImported(t *testing.T) {
	inWorld(t, options{config: guests}, func(t *testing.T, w *world) {

		if _, err := w.dev.Import(t.Context(), w.seal(w.issueToken())); !errors.Is(err, device.ErrGuests) {
			t.Errorf("got %v", err)
		}
	})
}
