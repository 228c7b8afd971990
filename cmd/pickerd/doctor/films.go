package doctor

import (
	"context"
	"os"
	"strings"

	"pickerd/display/film"
	"pickerd/display/photo/outside"
)

// films asks the package pickerd-media what decodes films on a screen without a browser.
// It says nothing of a box without it.
func (d *Doctor) films(ctx context.Context, check string) {
	socket := d.path(outside.Socket)
	if _, err := os.Stat(socket); err != nil {
		return // formats tells
	}
	a, err := film.Probe(ctx, socket)
	decoders := strings.Join(a.Decoders, ", ")
	switch {
	case err != nil:
		d.skip(check, "pickerd-media does not say how it decodes films: %v", err)
	case len(a.Missing) > 0:
		d.found(check, Warn, "Install a complete ffmpeg and, for sound, alsa-utils.", "Films are decoded by: %s. Missing for them: %s.", decoders, strings.Join(a.Missing, ", "))
	default:
		d.ok(check, "Films are decoded by: %s.", decoders)
	}
}
