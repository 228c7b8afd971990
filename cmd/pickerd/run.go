package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"pickerd/cmd/command"
	"pickerd/configs"
	"pickerd/device/engine"
	"pickerd/display/terminal"
	"pickerd/display/words"
	"pickerd/systemd"
)

const defaultConfig = "/etc/pickerd/pickerd.toml"

func runCommand(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	file := fs.String("config", "", "configuration `file` (default "+defaultConfig+" if it exists)")
	check := fs.Bool("check", false, "exit with code 78 if the configuration can't be used, instead of saying so on the screen")
	if err := parse(fs, args, 0); err != nil {
		return err
	}
	if e.process && isManaged(e.getenv) {
		signal.Notify(e.hangups, syscall.SIGHUP) // a box that is not set up reads its files all the time
	}
	err := e.runDaemon(ctx, *file, *check)
	if errors.Is(err, errStopped) {
		return nil
	}
	return err
}

// runDaemon runs boxes, and what stands in for them, until ctx ends. Its error may be
// errStopped then. With check it returns the error of usable.
func (e env) runDaemon(ctx context.Context, file string, check bool) error {
	if err := e.resumeSetUp(ctx, file); err != nil {
		return err
	}
	defer e.radio.end()
	layers, methods, err := e.usable(file)
	for err != nil { // a file may be unreadable again
		if check || !isConfigError(err) {
			return err
		}
		if err := e.awaitSetUp(ctx, file, err); err != nil {
			return err
		}
		layers, methods, err = e.usable(file)
	}
	cfg := layers.Config
	e = e.sharing(cfg)
	log := e.logger(cfg)
	makeParents(cfg)
	if err := command.DropPrivileges(log); err != nil {
		return err
	}
	if err := e.radio.start(ctx, e, cfg, false, log); err != nil {
		log.Warn("no Wi-Fi", "err", err)
	}
	if !cfg.Display.HasOutput("framebuffer") {
		e.renewal.screen.Settle()
	}
	e.keeper = e.newKeeper(e.sources(file), layers, log)
	keeping, endKeeping := context.WithCancel(ctx)
	defer e.keepSettings(keeping, log)()
	defer endKeeping()
	defer e.tellStopping(ctx, log)()
	for {
		if err := e.awaitErased(ctx, cfg, log); err != nil {
			return err
		}
		err := runBox(ctx, cfg, methods, log, e, file)
		if errors.Is(err, errReset) {
			e.renewal.carried = nil
			if !e.process {
				continue // a test
			}
			if err := finishReset(cfg, log); err != nil {
				log.Error("box not erased yet", "err", err) // the next process shows that
			}
		}
		if !isRenewal(err) {
			return err
		}
		log.Info("re-executing", "why", err)
		why := err
		err = e.renewal.execute(ctx)
		if ctx.Err() != nil {
			e.renewal.screen.Settle()
			log.Info("stopped", "why", context.Cause(ctx))
			return nil
		}
		log.Error(notReexecuted(why), "err", err)
		var stop context.CancelFunc
		ctx, stop = signal.NotifyContext(ctx, stopSignals(e.getenv)...)
		defer stop()
		if e.process && isManaged(e.getenv) {
			signal.Notify(e.hangups, syscall.SIGHUP) // execute has ignored it
		}
		if next := e.keeper.Config(); next != cfg {
			if usable, err := loadMethods(next); err == nil {
				cfg, methods = next, usable
			}
		}
	}
}

// tellStopping tells the service manager when ctx ends, unless stop is called before.
func (e env) tellStopping(ctx context.Context, log *slog.Logger) (stop func() bool) {
	return context.AfterFunc(ctx, func() {
		if err := systemd.NewNotifier(e.getenv).Stopping(); err != nil {
			log.Warn("service manager not notified", "err", err)
		}
	})
}

// makeParents makes the directories above those of the box. Other users may traverse
// them. Their first use reports an error.
func makeParents(cfg *configs.Config) {
	_ = os.MkdirAll(filepath.Dir(cfg.Store.Dir), 0o755)
	_ = os.MkdirAll(filepath.Dir(cfg.Control.Socket), 0o755)
}

// runBox runs a box until ctx ends. Its error is a renewal if the program is to be
// re-executed, which then uses what is in e.
func runBox(ctx context.Context, cfg *configs.Config, methods []engine.Method, log *slog.Logger, e env, file string) error {
	// Open the state first, so that a second daemon reports that another one runs
	// rather than that its addresses are in use.
	st, err := awaitStore(ctx, cfg, log, e)
	if errors.Is(err, errStopped) {
		log.Info("stopped", "why", context.Cause(ctx))
		return nil
	}
	if err != nil {
		return err
	}
	if err := setUpRecord(cfg).Mark(); err != nil {
		log.Error("box not marked as set up", "err", err) // its database says so too
	}
	display, err := e.listen(cfg.HTTP)
	if err != nil {
		st.Close()
		return err
	}
	b, err := newBox(cfg, methods, st, display, log, e)
	if err != nil {
		return err
	}
	b.renewable = e.process
	if cfg.IsGuest() && e.process {
		b.guestLeft = func() error {
			err := e.renewal.prepare(func() error { return e.checkConfig(file) })
			if err != nil {
				log.Warn(notReexecuted(errGuestLeft), "err", err)
			}
			return err
		}
	}
	return b.run(ctx, b.mux)
}

// checkConfig reports whether the program could start now: its files may have changed.
func (e env) checkConfig(file string) error {
	_, _, err := e.readAll(file)
	return err
}

// loadConfig reads the operator's configuration and tolerates nothing that is wrong.
func loadConfig(file string, getenv func(string) string) (*configs.Config, error) {
	cfg, err := configs.Load(file, getenv, checkNames)
	if err != nil {
		return nil, configHint(err)
	}
	return cfg, nil
}

// checkNames checks the names in a configuration that other packages define.
func checkNames(c *configs.Config, bad func(key, format string, args ...any)) {
	if _, err := words.For(c.Display.Language); err != nil {
		bad("display.language", "%v; choose from %s", err, strings.Join(words.Languages(), ", "))
	}
	if _, key, err := keymap(c.Remote); err != nil {
		bad("remote."+key, "%v", err)
	}
}

// sharing sends the log to the page if both use the same terminal, and keeps its newest
// lines if there is an operator who may ask for them.
func (e env) sharing(cfg *configs.Config) env {
	if cfg.Display.HasOutput("terminal") && cfg.Terminal.Device == "" && command.IsTerminal(e.stdout) && command.IsTerminal(e.stderr) {
		e.tail = terminal.NewTail()
	}
	if cfg.MQTT.URL != "" && cfg.MQTT.OperatorKey != "" && !cfg.IsGuest() { // it counts photos
		e.recent = new(recentLog)
	}
	return e
}

// logger returns a logger in the format for its reader: a person at a terminal, the
// journal, or a program.
func (e env) logger(cfg *configs.Config) *slog.Logger {
	log := command.NewLogger(e.stderr, cfg.Log.Level, cfg.Log.Format, e.getenv)
	if e.tail != nil {
		log = command.NewLogger(e.tail, cfg.Log.Level, "text", e.getenv)
	}
	if e.recent != nil {
		log = e.recent.also(log)
	}
	return log
}

func configCommand(_ context.Context, e env, fs *flag.FlagSet, args []string) error {
	if len(args) == 1 && args[0] == "default" {
		fmt.Fprint(e.stdout, configs.Default)
		return nil
	}
	if len(args) > 0 && args[0] == "show" {
		return showConfig(e, fs, args[1:])
	}
	if len(args) == 0 || args[0] != "check" {
		if err := parse(fs, args, 0); err != nil {
			return err
		}
		return &command.UsageError{Msg: `use "check FILE", "default" or "show"`}
	}
	if err := parse(fs, args[1:], 1); err != nil {
		if len(args) == 1 {
			return &command.UsageError{Msg: "name the FILE to check"}
		}
		return err
	}
	cfg, err := loadConfig(fs.Arg(0), e.getenv)
	if h, ok := errors.AsType[*command.HintedError](err); ok {
		h.Hint = "pickerd config default prints a commented example"
	}
	if err != nil {
		return err
	}
	if _, err := loadMethods(cfg); err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "%s is valid.\n", fs.Arg(0))
	return nil
}

func versionCommand(_ context.Context, e env, fs *flag.FlagSet, args []string) error {
	if err := parse(fs, args, 0); err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, command.Built(packaged).Text(program))
	return nil
}

// packaged is the version of the packages that the program is shipped in.
var packaged string

func version() string { return command.Built(packaged).Version }

// revision returns the commit that the program was built from, "" if unknown.
func revision() string { return command.Built(packaged).Commit }

// written is when this part of the program was written: no build is older.
var written = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// built returns when the program was built, as far as it is known.
func built() time.Time {
	day, err := time.Parse(time.DateOnly, builtOn())
	if err != nil || day.Before(written) {
		return written
	}
	return day
}

// builtOn returns the date of that commit, "" if unknown.
func builtOn() string { return command.Built(packaged).Day }
