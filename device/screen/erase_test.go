package screen_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/device/screen"
	"pickerd/display"
)

// Holding OK down for ten seconds just after the start erases the box. Letting go in
// time does not.
func TestHoldToErase(t *testing.T) {
	const second = time.Second
	type step struct {
		key   screen.Key // held from now on, "" for none
		after time.Duration
	}
	for name, tt := range map[string]struct {
		steps []step
		fails int    // orders that the disk does not take
		title string // on the screen at the end
		want  int    // orders
		menu  bool   // it is open at the end
	}{
		"ten seconds":           {[]step{{screen.KeyOK, 10 * second}}, 0, "Erasing this box…", 1, false},
		"let go after that":     {[]step{{screen.KeyOK, 11 * second}, {"", second}}, 0, "Erasing this box…", 1, false},
		"the disk is read-only": {[]step{{screen.KeyOK, 21 * second}}, 2, "Erasing this box…", 3, false},
		"almost":                {[]step{{screen.KeyOK, 9999 * time.Millisecond}, {"", second}}, 0, "No photos yet", 0, false},
		"twice five seconds":    {[]step{{screen.KeyOK, 5 * second}, {"", 1}, {screen.KeyOK, 5 * second}}, 0, "Erasing this box in 5", 0, false},
		"short press":           {[]step{{screen.KeyOK, second}, {"", 20 * second}}, 0, "No photos yet", 0, true},
		"the screen counts":     {[]step{{screen.KeyOK, 7 * second}}, 0, "Erasing this box in 3", 0, false},
		"not at once":           {[]step{{screen.KeyOK, second}}, 0, "No photos yet", 0, true},
		"another key":           {[]step{{screen.KeyBack, 12 * second}}, 0, "No photos yet", 0, false},
		"begun just in time":    {[]step{{"", 59 * second}, {screen.KeyOK, 10 * second}}, 0, "Erasing this box…", 1, false},
		"too late":              {[]step{{"", 60 * second}, {screen.KeyOK, 12 * second}}, 0, "No photos yet", 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var snapshots display.Board[device.Snapshot]
				var frames display.Board[device.Frame]
				snapshots.Set(device.Snapshot{Seq: 1, State: device.Idle, Since: time.Now()})
				orders := 0
				s := screen.New(screen.Config{Snapshots: &snapshots, Frames: &frames, Now: time.Now, LastActivity: time.Now, Log: slog.New(slog.DiscardHandler),
					EraseUntil: time.Now().Add(time.Minute), Erase: func() error {
						if orders++; orders <= tt.fails {
							return errors.New("read-only")
						}
						return nil
					}})
				runScreen(t, s)
				for _, step := range tt.steps {
					s.Hold(step.key)
					if step.key == screen.KeyOK {
						s.Press(t.Context(), screen.KeyMenu) // as OK that is held down does
					}
					time.Sleep(step.after)
					synctest.Wait()
				}
				if p := s.Pages().Get(); p.Title != tt.title || (p.Menu != nil) != tt.menu {
					t.Errorf("the screen shows %q and the menu %v, want %q", p.Title, p.Menu, tt.title)
				}
				if orders != tt.want {
					t.Errorf("%d orders, want %d", orders, tt.want)
				}
			})
		})
	}
}

// Where keys can't erase the box, holding OK down does nothing.
func TestHoldWithoutErase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var snapshots display.Board[device.Snapshot]
		var frames display.Board[device.Frame]
		s := screen.New(screen.Config{Snapshots: &snapshots, Frames: &frames, Now: time.Now, LastActivity: time.Now, Log: slog.New(slog.DiscardHandler)})
		runScreen(t, s)
		s.Hold(screen.KeyOK)
		time.Sleep(20 * time.Second)
		if p := s.Pages().Get(); strings.Contains(p.Title, "Erasing") {
			t.Errorf("%+v", p)
		}
	})
}

func runScreen(t *testing.T, s *screen.Screen) {
	ended := make(chan struct{})
	go func() { defer close(ended); s.Run(t.Context()) }()
	t.Cleanup(func() { <-ended })
}
