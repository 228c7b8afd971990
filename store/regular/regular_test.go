package regular_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"pickerd/store/regular"
)

// Nothing but a regular file is read, and nothing makes ReadFile wait.
func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	for _, err := range []error{
		os.WriteFile(path("file"), []byte("content"), 0o600),
		os.Symlink("file", path("link")),
		os.Symlink("/dev/zero", path("zero")),
		os.Symlink("nowhere", path("dangling")),
		os.Symlink("loop", path("loop")),
		os.Mkdir(path("directory"), 0o700),
		syscall.Mkfifo(path("pipe"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("unix", path("socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	tests := []struct {
		name  string
		limit int64
		want  error
		says  string
	}{
		{"file", 7, nil, ""},
		{"file", 6, regular.ErrTooLarge, "more than 6 bytes"},
		{"link", 7, nil, ""},
		{"zero", 7, regular.ErrKind, "a device"},
		{"dangling", 7, fs.ErrNotExist, ""},
		{"loop", 7, syscall.ELOOP, ""},
		{"directory", 7, regular.ErrKind, "a directory"},
		{"pipe", 7, regular.ErrKind, "a named pipe"},
		{"socket", 7, regular.ErrKind, "a socket"},
	}
	for _, tt := range tests {
		data, err := regular.ReadFile(path(tt.name), tt.limit)
		switch {
		case tt.want == nil && (err != nil || string(data) != "content"):
			t.Errorf("%s: %q, %v", tt.name, data, err)
		case tt.want != nil && (!errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), tt.name)):
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}
