package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"pickerd/configs"
	"pickerd/display/terminal"
	"pickerd/display/words"
	"pickerd/systemd"
)

const defaultConfig = "/etc/pickerd/pickerd.toml"

func runCommand(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	file := fs.String("config", "", "configuration `file` (default "+defaultConfig+" if it exists)")
	if err := parse(fs, args, 0); err != nil {
		return err
	}
	if *file == "" {
		*file = existing(defaultConfig)
	}
	cfg, err := loadConfig(*file, e.getenv)
	if err != nil {
		return err
	}
	methods, err := loadMethods(cfg)
	if err != nil {
		return err
	}
	e = e.sharing(cfg)
	log := e.logger(cfg)
	// Other users may traverse these directories. Their first use reports an error.
	_ = os.MkdirAll(filepath.Dir(cfg.Store.Dir), 0o755)
	_ = os.MkdirAll(filepath.Dir(cfg.Control.Socket), 0o755)
	if err := dropPrivileges(log); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() {
		if err := systemd.NewNotifier(e.getenv).Stopping(); err != nil {
			log.Warn("service manager not notified", "err", err)
		}
	})()
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
	display, err := e.listen(cfg.HTTP)
	if err != nil {
		st.Close()
		return err
	}
	b, err := newBox(cfg, methods, st, display, log, e)
	if err != nil {
		return err
	}
	return b.run(ctx, b.mux)
}

// existing returns path if the file exists, else "", because the environment may set
// every key.
func existing(path string) string {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return path
}

func loadConfig(file string, getenv func(string) string) (*configs.Config, error) {
	cfg, err := configs.Load(file, getenv, checkNames)
	if err == nil {
		return cfg, nil
	}
	hint := "pickerd config default prints a commented example"
	if _, ok := errors.AsType[*configs.Error](err); ok {
		hint = "pickerd config check FILE checks a file without running"
	}
	return nil, &hintedError{err, hint, exitConfig}
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

// sharing sends the log to the page if both use the same terminal.
func (e env) sharing(cfg *configs.Config) env {
	if cfg.Display.HasOutput("terminal") && cfg.Terminal.Device == "" && isTerminal(e.stdout) && isTerminal(e.stderr) {
		e.tail = terminal.NewTail()
	}
	return e
}

// logger returns a logger in the format for its reader: a person at a terminal, the
// journal, or a program.
func (e env) logger(cfg *configs.Config) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.Log.Level)) // checked by configs
	opt := &slog.HandlerOptions{Level: level}
	switch {
	case e.tail != nil:
		return slog.New(slog.NewTextHandler(e.tail, opt))
	case cfg.Log.Format == "json":
		return slog.New(slog.NewJSONHandler(e.stderr, opt))
	case cfg.Log.Format == "auto" && systemd.UnderJournal(e.getenv) && !isTerminal(e.stderr):
		return slog.New(systemd.NewJournalHandler(e.stderr, level))
	}
	return slog.New(slog.NewTextHandler(e.stderr, opt))
}

func configCommand(_ context.Context, e env, fs *flag.FlagSet, args []string) error {
	if len(args) == 1 && args[0] == "default" {
		fmt.Fprint(e.stdout, configs.Default)
		return nil
	}
	if len(args) == 0 || args[0] != "check" {
		if err := parse(fs, args, 0); err != nil {
			return err
		}
		return &usageError{msg: `use "check FILE" or "default"`}
	}
	if err := parse(fs, args[1:], 1); err != nil {
		if len(args) == 1 {
			return &usageError{msg: "name the FILE to check"}
		}
		return err
	}
	cfg, err := loadConfig(fs.Arg(0), e.getenv)
	if h, ok := errors.AsType[*hintedError](err); ok {
		h.hint = "pickerd config default prints a commented example"
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
	fmt.Fprintln(e.stdout, versionText(version(), revision(), builtOn(), buildSetting("vcs.modified") == "true"))
	return nil
}

// versionText describes a build: "pickerd v1.4.0 (commit 0123456789ab+dirty of
// 2026-11-28)".
func versionText(version, commit, day string, dirty bool) string {
	text := "pickerd " + version
	if commit == "" {
		return text
	}
	text += " (commit " + commit[:min(len(commit), 12)]
	if dirty {
		text += "+dirty"
	}
	if day != "" {
		text += " of " + day
	}
	return text + ")"
}

// revision returns the commit that the program was built from, "" if unknown.
func revision() string { return buildSetting("vcs.revision") }

// builtOn returns the date of that commit, "" if unknown.
func builtOn() string {
	day, _, _ := strings.Cut(buildSetting("vcs.time"), "T")
	return day
}

func buildSetting(key string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == key {
				return s.Value
			}
		}
	}
	return ""
}

// packaged is the version of the packages that the program is shipped in.
var packaged string

func version() string {
	if packaged != "" {
		return packaged
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "(unknown)"
}
