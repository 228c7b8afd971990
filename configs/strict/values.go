package strict

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Keys returns all keys of the struct that config points to, in its order.
func Keys(config any) []string {
	var keys []string
	for _, p := range placesOf(reflect.TypeOf(config).Elem()) {
		keys = append(keys, p.key)
	}
	return keys
}

// Field returns the value of a key in the struct that config points to. It is the
// zero Value if there is no such key.
func Field(config any, key string) reflect.Value {
	v := reflect.ValueOf(config).Elem()
	for _, p := range placesOf(v.Type()) {
		if p.key == key {
			return v.FieldByIndex(p.index)
		}
	}
	return reflect.Value{}
}

// Values are the values that one source sets, by key. Each has the type of the field.
type Values map[string]reflect.Value

// Set sets the values in the struct that config points to.
func (v Values) Set(config any) {
	for _, f := range fields(config) {
		if value, ok := v[f.key]; ok {
			f.value.Set(value)
		}
	}
}

// maxErrors bounds the errors about one file.
const maxErrors = 20

// maxDepth bounds the tables within tables that are looked into for unknown keys.
const maxDepth = 8

// Values returns the values of the file for a configuration of the type that config
// points to, and what is wrong with the others. A file that is not TOML has no values
// and one error without a key.
func (s *Source) Values(config any) (Values, []*Error) {
	var document map[string]any
	if err := toml.Unmarshal(s.Data, &document); err != nil {
		bad := &Error{File: s.File, Msg: describe(err)}
		if e, ok := errors.AsType[*toml.DecodeError](err); ok {
			bad.Line, _ = e.Position()
		}
		return nil, []*Error{bad}
	}
	r := &reader{source: s, of: reflect.TypeOf(config).Elem(), config: config, values: Values{}}
	r.table("", document)
	return r.values, r.errors
}

// A reader takes the values out of a document.
type reader struct {
	source *Source
	of     reflect.Type
	config any
	values Values
	errors []*Error
}

func (r *reader) bad(e *Error) {
	if len(r.errors) < maxErrors {
		r.errors = append(r.errors, e)
	}
}

// table reads one table of the document, whose key is prefix without the last dot.
func (r *reader) table(prefix string, table map[string]any) {
	keys := Keys(r.config)
	names := make([]string, 0, len(table))
	for name := range table {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		key, value := prefix+name, table[name]
		known := slices.IndexFunc(keys, func(k string) bool { return strings.EqualFold(k, key) })
		below, isTable := value.(map[string]any)
		inside := slices.ContainsFunc(keys, func(k string) bool {
			return len(k) > len(key) && k[len(key)] == '.' && strings.EqualFold(k[:len(key)], key)
		})
		switch {
		case known >= 0:
			v, err := ValueOf(r.config, keys[known], value)
			if err != nil {
				r.bad(&Error{File: r.source.File, Line: lineOf(r.source.Data, key), Key: key, Msg: err.Error()})
				continue
			}
			r.values[keys[known]] = v
		case inside && isTable:
			r.table(key+".", below)
		case inside:
			r.bad(&Error{File: r.source.File, Line: lineOf(r.source.Data, key), Key: key, Msg: "expected a table: write [" + key + "]"})
		case isTable && len(below) > 0 && strings.Count(key, ".") < maxDepth:
			r.table(key+".", below)
		default:
			r.bad(&Error{File: r.source.File, Line: lineOf(r.source.Data, key), Key: key, Msg: "unknown key", Hint: r.source.hintFor(key, r.config), Unknown: true})
		}
	}
}

// ValueOf returns the value of a key for a configuration of the type that config points
// to. value is of a type that TOML has. Errors say what was expected.
func ValueOf(config any, key string, value any) (reflect.Value, error) {
	of := Field(config, key).Type()
	holder := reflect.New(reflect.StructOf([]reflect.StructField{{Name: "V", Type: of, Tag: `toml:"v"`}}))
	data, err := toml.Marshal(map[string]any{"v": value})
	if err != nil {
		return reflect.Value{}, fmt.Errorf("it can't be a value: %s", describe(err))
	}
	err = toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields().Decode(holder.Interface())
	if missing, ok := errors.AsType[*toml.StrictMissingError](err); ok && len(missing.Errors) > 0 {
		return reflect.Value{}, fmt.Errorf("unknown key %s", strings.TrimPrefix(strings.Join(missing.Errors[0].Key(), "."), "v."))
	}
	if err != nil {
		return reflect.Value{}, errors.New(describe(err))
	}
	return holder.Elem().Field(0), nil
}

// FromText returns the value of a key from text, as the environment has it.
func (s *Source) FromText(config any, key, text string) (reflect.Value, error) {
	v := reflect.New(Field(config, key).Type()).Elem()
	err := s.setText(v, text)
	return v, err
}

// FromEnv returns the values of the environment for a configuration of the type that
// config points to, and what is wrong with the others.
func (s *Source) FromEnv(config any) (Values, []*Error) {
	values, bad := Values{}, []*Error(nil)
	for _, key := range Keys(config) {
		name := EnvName(s.Prefix, key)
		text := s.Getenv(name)
		if text == "" {
			continue
		}
		v, err := s.FromText(config, key, text)
		if err != nil {
			bad = append(bad, &Error{Key: name, Msg: err.Error()})
			continue
		}
		values[key] = v
	}
	return values, bad
}
