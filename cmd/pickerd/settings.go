package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"pickerd/cmd/command"
	"pickerd/configs"
	"pickerd/device"
	"pickerd/device/engine"
	"pickerd/device/screen"
	"pickerd/device/settings"
	"pickerd/store"
	"pickerd/systemd"
)

// sources returns where the configuration of a running box is read from: the default
// file need not exist, a named one must.
func (e env) sources(file string) configs.Sources {
	s := configs.Sources{File: file, Phone: true, Getenv: e.getenv, Checks: []configs.Check{checkNames}}
	if file == "" {
		s.File, s.Optional = defaultConfig, true
	}
	return s
}

// readConfig reads the configuration of a box as it runs.
func (e env) readConfig(file string) (*configs.Layers, error) {
	layers := e.sources(file).Read()
	if layers.Err != nil {
		return nil, configHint(layers.Err)
	}
	return layers, nil
}

// newKeeper returns the keeper of a configuration that was read from the sources.
func (e env) newKeeper(sources configs.Sources, layers *configs.Layers, log *slog.Logger) *settings.Keeper {
	cfg := settings.Config{Sources: sources, Usable: e.checkUsable, Log: log}
	if before := crashDisk; before != nil {
		cfg.BeforeOp = func(kind, path string) error { return before(store.Op{Kind: kind, Name: filepath.Base(path)}) }
	}
	return settings.New(cfg, layers)
}

// checkUsable reports whether a box could run with a configuration: it has clients,
// certificates and an address.
func (e env) checkUsable(old, cfg *configs.Config) error {
	if _, err := loadMethods(cfg); err != nil {
		return err
	}
	err := checkPage(cfg.HTTP, cfg.HTTP.Listen != old.HTTP.Listen && !e.renewal.managed[displaySocket])
	if errors.Is(err, syscall.EADDRINUSE) && isSamePort(cfg.HTTP.Listen, old.HTTP.Listen) {
		return nil // by this box, which leaves it to the next process
	}
	if k, ok := errors.AsType[*keyError](err); ok {
		return &configs.Error{Key: k.key, Msg: strings.TrimPrefix(err.Error(), k.key+": ")}
	}
	return err
}

// isSamePort reports whether two addresses have the same port.
func isSamePort(a, b string) bool {
	_, port, err := net.SplitHostPort(a)
	_, other, otherErr := net.SplitHostPort(b)
	return err == nil && otherErr == nil && port == other
}

// isManaged reports whether a service manager runs the program. SIGHUP then means to
// read the configuration again. At a terminal it ends the program.
func isManaged(getenv func(string) string) bool { return getenv("NOTIFY_SOCKET") != "" }

// keepSettings lets the keeper follow files and SIGHUP until ctx ends. wait waits for
// that.
func (e env) keepSettings(ctx context.Context, log *slog.Logger) (wait func()) {
	var wg sync.WaitGroup
	wg.Go(func() { _ = e.keeper.Run(ctx) }) // ctx's error
	if e.process && isManaged(e.getenv) {
		wg.Go(func() {
			reload(ctx, e.hangups, e.keeper, systemd.NewNotifier(e.getenv), log)
		})
	}
	return wg.Wait
}

// reload reads the configuration again at each signal until ctx ends. The keeper
// reports errors.
func reload(ctx context.Context, hangups <-chan os.Signal, k *settings.Keeper, notify systemd.Notifier, log *slog.Logger) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
		}
		if err := notify.Reloading(); err != nil {
			log.Warn("service manager not notified", "err", err)
		}
		_ = k.Reload()
		if err := notify.Ready(); err != nil {
			log.Warn("service manager not notified", "err", err)
		}
	}
}

// settingsOf returns the settings of a keeper, nil without one.
func settingsOf(k *settings.Keeper) device.Settings {
	if k == nil {
		return nil
	}
	return k
}

// tellProblems shows what is wrong with the configuration on a screen, in a goroutine
// of g, until ctx ends.
func tellProblems(ctx context.Context, g *errgroup.Group, k *settings.Keeper, s *screen.Screen) {
	if k == nil {
		return
	}
	g.Go(func() error {
		for p := range k.Problem().Watch(ctx) {
			s.Misconfigured(p)
		}
		return nil
	})
}

// awaitConfiguration returns errConfigChanged when a new process is to take over with
// another configuration.
func (b *box) awaitConfiguration(ctx context.Context) error {
	if b.keeper == nil || b.renewal == nil || !b.renewable {
		return nil
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-b.keeper.Renew():
		}
		carried, err := b.conclude(ctx)
		if err != nil {
			return err
		}
		next := b.keeper.Config()
		if next.HTTP.Listen != b.cfg.HTTP.Listen {
			b.renewal.release(displaySocket)
		}
		if next.Control.Socket != b.cfg.Control.Socket {
			b.renewal.release(controlSocket)
		}
		if err := b.renewal.prepare(nil); err != nil {
			b.log.Error("not re-executed: settings take effect at the next start", "err", err)
			continue
		}
		if b.renewal.carried = carried; next.Mode != b.cfg.Mode {
			b.renewal.carried = nil // the next process begins as after a start
		}
		if next.Display.HasOutput("framebuffer") && next.Framebuffer.Device == b.cfg.Framebuffer.Device {
			b.renewal.screen.Keep()
		}
		return errConfigChanged
	}
}

// guestPollInterval is how often it is looked whether a guest is still here.
const guestPollInterval = time.Second

// conclude waits until no guest is here who would be forgotten. It returns what the
// next process is to go on with, nil in home mode: everything is on disk there.
func (b *box) conclude(ctx context.Context) (*device.Carryover, error) {
	for b.cfg.IsGuest() {
		c, err := engine.Conclude(ctx, b.engine)
		if err == nil {
			c.Visit = b.screen.Pages().Get().Visit
			return c, nil
		}
		if !pause(ctx, guestPollInterval) {
			return nil, ctx.Err()
		}
	}
	return nil, nil
}

// configHint adds what helps with an error of the configuration.
func configHint(err error) error {
	hint := "pickerd config default prints a commented example"
	if _, ok := errors.AsType[*configs.Error](err); ok {
		hint = "pickerd config check FILE checks a file without running"
	}
	return command.Hint(err, hint, exitConfig)
}
