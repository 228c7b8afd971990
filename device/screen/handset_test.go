package screen

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/display"
)

// lan plays the listener for phones.
type lan struct{}

func (lan) Open() (string, error) { return "http://192.0.2.7:8420", nil }
func (lan) Close()                {}

// phone opens the menu and scans its code. It returns the key of the remote.
func (r *rig) phone(t *testing.T) string {
	t.Helper()
	m := r.keys(t, KeyMenu)
	if m == nil || m.QR == "" {
		t.Fatal("no code for a phone")
	}
	r.keys(t, KeyMenu)
	return m.QR[strings.LastIndex(m.QR, "/")+1:]
}

// withPhones gives the screen a phone remote, settings and thumbnails, which it counts.
func withPhones(made *int, more func(*Config)) func(*Config) {
	return func(c *Config) {
		c.Phones, c.Settings = lan{}, newSettings()
		c.Thumbnail = func(_ context.Context, item string, w, h int) ([]byte, error) {
			*made++
			time.Sleep(time.Second)
			return fmt.Appendf(nil, "%s %dx%d", item, w, h), nil
		}
		if more != nil {
			more(c)
		}
	}
}

// TestThumbnails checks that a phone gets pictures of what it has seen on the screen, each
// made once, and nothing of somebody who has been forgotten.
func TestThumbnails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made := 0
		r := newRig(withPhones(&made, func(c *Config) { c.ForgetAfter = time.Hour }))
		r.run(t, func() {
			r.withItems(display.Media{File: "a.jpg", Item: "a"})
			key := r.phone(t)
			if _, err := r.Thumbnail(t.Context(), key, "a"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("before the phone has seen it: %v", err)
			}
			if v, err := r.Remote(key); err != nil || len(v.Photos) != 1 || v.Photos[0].Delete != "" || v.Settings {
				t.Fatalf("%+v %v", v, err)
			}
			done := make(chan string)
			for range 3 {
				go func() {
					jpeg, err := r.Thumbnail(t.Context(), key, "a")
					done <- fmt.Sprint(string(jpeg), err)
				}()
			}
			for range 3 {
				if got := <-done; got != "a 480x480<nil>" {
					t.Errorf("%s", got)
				}
			}
			if made != 1 {
				t.Errorf("made %d times", made)
			}
			for _, wrong := range [][2]string{{key, "b"}, {"k", "a"}} {
				if jpeg, err := r.Thumbnail(t.Context(), wrong[0], wrong[1]); err == nil || jpeg != nil {
					t.Errorf("%v: %s", wrong, jpeg)
				}
			}
			for i := range 40 {
				r.withItems(display.Media{File: "x.jpg", Item: fmt.Sprint(i)})
				if _, err := r.Glance(key); err != nil {
					t.Fatal(err)
				}
				if i < maxThumbs {
					if _, err := r.Thumbnail(t.Context(), key, fmt.Sprint(i)); err != nil {
						t.Error(err)
					}
				}
			}
			if n, k := len(r.view.remote.shown), len(r.view.remote.thumbs); n > maxShown || k > maxThumbs {
				t.Errorf("%d items, %d thumbnails", n, k)
			}
			go func() {
				jpeg, err := r.Thumbnail(t.Context(), key, "39")
				done <- fmt.Sprint(string(jpeg), errors.Is(err, device.ErrRemoteGone))
			}()
			synctest.Wait()
			s := r.snapshots.Get()
			s.Seq, s.Generation = 2, 1
			r.snapshots.Set(s)
			if got := <-done; got != "true" || len(r.view.remote.thumbs) != 0 {
				t.Errorf("of a forgotten guest: %s, %d thumbnails", got, len(r.view.remote.thumbs))
			}
		})
	})
}

// TestGlance checks that a page that renews itself does not keep a remote valid.
func TestGlance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made := 0
		r := newRig(withPhones(&made, nil))
		r.run(t, func() {
			key := r.phone(t)
			if _, err := r.Remote(key); err != nil {
				t.Fatal(err)
			}
			var err error
			began := time.Now()
			for err == nil {
				time.Sleep(10 * time.Second)
				_, err = r.Glance(key)
			}
			if after := time.Since(began); after != remoteIdle || !errors.Is(err, device.ErrRemoteGone) {
				t.Errorf("after %v: %v", after, err)
			}
		})
	})
}

// TestHandsetItems hides and deletes from a phone, also what has gone from the screen.
func TestHandsetItems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made := 0
		r := newRig(withPhones(&made, nil))
		r.run(t, func() {
			r.withItems(display.Media{File: "a.jpg", Item: "a"}, display.Media{File: "b.jpg", Item: "b"})
			key := r.phone(t)
			v, err := r.Remote(key)
			if err != nil || len(v.Photos) != 2 || v.Photos[1] != (device.RemotePhoto{Item: "b", Hide: "settings.hide_right", Delete: "settings.delete_right"}) {
				t.Fatalf("%+v %v", v, err)
			}
			r.withItems(display.Media{File: "c.jpg", Item: "c"})
			for _, tt := range []struct {
				wish display.Wish
				err  error
			}{
				{display.Wish{Verb: display.Hide, Item: "a"}, nil}, {display.Wish{Verb: display.Remove, Item: "b"}, nil},
				{display.Wish{Verb: display.Remove, Item: "never shown"}, device.ErrNotOffered}, {display.Wish{Verb: display.Remove}, device.ErrNotOffered},
				{display.Wish{Verb: display.Forget, Item: "a"}, device.ErrNotOffered}, {display.Wish{Verb: display.Remove, Item: "a", Account: "a"}, device.ErrNotOffered},
			} {
				before := len(r.asked)
				if _, err := r.Control(t.Context(), key, tt.wish); !errors.Is(err, tt.err) || len(r.asked)-before != map[bool]int{true: 1}[tt.err == nil] {
					t.Errorf("%+v: %v, asked for %+v", tt.wish, err, r.asked[before:])
				}
			}
		})
	})
}

// TestHandsetScreen switches the screen off and on from a phone, whose main button follows.
func TestHandsetScreen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made := 0
		r := newRig(withPhones(&made, nil))
		r.run(t, func() {
			key := r.phone(t)
			for _, tt := range []struct {
				wish, main display.Verb
				black      bool
			}{{display.ScreenOff, display.ScreenOn, true}, {display.ScreenOn, display.Pause, false}, {display.ScreenOff, display.ScreenOn, true}, {display.Next, display.Pause, false}} {
				if _, err := r.Control(t.Context(), key, display.Wish{Verb: tt.wish}); err != nil {
					t.Fatal(err)
				}
				v, err := r.Remote(key)
				if err != nil {
					t.Fatal(err)
				}
				var main []display.Verb
				for _, b := range v.Buttons {
					if b.Main {
						main = append(main, b.Wish.Verb)
					}
				}
				if got := r.Pages().Get().Night; got != tt.black || len(main) != 1 || main[0] != tt.main {
					t.Errorf("after %s: black %v, main buttons %v", tt.wish, got, main)
				}
			}
		})
	})
}

// TestHandsetPIN checks that an entered PIN is valid for one phone remote, for a while.
func TestHandsetPIN(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made := 0
		pin := &fakePIN{}
		r := newRig(withPhones(&made, func(c *Config) { c.PIN, c.ForgetAfter = pin, time.Hour }))
		r.run(t, func() {
			r.withItems(display.Media{File: "a.jpg", Item: "a"})
			key := r.phone(t)
			v, err := r.Remote(key)
			if err != nil || !v.Settings || v.Photos[0].Delete == "" {
				t.Fatalf("%+v %v", v, err)
			}
			guarded := func() []error {
				_, list := r.RemoteSettings(key)
				_, remove := r.Control(t.Context(), key, display.Wish{Verb: display.Remove, Item: "a"})
				return []error{list, r.ChangeRemote(t.Context(), key, map[string]string{"slideshow.interval": "1m"}), r.MayDelete(key, "a"), remove}
			}
			expect := func(when string, want error) {
				t.Helper()
				for i, err := range guarded() {
					if !errors.Is(err, want) {
						t.Errorf("%s, %d: %v, want %v", when, i, err, want)
					}
				}
			}
			expect("before", device.ErrPINNeeded)
			if err := r.EnterRemotePIN(key, "480916"); !errors.Is(err, device.ErrPINWrong) {
				t.Error(err)
			}
			if err := r.EnterRemotePIN("k", goodPIN); !errors.Is(err, device.ErrRemoteGone) || len(pin.entered) != 1 {
				t.Errorf("with a wrong key: %v, %d compared", err, len(pin.entered))
			}
			expect("after a wrong one", device.ErrPINNeeded)
			if err := r.EnterRemotePIN(key, goodPIN); err != nil {
				t.Error(err)
			}
			expect("after the right one", nil)
			if m := r.choose(t, "settings"); m == nil || m.Columns == 0 {
				t.Errorf("the menu is unlocked as well: %s", labels(m))
			}
			time.Sleep(pinFor)
			expect("later", device.ErrPINNeeded)
		})
	})
}

// TestHandsetSettings checks that a phone sets only what is offered.
func TestHandsetSettings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made := 0
		f := newSettings()
		f.all["slideshow.order"] = device.Setting{Value: "picked", Locked: true}
		r := newRig(withPhones(&made, func(c *Config) { c.Settings = f }))
		r.run(t, func() {
			key := r.phone(t)
			err := r.ChangeRemote(t.Context(), key, map[string]string{"slideshow.interval": "1m", "slideshow.captions": "false", "slideshow.fit": "wide",
				"slideshow.order": "newest", "slideshow.fade": "5s", "slideshow.backing": "mat", "slideshow.zoom": "true", "hooks.on_state": "/bin/sh"})
			if err != nil || f.all["slideshow.interval"].Value != "1m" || f.all["slideshow.captions"].Value != false || f.all["slideshow.fit"].Value != "fit" ||
				f.all["slideshow.order"].Value != "picked" || f.all["slideshow.zoom"].Value != true || f.all["slideshow.backing"].Value != "mat" || f.all["slideshow.fade"].Value != "1s" || len(f.all) != 10 {
				t.Errorf("%v %v", err, f.all)
			}
			f.err = &device.StoreError{}
			if err := r.ChangeRemote(t.Context(), key, map[string]string{"slideshow.interval": "5s"}); err == nil {
				t.Error("no error")
			}
		})
	})
}
