package doctor

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"pickerd/configs"
	"pickerd/device"
	"pickerd/display/typeface"
)

// Only scripts of names that the box's own screen draws are named.
func TestFonts(t *testing.T) {
	const rare = "\U00018B00"
	f, err := typeface.New("en", false, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Missing(rare)) == 0 {
		t.Skip("this machine has a font for Khitan")
	}
	for _, tt := range []struct {
		name, output, box string
		item              device.Item
		want              string
	}{
		{"embedded fonts", "framebuffer", "Büro 写真", device.Item{Filename: "صورة été.jpg"}, ""},
		{"no letters", "framebuffer", "Home \U0010FFFD\uFE0F", device.Item{}, ""},
		{"the box", "framebuffer", "a" + rare, device.Item{}, "Khitan Small Script"},
		{"a photo", "framebuffer", "a", device.Item{Filename: rare + rare + ".jpg"}, ": Khitan Small Script."},
		{"a photo with a date", "framebuffer", "a", device.Item{Filename: rare, CreateTime: time.Unix(1, 0)}, ""},
		{"a browser", "http", rare, device.Item{Filename: rare}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &configs.Config{Display: configs.Display{Outputs: []string{tt.output}, Language: "en"}}
			d := New(Config{Config: c, Daemon: &patient{items: []device.Item{tt.item}}, Patience: time.Minute})
			d.status = &device.Status{Name: tt.box}
			d.fonts(t.Context(), "fonts")
			switch {
			case tt.want == "" && len(d.findings) == 0:
			case tt.want == "" || len(d.findings) != 1 || d.findings[0].Result != Warn || !strings.Contains(d.findings[0].Detail, tt.want):
				t.Errorf("%+v, want %q", d.findings, tt.want)
			}
		})
	}
}
