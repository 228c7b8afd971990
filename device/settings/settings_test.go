package settings_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/configs"
	"pickerd/device"
	"pickerd/device/settings"
)

// A box has a Keeper and its files.
type box struct {
	t      *testing.T
	file   string // of the operator
	phone  string // of people
	keeper *settings.Keeper
	cfg    settings.Config
}

func newBox(t *testing.T, text string) *box {
	t.Helper()
	b := &box{t: t, file: filepath.Join(t.TempDir(), "pickerd.toml")}
	state := t.TempDir()
	b.phone = filepath.Join(state, configs.ConfigFolder, configs.PhoneFile)
	b.write(b.file, text)
	env := map[string]string{"STATE_DIRECTORY": state, "PICKERD_GOOGLE_CLIENT_ID": "i", "PICKERD_SLIDESHOW_ZOOM": "true"}
	b.cfg = settings.Config{Log: slog.New(slog.DiscardHandler),
		Sources: configs.Sources{File: b.file, Phone: true, Getenv: func(k string) string { return env[k] }}}
	b.start()
	return b
}

// start starts the box, as after a power cut.
func (b *box) start() {
	b.t.Helper()
	layers := b.cfg.Sources.Read()
	if layers.Err != nil {
		b.t.Fatal(layers.Err)
	}
	b.keeper = settings.New(b.cfg, layers)
}

func (b *box) write(path, text string) {
	b.t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *box) interval() time.Duration {
	return time.Duration(b.keeper.Config().Slideshow.Interval)
}

func (b *box) renews() bool {
	select {
	case <-b.keeper.Renew():
		return true
	default:
		return false
	}
}

func TestChange(t *testing.T) {
	b := newBox(t, "lock = ['slideshow.order']\nslideshow.fade = '2s'\n")
	if err := b.keeper.Change(t.Context(), map[string]any{"slideshow.interval": "20s", "slideshow.fade": "3s", "slideshow.pairs": false}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{b.phone, filepath.Dir(b.phone)} {
		if st, err := os.Stat(path); err != nil || st.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v", path, st.Mode(), err)
		}
	}
	want := map[string]device.Setting{
		"slideshow.interval": {Value: "20s", Default: "10s", Origin: device.FromPhone, Locked: false},
		"slideshow.fade":     {Value: "3s", Default: "1.2s", Origin: device.FromPhone, Locked: false},
		"slideshow.pairs":    {Value: false, Default: true, Origin: device.FromPhone, Locked: false},
		"slideshow.order":    {Value: "picked", Default: "picked", Origin: device.FromDefault, Locked: true},
		"slideshow.zoom":     {Value: true, Default: false, Origin: device.FromEnvironment, Locked: true},
		"slideshow.captions": {Value: false, Default: false, Origin: device.FromDefault, Locked: false},
	}
	for range 2 { // the second time after a power cut
		all := b.keeper.Settings()
		for key, s := range want {
			if all[key] != s {
				t.Errorf("%s: %+v, want %+v", key, all[key], s)
			}
		}
		if _, there := all["http.key"]; there {
			t.Error("http.key is for everybody")
		}
		b.start()
	}
	if err := b.keeper.Change(t.Context(), map[string]any{"slideshow.interval": nil, "slideshow.fade": nil, "slideshow.pairs": nil, "slideshow.order": nil}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(b.phone); b.interval() != 10*time.Second || time.Duration(b.keeper.Config().Slideshow.Fade) != 2*time.Second || err == nil {
		t.Errorf("%v, %v", b.interval(), err)
	}
}

// A change that is refused changes nothing, not even its other keys.
func TestChangeRefused(t *testing.T) {
	for key, tt := range map[string]struct {
		value         any
		code, nearest string
	}{
		"slideshow.intervall": {"20s", device.UnknownSetting, "slideshow.interval"},
		"":                    {"20s", device.UnknownSetting, ""},
		"slideshow.fade":      {"1h", device.InvalidSetting, ""},
		"slideshow.pairs":     {map[string]any{"x": 1}, device.InvalidSetting, ""},
		"name":                {[]any{1, "x", nil}, device.InvalidSetting, ""},
		"slideshow.order":     {"newest", device.SettingLocked, ""},
		"slideshow.zoom":      {false, device.SettingLocked, ""},
		"hooks.on_state":      {[]any{"/bin/sh"}, device.NotSettable, ""},
		"http.listen":         {nil, device.NotSettable, ""},
		"google.gateway":      {"https://evil.test", device.NotSettable, ""},
		"lock":                {nil, device.NotSettable, ""},
	} {
		b := newBox(t, "lock = ['slideshow.order']\n")
		err := b.keeper.Change(t.Context(), map[string]any{key: tt.value, "slideshow.interval": "20s"})
		if e, ok := errors.AsType[*device.SettingError](err); !ok || e.Code != tt.code || e.Key != key || e.Nearest != tt.nearest || e.Message == "" {
			t.Errorf("%s: %#v", key, err)
		}
		if _, err := os.Stat(b.phone); err == nil || b.interval() != 10*time.Second || b.keeper.Problem().Get() != nil {
			t.Errorf("%s: half applied", key)
		}
	}
}

// The page that sets the box up may set a gateway, and nothing that runs code.
func TestSetUp(t *testing.T) {
	b := newBox(t, "")
	if err := b.keeper.SetUp(t.Context(), map[string]any{"google.gateway": "https://photos.example", "name": "Hall"}); err != nil {
		t.Fatal(err)
	}
	if c := b.keeper.Config(); c.Google.Gateway != "https://photos.example" || c.Name != "Hall" || !b.renews() {
		t.Errorf("%s %s", c.Google.Gateway, c.Name)
	}
	err := b.keeper.SetUp(t.Context(), map[string]any{"hooks.on_state": []string{"/bin/sh"}})
	if e, ok := errors.AsType[*device.SettingError](err); !ok || e.Code != device.NotSettable {
		t.Error(err)
	}
}

// Whatever happens to the files, the last good configuration stays in force and the
// problem is told.
func TestReload(t *testing.T) {
	b := newBox(t, "slideshow.interval = '20s'\nslideshow.order = 'newest'\n")
	conf := filepath.Join(filepath.Dir(b.file), configs.ConfigFolder, "x.toml")
	for _, step := range []struct {
		name, path, text string
		want             time.Duration
		where            *device.Place
	}{
		{"edited", b.file, "slideshow.interval = '30s'\n", 30 * time.Second, nil},
		{"torn", b.file, "slideshow.interv", 30 * time.Second, &device.Place{File: b.file, Line: 1}},
		{"fatal", b.file, "slideshow.interval = '40s'\nhttp.listen = 'x'\n", 30 * time.Second, &device.Place{File: b.file, Line: 2, Key: "http.listen"}},
		{"tolerated", b.file, "slideshow.interval = '40s'\nslideshow.fade = 'x'\n", 40 * time.Second, &device.Place{File: b.file, Line: 2, Key: "slideshow.fade"}},
		{"corrected", b.file, "slideshow.interval = '30s'\n", 30 * time.Second, nil},
		{"unknown key in conf.d", conf, "\nslideshow.x = 1\nslideshow.interval = '50s'\n", 50 * time.Second, &device.Place{File: conf, Line: 2, Key: "slideshow.x"}},
		{"torn in conf.d", conf, "slideshow.interval = '60s'\n[", 50 * time.Second, &device.Place{File: conf, Line: 2}},
		{"conf.d", conf, "slideshow.interval = '60s'\n", 60 * time.Second, nil},
		{"people's", b.phone, "slideshow.interval = '70s'\n", 70 * time.Second, nil},
		{"people's torn", b.phone, "slideshow.interval = '80s'\n\x00", 70 * time.Second, &device.Place{File: b.phone, Line: 2}},
		{"people's hook", b.phone, "slideshow.interval = '80s'\nhooks.on_state = ['/x']\n", 80 * time.Second, &device.Place{File: b.phone, Line: 2, Key: "hooks.on_state"}},
		{"empty", b.phone, "", 60 * time.Second, nil},
	} {
		b.write(step.path, step.text)
		err := b.keeper.Reload()
		if b.interval() != step.want {
			t.Errorf("%s: %v, want %v; %v", step.name, b.interval(), step.want, err)
		}
		p := b.keeper.Problem().Get()
		if (p == nil) != (step.where == nil) || p != nil && (*p.Where != *step.where || p.Code != "configuration" || !strings.Contains(p.Error(), step.path)) {
			t.Errorf("%s: %+v", step.name, p)
		}
	}
	// The next change repairs the file of people. A torn file of the operator does not
	// stop people.
	b.write(b.phone, "slideshow.interval = '80s'\n\x00")
	b.write(b.file, "[")
	if err := b.keeper.Change(t.Context(), map[string]any{"slideshow.zoom": nil, "slideshow.interval": "90s"}); err != nil || b.interval() != 90*time.Second {
		t.Errorf("%v %v", b.interval(), err)
	}
	b.write(b.file, "")
	if b.start(); b.interval() != 90*time.Second {
		t.Error(b.interval())
	}
}

// What a running box can't take needs a new process, and nothing else does.
func TestRenew(t *testing.T) {
	b := newBox(t, "")
	for text, want := range map[string]bool{"http.listen = '127.0.0.1:1'\n": true, "# only a comment\n": false} {
		b.write(b.file, "")
		_ = b.keeper.Reload()
		b.renews()
		b.write(b.file, text)
		if err := b.keeper.Reload(); err != nil || b.renews() != want {
			t.Errorf("%q: %v, want %t", text, err, want)
		}
	}
}

// A change of a file is noticed once nothing more changes.
func TestRun(t *testing.T) {
	b := newBox(t, "")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		k := settings.New(b.cfg, b.cfg.Sources.Read())
		ended := make(chan error)
		go func() { ended <- k.Run(ctx) }()
		wait := func(d time.Duration) { time.Sleep(d); synctest.Wait() }
		wait(time.Minute)
		for i := range 5 { // an editor that writes again and again
			b.write(b.file, fmt.Sprintf("slideshow.interval = '2%ds'\n", i)+strings.Repeat("#", i))
			wait(2 * time.Second)
			if got := k.Config().Slideshow.Interval; i > 0 && got != configs.Duration(10*time.Second) {
				t.Errorf("%v", time.Duration(got))
			}
		}
		wait(3 * time.Second)
		if got := k.Config().Slideshow.Interval; got != configs.Duration(24*time.Second) {
			t.Errorf("%v", time.Duration(got))
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// A power cut at any operation between two settings leaves the old or the new ones,
// which a box that runs on has, too. The next change goes through.
func TestPowerCut(t *testing.T) {
	var kinds []string
	for cut := 0; ; cut++ {
		b := newBox(t, "")
		if err := b.keeper.Change(t.Context(), map[string]any{"slideshow.interval": "20s", "slideshow.order": "newest"}); err != nil {
			t.Fatal(err)
		}
		kinds = kinds[:0]
		b.cfg.BeforeOp = func(kind, _ string) error {
			if len(kinds) == cut {
				return syscall.EIO // and for ever
			}
			kinds = append(kinds, kind)
			return nil
		}
		b.start()
		err := b.keeper.Change(t.Context(), map[string]any{"slideshow.interval": "30s", "slideshow.order": "shuffle"})
		running := b.interval()
		if e, ok := errors.AsType[*device.StoreError](err); err != nil && (!ok || !errors.Is(e, syscall.EIO)) {
			t.Fatalf("cut %d: %v", cut, err)
		}
		b.cfg.BeforeOp = nil
		b.start()
		s := b.keeper.Config().Slideshow
		old, new := b.interval() == 20*time.Second && s.Order == "newest", b.interval() == 30*time.Second && s.Order == "shuffle"
		if !old && !new || b.keeper.Problem().Get() != nil {
			t.Errorf("cut %d: %v %s", cut, b.interval(), s.Order)
		}
		if err == nil && !new || running != b.interval() {
			t.Errorf("cut %d: running %v, then %v; %v", cut, running, b.interval(), err)
		}
		if err := b.keeper.Change(t.Context(), map[string]any{"slideshow.interval": "40s"}); err != nil || b.interval() != 40*time.Second {
			t.Errorf("after cut %d: %v", cut, err)
		}
		if err == nil {
			break
		}
	}
	// The new content is on the disk before it takes the place of the old.
	sync, rename := slices.Index(kinds, "sync"), slices.Index(kinds, "rename")
	if write := slices.Index(kinds, "write"); write < 0 || write > sync || sync > rename || kinds[len(kinds)-1] != "syncdir" {
		t.Errorf("%v", kinds)
	}
}

// Two phones at once lose nothing.
func TestChangesAtOnce(t *testing.T) {
	b := newBox(t, "")
	ended := make(chan error)
	keys := []string{"slideshow.pairs", "slideshow.captions"}
	for i, key := range keys {
		go func() { ended <- b.keeper.Change(t.Context(), map[string]any{key: i == 1}) }()
	}
	if err := errors.Join(<-ended, <-ended); err != nil {
		t.Fatal(err)
	}
	b.start()
	if s := b.keeper.Config().Slideshow; s.Pairs || !s.Captions {
		t.Errorf("%+v", s)
	}
}

// A follower has a change before Change returns, and only settings that a running box
// can't take need a new process.
func TestFollow(t *testing.T) {
	b := newBox(t, "")
	var taken []time.Duration
	stop := b.keeper.Follow(func(c *configs.Config) { taken = append(taken, time.Duration(c.Slideshow.Interval)) })
	for _, interval := range []string{"20s", "20s", "30s"} {
		if err := b.keeper.Change(t.Context(), map[string]any{"slideshow.interval": interval}); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	if err := b.keeper.Change(t.Context(), map[string]any{"slideshow.interval": "40s"}); err != nil {
		t.Fatal(err)
	}
	if want := []time.Duration{10 * time.Second, 20 * time.Second, 30 * time.Second}; !slices.Equal(taken, want) || b.renews() {
		t.Errorf("%v, want %v", taken, want)
	}
}
