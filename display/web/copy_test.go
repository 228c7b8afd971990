package web

import (
	"context"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// A browser gets the copy of what it doesn't say that it shows, and the still of a film
// without one. Without a copy it gets the file.
func TestCopy(t *testing.T) {
	dir := t.TempDir()
	const jpeg = "\xff\xd8\xff\xe0 a copy"
	files := map[string]string{
		"copy":      jpeg,
		"a.heic":    "\x00\x00\x00\x14ftypheic\x00\x00\x00\x00mif1",
		"a.avif":    "\x00\x00\x00\x14ftypavif\x00\x00\x00\x00mif1",
		"a.jxl":     "\xff\x0a of JPEG XL",
		"lost.heic": "\x00\x00\x00\x14ftypheic\x00\x00\x00\x00heic",
		"a.png":     "\x89PNG\r\n\x1a\n",
		"a.mp4":     "\x00\x00\x00\x14ftypisom\x00\x00\x00\x00mp41",
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := newRig(t)
	r.serve(t, dir)
	const chromium = "image/avif,image/webp,image/apng,*/*;q=0.8"
	for _, copies := range []bool{true, false} {
		r.web.cfg.Copy = nil
		if copies {
			r.web.cfg.Copy = func(_ context.Context, file string) (*os.File, error) {
				if file == "lost.heic" {
					return nil, fs.ErrNotExist
				}
				return r.web.cfg.Media("copy")
			}
		}
		for _, tt := range []struct {
			path, accept, mimeType, file string
			copied                       bool
		}{
			{"/media/a.heic", chromium, "image/heic", "a.heic", true},
			{"/media/a.heic", "image/heic,*/*", "image/heic", "a.heic", false},
			{"/media/lost.heic", chromium, "image/heic", "lost.heic", false},
			{"/media/a.jxl", chromium, "image/jxl", "a.jxl", true},
			{"/media/a.avif", chromium, "image/avif", "a.avif", false},
			{"/media/a.avif", "", "image/avif", "a.avif", true}, // an old television
			{"/media/a.png", chromium, "image/png", "a.png", false},
			{"/still/a.mp4", chromium, "", "", true},
			{"/still/a.png", chromium, "", "", false},
		} {
			resp, body := r.get(t, tt.path, "Accept", tt.accept)
			mimeType, want, status := tt.mimeType, files[tt.file], http.StatusOK
			kept := resp.Header.Get("Cache-Control")
			lacks := tt.copied && !copies || tt.file == "lost.heic" || tt.path == "/still/a.png"
			if lacks != (kept == "no-cache") || !lacks && status == resp.StatusCode && kept != "private, max-age=3600" {
				t.Errorf("%s for %q, copies %v: kept %q", tt.path, tt.accept, copies, kept)
			}
			switch {
			case tt.copied && copies:
				mimeType, want = "image/jpeg", jpeg
			case tt.file == "":
				if resp.StatusCode != http.StatusNotFound {
					t.Errorf("%s: %d", tt.path, resp.StatusCode)
				}
				continue
			}
			if resp.StatusCode != status || resp.Header.Get("Content-Type") != mimeType || body != want {
				t.Errorf("%s for %q, copies %v: %d, %s, %q", tt.path, tt.accept, copies, resp.StatusCode, resp.Header.Get("Content-Type"), body)
			}
		}
	}
}
