// Package strict reads configurations: a TOML file into a struct, then environment
// variables that override it. Keys are the toml tags of the struct's fields, joined
// with dots. An error names the file, the line and the key, and the nearest known
// key for an unknown one.
package strict

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// An Error reports an invalid key or value in a configuration.
type Error struct {
	File string // empty for a value from the environment
	Line int    // 0 if unknown
	Key  string // as in the file ("google.client_id"), or the name of the variable
	Msg  string
	Hint string

	Unknown bool // there is no such key
}

func (e *Error) Error() string {
	s := e.File
	if e.File == "" {
		s = "environment"
	} else if e.Line > 0 {
		s += fmt.Sprintf(":%d", e.Line)
	}
	if e.Key != "" {
		s += ": " + e.Key
	}
	s += ": " + e.Msg
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

// A Source is where a configuration comes from.
type Source struct {
	File   string // "" without a file
	Data   []byte // the content of the file
	Prefix string // of environment variables: "PICKERD_"
	Getenv func(string) string
	Hint   string // for an unknown key without a similar one
}

// Read sets the values that the file and the environment have in the struct that
// config points to. Its error joins *Error values.
func (s *Source) Read(config any) error {
	if s.File != "" {
		if err := s.decode(config); err != nil {
			return err
		}
	}
	return s.fromEnv(config)
}

// Bad returns an error about a value, which came from the environment if a variable
// is set for its key, otherwise from the file.
func (s *Source) Bad(key, format string, args ...any) *Error {
	msg := fmt.Sprintf(format, args...)
	if name := EnvName(s.Prefix, key); s.Getenv(name) != "" {
		return &Error{Key: name, Msg: msg}
	}
	return &Error{File: s.File, Line: lineOf(s.Data, key), Key: key, Msg: msg}
}

func (s *Source) decode(config any) error {
	err := toml.NewDecoder(bytes.NewReader(s.Data)).DisallowUnknownFields().Decode(config)
	if strict, ok := errors.AsType[*toml.StrictMissingError](err); ok {
		var all []error
		for _, e := range strict.Errors {
			key := strings.Join(e.Key(), ".")
			line, _ := e.Position()
			all = append(all, &Error{File: s.File, Line: line, Key: key, Msg: "unknown key", Hint: s.hintFor(key, config)})
		}
		return errors.Join(all...)
	}
	if e, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, _ := e.Position()
		return &Error{File: s.File, Line: line, Key: strings.Join(e.Key(), "."), Msg: describe(e)}
	}
	if err != nil {
		return &Error{File: s.File, Msg: describe(err)}
	}
	return nil
}

// describe returns the text of the decoder's error, with TOML's words for a wrong
// type.
func describe(err error) string {
	msg := strings.TrimPrefix(err.Error(), "toml: ")
	for kind, say := range map[string]string{
		"of type []string": `expected a list: write ["…"]`, "of type string": `expected a string: write "…"`,
		"of type int": "expected a whole number, without quotes", "of type bool": "expected true or false, without quotes",
	} {
		if strings.HasSuffix(msg, kind) {
			return say
		}
	}
	return msg
}

// hintFor suggests the nearest known key, or where all keys are listed.
func (s *Source) hintFor(key string, config any) string {
	if best := Nearest(key, names(config)); best != "" {
		return "did you mean " + best + "?"
	}
	return s.Hint
}

// Line returns the line of the file that sets a key, or 0 if it finds none.
func (s *Source) Line(key string) int { return lineOf(s.Data, key) }

// lineOf returns the line that sets a key, or 0 if it finds none. The file is
// valid TOML. For a key in an unusual form only the line number is missing.
func lineOf(data []byte, key string) int {
	at := ""
	for i, line := range bytes.Split(data, []byte("\n")) {
		text := strings.TrimSpace(string(line))
		if t, ok := strings.CutPrefix(text, "[["); ok {
			if at, _, _ = strings.Cut(t, "]"); at == key {
				return i + 1
			}
			continue
		}
		if t, ok := strings.CutPrefix(text, "["); ok {
			if at, _, _ = strings.Cut(t, "]"); at == key {
				return i + 1
			}
			continue
		}
		k, _, ok := strings.Cut(text, "=")
		k = strings.TrimSpace(k)
		if at != "" {
			k = at + "." + k
		}
		if ok && k == key {
			return i + 1
		}
	}
	return 0
}

// Nearest returns the known name that a mistyped one most likely means, "" when
// none is near.
func Nearest(name string, known []string) string {
	best, distance := "", len(name)/3+2
	for _, k := range known {
		if d := editDistance(name, k); d < distance && d < len(k) {
			best, distance = k, d
		}
	}
	return best
}

// editDistance returns the Levenshtein distance.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
