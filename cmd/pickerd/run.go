package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"runtime/debug"

	"pickerd/configs"
	"pickerd/systemd"
)

const defaultConfig = "/etc/pickerd/pickerd.toml"

func runCommand(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	file := fs.String("config", "", "the configuration, a `file`; default "+defaultConfig+" if there is one")
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
	ways, err := loadWays(cfg)
	if err != nil {
		return err
	}
	// First the state: a second daemon is told that it is one, not that its
	// addresses are taken.
	log := e.logger(cfg)
	st, err := awaitStore(ctx, cfg, log, e.getenv)
	if errors.Is(err, errStopped) {
		log.Info("stopped", "why", context.Cause(ctx))
		return nil
	}
	if err != nil {
		return err
	}
	display, err := listen(cfg.HTTP.Listen)
	if err != nil {
		st.Close()
		return err
	}
	b, err := newBox(cfg, ways, st, display, log, e.getenv)
	if err != nil {
		return err
	}
	return b.run(ctx, b.screen)
}

// existing returns path if there is such a file: everything may come from the
// environment instead.
func existing(path string) string {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return path
}

func loadConfig(file string, getenv func(string) string) (*configs.Config, error) {
	cfg, err := configs.Load(file, getenv)
	if err == nil {
		return cfg, nil
	}
	hint := "pickerd config default prints a commented file"
	if _, ok := errors.AsType[*configs.Error](err); ok {
		hint = "pickerd config check FILE checks without running"
	}
	return nil, &hintedError{err, hint, exitConfig}
}

// logger writes for whoever reads: a person at a terminal, the journal, or a
// program.
func (e env) logger(cfg *configs.Config) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.Log.Level)) // checked by configs
	opt := &slog.HandlerOptions{Level: level}
	switch {
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
		return &usageError{`say "check FILE" or "default"`}
	}
	if err := parse(fs, args[1:], 1); err != nil {
		if len(args) == 1 {
			return &usageError{"which FILE is to be checked?"}
		}
		return err
	}
	cfg, err := loadConfig(fs.Arg(0), e.getenv)
	if h, ok := errors.AsType[*hintedError](err); ok {
		h.hint = "pickerd config default prints a commented file"
	}
	if err != nil {
		return err
	}
	if _, err := loadWays(cfg); err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "%s is fine.\n", fs.Arg(0))
	return nil
}

func versionCommand(_ context.Context, e env, fs *flag.FlagSet, args []string) error {
	if err := parse(fs, args, 0); err != nil {
		return err
	}
	version, revision := "(unknown)", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = " " + s.Value
			}
		}
	}
	fmt.Fprintf(e.stdout, "pickerd %s%s\n", version, revision)
	return nil
}
