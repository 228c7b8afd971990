package device_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/oauthdevice/oauthtest"
)

// TestUnpairLocally checks that unpairing without a revocation removes the photos,
// unless they are to be kept.
func TestUnpairLocally(t *testing.T) {
	keep := func(c *Config) { c.KeepPhotos = true }
	for _, tt := range []struct {
		name   string
		config func(*Config)
		photos int
	}{{"photos removed", nil, 0}, {"photos kept", keep, 12}} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, options{config: tt.config}, func(t *testing.T, w *world) {
				w.pair()
				w.choose()
				w.untilState(device.Showing)
				if err := w.dev.Unpair(t.Context(), false); err != nil {
					t.Fatal(err)
				}
				s := w.until("unpaired box", func(s device.Status) bool { return s.Account == nil && s.Outstanding == nil })
				w.pass(time.Second)
				if s = w.dev.Statuses().Get(); s.Library.Items != tt.photos || countCalls(w, oauthtest.OpRevoke) > 0 {
					t.Errorf("got %+v and %d revocations", s.Library, countCalls(w, oauthtest.OpRevoke))
				}
				w.untilClean()
				if err := w.dev.Unpair(t.Context(), false); !errors.Is(err, device.ErrNotPaired) {
					t.Errorf("second unpair: %v", err)
				}
			})
		})
	}
}

// TestUnpairOffline checks that a box without a network is unpaired at once and
// deletes the session at Google later.
func TestUnpairOffline(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.net.cut()
		if err := w.dev.Unpair(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		w.until("pending deletion", func(s device.Status) bool { return s.Sessions.PendingDeletion == 1 })
		w.pass(time.Hour)
		w.restart()
		w.pass(time.Hour)
		w.net.mend()
		w.untilClean()
		if n := countCalls(w, oauthtest.OpRevoke); n != 0 {
			t.Errorf("%d revocations, want none", n)
		}
	})
}

// TestUnpairEverywhereOffline checks that a box without a network is unpaired at
// once and revokes the grant when the network returns, and that the receipt says
// so.
func TestUnpairEverywhereOffline(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		w.untilState(device.Showing)
		w.untilClean() // or the outage keeps the session of this pick from being deleted
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.untilState(device.Picking)
		w.net.cut()
		if err := w.dev.Unpair(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		s := w.until("outstanding revocation", func(s device.Status) bool { return s.Outstanding != nil && s.Library.Items == 0 })
		if s.Outstanding.Sessions != 1 || !s.Outstanding.Revocation || s.Account != nil {
			t.Errorf("outstanding %+v, account %+v", s.Outstanding, s.Account)
		}
		if r := w.dev.Pages().Get().Receipt; !strings.Contains(r, "forgotten the account") || !strings.Contains(r, "as soon as Google can be reached") {
			t.Errorf("receipt %q", r)
		}
		if entries, err := os.ReadDir(filepath.Join(w.dir, "media")); err != nil || len(entries) > 0 {
			t.Errorf("photos left: %v, %v", entries, err)
		}
		w.restart() // still without a network
		w.pass(3 * time.Hour)
		if s := w.dev.Statuses().Get(); s.Outstanding == nil {
			t.Errorf("the revocation was given up: %+v", s)
		}
		w.net.mend()
		w.until("revocation", func(s device.Status) bool { return s.Outstanding == nil })
		if r := w.dev.Pages().Get().Receipt; !strings.Contains(r, "the permission at Google is withdrawn") {
			t.Errorf("receipt %q", r)
		}
		if n := countCalls(w, oauthtest.OpRevoke); n != 1 || len(w.photos.Open()) > 0 {
			t.Errorf("%d revocations, open sessions %v", n, w.photos.Open())
		}
		w.pass(12*time.Second + time.Second)
		if r := w.dev.Pages().Get().Receipt; r != "" {
			t.Errorf("the page still shows the receipt %q", r)
		}
		if grants, err := w.store.Grants.All(); err != nil || len(grants) > 0 {
			t.Errorf("grants left: %v, %v", grants, err)
		}
	})
}

// TestUnpairDuringExchange checks that the box is not paired by an exchange that
// was in progress when it was unpaired.
func TestUnpairDuringExchange(t *testing.T) {
	inWorld(t, options{setUp: methods(device.ByRelay)}, func(t *testing.T, w *world) {
		_, v := w.untilLink(device.ByRelay)
		good := w.consent(v)
		w.auth.Fail(oauthtest.OpExchange, repeat(3, refuse(503, ""))...)
		go w.dev.Redirected(t.Context(), good)
		w.pass(time.Second)
		if err := w.dev.Unpair(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Hour)
		if s := w.dev.Statuses().Get(); s.Account != nil || s.Pairing == nil {
			t.Errorf("status %+v", s)
		}
	})
}
