package screen_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/device/screen"
	"pickerd/display"
	"pickerd/display/words"
)

// nobody grants every wish.
type nobody struct{}

func (nobody) Do(context.Context, display.Wish) error      { return nil }
func (nobody) ForgetIf(context.Context, func() bool) error { return nil }

// newScreen returns a screen that shows a photo. The box's clock says now when the
// test begins.
func newScreen(o screen.Options, now time.Time) *screen.Screen {
	s, _ := newScreenOf(o, now)
	return s
}

// newScreenOf is newScreen with the board of what the engine does.
func newScreenOf(o screen.Options, now time.Time) (*screen.Screen, *display.Board[device.Snapshot]) {
	var snapshots display.Board[device.Snapshot]
	var frames display.Board[device.Frame]
	snapshots.Set(device.Snapshot{Seq: 1, State: device.Showing, Since: time.Now(), Library: device.Library{Items: 1}})
	frames.Set(device.Frame{Seq: 1, Slide: &display.Slide{Alt: "Photo 1 of 1", Media: []display.Media{{File: "a.jpg"}}},
		Shown: device.Shown{Item: "a", Account: "mira", Since: time.Unix(1, 0), Until: time.Unix(11, 0)}})
	began := time.Now()
	return screen.New(screen.Config{Options: o, Snapshots: &snapshots, Frames: &frames, Engine: nobody{}, Slides: nobody{},
		LastActivity: func() time.Time { return time.Time{} }, Now: func() time.Time { return now.Add(time.Since(began)) }, Log: slog.New(slog.DiscardHandler)}), &snapshots
}

// everyNight returns the same night for each day.
func everyNight(from, to time.Duration) screen.Nights {
	n := screen.Night{From: from, To: to}
	return screen.Nights{n, n, n, n, n, n, n}
}

// running runs a screen in virtual time.
func running(t *testing.T, o screen.Options, now time.Time, f func(s *screen.Screen)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newScreen(o, now)
		defer start(t, s)()
		f(s)
	})
}

// start runs a screen until stop is called.
func start(t *testing.T, s *screen.Screen) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.Run(ctx)
	}()
	synctest.Wait()
	return func() { cancel(); <-ended }
}

// Clock and date follow their options, the language and the time zone at once.
func TestClockOptions(t *testing.T) {
	de, err := words.For("de")
	if err != nil {
		t.Fatal(err)
	}
	east := time.FixedZone("", 9*60*60)
	german := display.Style{Words: de}
	running(t, screen.Options{}, time.Date(2026, 3, 9, 15, 4, 5, 0, time.UTC), func(s *screen.Screen) {
		for _, tt := range []struct {
			name        string
			options     screen.Options
			clock, date string
		}{
			{"off", screen.Options{Date: screen.ClockDate, Zone: time.UTC}, "", ""},
			{"24 hours", screen.Options{Clock: screen.Clock24, Date: screen.ClockDate, Zone: time.UTC}, "15:04", "Monday 9 March"},
			{"12 hours", screen.Options{Clock: screen.Clock12, Date: screen.ClockDate, Zone: time.UTC}, "3:04 PM", "Monday 9 March"},
			{"without date", screen.Options{Clock: screen.Clock12, Zone: time.UTC}, "3:04 PM", ""},
			{"in German", screen.Options{Clock: screen.Clock24, Date: screen.ClockDate, Zone: time.UTC, Style: german}, "15:04", "Montag, 9. März"},
			{"in the east", screen.Options{Clock: screen.Clock24, Date: screen.ClockDate, Zone: east}, "00:04", "Tuesday 10 March"},
			{"the date alone", screen.Options{Date: screen.AlwaysDate, Zone: east}, "", "Tuesday 10 March"},
			{"with the year", screen.Options{Date: screen.AlwaysDate, Dates: words.FullDate, Clock: screen.Clock24, Zone: time.UTC}, "15:04", "Monday 9 March 2026"},
			{"off again", screen.Options{Date: screen.ClockDate, Zone: time.UTC}, "", ""},
		} {
			s.Configure(tt.options)
			if p := s.Pages().Get(); p.Clock != tt.clock || p.Date != tt.date {
				t.Errorf("%s: %q, %q, want %q, %q", tt.name, p.Clock, p.Date, tt.clock, tt.date)
			}
		}
		s.Configure(screen.Options{Clock: screen.Clock24, Zone: time.UTC})
		time.Sleep(time.Minute)
		synctest.Wait()
		if p := s.Pages().Get(); p.Clock != "15:05" {
			t.Errorf("a minute later it says %q", p.Clock)
		}
		s.Configure(screen.Options{Date: screen.AlwaysDate, Dates: words.ISODate, Zone: time.UTC})
		time.Sleep(9 * time.Hour)
		synctest.Wait()
		if p := s.Pages().Get(); p.Date != "2026-03-10" {
			t.Errorf("the next day it says %q", p.Date)
		}
	})
}

// Name, language, look and night hours change page and status at once.
func TestConfigure(t *testing.T) {
	fr, err := words.For("fr")
	if err != nil {
		t.Fatal(err)
	}
	running(t, screen.Options{Name: "Kitchen"}, time.Date(2026, 3, 9, 23, 0, 0, 0, time.UTC), func(s *screen.Screen) {
		before := s.Pages().Get()
		s.Configure(screen.Options{Name: "Cuisine", Style: display.Style{Look: display.Look{Fill: true}, Words: fr}, Zone: time.UTC})
		p, st := s.Pages().Get(), s.Statuses().Get()
		if p.Device != "Cuisine" || st.Name != "Cuisine" || !p.Style.Fill || p.Style.Lang() != fr || p.Label(display.Pick) == before.Label(display.Pick) || p.Night {
			t.Errorf("%+v, %+v", p, st)
		}
		time.Sleep(20 * time.Minute) // nobody is at the screen
		s.Configure(screen.Options{Nights: everyNight(22*time.Hour, 6*time.Hour), Zone: time.UTC})
		if p := s.Pages().Get(); !p.Night {
			t.Errorf("not dark at night")
		}
		s.Configure(screen.Options{Zone: time.UTC})
		if p := s.Pages().Get(); p.Night {
			t.Errorf("dark without a night")
		}
	})
}
