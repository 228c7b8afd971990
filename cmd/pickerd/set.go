package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"pickerd/cmd/command"
	"pickerd/configs"
	"pickerd/device"
	"pickerd/device/control"
)

// setCommand changes a setting of the running daemon, or lists all.
func setCommand(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	back := fs.Bool("default", false, "return KEY to the value of the configuration files")
	client := e.socketFlag(fs)
	n := len(args)
	var err error
	for n >= 0 { // flags are among the arguments
		if err = parse(fs, args, n); err == nil || errors.Is(err, flag.ErrHelp) {
			break
		}
		n--
	}
	switch {
	case err != nil:
		return err
	case n == 0 && !*back:
		all, err := client().Settings(ctx)
		if err != nil {
			return err
		}
		return printSettings(e.stdout, all)
	case *back && n != 1:
		return &command.UsageError{Msg: "name the KEY that --default is for"}
	case !*back && n != 2:
		return &command.UsageError{Msg: "use KEY VALUE, KEY --default, or no argument to list the settings"}
	}
	key, changes := fs.Arg(0), map[string]any{fs.Arg(0): nil}
	if !*back {
		changes[key] = fs.Arg(1)
	}
	all, err := client().Change(ctx, changes)
	if err != nil {
		return settingHint(err)
	}
	fmt.Fprintf(e.stdout, "%s = %s\n", key, asTOML(all[key].Value))
	return nil
}

// settingHint adds what helps with a refused setting.
func settingHint(err error) error {
	p, ok := errors.AsType[*control.Problem](err)
	if !ok {
		return err
	}
	switch p.Code {
	case device.UnknownSetting:
		if p.Nearest != "" {
			return command.Hint(err, "did you mean "+p.Nearest+"?", exitFailed)
		}
		return command.Hint(err, "pickerd set lists the settings", exitFailed)
	case device.NotSettable:
		return command.Hint(err, "set it in "+defaultConfig+" or in a file of "+defaultConfigFolder, exitFailed)
	case device.SettingLocked:
		return command.Hint(err, "pickerd config show --origin says where", exitFailed)
	}
	return err
}

func printSettings(w io.Writer, all map[string]device.Setting) error {
	return table(w, "SETTING\tVALUE\tFROM\t", func(row func(...string)) {
		for _, key := range slices.Sorted(maps.Keys(all)) {
			s, note := all[key], ""
			if s.Locked {
				note = "locked"
			}
			row(key, asTOML(s.Value), string(s.Origin), note)
		}
	})
}

// asTOML returns a value as a configuration file has it.
func asTOML(v any) string {
	switch v := v.(type) {
	case string:
		if !strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r == 0x7f }) {
			return `"` + v + `"`
		}
	case []string:
		items := make([]string, len(v))
		for i, item := range v {
			items[i] = asTOML(item)
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	data, err := toml.Marshal(struct {
		V any `toml:"v,inline"`
	}{v})
	if err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimSpace(strings.TrimPrefix(string(data), "v ="))
}

// showConfig prints the configuration as a box has it that starts now.
func showConfig(e env, fs *flag.FlagSet, args []string) error {
	file := fs.String("config", "", "configuration `file` (default "+defaultConfig+" if it exists)")
	origin := fs.Bool("origin", false, "say where each value comes from")
	if err := parse(fs, args, 0); err != nil {
		return err
	}
	layers, err := e.readConfig(*file)
	if err != nil {
		return err
	}
	for _, p := range layers.Problems {
		fmt.Fprintf(e.stderr, "%s: %v\n", program, p)
	}
	return table(e.stdout, "# The configuration in force. Secrets are not shown.", func(row func(...string)) {
		for _, s := range configs.Settings() {
			line := s.Key + " = " + asTOML(layers.Config.Value(s.Key))
			if s.Secret && layers.Config.Value(s.Key) != "" {
				line = "# " + s.Key + " is set"
			}
			if *origin {
				row(line, "# "+layers.Where(s.Key))
			} else {
				row(line)
			}
		}
	})
}

// defaultConfigFolder is the folder of more configuration files.
const defaultConfigFolder = "/etc/pickerd/" + configs.ConfigFolder
