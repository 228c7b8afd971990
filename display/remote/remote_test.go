package remote

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func keymap(t *testing.T) Keymap {
	t.Helper()
	m := Keymap{}
	for action, names := range map[string][]string{"ok": {"KEY_OK", "key_enter"}, "back": {"KEY_BACK"}, "left": {"KEY_LEFT"}, "fire": {"BTN_TRIGGER"}} {
		if err := m.Add(action, names); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func TestKeymap(t *testing.T) {
	m := keymap(t)
	if m[28] != "ok" || m[0x160] != "ok" || m[158] != "back" || m[105] != "left" || m[0x120] != "fire" {
		t.Errorf("%v", m)
	}
	if err := m.Add("x", []string{"KEY_NONSENSE"}); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("got %v", err)
	}
	if err := m.Add("back", []string{"KEY_OK"}); !errors.Is(err, ErrConflict) || m[0x160] != "ok" {
		t.Errorf("got %v, and KEY_OK is %q", err, m[0x160])
	}
	if err := m.Add("ok", []string{"KEY_OK"}); err != nil {
		t.Errorf("the same action again: %v", err)
	}
}

// A key with a second action is reported once: when it is released, or when it has
// been held long enough.
func TestDecoder(t *testing.T) {
	const ok, left, back, other = 28, 105, 158, 30
	type step struct {
		after time.Duration
		code  uint16
		value int32 // -1 means that only time passes
	}
	for name, tt := range map[string]struct {
		steps []step
		want  []string
	}{
		"tap":                  {[]step{{0, ok, 1}, {100 * time.Millisecond, ok, 0}}, []string{"ok"}},
		"held":                 {[]step{{0, ok, 1}, {700 * time.Millisecond, 0, -1}, {300 * time.Millisecond, ok, 0}}, []string{"menu"}},
		"repeats ignored":      {[]step{{0, ok, 1}, {250 * time.Millisecond, ok, 2}, {30 * time.Millisecond, ok, 2}, {30 * time.Millisecond, ok, 0}}, []string{"ok"}},
		"too short":            {[]step{{0, ok, 1}, {699 * time.Millisecond, 0, -1}, {0, ok, 0}}, []string{"ok"}},
		"arrows repeat":        {[]step{{0, left, 1}, {250 * time.Millisecond, left, 2}, {30 * time.Millisecond, left, 2}, {0, left, 0}}, []string{"left", "left", "left"}},
		"others do not repeat": {[]step{{0, back, 1}, {250 * time.Millisecond, back, 2}, {0, back, 0}}, []string{"back"}},
		"unmapped key":         {[]step{{0, other, 1}, {0, other, 0}}, nil},
		"two at once":          {[]step{{0, ok, 1}, {10 * time.Millisecond, left, 1}, {10 * time.Millisecond, ok, 0}}, []string{"left", "ok"}},
		"released only":        {[]step{{0, ok, 0}}, nil},
	} {
		d := decoder{keys: keymap(t), hold: 700 * time.Millisecond, held: map[string]string{"ok": "menu"}, repeats: map[string]bool{"left": true}}
		now := time.Unix(0, 0)
		var got []string
		for _, s := range tt.steps {
			now = now.Add(s.after)
			action := d.timeout(now)
			if s.value >= 0 {
				action = d.event(s.code, s.value, now)
			}
			if action != "" {
				got = append(got, action)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

func eventBytes(kind, code uint16, value int32) []byte {
	b := make([]byte, timeSize)
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = binary.NativeEndian.AppendUint16(b, code)
	return binary.NativeEndian.AppendUint32(b, uint32(value))
}

func FuzzParse(f *testing.F) {
	f.Add(eventBytes(evKey, 28, 1))
	f.Add(append(eventBytes(0, 0, 0), eventBytes(evKey, 28, 0)[:5]...))
	f.Fuzz(func(t *testing.T, b []byte) {
		if n := len(parse(b)); n > len(b)/eventSize {
			t.Errorf("%d events in %d bytes", n, len(b))
		}
	})
}

// Devices are read whether they exist at the start or are added later.
func TestDevices(t *testing.T) {
	dir, made := t.TempDir(), t.TempDir()
	// Like a device, a pipe that is held open has no end of file.
	device := func(name string) *os.File {
		path := filepath.Join(made, name)
		if err := unix.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		if err := os.Rename(path, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		return f
	}
	first := device("event0")
	device("mouse0") // not an event device
	got := make(chan string, 10)
	r := New(Config{Dir: dir, Keys: keymap(t), Hold: time.Second, HeldDown: map[string]string{}, Log: slog.New(slog.DiscardHandler),
		Press: func(_ context.Context, action string) { got <- action }})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
	}()
	press := func(f *os.File) {
		t.Helper()
		if _, err := f.Write(bytes.Join([][]byte{eventBytes(evKey, 105, 1), eventBytes(0, 0, 0), eventBytes(evKey, 105, 0)}, nil)); err != nil {
			t.Fatal(err)
		}
		if m := <-got; m != "left" {
			t.Errorf("got %q", m)
		}
	}
	press(first)
	press(device("event1"))
}
