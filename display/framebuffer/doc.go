// Package framebuffer shows pictures on a screen without a display server. It
// uses DRM/KMS with dumb buffers and page flips, or a Linux framebuffer
// (/dev/fbN). It owns the console and the backlights while a screen is open, and
// restores the console when the process ends, even by a crash. It knows nothing
// about what the pictures show.
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

// A Screen is an open screen. Only one goroutine may call its methods, except
// Disconnected, which is safe for concurrent use.
type Screen interface {
	// Size returns the size in pixels.
	Size() (w, h int)
	// Show copies parts of m to the screen. m has the screen's size. Outside of
	// the parts it equals the picture shown last.
	Show(m *pixel.Image, parts []image.Rectangle) error
	// Blend shows a mix of two pictures: a at t = 0, b at t = 256.
	Blend(a, b *pixel.Image, t uint32) error
	// Blank turns the light off, or on again, as far as the device supports it.
	Blank(off bool) error
	// Disconnected returns a channel that is closed when the screen was unplugged
	// or replaced and must be opened again.
	Disconnected() <-chan struct{}
	// Close clears the screen and releases it.
	Close() error
}

// ErrNoScreen means that there is no usable device, or that no screen is
// connected to it.
var ErrNoScreen = errors.New("no screen found")

// Config selects the device.
type Config struct {
	Device string // "auto", or a path such as /dev/fb0 or /dev/dri/card0
	Log    *slog.Logger
	// Handoff is what the program before has kept; nil without.
	Handoff *Handoff
}

// Open opens a screen. With "auto" it takes the first DRM card that a screen is
// connected to. If no card could have a screen, it takes the first framebuffer.
// Its error wraps ErrNoScreen, a *DeviceError or pixel.ErrFormat.
func Open(cfg Config) (Screen, error) {
	defer cfg.Handoff.Settle()
	if cfg.Device != "auto" {
		s, err := openPath(cfg.Device, cfg)
		if err == nil {
			logOpened(cfg.Log, cfg.Device, "configured", s)
		}
		return s, err
	}
	open := func(path string) (Screen, error) { return openPath(path, cfg) }
	return openFirst(list("/dev/dri/card*"), list("/dev/fb*"), open, cfg.Log)
}

// openFirst opens the first usable screen, DRM cards before framebuffers.
func openFirst(cards, framebuffers []string, open func(path string) (Screen, error), log *slog.Logger) (Screen, error) {
	var failures []error
	if len(cards) == 0 {
		failures = append(failures, errors.New("no /dev/dri/card*"))
	}
	for _, path := range cards {
		s, err := open(path)
		if err == nil {
			logOpened(log, path, "DRM/KMS is preferred", s)
			return s, nil
		}
		failures = append(failures, err)
	}
	// A card without a screen may have a framebuffer as well. It would show
	// nothing, and does not report when a screen is connected.
	if err := errors.Join(failures...); errors.Is(err, errUnplugged) {
		return nil, fmt.Errorf("%w: %s", ErrNoScreen, oneLine(err))
	}
	if len(framebuffers) == 0 {
		failures = append(failures, errors.New("no /dev/fb*"))
	}
	for _, path := range framebuffers {
		s, err := open(path)
		if err == nil {
			logOpened(log, path, oneLine(errors.Join(failures...)), s)
			return s, nil
		}
		failures = append(failures, err)
	}
	return nil, fmt.Errorf("%w: %s", ErrNoScreen, oneLine(errors.Join(failures...)))
}

func openPath(path string, cfg Config) (Screen, error) {
	if strings.Contains(path, "/dri/") {
		return openDRM(path, cfg)
	}
	return openFB(path, cfg)
}

func logOpened(log *slog.Logger, path, reason string, s Screen) {
	w, h := s.Size()
	log.Info("screen opened", "device", path, "reason", reason, "size", fmt.Sprintf("%dx%d", w, h))
}

func list(pattern string) []string {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		panic(err) // the patterns are constants
	}
	slices.Sort(paths)
	return paths
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// A DeviceError reports an operation that failed on a device.
type DeviceError struct {
	Path, Op string
	Err      error
}

func (e *DeviceError) Error() string { return e.Path + ": " + e.Op + ": " + e.Err.Error() }
func (e *DeviceError) Unwrap() error { return e.Err }

// newError wraps err with the device, and with a hint for frequent causes.
func newError(path, op string, err error) error { return &DeviceError{path, op, withHint(err)} }
