package phone

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/display"
)

// fakeHandset is a box with one photo, settings and perhaps a PIN.
type fakeHandset struct {
	choices []device.Choice
	locked  error // what guarded pages answer
	change  error
	changed map[string]string
	pin     error
	entered string
	thumb   error

	collections device.RemoteCollections
}

func check(key string, err error) error {
	if key != "good" {
		return device.ErrRemoteGone
	}
	return err
}

func (f *fakeDevice) Glance(key string) (device.Remote, error) { return f.Remote(key) }

func (f *fakeHandset) Thumbnail(_ context.Context, key, item string) ([]byte, error) {
	return []byte("jpeg of " + item), check(key, f.thumb)
}

func (f *fakeHandset) MayDelete(key, _ string) error { return check(key, f.locked) }

func (f *fakeHandset) RemoteSettings(key string) ([]device.Choice, error) {
	return f.choices, check(key, f.locked)
}

func (f *fakeHandset) ChangeRemote(_ context.Context, key string, values map[string]string) error {
	f.changed = values
	return check(key, f.change)
}

func (f *fakeHandset) EnterRemotePIN(key, pin string) error {
	f.entered = pin
	return check(key, f.pin)
}

func newHandset() *fakeDevice {
	return &fakeDevice{
		remote: device.Remote{Name: "Lobby", Now: "Photo 1 of 3", Settings: true, Photos: []device.RemotePhoto{{Item: "a/b", Hide: "settings.hide_photo", Delete: "settings.delete_photo"}},
			Buttons: []device.Button{{Wish: display.Wish{Verb: display.Pause}, Key: "remote.pause", Main: true}}},
		fakeHandset: fakeHandset{choices: []device.Choice{
			{Key: "slideshow.interval", Value: "20s", Options: []device.Option{{Value: "20s", Label: device.Label{Key: "settings.seconds", Number: 20}}, {Value: "1m", Label: device.Label{Key: "settings.minutes", Number: 1}}}},
			{Key: "slideshow.order", Value: "<x>", Locked: true, Options: []device.Option{{Value: "<x>", Label: device.Label{Name: "<x>"}}}},
		}},
	}
}

// TestHandsetPages checks what the pages of a remote hold.
func TestHandsetPages(t *testing.T) {
	for _, tt := range []struct {
		path    string
		change  func(*fakeDevice)
		status  int
		has     []string
		hasNone []string
	}{
		{"", nil, 200, []string{`src="/remote/good/thumbnail/a%2Fb"`, `alt="Photo 1 of 3"`, ">Hide this photo<", `href="/remote/good/delete?item=a%2Fb"`, ">Settings<", `<button data-wish="pause">`, `src="/pair/handset.js"`}, nil},
		{"/now", nil, 200, []string{`id="shown"`, "Photo 1 of 3"}, nil},
		{"", func(d *fakeDevice) { d.remote.Settings, d.remote.Photos[0].Delete = false, "" }, 200, []string{">Hide this photo<"}, []string{">Settings<", "/delete"}},
		{"/settings", nil, 200, []string{">Time per photo<", `<option value="20s" selected>20 s</option>`, `<option value="1m">1 min</option>`, "disabled", "&lt;x&gt;", "has fixed this setting"}, []string{"<x>", "complaint"}},
		{"/settings", func(d *fakeDevice) { d.locked = device.ErrPINNeeded }, 403, []string{`inputmode="numeric"`, `action="/remote/good/pin"`, "Enter the PIN"}, []string{"20 s"}},
		{"/settings", func(d *fakeDevice) { d.locked = device.ErrNotOffered }, 303, nil, []string{"20 s"}},
		{"/delete?item=a%2Fb", nil, 200, []string{"Delete it from this screen?", `value="a/b"`, `src="/remote/good/thumbnail/a%2Fb"`, ">Cancel<"}, nil},
		{"/delete?item=a%2Fb", func(d *fakeDevice) { d.locked = device.ErrPINNeeded }, 403, []string{"Enter the PIN", `value="a/b"`}, []string{"thumbnail"}},
		{"/delete?item=%22%3E%3Cscript%3E", nil, 200, []string{"&lt;script&gt;"}, []string{"<script>"}},
	} {
		d := newHandset()
		if tt.change != nil {
			tt.change(d)
		}
		w := ask(newHandler(d), "GET", "/remote/good"+tt.path, "")
		if w.Code != tt.status || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v", tt.path, w.Code, w.Header())
		}
		for _, want := range tt.has {
			if !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s has no %s:\n%s", tt.path, want, w.Body)
			}
		}
		for _, no := range tt.hasNone {
			if strings.Contains(w.Body.String(), no) {
				t.Errorf("%s has %s", tt.path, no)
			}
		}
		if csp := w.Header().Get("Content-Security-Policy"); w.Code == 200 && (strings.Contains(csp, "unsafe") || !strings.Contains(csp, "script-src 'self'") || !strings.Contains(csp, "default-src 'none'")) {
			t.Errorf("%s: %s", tt.path, csp)
		}
	}
}

// TestHandsetWrongKey checks that no page of a remote does anything for a wrong key.
func TestHandsetWrongKey(t *testing.T) {
	d := newHandset()
	h := newHandler(d)
	for _, r := range [][3]string{{"GET", "/now"}, {"GET", "/thumbnail/a"}, {"GET", "/settings"}, {"POST", "/settings", "slideshow.interval=1m"}, {"GET", "/delete?item=a"}, {"POST", "/pin", "pin=480915"}} {
		if w := ask(h, r[0], "/remote/bad"+r[1], r[2]); w.Code != 410 || !strings.Contains(w.Body.String(), "no longer works") {
			t.Errorf("%v: %d %s", r, w.Code, w.Body)
		}
	}
	if d.changed != nil {
		t.Errorf("changed %v", d.changed)
	}
}

func TestThumbnail(t *testing.T) {
	d := newHandset()
	w := ask(newHandler(d), "GET", "/remote/good/thumbnail/a%2Fb", "")
	if w.Code != 200 || w.Body.String() != "jpeg of a/b" || w.Header().Get("Content-Type") != "image/jpeg" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	for _, err := range []error{fs.ErrNotExist, device.ErrNoCopy} {
		d.thumb = err
		if w := ask(newHandler(d), "GET", "/remote/good/thumbnail/a", ""); w.Code != 404 {
			t.Errorf("%v: %d", err, w.Code)
		}
	}
}

// TestChangeSettings checks that only what a person has changed is set.
func TestChangeSettings(t *testing.T) {
	for name, tt := range map[string]struct {
		form   url.Values
		err    error
		want   map[string]string
		status int
		says   string
	}{
		"one":       {url.Values{"slideshow.interval": {"1m"}, "was.slideshow.interval": {"20s"}}, nil, map[string]string{"slideshow.interval": "1m"}, 200, "Saved."},
		"none":      {url.Values{"slideshow.interval": {"10s"}, "was.slideshow.interval": {"10s"}}, nil, map[string]string{}, 200, "Saved."},
		"strange":   {url.Values{"hooks.on_state": {"/bin/sh"}, "http.listen": {"0.0.0.0:80"}}, nil, map[string]string{}, 200, "Saved."},
		"locked":    {url.Values{"slideshow.order": {"y"}}, &device.SettingError{Code: device.SettingLocked}, map[string]string{"slideshow.order": "y"}, 403, "has fixed this setting"},
		"disk full": {url.Values{"slideshow.interval": {"1m"}}, errors.New("s3cr3t"), map[string]string{"slideshow.interval": "1m"}, 503, "could not be saved"},
	} {
		d := newHandset()
		d.change = tt.err
		w := ask(newHandler(d), "POST", "/remote/good/settings", tt.form.Encode())
		if w.Code != tt.status || !maps.Equal(d.changed, tt.want) || !strings.Contains(w.Body.String(), tt.says) || strings.Contains(w.Body.String(), "s3cr3t") {
			t.Errorf("%s: %d, %v, %s", name, w.Code, d.changed, w.Body)
		}
	}
	d := newHandset()
	d.locked = device.ErrPINNeeded
	if w := ask(newHandler(d), "POST", "/remote/good/settings", "slideshow.interval=1m"); w.Code != 403 || d.changed != nil {
		t.Errorf("without the PIN: %d %v", w.Code, d.changed)
	}
}

func TestEnterPIN(t *testing.T) {
	for name, tt := range map[string]struct {
		body     string
		err      error
		status   int
		location string
		says     string
	}{
		"right":              {"pin=480915", nil, 303, "/remote/good/settings", ""},
		"right, for an item": {"pin=480915&item=a%2Fb%26c", nil, 303, "/remote/good/delete?item=a%2Fb%26c", ""},
		"wrong":              {"pin=1&item=a", device.ErrPINWrong, 403, "", "That PIN is not correct."},
		"too many":           {"pin=1", errors.Join(device.ErrPINWrong, &device.PINWaitError{For: time.Hour}), 403, "", "Try again in 60 min."},
		"disk":               {"pin=1", errors.New("s3cr3t"), 403, "", "could not be saved"},
	} {
		d := newHandset()
		d.pin = tt.err
		w := ask(newHandler(d), "POST", "/remote/good/pin", tt.body)
		if w.Code != tt.status || w.Header().Get("Location") != tt.location || !strings.Contains(w.Body.String(), tt.says) || strings.Contains(w.Body.String(), "s3cr3t") || strings.Contains(w.Body.String(), "480915") {
			t.Errorf("%s: %d %q %s", name, w.Code, w.Header().Get("Location"), w.Body)
		}
	}
}

// TestDeleteLate checks that deleting asks for the PIN again when it has expired.
func TestDeleteLate(t *testing.T) {
	d := newHandset()
	d.err = device.ErrPINNeeded
	if w := ask(newHandler(d), "POST", "/remote/good", "wish=delete&item=a"); w.Code != 403 || !strings.Contains(w.Body.String(), "Enter the PIN") || d.wish.Item != "a" {
		t.Errorf("%d %+v %s", w.Code, d.wish, w.Body)
	}
}

// FuzzEnterPIN checks that a form leads nowhere but to pages of the remote, and that its
// answer holds no markup of the form.
func FuzzEnterPIN(f *testing.F) {
	f.Add("480915", "a/b", true)
	f.Add("1", "//example.org/?x=\"><script>", false)
	f.Add("", "\x00%zz&item=2#", true)
	f.Fuzz(func(t *testing.T, entered, item string, right bool) {
		d := newHandset()
		if !right {
			d.pin = device.ErrPINWrong
		}
		w := ask(newHandler(d), "POST", "/remote/good/pin", url.Values{"pin": {entered}, "item": {item}}.Encode())
		at, err := url.Parse(w.Header().Get("Location"))
		switch {
		case right && (w.Code != 303 || err != nil || at.Host != "" || !strings.HasPrefix(at.Path, "/remote/good/")):
			t.Errorf("%q leads to %d %v", item, w.Code, at)
		case right && item != "" && at.Query().Get("item") != item:
			t.Errorf("%q becomes %q", item, at.Query().Get("item"))
		case !right && (w.Code != 403 || strings.Contains(w.Body.String(), "<script")):
			t.Errorf("%q: %d %s", item, w.Code, w.Body)
		}
	})
}

func (f *fakeHandset) RemoteCollections(key string) (device.RemoteCollections, error) {
	return f.collections, check(key, nil)
}

func (f *fakeHandset) MayRemoveCollection(key string) error { return check(key, f.locked) }
