package framebuffer

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOpenNoScreen(t *testing.T) {
	for device, want := range map[string]string{"/dev/none": "/dev/none: open", "/dev/dri/none": "/dev/dri/none: open", "/dev/null": "/dev/null: read geometry"} {
		_, err := Open(Config{Device: device, Log: slog.New(slog.DiscardHandler)})
		if _, ok := errors.AsType[*DeviceError](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", device, err)
		}
	}
	if _, err := openDRM("/dev/null", Config{Log: slog.New(slog.DiscardHandler)}); !errors.Is(err, unix.ENOTTY) {
		t.Errorf("/dev/null as a card: %v", err)
	}
	if len(list("/dev/dri/card*"))+len(list("/dev/fb*")) > 0 {
		t.Skip("this machine has a screen")
	}
	if _, err := Open(Config{Device: "auto", Log: slog.New(slog.DiscardHandler)}); !errors.Is(err, ErrNoScreen) {
		t.Errorf("got %v, want ErrNoScreen", err)
	}
}

func TestOpenFirst(t *testing.T) {
	card := []string{"/dev/dri/card0", "/dev/dri/card1"}
	fb := []string{"/dev/fb0", "/dev/fb1"}
	broken := func(path string) error { return newError(path, "use", errors.New("broken")) }
	unplugged := func(path string) error { return newError(path, "use", errUnplugged) }
	for name, tt := range map[string]struct {
		cards, framebuffers []string
		fails               map[string]func(path string) error
		want                string // device
		says                string // the reason in the log, or the error
	}{
		"card":                   {card, fb, nil, "/dev/dri/card0", "DRM/KMS is preferred"},
		"second card":            {card, fb, map[string]func(string) error{card[0]: unplugged}, "/dev/dri/card1", "DRM/KMS is preferred"},
		"framebuffer":            {nil, fb, nil, "/dev/fb0", "no /dev/dri/card*"},
		"cards unusable":         {card, fb, map[string]func(string) error{card[0]: broken, card[1]: broken}, "/dev/fb0", "/dev/dri/card0: use: broken; /dev/dri/card1: use: broken"},
		"second framebuffer":     {nil, fb, map[string]func(string) error{fb[0]: broken}, "/dev/fb1", "no /dev/dri/card*; /dev/fb0: use: broken"},
		"unplugged":              {card, fb, map[string]func(string) error{card[0]: broken, card[1]: unplugged}, "", "/dev/dri/card1: use: no screen connected"},
		"no device":              {nil, nil, nil, "", "no screen found: no /dev/dri/card*; no /dev/fb*"},
		"nothing usable":         {nil, fb[:1], map[string]func(string) error{fb[0]: broken}, "", "no screen found: no /dev/dri/card*; /dev/fb0: use: broken"},
		"cards, no framebuffers": {card[:1], nil, map[string]func(string) error{card[0]: broken}, "", "/dev/dri/card0: use: broken; no /dev/fb*"},
	} {
		t.Run(name, func(t *testing.T) {
			var opened []string
			var log bytes.Buffer
			open := func(path string) (Screen, error) {
				opened = append(opened, path)
				if fail := tt.fails[path]; fail != nil {
					return nil, fail(path)
				}
				return &fbdev{canvas: canvas{w: 640, h: 480}}, nil
			}
			_, err := openFirst(tt.cards, tt.framebuffers, open, slog.New(slog.NewTextHandler(&log, nil)))
			if tt.want == "" {
				if !errors.Is(err, ErrNoScreen) || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "\n") {
					t.Errorf("got %v, want %q", err, tt.says)
				}
				return
			}
			if err != nil || opened[len(opened)-1] != tt.want || !slices.IsSorted(opened) {
				t.Errorf("opened %v, %v; want %s", opened, err, tt.want)
			}
			for _, s := range []string{"device=" + tt.want, tt.says, "size=640x480"} {
				if !strings.Contains(log.String(), s) {
					t.Errorf("the log lacks %q: %s", s, &log)
				}
			}
		})
	}
}

func TestDeviceErrorHints(t *testing.T) {
	for err, want := range map[error]string{
		unix.ENOTTY: "the device is not a screen",
		&fs.PathError{Op: "open", Path: "/dev/fb0", Err: unix.EACCES}: "/dev/fb0: open: permission denied; add the user",
		fs.ErrPermission: "add the user that runs pickerd to the device's group",
		unix.EBUSY:       "another program uses the screen",
		unix.EIO:         "input/output error",
	} {
		got := newError("/dev/fb0", "open", err)
		if !strings.Contains(got.Error(), want) || strings.Count(got.Error(), "/dev/fb0") != 1 {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
		cause := err
		if e, ok := errors.AsType[*fs.PathError](err); ok {
			cause = e.Err
		}
		if !errors.Is(got, cause) {
			t.Errorf("%q does not wrap %v", got, cause)
		}
	}
}
