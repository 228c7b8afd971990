package main

import (
	"slices"
	"testing"
)

// What is missing for films is named.
func TestAbilities(t *testing.T) {
	all := "echo ' V....D h264 H.264\n V....D hevc x\n V....D libdav1d x\n V....D vp9 x\n A....D aac x'"
	for _, tt := range []struct {
		name     string
		programs map[string]string
		missing  []string
	}{
		{"all", map[string]string{"ffmpeg": all, "ffprobe": "", "aplay": ""}, nil},
		{"no sound", map[string]string{"ffmpeg": all, "ffprobe": ""}, []string{"aplay"}},
		{"without patents", map[string]string{"ffmpeg": "echo ' V..... av1 x\n V..... vp9 x\n A..... aac x'", "ffprobe": "", "aplay": ""}, []string{"H.264", "HEVC", "AV1"}},
		{"nothing", nil, []string{"ffprobe", "aplay", "ffmpeg"}},
		{"broken", map[string]string{"ffmpeg": "exit 1", "ffprobe": "", "aplay": ""}, []string{"a working ffmpeg"}},
	} {
		a := fakes(t, tt.programs).abilities(t.Context())
		if !slices.Equal(a.Missing, tt.missing) || (len(a.Decoders) > 0) != (tt.programs["ffmpeg"] != "" && tt.name != "broken") {
			t.Errorf("%s: %+v", tt.name, a)
		}
	}
}
