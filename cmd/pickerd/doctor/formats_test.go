package doctor

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pickerd/device"
)

// Photos that nothing on the box decodes are counted.
func TestFormats(t *testing.T) {
	const program, socket = "/usr/libexec/pickerd-media", "/run/pickerd-media/decoder.sock"
	for _, tt := range []struct {
		name   string
		types  string // of the photos
		files  []string
		result Result
		detail string
	}{
		{"nothing to say", "image/jpeg", nil, "", ""},
		{"left out", "image/heic image/jpeg image/avif", nil, Warn, "2 photos"},
		{"without the program", "image/jxl", []string{program, socket, "/usr/bin/heif-dec"}, Warn, "djxl"},
		{"without the socket", "image/heic", []string{program, "/usr/bin/heif-convert"}, Fail, "socket"},
		{"well", "image/heic image/jxl", []string{program, socket, "/usr/bin/heif-convert", "/usr/bin/djxl"}, OK, "decodes"},
		{"well without such photos", "", []string{program, socket}, OK, "decodes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			for _, name := range tt.files {
				if err := errors.Join(os.MkdirAll(filepath.Dir(root+name), 0o755), os.WriteFile(root+name, nil, 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			p := &patient{status: &device.Status{}}
			for _, mimeType := range strings.Fields(tt.types) {
				p.items = append(p.items, device.Item{MimeType: mimeType})
			}
			d := New(Config{Root: root, Daemon: p, Patience: time.Minute})
			d.status = p.status
			d.formats(t.Context(), "formats")
			switch {
			case tt.result == "" && len(d.findings) == 0:
			case len(d.findings) != 1 || d.findings[0].Result != tt.result || !strings.Contains(d.findings[0].Detail, tt.detail):
				t.Errorf("%+v", d.findings)
			}
		})
	}
}
