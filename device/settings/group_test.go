package settings_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pickerd/configs"
	"pickerd/device"
)

// What an operator sets for a group holds where people have set nothing, after a power cut
// too, until the operator takes it back.
func TestSetGroup(t *testing.T) {
	b := newBox(t, "slideshow.interval = '40s'\nlock = ['slideshow.order']\nmqtt.labels = { site = 'lobby', floor = '2' }\n")
	set := func(group string, all map[string]any) {
		t.Helper()
		if err := b.keeper.SetGroup(t.Context(), group, all); err != nil {
			t.Fatal(err)
		}
	}
	is := func(want time.Duration, origin device.Origin) {
		t.Helper()
		for range 2 {
			if s := b.keeper.Settings()["slideshow.interval"]; b.interval() != want || s.Origin != origin {
				t.Errorf("%v by %s, want %v by %s", b.interval(), s.Origin, want, origin)
			}
			b.start()
		}
	}
	is(40*time.Second, device.FromFile)
	set("floor=2", map[string]any{"slideshow.interval": "20s", "slideshow.order": "newest"})
	is(20*time.Second, device.FromFleet)
	if s := b.keeper.Settings()["slideshow.order"]; s.Value != "picked" {
		t.Errorf("a locked setting is %v", s.Value)
	}
	set("site=lobby", map[string]any{"slideshow.interval": "30s"})
	is(30*time.Second, device.FromFleet)
	if err := b.keeper.Change(t.Context(), map[string]any{"slideshow.interval": "50s"}); err != nil {
		t.Fatal(err)
	}
	is(50*time.Second, device.FromPhone)
	if err := b.keeper.Change(t.Context(), map[string]any{"slideshow.interval": nil}); err != nil {
		t.Fatal(err)
	}
	is(30*time.Second, device.FromFleet)
	set("site=lobby", nil)
	is(20*time.Second, device.FromFleet)
	set("floor=2", map[string]any{})
	is(40*time.Second, device.FromFile)
	if _, err := os.Stat(filepath.Join(filepath.Dir(b.phone), configs.GroupFile("floor=2"))); err == nil {
		t.Error("the file of a group without settings is there")
	}

	for key, tt := range map[string]struct {
		group string
		value any
		code  string
	}{
		"slideshow.interval":  {"site=lobby", "25h", device.InvalidSetting},
		"slideshow.intervall": {"site=lobby", "20s", device.UnknownSetting},
		"hooks.on_state":      {"site=lobby", []any{"/bin/sh"}, device.NotSettable},
		"google.gateway":      {"site=lobby", "https://x.example", device.NotSettable},
		"slideshow.fade":      {"site=hall", "2s", device.InvalidSetting},
	} {
		err := b.keeper.SetGroup(t.Context(), tt.group, map[string]any{key: tt.value, "slideshow.zoom": true})
		if e, ok := errors.AsType[*device.SettingError](err); !ok || e.Code != tt.code {
			t.Errorf("%s for %s: %v, want %s", key, tt.group, err, tt.code)
		}
	}
	is(40*time.Second, device.FromFile)
}
