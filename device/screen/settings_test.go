package screen

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/display"
)

// fakeSettings keep settings in memory.
type fakeSettings struct {
	all map[string]device.Setting
	err error
}

func newSettings() *fakeSettings {
	return &fakeSettings{all: map[string]device.Setting{
		"slideshow.interval": {Value: "20s"}, "slideshow.order": {Value: "picked"}, "slideshow.fit": {Value: "fit"},
		"slideshow.captions": {Value: true}, "slideshow.clock": {Value: "24"}, "slideshow.night": {Value: "22:30-06:30"},
		"display.language": {Value: "en"}, "slideshow.backing": {Value: "blur"}, "slideshow.zoom": {Value: false}, "slideshow.fade": {Value: "1s"},
	}}
}

func (f *fakeSettings) Settings() map[string]device.Setting { return f.all }

func (f *fakeSettings) Change(_ context.Context, changes map[string]any) error {
	if f.err != nil {
		return f.err
	}
	for k, v := range changes {
		s := f.all[k]
		s.Value = v
		f.all[k] = s
	}
	return nil
}

// fakePIN accepts one PIN.
type fakePIN struct {
	entered []string
	err     error  // instead of device.ErrPINWrong
	during  func() // is called while the PIN is checked
}

const goodPIN = "480915"

func (f *fakePIN) Enter(pin string) error {
	f.entered = append(f.entered, pin)
	if f.during != nil {
		f.during()
	}
	switch {
	case f.err != nil:
		return f.err
	case pin != goodPIN:
		return device.ErrPINWrong
	}
	return nil
}

// keys presses keys one after the other and returns the menu.
func (r *rig) keys(t *testing.T, keys ...Key) *display.Menu {
	t.Helper()
	for _, k := range keys {
		if err := r.Press(t.Context(), k); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
	}
	return r.Pages().Get().Menu
}

// choose opens the menu and takes lines by ID.
func (r *rig) choose(t *testing.T, ids ...string) *display.Menu {
	t.Helper()
	r.keys(t, KeyMenu)
	return r.take(t, ids...)
}

// take takes lines of the open menu by ID. Its errors show in the menu.
func (r *rig) take(t *testing.T, ids ...string) *display.Menu {
	t.Helper()
	for _, id := range ids {
		_ = r.Choose(t.Context(), id)
	}
	return r.Pages().Get().Menu
}

func labels(m *display.Menu) string {
	if m == nil {
		return "closed"
	}
	var all []string
	for _, i := range m.Items {
		all = append(all, i.Label)
	}
	return strings.Join(all, "\n")
}

// TestSettingsMenu goes through the settings with a remote control.
func TestSettingsMenu(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newSettings()
		r := newRig(func(c *Config) { c.Settings = f })
		r.run(t, func() {
			m := r.choose(t, "settings")
			want := "Time per photo: 20 s\nOrder: As chosen\nPhoto size: Whole photo\nBackground: Blurred photo\nMove slowly: Off\nCaptions: On\nClock: 24 hours\nScreen off at night: 22:30-06:30\nFriday and Saturday night: As on other nights\nLanguage: English\nTurn off the screen\nBack"
			if got := labels(m); got != want || m.Title != "Settings" {
				t.Fatalf("%s\n%s", m.Title, got)
			}
			for _, tt := range []struct {
				keys []Key
				want string
			}{
				{[]Key{KeyRight}, "Time per photo: 30 s"}, {[]Key{KeyOK, KeyOK}, "Time per photo: 5 min"},
				{[]Key{KeyLeft, KeyLeft, KeyLeft}, "Time per photo: 20 s"},
				{[]Key{KeyLeft, KeyLeft, KeyLeft}, "Time per photo: 1 h"}, {[]Key{KeyRight}, "Time per photo: 5 s"},
				{[]Key{KeyDown, KeyOK}, "Order: Newest first"}, {[]Key{KeyDown, KeyOK}, "Photo size: Automatic"}, {[]Key{KeyDown, KeyOK, KeyOK}, "Background: Mat, as in a frame"}, {[]Key{KeyDown, KeyOK}, "Move slowly: On"},
				{[]Key{KeyDown, KeyOK}, "Captions: Off"}, {[]Key{KeyDown, KeyOK}, "Clock: Off"},
				{[]Key{KeyDown, KeyRight}, "Screen off at night: Off"}, {[]Key{KeyLeft}, "Screen off at night: 00:00-08:00"},
				{[]Key{KeyDown, KeyRight}, "Friday and Saturday night: Off"}, {[]Key{KeyRight}, "Friday and Saturday night: 20:00-07:00"},
				{[]Key{KeyUp, KeyLeft}, "Screen off at night: 23:00-07:00"}, {[]Key{KeyDown, KeyLeft}, "Friday and Saturday night: Off"},
				{[]Key{KeyDown, KeyLeft}, "Language: Deutsch"},
			} {
				m := r.keys(t, tt.keys...)
				if got := m.Items[m.Selected].Label; got != tt.want || m.Text != "" {
					t.Errorf("%v: %q %q, want %q", tt.keys, got, m.Text, tt.want)
				}
			}
			if got := f.all["slideshow.captions"].Value; got != false {
				t.Errorf("captions: %v", got)
			}
			if m := r.keys(t, KeyDown, KeyOK); m != nil || !r.Pages().Get().Night {
				t.Errorf("the screen is not off: %s", labels(m))
			}
			r.keys(t, KeyUp) // wakes it
			if m := r.choose(t, "settings"); m == nil || r.Pages().Get().Night {
				t.Errorf("the screen is off")
			}
			if r.keys(t, KeyBack).Title != "Living room" || r.keys(t, KeyBack) != nil {
				t.Error("Back leads elsewhere")
			}
		})
	})
}

// TestSettingRefused checks what the menu says when a setting can't be changed.
func TestSettingRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*fakeSettings)
		says   string
	}{
		"locked": {func(f *fakeSettings) { f.all["slideshow.interval"] = device.Setting{Value: "20s", Locked: true} }, "has fixed this setting"},
		"environment": {func(f *fakeSettings) {
			f.all["slideshow.interval"] = device.Setting{Value: "20s", Origin: device.FromEnvironment}
		}, "has fixed this setting"},
		"locked now": {func(f *fakeSettings) { f.err = &device.SettingError{Code: device.SettingLocked} }, "has fixed this setting"},
		"disk":       {func(f *fakeSettings) { f.err = errors.New("s3cr3t") }, "could not be saved"},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newSettings()
			tt.change(f)
			r := newRig(func(c *Config) { c.Settings = f })
			r.run(t, func() {
				r.choose(t, "settings")
				m := r.keys(t, KeyRight)
				if f.all["slideshow.interval"].Value != "20s" || m.Items[0].Label != "Time per photo: 20 s" || !strings.Contains(m.Text, tt.says) || strings.Contains(m.Text, "s3cr3t") {
					t.Errorf("%s: %q, %s", name, m.Text, labels(m))
				}
			})
		})
	}
}

// withItems puts a slide of these items on the screen.
func (r *rig) withItems(media ...display.Media) {
	f := r.frames.Get()
	f.Seq++
	f.Slide = &display.Slide{Media: media}
	r.frames.Set(f)
	synctest.Wait()
}

// TestPhotoMenu hides and deletes the photo on the screen.
func TestPhotoMenu(t *testing.T) {
	left, right, film := display.Media{File: "l.jpg", Item: "l"}, display.Media{File: "r.jpg", Item: "r"}, display.Media{File: "f.mp4", Item: "f", Video: true}
	for _, tt := range []struct {
		media  []display.Media
		hidden int
		lines  string
		take   []string
		want   display.Wish
	}{
		{[]display.Media{left}, 0, "Hide this photo\nDelete this photo\nBack", []string{"hide l"}, display.Wish{Verb: display.Hide, Item: "l"}},
		{[]display.Media{film}, 1, "Hide this video\nDelete this video\nShow hidden photos\nBack", []string{"delete f", "delete"}, display.Wish{Verb: display.Remove, Item: "f"}},
		{[]display.Media{left, right}, 0, "Hide the left photo\nHide the right photo\nDelete the left photo\nDelete the right photo\nBack", []string{"delete r", "delete"}, display.Wish{Verb: display.Remove, Item: "r"}},
		{[]display.Media{left}, 2, "Hide this photo\nDelete this photo\nShow hidden photos\nBack", []string{"unhide"}, display.Wish{Verb: display.Unhide}},
		{[]display.Media{left}, 0, "Hide this photo\nDelete this photo\nBack", []string{"delete l", "keep"}, display.Wish{}},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(nil)
			s := r.snapshots.Get()
			s.Seq, s.State, s.Library = 2, device.Showing, device.Library{Items: 5, Hidden: tt.hidden}
			r.snapshots.Set(s)
			r.run(t, func() {
				r.withItems(tt.media...)
				if got := labels(r.choose(t, "photo")); got != tt.lines {
					t.Fatalf("lines:\n%s\nwant\n%s", got, tt.lines)
				}
				r.withItems(display.Media{File: "other.jpg", Item: "other"})
				if got := r.Pages().Get().Slide.Media[0]; got != tt.media[0] {
					t.Errorf("the menu is about %+v, on the screen is %+v", tt.media[0], got)
				}
				m := r.take(t, tt.take...)
				if tt.want.Verb == "" {
					if len(r.asked) > 0 {
						t.Errorf("asked for %+v", r.asked)
					}
					return
				}
				if len(r.asked) != 1 || r.asked[0] != tt.want || m != nil {
					t.Errorf("asked for %+v, want %+v", r.asked, tt.want)
				}
				if got := r.Pages().Get().Slide.Media[0].Item; got != "other" {
					t.Errorf("the closed menu holds %s", got)
				}
			})
		})
	}
}

// TestAllHidden checks that the menu brings hidden photos back when nothing is left.
func TestAllHidden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(nil)
		s := r.snapshots.Get()
		s.Seq, s.State, s.Library = 2, device.Idle, device.Library{Items: 2, Hidden: 2}
		r.snapshots.Set(s)
		r.run(t, func() {
			r.choose(t, "unhide")
			if len(r.asked) != 1 || r.asked[0] != (display.Wish{Verb: display.Unhide}) {
				t.Errorf("asked for %+v", r.asked)
			}
		})
	})
}

// TestGuarded checks who gets the pages that a PIN guards.
func TestGuarded(t *testing.T) {
	for _, tt := range []struct {
		guests, pin bool
		absent      bool
		asks        bool
	}{{false, false, false, false}, {false, true, false, true}, {true, false, true, false}, {true, true, false, true}} {
		synctest.Test(t, func(t *testing.T) {
			pin := &fakePIN{}
			r := newRig(func(c *Config) {
				c.Settings = newSettings()
				if tt.guests {
					c.ForgetAfter = time.Hour
				}
				if tt.pin {
					c.PIN = pin
				}
			})
			r.run(t, func() {
				r.withItems(display.Media{File: "a.jpg", Item: "a"})
				for path, title := range map[string]string{"settings": "Settings", "about": "About this screen", "photo/delete a": "Delete it from this screen?"} {
					m := r.choose(t, strings.Split(path, "/")...)
					asks := m != nil && m.Columns > 0
					if got := m != nil && m.Title == title; got != (!tt.absent && !tt.asks) || asks != tt.asks {
						t.Errorf("guests %v, PIN %v, %s: %s", tt.guests, tt.pin, path, labels(m))
					}
					if tt.asks {
						if m = r.take(t, strings.Split(goodPIN, "")...); len(m.Facts) != 1 || strings.Count(m.Facts[0].Value, "•") != 6 {
							t.Errorf("%+v", m.Facts)
						}
						if m = r.take(t, "enter"); m.Title != title {
							t.Errorf("%s: after the PIN: %q", path, m.Title)
						}
					}
					r.keys(t, KeyMenu) // closes it: the next visit asks again
				}
				if tt.asks && len(pin.entered) != 3 {
					t.Errorf("asked for the PIN %d times", len(pin.entered))
				}
			})
		})
	}
}

// TestKeypad enters PINs with the arrows of a remote control.
func TestKeypad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pin := &fakePIN{}
		r := newRig(func(c *Config) { c.PIN, c.Settings = pin, newSettings() })
		r.run(t, func() {
			r.choose(t, "settings") // 5 is selected
			r.keys(t, KeyLeft, KeyOK, KeyDown, KeyRight, KeyOK, KeyDown, KeyOK, KeyUp, KeyRight, KeyOK, KeyUp, KeyUp, KeyLeft, KeyLeft, KeyOK)
			m := r.keys(t, KeyDown, KeyRight, KeyOK, KeyDown, KeyDown, KeyRight)
			if m.Items[m.Selected].ID != "enter" {
				t.Fatalf("%s is selected", m.Items[m.Selected].ID)
			}
			if m = r.keys(t, KeyOK); m.Title != "Settings" || pin.entered[0] != goodPIN {
				t.Fatalf("entered %v: %s", pin.entered, m.Title)
			}
			time.Sleep(menuFor - time.Second)
			if m = r.keys(t, KeyDown); m == nil || m.Title != "Settings" {
				t.Errorf("a minute later: %s", labels(m))
			}
			for range 6 {
				time.Sleep(menuFor - time.Second)
				m = r.keys(t, KeyDown)
			}
			if m == nil || m.Columns == 0 {
				t.Errorf("after %v: %s", pinFor, labels(m))
			}
			r.take(t, strings.Split("1234567890123", "")...)
			if m = r.take(t, "enter"); m.Text != "That PIN is not correct." || pin.entered[1] != "123456789012" || m.Facts[0].Value != "–" {
				t.Errorf("%q, entered %v, %+v", m.Text, pin.entered, m.Facts)
			}
			pin.err = errors.Join(device.ErrPINWrong, &device.PINWaitError{For: 61 * time.Second})
			if m = r.take(t, "1", "enter"); m.Text != "Too many wrong PINs. Try again in 2 min." {
				t.Errorf("%q", m.Text)
			}
			pin.err = errors.New("s3cr3t")
			if m = r.take(t, "1", "clear", "enter", "2", "enter"); m.Text != "That could not be saved. Please try again." || pin.entered[len(pin.entered)-1] != "2" {
				t.Errorf("%q %v", m.Text, pin.entered)
			}
		})
	})
}

// TestLatePIN checks that a PIN opens no menu that somebody else has opened meanwhile.
func TestLatePIN(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pin := &fakePIN{}
		r := newRig(func(c *Config) { c.PIN, c.Settings = pin, newSettings() })
		r.run(t, func() {
			pin.during = func() {
				time.Sleep(time.Second)
				_ = r.Press(t.Context(), KeyMenu)
				_ = r.Press(t.Context(), KeyMenu)
				_ = r.Choose(t.Context(), "settings")
			}
			r.choose(t, append([]string{"settings"}, strings.Split(goodPIN, "")...)...)
			if m := r.take(t, "enter"); m == nil || m.Columns == 0 {
				t.Errorf("%s", labels(m))
			}
		})
	})
}
