package screen

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/display"
)

// loudRig is a screen of which films are as loud as a setting says.
func loudRig(volume int, locked bool) (*rig, *fakeSettings) {
	f := &fakeSettings{all: map[string]device.Setting{volumeKey: {Value: volume, Locked: locked}}}
	r := newRig(func(c *Config) { c.Settings = f })
	r.Configure(Options{Style: display.Style{Look: display.Look{Volume: volume}}})
	return r, f
}

// press presses a key and has the screen take the settings over.
func (r *rig) press(t *testing.T, f *fakeSettings, k Key) display.Page {
	t.Helper()
	_ = r.Press(t.Context(), k)
	synctest.Wait()
	r.Configure(Options{Style: display.Style{Look: display.Look{Volume: toInt(f.all[volumeKey].Value)}}})
	return r.Pages().Get()
}

func toInt(v any) (n int) {
	_, _ = fmt.Sscan(fmt.Sprint(v), &n)
	return n
}

// TestVolumeKeys checks what the volume keys set, and what is shown of it.
func TestVolumeKeys(t *testing.T) {
	for name, tt := range map[string]struct {
		volume int
		muted  bool
		locked bool
		key    Key
		want   int
		asks   display.Verb // of the slideshow
		label  string
	}{
		"louder":            {30, false, false, KeyVolumeUp, 40, display.Unmute, "Sound of videos: 40%"},
		"quieter":           {30, false, false, KeyVolumeDown, 20, "", "Sound of videos: 20%"},
		"from silence":      {0, false, false, KeyVolumeUp, 10, display.Unmute, "Sound of videos: 10%"},
		"to silence":        {10, false, false, KeyVolumeDown, 0, "", "Sound of videos: Off"},
		"the loudest":       {100, false, false, KeyVolumeUp, 100, display.Unmute, "Sound of videos: 100%"},
		"silent already":    {0, false, false, KeyVolumeDown, 0, "", "Sound of videos: Off"},
		"between steps":     {35, false, false, KeyVolumeUp, 40, display.Unmute, "Sound of videos: 40%"},
		"muted":             {30, false, false, KeyMute, 30, display.Mute, "Sound of videos: Off"},
		"unmuted":           {30, true, false, KeyMute, 30, display.Mute, "Sound of videos: 30%"},
		"louder when muted": {30, true, false, KeyVolumeUp, 40, display.Unmute, "Sound of videos: 40%"},
		"quieter, muted":    {30, true, false, KeyVolumeDown, 20, "", "Sound of videos: Off"},
		"locked":            {30, false, true, KeyVolumeUp, 30, display.Unmute, "Sound of videos: 30%"},
	} {
		for _, inMenu := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				r, f := loudRig(tt.volume, tt.locked)
				frame := r.frames.Get()
				frame.Seq++
				frame.Muted = tt.muted
				r.frames.Set(frame)
				r.run(t, func() {
					if inMenu {
						r.press(t, f, KeyMenu)
					}
					p := r.press(t, f, tt.key)
					if got := toInt(f.all[volumeKey].Value); got != tt.want || r.sound != tt.asks {
						t.Errorf("%s: set to %d, asked for %q, want %d, %q", name, got, r.sound, tt.want, tt.asks)
					}
					if p.Volume == nil || p.Volume.Label != tt.label || (p.Menu != nil) != inMenu {
						t.Errorf("%s: the page says %+v, want %q", name, p.Volume, tt.label)
					}
					time.Sleep(volumeFor - time.Millisecond)
					if synctest.Wait(); r.Pages().Get().Volume == nil {
						t.Errorf("%s: it leaves too soon", name)
					}
					time.Sleep(time.Millisecond)
					if synctest.Wait(); r.Pages().Get().Volume != nil {
						t.Errorf("%s: it stays", name)
					}
				})
			})
		}
	}
}

// TestVolumeAtNight checks that the first volume key at night only wakes the screen, and
// that what programs say of sound does not.
func TestVolumeAtNight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, f := loudRig(30, false)
		r.run(t, func() {
			off := func() {
				if err := r.Screen.Do(t.Context(), display.Wish{Verb: display.ScreenOff}); err != nil {
					t.Fatal(err)
				}
			}
			off()
			if p := r.press(t, f, KeyVolumeUp); p.Night || toInt(f.all[volumeKey].Value) != 30 {
				t.Errorf("the first key: night %t, volume %v", p.Night, f.all[volumeKey].Value)
			}
			off()
			for _, v := range []display.Verb{display.Silence, display.Unmute, display.Hold, display.Resume} {
				if err := r.Screen.Do(context.Background(), display.Wish{Verb: v}); err != nil || !r.Pages().Get().Night {
					t.Errorf("%s: %v, night %t", v, err, r.Pages().Get().Night)
				}
			}
		})
	})
}

// TestVolumeOfGuests checks that guests, with a PIN or without, leave the volume as it is
// for those after them, and may mute. Volume keys still end that.
func TestVolumeOfGuests(t *testing.T) {
	for _, pin := range []PIN{nil, &fakePIN{}} {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeSettings{all: map[string]device.Setting{volumeKey: {Value: 30}}}
			r := newRig(func(c *Config) { c.Settings, c.PIN, c.ForgetAfter = f, pin, time.Hour })
			r.Configure(Options{Style: display.Style{Look: display.Look{Volume: 30}}})
			r.run(t, func() {
				for _, k := range []Key{KeyVolumeUp, KeyVolumeDown} {
					if p := r.press(t, f, k); toInt(f.all[volumeKey].Value) != 30 || p.Volume == nil {
						t.Errorf("PIN %t: %s sets %v and shows %v", pin != nil, k, f.all[volumeKey].Value, p.Volume)
					}
				}
				if err := r.Screen.Do(t.Context(), display.Wish{Verb: display.VolumeUp}); !errors.Is(err, device.ErrNotOffered) {
					t.Error(err)
				}
				for _, want := range []bool{true, false, true} {
					if r.press(t, f, KeyMute); r.frames.Get().Muted != want {
						t.Errorf("muted %t, want %t", !want, want)
					}
				}
				if r.press(t, f, KeyVolumeUp); r.frames.Get().Muted {
					t.Error("still muted")
				}
			})
		})
	}
}
