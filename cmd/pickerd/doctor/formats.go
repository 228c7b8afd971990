package doctor

import (
	"context"
	"os"
	"strings"

	"pickerd/display/photo/outside"
)

// outsideFormats are the media types of photos that only other programs decode, with
// those programs; one of each list is enough.
var outsideFormats = []struct {
	name  string
	types []string
	tools []string
}{
	{"HEIC and AVIF", []string{"image/heic", "image/avif"}, []string{"heif-dec", "heif-convert"}},
	{"JPEG XL", []string{"image/jxl"}, []string{"djxl"}},
}

// formats checks whether photos are left out for lack of a decoder. It says nothing of a
// box without such photos and without the package pickerd-media.
func (d *Doctor) formats(ctx context.Context, check string) {
	if d.status == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, d.cfg.Patience)
	defer cancel()
	items, err := d.cfg.Daemon.Items(ctx)
	if err != nil {
		d.skip(check, "The daemon does not list its photos: %v", err)
		return
	}
	count := map[string]int{}
	for _, it := range items {
		count[it.MimeType]++
	}
	exists := func(path string) bool { _, err := os.Stat(d.path(path)); return err == nil }
	installed := exists("/usr/libexec/pickerd-media")
	for _, f := range outsideFormats {
		n, tool := 0, false
		for _, t := range f.types {
			n += count[t]
		}
		for _, t := range f.tools {
			tool = tool || exists("/usr/bin/"+t)
		}
		switch {
		case n == 0:
		case !installed:
			d.found(check, Warn, "Install the package pickerd-media. pickerd items --json lists them with their mime_type.", "There are %d photos in the formats %s. Only some browsers show them, and a screen without a browser leaves them out.", n, f.name)
			return
		case !tool:
			d.found(check, Warn, "Install the package that has "+f.tools[len(f.tools)-1]+".", "There are %d photos in the formats %s, and none of the programs for them: %s.", n, f.name, strings.Join(f.tools, ", "))
			return
		}
	}
	switch {
	case !installed:
	case !exists(outside.Socket):
		d.found(check, Fail, "systemctl restart pickerd-media.socket", "The package pickerd-media is installed, but its socket is missing.")
	default:
		d.ok(check, "pickerd-media decodes other formats.")
	}
}
