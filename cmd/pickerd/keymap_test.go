package main

import (
	"testing"

	"pickerd/configs"
	"pickerd/device/screen"
)

// TestVolumeKeys checks that volume keys mean the volume unless the operator has given
// them another meaning, and that a key without a name is an error.
func TestVolumeKeys(t *testing.T) {
	const up, down, mute = 115, 114, 113
	load := func(text string) configs.Remote {
		cfg, err := configs.Load(writeFile(t, "pickerd.toml", text), func(string) string { return "" })
		if err != nil {
			t.Fatal(err)
		}
		return cfg.Remote
	}
	for name, tt := range map[string]struct {
		text string
		want [3]screen.Key
		bad  string
	}{
		"by default":      {"", [3]screen.Key{screen.KeyVolumeUp, screen.KeyVolumeDown, screen.KeyMute}, ""},
		"a camera's":      {"[remote]\nnext = ['KEY_VOLUMEUP']\n", [3]screen.Key{screen.KeyNext, screen.KeyVolumeDown, screen.KeyMute}, ""},
		"others":          {"[remote]\nvolume_up = ['KEY_MUTE']\nmute = []\n", [3]screen.Key{"", screen.KeyVolumeDown, screen.KeyVolumeUp}, ""},
		"without a name ": {"[remote]\nmute = ['KEY_QUIET']\n", [3]screen.Key{}, "mute"},
	} {
		keys, bad, err := keymap(load("[google]\nclient_id = 'i'\n" + tt.text))
		if bad != tt.bad || (err != nil) != (tt.bad != "") {
			t.Errorf("%s: %q, %v", name, bad, err)
		}
		if got := [3]screen.Key{screen.Key(keys[up]), screen.Key(keys[down]), screen.Key(keys[mute])}; err == nil && got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
