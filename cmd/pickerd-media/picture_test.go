package main

import (
	"path/filepath"
	"testing"

	"pickerd/display/film"
)

// corners is a film's quadrants as ffmpeg draws them.
const corners = "color=0xc83c28:s=320x240:d=0.1,drawbox=x=160:y=0:w=160:h=120:c=0x3ca03c:t=fill,drawbox=x=0:y=120:w=160:h=120:c=0x285ac8:t=fill,drawbox=x=160:y=120:w=160:h=120:c=0xe6c83c:t=fill"

// Frames have the size asked for, are upright, and have the film's colors, whatever
// matrix and range it uses and wherever its index is.
func TestFilmPictures(t *testing.T) {
	need(t, "ffmpeg", "ffprobe")
	dir := t.TempDir()
	make := func(name string, args ...string) string {
		path := filepath.Join(dir, name)
		run(t, "ffmpeg", append(append([]string{"-nostdin", "-v", "error"}, args...), path)...)
		return path
	}
	plain := make("plain.mp4", "-f", "lavfi", "-i", corners+",scale=out_color_matrix=bt601:out_range=tv,format=yuv420p", "-c:v", "mpeg4", "-q:v", "1")
	for _, tt := range []struct {
		name, path string
		request    film.Request
		w, h       int
		want       [4]uint32
	}{
		{"fit", plain, film.Request{W: 400, H: 800}, 400, 300, quadrants},
		{"turned, cover", make("turned.mp4", "-i", plain, "-c", "copy", "-metadata:s:v", "rotate=270", "-movflags", "+faststart"), film.Request{W: 200, H: 300, Cover: true}, 200, 300, turned},
		{"wide pixels", make("wide.mp4", "-i", plain, "-c", "copy", "-aspect", "8:3"), film.Request{W: 640, H: 480}, 640, 240, quadrants},
		{"BT.709, full range", make("full.mkv", "-f", "lavfi", "-i", corners+",scale=out_color_matrix=bt709:out_range=pc,format=yuv444p", "-c:v", "ffv1", "-colorspace", "bt709", "-color_range", "pc"), film.Request{W: 320, H: 240}, 320, 240, quadrants},
		{"unsaid", make("hd.mkv", "-f", "lavfi", "-i", corners+",scale=960:720,scale=out_color_matrix=bt709:out_range=tv,format=yuv444p", "-c:v", "ffv1"), film.Request{W: 320, H: 240}, 320, 240, quadrants},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, _, err := playWith(t, newTools("/usr/bin", dir), tt.path, tt.request)
			if err != nil {
				t.Fatal(err)
			}
			frame, err := f.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			check(t, frame.Image, tt.w, tt.h, tt.want)
			for _, p := range frame.Image.Pix {
				if p>>24 != 0 {
					t.Fatalf("a pixel is %08x", p)
				}
			}
		})
	}
}
