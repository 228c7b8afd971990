package configs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pickerd/configs"
)

// TestLook checks the values of clock, fit and time zone, also those of old files.
func TestLook(t *testing.T) {
	for _, tt := range []struct {
		text string
		env  map[string]string
		want configs.Clock
		bad  string
	}{
		{text: "", want: configs.NoClock},
		{text: "[slideshow]\nclock = true", want: configs.Clock24},
		{text: "[slideshow]\nclock = false", want: configs.NoClock},
		{text: "[slideshow]\nclock = \"12\"", want: configs.Clock12},
		{text: "[slideshow]\nclock = 12", want: configs.Clock12},
		{env: map[string]string{"PICKERD_SLIDESHOW_CLOCK": "24"}, want: configs.Clock24},
		{env: map[string]string{"PICKERD_SLIDESHOW_CLOCK": "true"}, want: configs.Clock24},
		{text: "[slideshow]\nclock = \"13\"", bad: `2: slideshow.clock: "13" is not one of off, 12, 24`},
		{text: "[slideshow]\nclock = 13", bad: `2: slideshow.clock: "13" is not one of off, 12, 24`},
		{env: map[string]string{"PICKERD_SLIDESHOW_CLOCK": "on"}, bad: `PICKERD_SLIDESHOW_CLOCK: "on" is not one of`},
		{text: "[slideshow]\nfit = \"fill\"", want: configs.NoClock},
		{text: "[slideshow]\nfit = \"zoom\"", bad: `2: slideshow.fit: "zoom" is not one of fit, fill, auto`},
		{text: "time_zone = \"Asia/Tokyo\"", want: configs.NoClock},
		{text: "time_zone = \"Asia/Nowhere\"", bad: `1: time_zone: "Asia/Nowhere" is not a time zone of this machine, such as "Europe/Berlin"`},
		{text: "time_zone = \"../passwd\"", bad: `1: time_zone: "../passwd" is not`},
		{text: "time_zone = \"Local\"", bad: `1: time_zone: "Local" is not`},
	} {
		file := filepath.Join(t.TempDir(), "pickerd.toml")
		if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := configs.Load(file, func(key string) string { return tt.env[key] })
		switch {
		case tt.bad == "" && err != nil:
			t.Errorf("%q, %v: %v", tt.text, tt.env, err)
		case tt.bad == "" && c.Slideshow.Clock != tt.want:
			t.Errorf("%q, %v: %q, want %q", tt.text, tt.env, c.Slideshow.Clock, tt.want)
		case tt.bad != "" && (err == nil || !strings.Contains(err.Error(), tt.bad)):
			t.Errorf("%q, %v: %v, want %s", tt.text, tt.env, err, tt.bad)
		}
	}
}
