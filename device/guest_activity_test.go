package device_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/display"
	"pickerd/oauthdevice/oauthtest"
)

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
	inWorld(t, options{config: guests, ways: methods(device.ByRelay)}, func(t *testing.T, w *world) {
		w.untilLink(device.ByRelay)
		w.pass(forgetAfter + 2*time.Minute)
		_, v := w.untilLink(device.ByRelay)
		w.slowly("/token", 300*time.Millisecond)
		if uri, err := w.dev.Redirected(t.Context(), w.allowed(v)); err != nil || uri == "" {
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

// TestReceiptOnce checks that a receipt that has been shown does not appear again
// when the session is deleted hours later.
func TestReceiptOnce(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.net.hook(func(r *http.Request) error {
			if r.Method == http.MethodDelete {
				return oauthtest.ErrConnection
			}
			return nil
		}, nil)
		w.choose()
		w.untilPage("a receipt", func(p display.Page) bool { return p.Receipt != "" })
		w.pass(2 * time.Hour)
		w.net.mend()
		for range 600 {
			w.pass(time.Second)
			if r := w.dev.Pages().Get().Receipt; r != "" {
				t.Fatalf("shown again: %q", r)
			}
		}
		w.untilClean()
	})
}
