package device_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/device/screen"
	"pickerd/device/slideshow"
	"pickerd/display"
	"pickerd/display/words"
	"pickerd/oauthdevice/oauthtest"
)

// TestNight checks that the screen is black at night, except after a key and
// during a pick.
func TestNight(t *testing.T) {
	skipShort(t)
	n := screen.Night{From: 22 * time.Hour, To: 6*time.Hour + 30*time.Minute}
	o := options{config: func(c *Config) {
		c.Slideshow = Slideshow{Config: slideshow.Config{Options: slideshow.Options{Interval: 10 * time.Second}}, Clock: screen.Clock24, Night: screen.Nights{n, n, n, n, n, n, n}}
	}}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
		sleepUntil := func(hour, minute int) display.Page {
			now := time.Now().Local()
			at := time.Date(now.Year(), now.Month(), now.Day(), hour, minute, 1, 0, time.Local)
			if !at.After(now) {
				at = at.AddDate(0, 0, 1)
			}
			w.pass(time.Until(at))
			synctest.Wait()
			return w.dev.Pages().Get()
		}
		if p := sleepUntil(21, 59); p.Night || p.Clock != "21:59" || p.Date == "" {
			t.Errorf("before the night: night %v, clock %s, date %s", p.Night, p.Clock, p.Date)
		}
		if p := sleepUntil(22, 0); !p.Night {
			t.Error("the night does not begin")
		}
		if p := sleepUntil(3, 0); !p.Night {
			t.Error("the night does not last")
		}
		if err := w.dev.Press(t.Context(), screen.KeyOK); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if p := w.dev.Pages().Get(); p.Night || p.State != "showing" {
			t.Errorf("after the first key, which only wakes the screen: night %v, state %s", p.Night, p.State)
		}
		w.pass(awakeFor + time.Second)
		synctest.Wait()
		if !w.dev.Pages().Get().Night {
			t.Error("the screen does not turn black again")
		}
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.untilState(device.Picking)
		w.pass(awakeFor + 5*time.Minute)
		synctest.Wait()
		if p := w.dev.Pages().Get(); p.Night {
			t.Error("the screen is black during a pick")
		}
		if err := w.dev.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.untilClean()
		if p := sleepUntil(6, 30); p.Night {
			t.Error("the night does not end")
		}
	})
}

// TestLanguage checks that pages are in the configured language, and the status in
// English.
func TestLanguage(t *testing.T) {
	de, err := words.For("de")
	if err != nil {
		t.Fatal(err)
	}
	inWorld(t, options{config: func(c *Config) { c.Words = de }}, func(t *testing.T, w *world) {
		w.untilState(device.Pairing)
		w.untilPage("code", func(p display.Page) bool { return p.QR != "" })
		if p := w.dev.Pages().Get(); p.Title != de.Say("page.pair_title", "name", "Living room") || !strings.Contains(p.Spoken, de.Say("page.spell_dash")) {
			t.Errorf("title %q, spoken %q", p.Title, p.Spoken)
		}
		w.net.cut()
		s := w.untilProblem("no_network")
		p := w.dev.Pages().Get()
		if s.Problem.Message != "No internet connection." || p.Problem != de.Say("notice.no_network.message") || p.Remedy != de.Say("notice.no_network.remedy") {
			t.Errorf("status %q, page %q, %q", s.Problem.Message, p.Problem, p.Remedy)
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
