package web

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pickerd/display"
	"pickerd/display/photo"
)

// A video's still comes out of its own file, with the type that it has.
func TestStill(t *testing.T) {
	dir := t.TempDir()
	var still, video bytes.Buffer
	if err := png.Encode(&still, image.NewGray(image.Rect(0, 0, 4, 3))); err != nil {
		t.Fatal(err)
	}
	box := []byte("\x00\x00\x00\x10ftypisom\x00\x00\x00\x00")
	video.Write(box)
	if err := photo.WriteStill(&video, bytes.NewReader(box), still.Bytes()); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"with.mp4": video.Bytes(), "without.mp4": box, "photo.png": still.Bytes()} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := newRig(t)
	r.serve(t, dir)
	resp, body := r.get(t, "/still/with.mp4")
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "image/png" || body != still.String() {
		t.Errorf("the still: %d, %s, %d bytes", resp.StatusCode, resp.Header.Get("Content-Type"), len(body))
	}
	if resp.Header.Get("Cache-Control") != "private, max-age=3600" {
		t.Errorf("kept: %q", resp.Header.Get("Cache-Control"))
	}
	for _, path := range []string{"/still/without.mp4", "/still/photo.png", "/still/none.mp4", "/still/."} {
		if resp, _ := r.get(t, path); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
	r.web.cfg.Transient = true
	if resp, _ := r.get(t, "/still/with.mp4"); resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("a guest's still may be kept: %q", resp.Header.Get("Cache-Control"))
	}
}

// TestGround checks that the page has the same ground under transparent pictures as
// screens of pixels.
func TestGround(t *testing.T) {
	css, err := assets.ReadFile("assets/pickerd.css")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf(".slide .clear { background: #%06x; }", photo.Ground); !bytes.Contains(css, []byte(want)) {
		t.Errorf("the style sheet has no %s", want)
	}
}

// TestTurn checks that browsers are told the orientation of WebP pictures alone.
func TestTurn(t *testing.T) {
	dir := t.TempDir()
	exif := append([]byte("EXIF\x1a\x00\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"), 0, 0)
	webp := func(flags byte, more []byte) string {
		b := append([]byte("RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00"), flags, 0, 0, 0, 0x3f, 1, 0, 0xef, 0, 0)
		return string(append(b, more...))
	}
	r := newRig(t)
	r.serve(t, dir)
	for file, tt := range map[string]struct {
		data string
		want mediaMsg
	}{
		"side.webp":   {webp(8, exif), mediaMsg{Src: "media/side.webp", Turn: 6, Wide: true}},
		"square.webp": {strings.Replace(webp(8, exif), "\xef\x00\x00", "\x3f\x01\x00", 1), mediaMsg{Src: "media/square.webp", Turn: 6}},
		"plain.webp":  {webp(0, nil), mediaMsg{Src: "media/plain.webp"}},
		"moves.webp":  {webp(2, exif), mediaMsg{Src: "media/moves.webp"}},
		"side.jpg":    {webp(8, exif), mediaMsg{Src: "media/side.jpg"}},
		"cut.webp":    {"RIFF", mediaMsg{Src: "media/cut.webp"}},
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(tt.data), 0o600); err != nil {
			t.Fatal(err)
		}
		m := slideOf(&display.Slide{Media: []display.Media{{File: file}}}, display.Look{}, time.Now())
		r.web.turn(m)
		if m.Media[0] != tt.want {
			t.Errorf("%s: %+v, want %+v", file, m.Media[0], tt.want)
		}
	}
}

// TestOrientation checks what a browser is told that does not turn photos itself.
func TestOrientation(t *testing.T) {
	lying, err := os.ReadFile("../photo/testdata/media/j13-exif6-afterjfif-stray.jpg")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, data := range map[string][]byte{"lying.jpg": lying, "none.jpg": []byte("text")} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := newRig(t)
	r.serve(t, dir)
	for path, want := range map[string]string{"/turn/lying.jpg": "6", "/turn/none.jpg": "1", "/turn/missing.jpg": "404 page not found\n"} {
		if _, body := r.get(t, path); body != want {
			t.Errorf("%s: %q, want %q", path, body, want)
		}
	}
}

// TestMediaType checks that browsers are told what a file is by its content, and get
// a JPEG without what is before it and a video without its still.
func TestMediaType(t *testing.T) {
	dir := t.TempDir()
	video := "\x00\x00\x00\x10ftypisom\x00\x00\x00\x00"
	film := bytes.NewBufferString(video)
	if err := photo.WriteStill(film, bytes.NewReader([]byte(video)), []byte("still")); err != nil {
		t.Fatal(err)
	}
	r := newRig(t)
	r.serve(t, dir)
	heic := "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"
	for file, tt := range map[string]struct{ data, want, format string }{
		"a.mp4":  {heic, heic, "image/heic"},
		"b.jpg":  {"\xff\x0a\x00", "\xff\x0a\x00", "image/jxl"},
		"c.webm": {film.String(), video, "video/mp4"},
		"d.jpg":  {"\r\n\xff\xd8\xff\xe0", "\xff\xd8\xff\xe0", "image/jpeg"},
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(tt.data), 0o600); err != nil {
			t.Fatal(err)
		}
		if resp, body := r.get(t, "/media/"+file); resp.Header.Get("Content-Type") != tt.format || body != tt.want {
			t.Errorf("%s: %q as %s, want %q as %s", file, body, resp.Header.Get("Content-Type"), tt.want, tt.format)
		}
	}
}
