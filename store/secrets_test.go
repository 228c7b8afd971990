package store_test

import (
	"bytes"
	"testing"

	"pickerd/store"
)

// The display key is generated once, and again if it can't be opened.
func TestDisplayKey(t *testing.T) {
	dir := t.TempDir()
	key := bytes.Repeat([]byte("k"), 32)
	for _, step := range []struct {
		name, generated, want string
		key                   []byte
	}{
		{"first", "one", "one", nil},
		{"stored", "two", "one", nil},
		{"resealed", "three", "one", key},
		{"another key", "four", "four", bytes.Repeat([]byte("q"), 32)},
	} {
		s, err := store.Open(dir, store.Options{Key: step.key})
		must(t, err)
		got, err := s.Secrets.DisplayKey(func() string { return step.generated })
		if got != step.want || err != nil {
			t.Errorf("%s: %q, %v, want %q", step.name, got, err, step.want)
		}
		must(t, s.Close())
	}
}
