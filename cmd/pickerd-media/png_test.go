package main

import (
	"errors"
	"testing"

	"pickerd/display/photo/outside"
)

// A PNG that package photo refuses is not given to a program that loses its colours.
func TestPNG(t *testing.T) {
	pngPath, _ := samples(t)
	if _, err := newTools("/usr/bin", t.TempDir()).decode(t.Context(), request(t, pngPath, 80, 80)); !errors.Is(err, outside.ToolFailed) {
		t.Errorf("error %v", err)
	}
}
