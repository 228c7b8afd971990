package oauthtest

import (
	"encoding/json"
	"maps"
	"slices"
)

// jsonValues are values of every JSON type, the empty and the extreme ones too.
var jsonValues = []string{`null`, `true`, `false`, `0`, `-1`, `1.5`, `1e999`, `9223372036854775807`, `""`, `"x"`, `[]`, `[null]`, `{}`, `{"x":null}`}

// Variants returns the JSON document with a value of every JSON type at every
// place: instead of the whole, and of each member and element at any depth. Each
// member is also left out once. It panics if the document is not JSON.
func Variants(document string) []string {
	var whole any
	if err := json.Unmarshal([]byte(document), &whole); err != nil {
		panic("oauthtest: " + err.Error())
	}
	var out []string
	walk(whole, func(v any) {
		data, err := json.Marshal(v)
		if err != nil {
			panic("oauthtest: " + err.Error())
		}
		out = append(out, string(data))
	})
	return out
}

// walk calls emit with each variant of v.
func walk(v any, emit func(any)) {
	for _, value := range jsonValues {
		emit(json.RawMessage(value))
	}
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			member := v[name]
			delete(v, name)
			emit(v)
			walk(member, func(m any) { v[name] = m; emit(v) })
			v[name] = member
		}
	case []any:
		for i, element := range v {
			walk(element, func(e any) { v[i] = e; emit(v) })
			v[i] = element
		}
	}
}
