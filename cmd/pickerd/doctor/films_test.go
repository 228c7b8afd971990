package doctor

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pickerd/display/photo/outside"
)

// What decodes films is that which pickerd-media says.
func TestFilms(t *testing.T) {
	for _, tt := range []struct {
		answer, detail string
		result         Result
	}{
		{"decoder vaapi (renderD128)\ndecoder software\n", "vaapi (renderD128), software.", OK},
		{"decoder software\nmissing AV1\n", "software. Missing for them: AV1.", Warn},
		{"decoder a\x1b[2Jb\n", "a[2Jb", OK},
		{"", "does not say", Skip},
	} {
		root, err := os.MkdirTemp("", "d") // a socket's path is short
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(root)
		path := filepath.Join(root, outside.Socket)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 1)
		go func() {
			c, err := l.Accept()
			if err == nil {
				_, err = c.Read(make([]byte, 8))
				c.Write([]byte(tt.answer))
				err = errors.Join(err, c.Close())
			}
			served <- err
		}()
		d := New(Config{Root: root})
		d.films(t.Context(), "films")
		l.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
		if len(d.findings) != 1 || d.findings[0].Result != tt.result || !strings.Contains(d.findings[0].Detail, tt.detail) {
			t.Errorf("%q: %+v", tt.answer, d.findings)
		}
	}
	d := New(Config{Root: t.TempDir()})
	if d.films(t.Context(), "films"); len(d.findings) != 0 {
		t.Errorf("without the package: %+v", d.findings)
	}
}
