package device_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/device/screen"
	"pickerd/device/slideshow"
	"pickerd/display"
	"pickerd/display/photo"
	"pickerd/display/words"
	"pickerd/picker/pickertest"
	"pickerd/picker/pickertest/samples"
)

// In a real world: keys turn the slides, hold them, and the menu leads to the
// wishes.
func TestKeys(t *testing.T) {
	o := options{config: func(c *Config) { c.Version = "v1.2.3"; c.Address = func() string { return "http://192.0.2.7:8420/" } }}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pair()
		w.choose("item-1", "item-2", "item-3")
		w.untilState(device.Showing)
		w.untilClean()
		w.pass(2 * reloadEvery) // until all three are part of the slideshow
		page := func() display.Page { synctest.Wait(); return w.dev.Pages().Get() }
		press := func(keys ...screen.Key) display.Page {
			t.Helper()
			for _, k := range keys {
				if err := w.dev.Press(t.Context(), k); err != nil {
					t.Errorf("%s: %v", k, err)
				}
			}
			return page()
		}
		at := func() string { return page().Slide.Alt }
		first := at()
		if press(screen.KeyRight); at() == first {
			t.Error("Right does nothing")
		}
		if press(screen.KeyLeft); at() != first {
			t.Error("Left does not go back")
		}
		if p := press(screen.KeyPlay); p.Paused != "Paused" {
			t.Error("nothing says that it is held")
		}
		w.pass(time.Minute)
		if at() != first {
			t.Error("it is not held")
		}
		press(screen.KeyPlay)
		w.pass(defaultSlide + time.Second)
		if at() == first {
			t.Error("it does not go on")
		}

		m := press(screen.KeyMenu).Menu
		if m == nil || labels(m) != "Choose photos/Forget this account/About this screen/Back" {
			t.Fatalf("the menu is %+v", m)
		}
		m = press(screen.KeyUp, screen.KeyDown, screen.KeyDown, screen.KeyOK).Menu
		if m == nil || len(m.Facts) != 4 || m.Facts[1].Value != "http://192.0.2.7:8420/" || m.Facts[2].Value != "v1.2.3" || m.Facts[3].Value != "showing photos" {
			t.Fatalf("about: %+v", m)
		}
		if p := press(screen.KeyBack, screen.KeyBack); p.Menu != nil {
			t.Error("Back does not close the menu")
		}
		press(screen.KeyMenu)
		w.pass(menuFor + time.Second)
		if page().Menu != nil {
			t.Error("a menu that nobody uses stays")
		}

		// The harmless line is the first one.
		m = press(screen.KeyMenu, screen.KeyDown, screen.KeyOK).Menu
		if m == nil || m.Selected != 0 || m.Items[0].Label != "Cancel" {
			t.Fatalf("forgetting: %+v", m)
		}
		if m = press(screen.KeyOK).Menu; m == nil || w.dev.Statuses().Get().Account == nil {
			t.Error("keeping it does not lead back")
		}
		press(screen.KeyMenu)

		if press(screen.KeyOK); w.untilState(device.Picking).Pick == nil {
			t.Error("OK does not lead to choosing")
		}
		press(screen.KeyBack)
		w.untilState(device.Showing)
		w.untilClean()
		if err := w.dev.Press(t.Context(), screen.KeyBack); err != nil {
			t.Errorf("Back without anything to cancel: %v", err)
		}
		press(screen.KeyMenu, screen.KeyDown, screen.KeyOK, screen.KeyDown, screen.KeyOK)
		w.until("the account to be forgotten", func(s device.Status) bool { return s.Account == nil })
		w.untilClean()
	})
}

// At night the screen is black, unless somebody is at it.
func TestNight(t *testing.T) {
	o := options{config: func(c *Config) {
		c.Slideshow = Slideshow{Config: slideshow.Config{Interval: 10 * time.Second}, Clock: true, Night: screen.Night{From: 22 * time.Hour, To: 6*time.Hour + 30*time.Minute}}
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
			t.Errorf("in the evening: night %v, %s, %s", p.Night, p.Clock, p.Date)
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
			t.Errorf("the first key only wakes the screen: night %v, %s", p.Night, p.State)
		}
		w.pass(awakeFor + time.Second)
		synctest.Wait()
		if !w.dev.Pages().Get().Night {
			t.Error("the screen stays on")
		}
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.untilState(device.Picking)
		w.pass(awakeFor + 5*time.Minute)
		synctest.Wait()
		if p := w.dev.Pages().Get(); p.Night {
			t.Error("it is black in front of somebody who chooses")
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

// A photo that an output can't show is left out, and said so once.
func TestUnshowable(t *testing.T) {
	inWorld(t, options{}, func(t *testing.T, w *world) {
		w.pair()
		w.choose("item-1", "item-2")
		w.untilState(device.Showing)
		w.untilClean()
		bad := w.dev.Pages().Get().Slide.Media[0].File
		for range 3 {
			w.dev.Unshowable(t.Context(), bad, errors.New("it is torn"))
		}
		synctest.Wait()
		for range 4 {
			if p := w.dev.Pages().Get(); p.Slide.Media[0].File == bad {
				t.Error("it is shown again")
			}
			w.pass(defaultSlide)
		}
		if n := strings.Count(w.log.String(), "can't be shown"); n != 1 {
			t.Errorf("said %d times", n)
		}
		w.dev.Unshowable(t.Context(), w.dev.Pages().Get().Slide.Media[0].File, errors.New("so is this"))
		synctest.Wait()
		if p := w.dev.Pages().Get(); p.Slide != nil || p.Title != "These photos can't be shown here" || p.Label(display.Pick) == "" {
			t.Errorf("without any photo: %+v", p)
		}
	})
}

// A video comes with a still in its own file, which is still a video.
func TestStills(t *testing.T) {
	items, err := samples.Items()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(items, func(it *pickertest.Item) bool { return it.Type == "VIDEO" })
	o := options{items: []*pickertest.Item{items[i]}}
	inWorld(t, o, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		w.untilState(device.Showing)
		w.untilClean()
		photos, err := w.store.Photos.Collection()
		if err != nil || len(photos) != 1 {
			t.Fatalf("%+v, %v", photos, err)
		}
		f, err := w.store.Photos.Open(photos[0].File)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if p, err := photo.Decode(f, photos[0].Bytes); err != nil || p.W < 100 {
			t.Errorf("the still: %+v, %v", p, err)
		}
		head := make([]byte, len(items[i].Data))
		if _, err := f.ReadAt(head, 0); err != nil || !bytes.Equal(head, items[i].Data) {
			t.Error("the video itself is another")
		}
		if photos[0].Duration == 0 || photos[0].MimeType != "video/mp4" {
			t.Errorf("%+v", photos[0])
		}
	})
}

// The screen speaks the language that is configured; programs and logs get
// English.
func TestLanguage(t *testing.T) {
	de, err := words.For("de")
	if err != nil {
		t.Fatal(err)
	}
	inWorld(t, options{config: func(c *Config) { c.Words = de }}, func(t *testing.T, w *world) {
		w.untilState(device.Pairing)
		w.untilPage("a code", func(p display.Page) bool { return p.QR != "" })
		if p := w.dev.Pages().Get(); p.Title != de.Say("page.pair_title", "name", "Living room") || !strings.Contains(p.Spoken, de.Say("page.spell_dash")) {
			t.Errorf("%q, %q", p.Title, p.Spoken)
		}
		w.net.cut()
		s := w.untilProblem("no_network")
		p := w.dev.Pages().Get()
		if s.Problem.Message != "No internet connection." || p.Problem != de.Say("notice.no_network.message") || p.Remedy != de.Say("notice.no_network.remedy") {
			t.Errorf("%q; on the screen %q, %q", s.Problem.Message, p.Problem, p.Remedy)
		}
		w.net.mend()
	})
}

// labels are the lines of a menu.
func labels(m *display.Menu) string {
	var all []string
	for _, it := range m.Items {
		all = append(all, it.Label)
	}
	return strings.Join(all, "/")
}
