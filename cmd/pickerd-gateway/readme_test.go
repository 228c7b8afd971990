package main

import (
	"os"
	"reflect"
	"regexp"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

// TestReadme compares the table in README.md with the configuration: every key is
// listed once, no other is, and a default given as a literal is the default.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var defaults config
	if err := toml.Unmarshal([]byte(defaultFile), &defaults); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{}
	var walk func(prefix string, v reflect.Value)
	walk = func(prefix string, v reflect.Value) {
		for i := range v.NumField() {
			key := prefix + v.Type().Field(i).Tag.Get("toml")
			if f := v.Field(i); f.Kind() == reflect.Struct {
				walk(key+".", f)
			} else {
				want[key] = f.Interface()
			}
		}
	}
	walk("", reflect.ValueOf(defaults))
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_.]+)` \\| (?:`([^`|]*)`|[^|]*) \\| [^|]+ \\|$").FindAllStringSubmatch(string(text), -1) {
		key, literal := m[1], m[2]
		value, ok := want[key]
		if !ok || listed[key] {
			t.Errorf("README.md lists %q, which is no key, or twice", key)
		}
		listed[key] = true
		if literal == "" {
			continue // words
		}
		table := map[string]any{}
		if err := toml.Unmarshal([]byte("v = "+literal), &table); err != nil {
			t.Errorf("%s: %v", key, err)
			continue
		}
		got := table["v"]
		if list, ok := got.([]any); ok {
			words := []string{}
			for _, item := range list {
				words = append(words, item.(string))
			}
			got = words
		}
		if !reflect.DeepEqual(got, value) {
			t.Errorf("%s: README.md gives the default %v; want %v", key, got, value)
		}
	}
	for key := range want {
		if !listed[key] {
			t.Errorf("README.md does not list %s", key)
		}
	}
}
