package cec

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"pickerd/display"
)

// Auto is the Config.Device that takes the first adapter with a television.
const Auto = "auto"

// retryInterval is how often it is looked for an adapter while none can be used.
const retryInterval = 10 * time.Second

var (
	errNoTV error = errors.New("no television is connected")
	errGone error = unix.ENODEV
)

// A Device is an adapter. *Adapter is one.
type Device interface {
	Claim(t Type, name string) error
	State() (State, error)
	Transmit(m Message) error
	Receive() (Event, error)
	Interrupt()
	Close()
	String() string
}

// A Config configures Run. All fields must be set unless they say otherwise.
type Config struct {
	Dir    string // folder of the devices, /dev
	Device string // Auto, or a path
	// Open opens a device; nil means Open of this package, and that an adapter whose
	// driver does not know the physical address gets it.
	Open func(path string) (Device, error)
	// Standby says that the television is switched off and on with the screen.
	Standby bool
	// Pages say whether the screen is on, and the name of the box.
	Pages *display.Board[display.Page]
	// Key is told of a key of linux/input-event-codes.h, as in struct input_event.
	Key func(ctx context.Context, code uint16, value int32)
	// Switch switches the screen on or off. The page that shows it follows.
	Switch func(ctx context.Context, on bool)
	Log    *slog.Logger
}

// Run speaks with the television until ctx ends, whose error it returns. Adapters and
// televisions may be plugged in later.
func Run(ctx context.Context, cfg Config) error {
	if cfg.Open == nil {
		cfg.Open = func(path string) (Device, error) {
			a, err := Open(path)
			if err != nil { // a nil *Adapter would be a Device
				return nil, err
			}
			if err := a.locate(); err != nil {
				a.Close()
				return nil, err
			}
			return a, nil
		}
	}
	var failures changeFilter
	for {
		err := once(ctx, &cfg)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		text := ""
		if err != nil && !errors.Is(err, errNoTV) {
			text = err.Error()
		}
		if failures.isNew(text) && text != "" {
			cfg.Log.Info("CEC adapter not usable", "err", err, "retry_in", retryInterval)
		}
		t := time.NewTimer(retryInterval)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
	}
}

// once uses an adapter until it fails.
func once(ctx context.Context, cfg *Config) error {
	dev, path, err := find(cfg, "")
	if err != nil {
		return err
	}
	defer dev.Close()
	ctx, cancel := context.WithCancel(ctx)
	events, failed, ended := make(chan Event), make(chan error, 1), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			e, err := dev.Receive()
			if err != nil {
				failed <- err
				return
			}
			select {
			case events <- e:
			case <-ctx.Done():
				return
			}
		}
	}()
	pages, stop := cfg.Pages.Feed(ctx)
	defer func() {
		cancel()
		dev.Interrupt()
		<-ended
		stop()
	}()
	f := &follower{cfg: cfg, dev: dev, path: path, ctx: ctx, state: State{NoPhysicalAddress, NoLogicalAddress}}
	return f.run(events, failed, pages)
}

// find opens the adapter of the configuration and returns its path. With Auto that is
// the first one with a television, except the one at a path.
func find(cfg *Config, except string) (Device, string, error) {
	if cfg.Device != Auto {
		dev, err := cfg.Open(cfg.Device)
		return dev, cfg.Device, err
	}
	paths, _ := filepath.Glob(filepath.Join(cfg.Dir, "cec*"))
	found := errNoTV
	for _, p := range paths {
		if p == except {
			continue
		}
		dev, err := cfg.Open(p)
		if err == nil {
			var s State
			if s, err = dev.State(); err == nil && s.Physical != NoPhysicalAddress && s.Physical != 0 {
				return dev, p, nil
			}
			dev.Close()
		}
		if err != nil && !errors.Is(err, ErrUnsuitable) {
			found = err
		}
	}
	return nil, "", found
}
