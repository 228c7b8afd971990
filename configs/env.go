package configs

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// A field is a key of the configuration and its value.
type field struct {
	key   string // "google.client_id"
	value reflect.Value
}

// fields returns all keys.
func (c *Config) fields() []field {
	var list []field
	var walk func(prefix string, v reflect.Value)
	walk = func(prefix string, v reflect.Value) {
		for i := range v.NumField() {
			key := prefix + v.Type().Field(i).Tag.Get("toml")
			if f := v.Field(i); f.Kind() == reflect.Struct {
				walk(key+".", f)
			} else {
				list = append(list, field{key, f})
			}
		}
	}
	walk("", reflect.ValueOf(c).Elem())
	return list
}

// EnvName returns the environment variable for a key: PICKERD_GOOGLE_CLIENT_ID for
// google.client_id.
func EnvName(key string) string {
	return "PICKERD_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// fromEnv overrides values from the environment.
func (c *Config) fromEnv(getenv func(string) string) error {
	for _, f := range c.fields() {
		name := EnvName(f.key)
		if text := getenv(name); text != "" {
			if err := setText(f.value, text); err != nil {
				return &Error{Key: name, Msg: err.Error()}
			}
		}
	}
	return nil
}

// setText sets a value from text. Items of a list are separated by commas.
func setText(v reflect.Value, text string) error {
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	switch v.Kind() {
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", text)
		}
		v.SetInt(int64(n))
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		v.SetBool(b)
	case reflect.Slice:
		var list []string
		for s := range strings.SplitSeq(text, ",") {
			if s = strings.TrimSpace(s); s != "" {
				list = append(list, s)
			}
		}
		v.Set(reflect.ValueOf(list))
	default:
		v.SetString(text)
	}
	return nil
}
