package web

import (
	"bytes"
	"image"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"testing"

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
	if err := photo.WriteStill(&video, bytes.NewReader(box), int64(len(box)), still.Bytes()); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"with.mp4": video.Bytes(), "without.mp4": box, "photo.png": still.Bytes()} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	r := newRig(t)
	r.web.cfg.Media = root.Open
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
