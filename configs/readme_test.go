package configs_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"

	"pickerd/configs"
)

// TestReadme compares the tables in README.md with the configuration: every key is
// listed once, no other is, and a default given as a literal is the default.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var defaults configs.Config
	if err := toml.Unmarshal([]byte(configs.Default), &defaults); err != nil {
		t.Fatal(err)
	}
	want := keys("", reflect.ValueOf(defaults))
	row := regexp.MustCompile("(?m)^\\| `([a-z_.]+)` \\| ([^|]*) \\| [^|]+ \\|$")
	literal := regexp.MustCompile("^`([^`]*)`$")
	listed := map[string]bool{}
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		key, value := m[1], m[2]
		if _, ok := want[key]; !ok {
			t.Errorf("README.md lists %q, which is no key", key)
			continue
		}
		if listed[key] {
			t.Errorf("README.md lists %s twice", key)
		}
		listed[key] = true
		code := literal.FindStringSubmatch(value)
		if code == nil {
			continue // words, such as "the host name"
		}
		var c configs.Config
		if err := toml.Unmarshal([]byte(key+" = "+code[1]), &c); err != nil {
			t.Errorf("%s: the default %s: %v", key, code[1], err)
			continue
		}
		if got := keys("", reflect.ValueOf(c))[key]; !same(got, want[key]) {
			t.Errorf("%s: README.md gives the default %s, which is %v; want %v", key, code[1], got, want[key])
		}
	}
	for key := range want {
		if !listed[key] {
			t.Errorf("README.md does not list %s", key)
		}
	}
}

// keys returns the value of each key of a configuration.
func keys(prefix string, v reflect.Value) map[string]any {
	all := map[string]any{}
	for i := range v.NumField() {
		key := prefix + v.Type().Field(i).Tag.Get("toml")
		if f := v.Field(i); f.Kind() != reflect.Struct {
			all[key] = f.Interface()
		} else {
			for k, value := range keys(key+".", f) {
				all[k] = value
			}
		}
	}
	return all
}

// same reports whether two values are equal; an empty list equals none.
func same(a, b any) bool {
	if x, ok := a.([]string); ok {
		y, _ := b.([]string)
		return strings.Join(x, ",") == strings.Join(y, ",")
	}
	return reflect.DeepEqual(a, b)
}
