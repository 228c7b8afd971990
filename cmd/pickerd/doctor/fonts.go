package doctor

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"unicode"

	"pickerd/display/typeface"
)

// fonts names the scripts of the box's name and the photos' names for which the box's own
// screen has no font. It says nothing if there are none.
func (d *Doctor) fonts(ctx context.Context, check string) {
	if d.status == nil || d.cfg.Config == nil || !d.cfg.Config.Display.HasOutput("framebuffer") {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, d.cfg.Patience)
	defer cancel()
	names := []string{d.status.Name}
	items, _ := d.cfg.Daemon.Items(ctx) // formats reports the error
	for _, it := range items {
		if it.CreateTime.IsZero() { // the caption of others is a date
			names = append(names, it.Filename)
		}
	}
	family, err := typeface.New(d.cfg.Config.Display.Language, false, slog.New(slog.DiscardHandler))
	if err != nil {
		d.skip(check, "%v", err)
		return
	}
	scripts := map[string]bool{}
	for _, r := range family.Missing(strings.Join(names, " ")) {
		for name, table := range unicode.Scripts {
			if unicode.Is(table, r) {
				scripts[strings.ReplaceAll(name, "_", " ")] = true
			}
		}
	}
	if len(scripts) > 0 {
		d.found(check, Warn, "Install fonts for them, such as fonts-noto-core, then systemctl restart pickerd.",
			"The name of the box or of a photo has letters without a font, which the screen draws as rectangles: %s.", strings.Join(slices.Sorted(maps.Keys(scripts)), ", "))
	}
}
