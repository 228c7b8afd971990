package configs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pickerd/configs"
)

// TestDate checks the values of slideshow.date, also those of old files, and its formats.
func TestDate(t *testing.T) {
	for _, tt := range []struct {
		text, env string
		want      configs.Date
		bad       string
	}{
		{want: configs.ClockDate},
		{text: "date = true", want: configs.ClockDate},
		{text: "date = \"true\"", want: configs.ClockDate},
		{text: "date = \"false\"", want: configs.NoDate},
		{text: "date = false", want: configs.NoDate},
		{text: "date = \"off\"", want: configs.NoDate},
		{text: "date = \"always\"\ndate_format = \"iso\"", want: configs.AlwaysDate},
		{env: "false", want: configs.NoDate},
		{env: "always", want: configs.AlwaysDate},
		{text: "date = \"on\"", bad: `2: slideshow.date: "on" is not one of off, clock, always`},
		{text: "date = 1", bad: `2: slideshow.date: "1" is not one of`},
		{text: "date_format = \"short\"", bad: `2: slideshow.date_format: "short" is not one of weekday, long, full, iso`},
	} {
		file := filepath.Join(t.TempDir(), "pickerd.toml")
		if err := os.WriteFile(file, []byte("[slideshow]\n"+tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := configs.Load(file, func(key string) string {
			if key == "PICKERD_SLIDESHOW_DATE" {
				return tt.env
			}
			return ""
		})
		switch {
		case tt.bad != "":
			if err == nil || !strings.Contains(err.Error(), tt.bad) {
				t.Errorf("%q, %q: %v, want %s", tt.text, tt.env, err, tt.bad)
			}
		case err != nil:
			t.Errorf("%q, %q: %v", tt.text, tt.env, err)
		case c.Slideshow.Date != tt.want || c.Value("slideshow.date") != string(tt.want):
			t.Errorf("%q, %q: %q, want %q", tt.text, tt.env, c.Slideshow.Date, tt.want)
		}
	}
}
