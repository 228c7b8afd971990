package main

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"pickerd/configs"
	"pickerd/device"
	"pickerd/display/words"
)

// TestUnready checks that an unusable state directory is shown from the beginning,
// and that nothing is granted.
func TestUnready(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.toml")
	if err := os.WriteFile(file, []byte("name = \"Kitchen\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := configs.Load(file, func(string) string { return "" }, checkNames)
	if err != nil {
		t.Fatal(err)
	}
	u := newUnready(cfg, words.English(), slog.New(slog.DiscardHandler), fs.ErrPermission)
	s := u.screen.Statuses().Get()
	if s.State != device.Blocked || s.Since.IsZero() || s.Name != "Kitchen" || s.Problem == nil || s.Problem.Code != device.DiskFailed || s.Problem.RetryAt.IsZero() {
		t.Errorf("%+v", s)
	}
	if err := u.ForgetIf(t.Context(), func() bool { return true }); !errors.Is(err, device.ErrUnready) {
		t.Errorf("forgets: %v", err)
	}
}
