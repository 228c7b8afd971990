// Package framebuffer shows pictures on a screen without a display server: on
// DRM/KMS with dumb buffers and page flips, or on a Linux framebuffer, /dev/fbN.
// It keeps the console out of the way meanwhile, and brings it back, also where
// the process dies. It knows pixels and nothing of what they show.
package framebuffer

import (
	"errors"
	"fmt"
	"image"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"

	"pickerd/display/pixel"
)

// A Screen is an open screen. Its methods are for one goroutine, but for Disconnected.
type Screen interface {
	// Size is how many pixels it has.
	Size() (w, h int)
	// Show brings parts of a picture to the screen. The picture has the
	// screen's size, and its other parts are as they were shown last.
	Show(m *pixel.Image, parts []image.Rectangle) error
	// Blend shows a mix of two pictures: a where t is 0, b where it is 256.
	Blend(a, b *pixel.Image, t uint32) error
	// Blank switches the light off, or on again, as far as the device can.
	Blank(off bool) error
	// Disconnected is closed when the screen has to be opened anew: it was unplugged or
	// is another one.
	Disconnected() <-chan struct{}
	// Close gives the screen back.
	Close() error
}

// ErrNoScreen means that there is no device, or that nothing is connected to it.
var ErrNoScreen = errors.New("there is no screen")

// Config says which device is opened.
type Config struct {
	Device string // "auto", or a path such as /dev/fb0 or /dev/dri/card0
	Log    *slog.Logger
}

// Open opens the screen: of "auto" the first of DRM's cards that has a screen
// connected, or where no card could have one the first framebuffer. Its error
// wraps ErrNoScreen, a *DeviceError or pixel.ErrFormat.
func Open(cfg Config) (Screen, error) {
	if cfg.Device != "auto" {
		s, err := openPath(cfg.Device, cfg.Log)
		if err == nil {
			cfg.Log.Info("screen", "device", cfg.Device, "why", "the configuration names it", "size", sizeOf(s))
		}
		return s, err
	}
	var whyNot []error
	for _, path := range list("/dev/dri/card*") {
		s, err := openDRM(path, cfg.Log)
		if err == nil {
			cfg.Log.Info("screen", "device", path, "why", "DRM/KMS comes first", "size", sizeOf(s))
			return s, nil
		}
		whyNot = append(whyNot, err)
	}
	if len(whyNot) == 0 {
		whyNot = append(whyNot, errors.New("no /dev/dri/card*"))
	}
	why := errors.Join(whyNot...)
	if errors.Is(why, errUnplugged) { // the framebuffer of such a card leads nowhere, and never tells of a screen
		return nil, fmt.Errorf("%w: %s", ErrNoScreen, oneLine(why))
	}
	for _, path := range list("/dev/fb*") {
		s, err := openFB(path, cfg.Log)
		if err == nil {
			cfg.Log.Info("screen", "device", path, "why", oneLine(why), "size", sizeOf(s))
			return s, nil
		}
		whyNot = append(whyNot, err)
	}
	if !slices.ContainsFunc(whyNot, func(err error) bool { return strings.HasPrefix(err.Error(), "/dev/fb") }) {
		whyNot = append(whyNot, errors.New("no /dev/fb*"))
	}
	return nil, fmt.Errorf("%w: %s", ErrNoScreen, oneLine(errors.Join(whyNot...)))
}

func openPath(path string, log *slog.Logger) (Screen, error) {
	if strings.Contains(path, "/dri/") {
		return openDRM(path, log)
	}
	return openFB(path, log)
}

func list(pattern string) []string {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		panic(err) // the patterns are above
	}
	slices.Sort(paths)
	return paths
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

func sizeOf(s Screen) string {
	w, h := s.Size()
	return fmt.Sprintf("%dx%d", w, h)
}

// A DeviceError is about one device.
type DeviceError struct {
	Path, Op string
	Err      error
}

func (e *DeviceError) Error() string { return e.Path + ": " + e.Op + ": " + e.Err.Error() }
func (e *DeviceError) Unwrap() error { return e.Err }
