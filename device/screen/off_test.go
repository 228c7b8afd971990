package screen_test

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/device/screen"
	"pickerd/display"
)

// TestScreenOff checks what switches a screen on again that somebody switched off, and
// what does not.
func TestScreenOff(t *testing.T) {
	night := screen.Options{Nights: everyNight(22*time.Hour, 6*time.Hour), Zone: time.UTC}
	key := func(t *testing.T, s *screen.Screen) {
		t.Helper()
		if err := s.Press(t.Context(), screen.KeyRight); err != nil {
			t.Error(err)
		}
	}
	for _, tt := range []struct {
		name    string
		options screen.Options
		hour    int // when it is switched off
		then    func(t *testing.T, s *screen.Screen)
		on      bool
	}{
		{"nothing", screen.Options{}, 20, wait(48 * time.Hour), false},
		{"a key", screen.Options{}, 20, key, true},
		{"a wish", screen.Options{}, 20, do(display.Next), true},
		{"a touch of the page", screen.Options{}, 20, func(t *testing.T, s *screen.Screen) { time.Sleep(3 * time.Second); do(display.Stay)(t, s) }, true},
		{"the end of a movement", screen.Options{}, 20, func(t *testing.T, s *screen.Screen) { time.Sleep(time.Second); do(display.Stay)(t, s) }, false},
		{"switched on", screen.Options{}, 20, do(display.ScreenOn), true},
		{"off twice", screen.Options{}, 20, do(display.ScreenOff), false},
		{"before the morning", night, 20, wait(9*time.Hour + 50*time.Minute), false},
		{"in the morning", night, 20, wait(10*time.Hour + time.Minute), true},
		{"in the night", night, 23, wait(9 * time.Minute), false},
		{"in the morning after", night, 23, wait(7*time.Hour + time.Minute), true},
		{"on in the night", night, 23, do(display.ScreenOn), true},
		{"not for long", night, 23, func(t *testing.T, s *screen.Screen) { do(display.ScreenOn)(t, s); time.Sleep(11 * time.Minute) }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			running(t, tt.options, time.Date(2026, 3, 9, tt.hour, 0, 0, 0, time.UTC), func(s *screen.Screen) {
				if !s.Statuses().Get().ScreenOn || s.Pages().Get().Night {
					t.Error("off at first")
				}
				do(display.ScreenOff)(t, s)
				if s.Statuses().Get().ScreenOn || !s.Pages().Get().Night {
					t.Error("not switched off")
				}
				tt.then(t, s)
				synctest.Wait()
				if st, p := s.Statuses().Get(), s.Pages().Get(); st.ScreenOn != tt.on || p.Night == tt.on {
					t.Errorf("on: %t, page black: %t, want on: %t", st.ScreenOn, p.Night, tt.on)
				}
			})
		})
	}
}

// The status says which item is on the screen.
func TestShowing(t *testing.T) {
	running(t, screen.Options{}, time.Unix(0, 0), func(s *screen.Screen) {
		want := device.ShowingStatus{Item: "a", Account: "mira", Since: time.Unix(1, 0).UTC(), Until: time.Unix(11, 0).UTC()}
		if st := s.Statuses().Get(); st.Showing == nil || *st.Showing != want {
			t.Errorf("%+v, want %+v", st.Showing, want)
		}
	})
	idle := screen.New(screen.Config{Snapshots: new(display.Board[device.Snapshot]), Frames: new(display.Board[device.Frame]),
		Engine: nobody{}, Slides: nobody{}, LastActivity: time.Now, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if st := idle.Statuses().Get(); st.Showing != nil || !st.ScreenOn {
		t.Errorf("without photos: %+v", st)
	}
}
