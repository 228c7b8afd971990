package main

import (
	"context"
	"slices"
	"strings"

	"pickerd/display/film"
)

// softwareCodecs are ffmpeg's decoders of the codecs of films; one of each list is
// enough. Builds differ: some leave out patented ones. Its own of AV1 needs hardware.
var softwareCodecs = []struct {
	name     string
	decoders []string
}{
	{"H.264", []string{"h264", "libopenh264"}},
	{"HEVC", []string{"hevc"}},
	{"VP9", []string{"vp9", "libvpx-vp9"}},
	{"AV1", []string{"libdav1d", "libaom-av1", "libgav1"}},
	{"AAC", []string{"aac", "libfdk_aac"}},
}

// maxDecoders bounds ffmpeg's list of decoders.
const maxDecoders = 256 << 10

// abilities returns how films are decoded here.
func (t *tools) abilities(ctx context.Context) film.Abilities {
	var a film.Abilities
	for _, name := range []string{"ffprobe", "aplay"} {
		if _, err := t.find(name); err != nil {
			a.Missing = append(a.Missing, name)
		}
	}
	path, err := t.find("ffmpeg")
	if err != nil {
		a.Missing = append(a.Missing, "ffmpeg")
		return a
	}
	out := &boundedBuffer{max: maxDecoders}
	cmd := command(ctx, path, "-v", "quiet", "-decoders")
	cmd.Stdout = out
	if cmd.Run() != nil {
		a.Missing = append(a.Missing, "a working ffmpeg")
		return a
	}
	var known []string
	for line := range strings.Lines(string(out.b)) {
		if fields := strings.Fields(line); len(fields) > 1 {
			known = append(known, fields[1])
		}
	}
	for _, c := range softwareCodecs {
		if !slices.ContainsFunc(c.decoders, func(name string) bool { return slices.Contains(known, name) }) {
			a.Missing = append(a.Missing, c.name)
		}
	}
	for _, m := range t.methods("h264") {
		if m.node != "" { // whether the driver is installed shows only the attempt
			try := command(ctx, path, "-nostdin", "-v", "quiet", "-init_hw_device", "vaapi=try:"+m.node, "-f", "lavfi", "-i", "color=s=16x16:d=0.04", "-f", "null", "-")
			if try.Run() != nil {
				m.name += ", which fails"
			}
		}
		a.Decoders = append(a.Decoders, m.name)
	}
	return a
}
