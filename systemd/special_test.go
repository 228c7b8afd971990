package systemd_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"pickerd/store/regular"
	"pickerd/systemd"
)

// A credential that is no regular file is an error, not a wait or an endless read.
func TestCredentialSpecialFile(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600), os.Symlink("/dev/zero", filepath.Join(dir, "zeros"))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"pipe", "zeros"} {
		_, err := systemd.Credential(func(string) string { return dir }, name)
		if !errors.Is(err, regular.ErrKind) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
