package strict

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/pelletier/go-toml/v2"
)

// A field is a key of a configuration and its value.
type field struct {
	key   string // "google.client_id"
	value reflect.Value
}

// A place is where a struct has the value of a key.
type place struct {
	key   string
	index []int // as for reflect.Value.FieldByIndex
}

// places has the []place of each type, by reflect.Type. Reading a configuration asks for
// them for each of its keys.
var places sync.Map

// placesOf returns all keys of a struct.
func placesOf(of reflect.Type) []place {
	if known, ok := places.Load(of); ok {
		return known.([]place)
	}
	var list []place
	var walk func(prefix string, index []int, t reflect.Type)
	walk = func(prefix string, index []int, t reflect.Type) {
		for i := range t.NumField() {
			f := t.Field(i)
			key, at := prefix+f.Tag.Get("toml"), append(slices.Clone(index), i)
			if f.Type.Kind() == reflect.Struct {
				walk(key+".", at, f.Type)
			} else {
				list = append(list, place{key, at})
			}
		}
	}
	walk("", nil, of)
	places.Store(of, list)
	return list
}

// fields returns all keys of the struct that config points to.
func fields(config any) []field {
	v := reflect.ValueOf(config).Elem()
	var list []field
	for _, p := range placesOf(v.Type()) {
		list = append(list, field{p.key, v.FieldByIndex(p.index)})
	}
	return list
}

// names returns the names of all keys, also of those in lists of tables. The decoder
// names the latter without their list if they are on one line with it.
func names(config any) []string {
	var list []string
	for _, f := range fields(config) {
		list = append(list, f.key)
		if isTables(f.value) {
			for _, name := range names(reflect.New(f.value.Type().Elem()).Interface()) {
				list = append(list, f.key+"."+name, name)
			}
		}
	}
	return list
}

// isTables reports whether a value is a list of tables.
func isTables(v reflect.Value) bool {
	return v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct
}

// EnvName returns the environment variable for a key: PICKERD_GOOGLE_CLIENT_ID for
// the prefix PICKERD_ and google.client_id.
func EnvName(prefix, key string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// fromEnv overrides values from the environment.
func (s *Source) fromEnv(config any) error {
	for _, f := range fields(config) {
		name := EnvName(s.Prefix, f.key)
		if text := s.Getenv(name); text != "" {
			if err := s.setText(f.value, text); err != nil {
				return &Error{Key: name, Msg: err.Error()}
			}
		}
	}
	return nil
}

// setText sets a value from text. Items of a list are separated by commas. A table and a
// list of tables are written as in the file.
func (s *Source) setText(v reflect.Value, text string) error {
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	switch {
	case isTables(v), v.Kind() == reflect.Map:
		return s.setTables(v, text)
	case v.Kind() == reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", text)
		}
		v.SetInt(int64(n))
	case v.Kind() == reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		v.SetBool(b)
	case v.Kind() == reflect.Slice:
		var list []string
		for item := range strings.SplitSeq(text, ",") {
			if item = strings.TrimSpace(item); item != "" {
				list = append(list, item)
			}
		}
		v.Set(reflect.ValueOf(list))
	default:
		v.SetString(text)
	}
	return nil
}

// setTables sets a list of tables, or a table of texts, from TOML: [{id = "x"}].
func (s *Source) setTables(v reflect.Value, text string) error {
	of := reflect.StructOf([]reflect.StructField{{Name: "V", Type: v.Type(), Tag: `toml:"v"`}})
	list := reflect.New(of)
	err := toml.NewDecoder(bytes.NewReader([]byte("v = " + text + "\n"))).DisallowUnknownFields().Decode(list.Interface())
	if strict, ok := errors.AsType[*toml.StrictMissingError](err); ok {
		key := strings.TrimPrefix(strings.Join(strict.Errors[0].Key(), "."), "v.")
		msg := "unknown key " + key
		if best := Nearest(key, names(reflect.New(v.Type().Elem()).Interface())); best != "" {
			msg += ", did you mean " + best + "?"
		}
		return errors.New(msg)
	}
	if err != nil {
		return errors.New(describe(err))
	}
	v.Set(list.Elem().Field(0))
	return nil
}
