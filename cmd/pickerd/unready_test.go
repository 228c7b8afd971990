package main

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pickerd/configs"
	"pickerd/device"
	"pickerd/device/screen"
	"pickerd/display"
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
	u, err := newUnready(cfg, slog.New(slog.DiscardHandler), fs.ErrPermission)
	if err != nil {
		t.Fatal(err)
	}
	s := u.screen.Statuses().Get()
	if s.State != device.Blocked || s.Since.IsZero() || s.Name != "Kitchen" || s.Problem == nil || s.Problem.Code != device.DiskFailed || s.Problem.RetryAt.IsZero() {
		t.Errorf("%+v", s)
	}
	if err := u.ForgetIf(t.Context(), func() bool { return true }); !errors.Is(err, device.ErrUnready) {
		t.Errorf("forgets: %v", err)
	}
}

// A box that can't run shows its about page at home, and neither to guests nor where
// there is a PIN, which it can't check.
func TestStandInAbout(t *testing.T) {
	for _, tt := range []struct {
		text string
		want bool
	}{{"", true}, {"mode = 'guest'\n", false}, {"remote.pin = '480915'\n", false}} {
		cfg, err := configs.Load(writeFile(t, "c.toml", tt.text), func(string) string { return "" }, checkNames)
		if err != nil {
			t.Fatal(err)
		}
		u, err := newUnready(cfg, slog.New(slog.DiscardHandler), fs.ErrPermission)
		if err != nil {
			t.Fatal(err)
		}
		if err := u.screen.Press(t.Context(), screen.KeyMenu); err != nil {
			t.Fatal(err)
		}
		got := false
		if m := u.screen.Pages().Get().Menu; m != nil {
			got = slices.ContainsFunc(m.Items, func(i display.MenuItem) bool { return i.ID == "about" })
		}
		if got != tt.want {
			t.Errorf("%q: %t", tt.text, got)
		}
	}
}
