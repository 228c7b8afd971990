package configs

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// rescued are the keys that decide where and how a box says that its configuration
// can't be used. Those of one list are taken together or not at all: half of the
// settings of the page could show it to others.
var rescued = [][]string{
	{"name"}, {"mode"}, {"display.language"}, {"log.level"}, {"log.format"}, {"store.dir"}, {"control.socket"},
	{"framebuffer.device"}, {"framebuffer.rotate"}, {"framebuffer.overscan"}, {"terminal.device"}, {"display.outputs"},
	{"remote.ok"}, {"remote.menu"}, {"remote.back"}, {"remote.left"}, {"remote.right"}, {"remote.up"}, {"remote.down"}, {"remote.hold"}, {"remote.pin"},
	{"pairing.address"},
	// Only from files that can be read as a whole:
	{"http.listen", "http.key", "http.names", "http.cert_file", "http.key_file"},
}

// Rescue returns the defaults with those settings of an unusable configuration that
// decide where and how the box says so, as far as they can be used. It reads the same
// files and variables as Load.
func Rescue(file string, getenv func(string) string, also ...Check) *Config {
	values, whole := map[string]string{}, true
	for i, path := range (Sources{File: file}).files() {
		data, err := readOwned(path, i > 0, "")
		if _, foreign := errors.AsType[*Error](err); foreign {
			continue
		}
		tree, all := beginning(data)
		whole = whole && all && err == nil
		flatten("", tree, values)
	}
	// The clients that are there may choose methods that need more settings. A box that
	// can't be used signs nobody in.
	usable := map[string]string{EnvName("pairing.methods"): "paste"}
	load := func() (*Config, error) {
		return Load("", func(name string) string {
			if strings.HasPrefix(name, envPrefix) {
				return usable[name]
			}
			return getenv(name)
		}, also...)
	}
	c, err := load()
	for _, keys := range rescued {
		if len(keys) > 1 && !whole {
			continue
		}
		before, set := maps.Clone(usable), ""
		for _, key := range keys {
			text := cmp.Or(getenv(EnvName(key)), values[key])
			usable[EnvName(key)], set = text, set+text
		}
		if set == "" {
			continue
		}
		if next, lerr := load(); lerr == nil {
			c, err = next, nil
		} else {
			usable = before
		}
	}
	if err != nil { // the defaults are valid, but a screen must not depend on it
		return defaults(getenv)
	}
	return c
}

// defaults returns the defaults on this machine, unchecked.
func defaults(getenv func(string) string) *Config {
	l := Sources{Getenv: getenv}.Read()
	c := (&Layers{layers: l.layers[:1]}).merged()
	_ = c.fillIn(getenv) // the default name is valid
	return c
}

// maxCuts bounds how often a file is cut at a mistake.
const maxCuts = 8

// beginning reads a file up to its first mistake in the syntax. whole reports whether
// there is none.
func beginning(data []byte) (tree map[string]any, whole bool) {
	for cuts := range maxCuts {
		tree = nil
		err := toml.Unmarshal(data, &tree)
		if err == nil {
			return tree, cuts == 0
		}
		e, ok := errors.AsType[*toml.DecodeError](err)
		if !ok {
			return nil, false
		}
		row, _ := e.Position()
		lines := bytes.SplitAfter(data, []byte("\n"))
		data = bytes.Join(lines[:min(max(row-1, 0), len(lines)-1)], nil)
	}
	return nil, false
}

// flatten adds the values of a table as text, as variables of the environment have
// them.
func flatten(prefix string, table map[string]any, values map[string]string) {
	for k, v := range table {
		switch v := v.(type) {
		case map[string]any:
			if prefix == "" { // no key is deeper
				flatten(k+".", v, values)
			}
		case []any:
			var items []string
			for _, item := range v {
				items = append(items, fmt.Sprint(item))
			}
			values[prefix+k] = strings.Join(items, ",")
		default:
			values[prefix+k] = fmt.Sprint(v)
		}
	}
}
