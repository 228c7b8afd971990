package framebuffer

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A fakeTTY is a virtual terminal.
type fakeTTY struct {
	fakeNode
	mode, keyboard uintptr
}

func newFakeTTY() *fakeTTY {
	f := &fakeTTY{mode: kdText, keyboard: 3}
	f.name = "/dev/tty9"
	f.handle = map[uintptr]func(unsafe.Pointer) error{
		kdGetMode:     handler(func(mode *uintptr) error { *mode = f.mode; return nil }),
		kdGetKeyboard: handler(func(mode *int32) error { *mode = int32(f.keyboard); return nil }),
	}
	f.value = map[uintptr]func(uintptr) error{
		kdSetMode:     func(mode uintptr) error { f.mode = mode; return nil },
		kdSetKeyboard: func(mode uintptr) error { f.keyboard = mode; return nil },
	}
	return f
}

func noGuard(*console) error { return nil }

func TestConsole(t *testing.T) {
	f := newFakeTTY()
	c := newConsole(f, slog.New(slog.DiscardHandler), noGuard)
	if f.mode != kdGraphics || f.keyboard != kdKeyboardOff {
		t.Errorf("taken: mode %d, keyboard %d", f.mode, f.keyboard)
	}
	c.restore()
	if f.mode != kdText || f.keyboard != 3 || f.closed != 1 {
		t.Errorf("restored: mode %d, keyboard %d, closed %d times", f.mode, f.keyboard, f.closed)
	}
	(&console{}).restore() // no console
}

func TestConsoleErrors(t *testing.T) {
	refuse := func(uintptr) error { return unix.EPERM }
	for name, tt := range map[string]struct {
		change func(*fakeTTY)
		guard  func(*console) error
		log    string
		taken  bool
	}{
		"no mode":          {func(f *fakeTTY) { delete(f.handle, kdGetMode) }, noGuard, "console may overwrite the picture", false},
		"mode refused":     {func(f *fakeTTY) { f.value[kdSetMode] = refuse }, noGuard, "console may overwrite the picture", false},
		"keyboard refused": {func(f *fakeTTY) { f.value[kdSetKeyboard] = refuse }, noGuard, "keys reach the console", true},
		"no guard":         {func(*fakeTTY) {}, func(*console) error { return unix.ENOMEM }, "console will not be restored after a crash", true},
	} {
		f := newFakeTTY()
		tt.change(f)
		var log bytes.Buffer
		c := newConsole(f, slog.New(slog.NewTextHandler(&log, nil)), tt.guard)
		if !strings.Contains(log.String(), tt.log) || strings.Count(log.String(), "\n") != 1 {
			t.Errorf("%s: the log says %q, want %q", name, &log, tt.log)
		}
		if (f.mode == kdGraphics) != tt.taken || (f.closed == 0) != tt.taken {
			t.Errorf("%s: mode %d, closed %d times", name, f.mode, f.closed)
		}
		c.restore()
		if f.closed != 1 {
			t.Errorf("%s: closed %d times", name, f.closed)
		}
	}
}

// On the service's own terminal the service manager restores the console.
func TestRestoreConsole(t *testing.T) {
	f := newFakeTTY()
	f.value[kdSetMode] = func(uintptr) error { return unix.EPERM }
	if err := restoreConsole(f, 1); err != nil {
		t.Errorf("got %v, want nil", err)
	}
	f.value[kdSetMode] = func(uintptr) error { return unix.EIO }
	if err := restoreConsole(f, 1); !errors.Is(err, unix.EIO) {
		t.Errorf("got %v, want EIO", err)
	}
}

// The guard waits until this process closes its pipe, then restores the console.
// A file can't be restored as one, which the guard reports.
func TestGuard(t *testing.T) {
	tty, err := os.Create(filepath.Join(t.TempDir(), "tty"))
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	stderr := os.Stderr
	if os.Stderr, err = os.Create(filepath.Join(t.TempDir(), "stderr")); err != nil {
		t.Fatal(err)
	}
	c := &console{keyboard: 3}
	err = c.startGuard(tty)
	said := os.Stderr
	os.Stderr = stderr
	defer said.Close()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.guard.Process.Signal(unix.Signal(0)); err != nil {
		t.Fatalf("the guard does not run: %v", err)
	}
	c.alive.Close()
	if err := c.guard.Wait(); err == nil || c.guard.ProcessState.ExitCode() != 1 {
		t.Errorf("the guard ended with %v", err)
	}
	got, err := os.ReadFile(said.Name())
	if err != nil || strings.Count(string(got), unix.ENOTTY.Error()) != 2 {
		t.Errorf("the guard says %q, %v", got, err)
	}
}
