package screen_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/device/screen"
	"pickerd/display"
)

// A household is an engine, a slideshow and displays that grant everything.
type household struct {
	board display.Board[device.Displays]
	asked []display.Wish
}

func (h *household) Board() *display.Board[device.Displays] { return &h.board }

func (h *household) Do(_ context.Context, w display.Wish) error {
	h.asked = append(h.asked, w)
	return nil
}

func (h *household) ForgetIf(context.Context, func() bool) error { return nil }

func (h *household) screen(change func(*screen.Config)) *screen.Screen {
	var snapshots display.Board[device.Snapshot]
	var frames display.Board[device.Frame]
	snapshots.Set(device.Snapshot{Seq: 1, State: device.Idle, Accounts: []device.AccountStatus{{ID: "a"}}})
	cfg := screen.Config{Options: screen.Options{Name: "Living room"}, Displays: h, Snapshots: &snapshots, Frames: &frames, Engine: h, Slides: h,
		LastActivity: func() time.Time { return time.Time{} }, Now: time.Now, Address: func() string { return "http://192.0.2.1/" }, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&cfg)
	}
	return screen.New(cfg)
}

// lines are the labels of the open menu, the selected one in brackets.
func lines(s *screen.Screen) (list []string) {
	m := s.Pages().Get().Menu
	if m == nil {
		return nil
	}
	for i, it := range m.Items {
		label := it.Label
		if i == m.Selected {
			label = "[" + label + "]"
		}
		list = append(list, label)
	}
	return list
}

// plain drops the marks around values that have their own direction.
func plain(list []string) (out []string) {
	for _, s := range list {
		out = append(out, string(slices.DeleteFunc([]rune(s), func(r rune) bool { return r == '\u2068' || r == '\u2069' })))
	}
	return out
}

// The menu lets displays in and removes them, and a code that expires selects no other.
func TestDisplaysMenu(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &household{}
		kitchen := device.Display{ID: "k", Name: "Kitchen", Address: "192.0.2.8", LastSeenAt: time.Date(2026, 3, 9, 17, 42, 0, 0, time.Local)}
		h.board.Set(device.Displays{Displays: []device.Display{kitchen}, Waiting: []device.WaitingDisplay{{Code: "BCDF", Address: "192.0.2.9"}, {Code: "GHJK", Address: "192.0.2.7"}}})
		s := h.screen(nil)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		press := func(keys ...screen.Key) {
			t.Helper()
			for _, k := range keys {
				if err := s.Press(t.Context(), k); err != nil {
					t.Fatal(err)
				}
			}
			synctest.Wait()
		}
		see := func(want ...string) {
			t.Helper()
			if got := plain(lines(s)); !slices.Equal(got, want) {
				t.Errorf("the menu has %q, want %q", got, want)
			}
		}
		synctest.Wait()
		if p := s.Pages().Get(); p.Menu != nil || s.Statuses().Get().Displays != 1 {
			t.Errorf("before a key: menu %v, %d displays", p.Menu, s.Statuses().Get().Displays)
		}
		press(screen.KeyMenu, screen.KeyDown, screen.KeyDown)
		see("Choose photos", "Forget this account", "[Other screens]", "About this screen", "Back")
		press(screen.KeyOK)
		see("[Back]", "Allow BCDF (192.0.2.9)", "Allow GHJK (192.0.2.7)", "Allowed screens: 1")
		if text := s.Pages().Get().Menu.Text; text != "Allow only a code that you see on your own screen." {
			t.Errorf("the menu says %q", text)
		}
		press(screen.KeyDown)
		h.board.Set(device.Displays{Displays: []device.Display{kitchen}, Waiting: []device.WaitingDisplay{{Code: "GHJK", Address: "192.0.2.7"}}})
		synctest.Wait()
		see("[Back]", "Allow GHJK (192.0.2.7)", "Allowed screens: 1")
		press(screen.KeyDown, screen.KeyOK)
		if want := []display.Wish{{Verb: display.AllowDisplay, Item: "GHJK"}}; !slices.Equal(h.asked, want) {
			t.Errorf("asked for %v, want %v", h.asked, want)
		}
		press(screen.KeyDown, screen.KeyDown, screen.KeyOK)
		see("[Kitchen (192.0.2.8)]", "Back")
		press(screen.KeyOK)
		see("[Back]", "Remove this screen")
		if facts := s.Pages().Get().Menu.Facts; len(facts) != 1 || facts[0] != (display.Fact{Name: "Last seen", Value: "9 March 2026, 17:42"}) {
			t.Errorf("facts %v", facts)
		}
		press(screen.KeyDown, screen.KeyOK)
		if want := (display.Wish{Verb: display.RemoveDisplay, Item: "k"}); len(h.asked) != 2 || h.asked[1] != want {
			t.Errorf("asked for %v, want %v at the end", h.asked, want)
		}
		h.board.Set(device.Displays{})
		press(screen.KeyBack)
		see("[Back]")
		press(screen.KeyBack)
		see("[Choose photos]", "Forget this account", "Other screens", "About this screen", "Back")
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// A long list has pages that fit on the screen, and all displays are on one of them.
func TestManyDisplaysMenu(t *testing.T) {
	h := &household{}
	var list []device.Display
	for i := range 20 {
		list = append(list, device.Display{ID: fmt.Sprint(i), Name: fmt.Sprint(i)})
	}
	h.board.Set(device.Displays{Displays: list})
	s := h.screen(nil)
	if err := s.Press(t.Context(), screen.KeyMenu); err != nil {
		t.Fatal(err)
	}
	choose := func(id string) {
		t.Helper()
		if err := s.Choose(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	choose("displays")
	choose("allowed")
	seen := 0
	for range 3 {
		l := lines(s)
		if len(l) > 9 {
			t.Errorf("%d lines", len(l))
		}
		seen += len(l) - 1 // back
		if l[len(l)-2] == "More" {
			seen--
			choose("more")
		}
	}
	if seen != 20 {
		t.Errorf("%d displays are listed", seen)
	}
}

// Guests and boxes whose page is not on the network have no such menu.
func TestNoDisplaysMenu(t *testing.T) {
	for name, change := range map[string]func(*screen.Config){
		"guests":             func(cfg *screen.Config) { cfg.ForgetAfter = time.Hour },
		"not on the network": func(cfg *screen.Config) { cfg.Displays = nil },
	} {
		s := (&household{}).screen(change)
		if err := s.Press(t.Context(), screen.KeyMenu); err != nil {
			t.Fatal(err)
		}
		if l := lines(s); len(l) == 0 || slices.Contains(l, "Other screens") {
			t.Errorf("%s: the menu has %q", name, l)
		}
		if err := s.Do(t.Context(), display.Wish{Verb: display.AllowDisplay, Item: "BCDF"}); name != "guests" && !errors.Is(err, device.ErrPageLocal) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
