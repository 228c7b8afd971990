package main

import (
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"pickerd/configs"
	"pickerd/store"
)

// A box that can't find out whether it was ever set up is closed for phones, and says
// so once.
func TestOpenForPhones(t *testing.T) {
	file := writeFile(t, "file", "")
	page, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer page.Close()
	var log syncBuffer
	s := &setUp{standIn: &standIn{log: slog.New(slog.NewTextHandler(&log, nil))}, env: env{getenv: func(string) string { return "" }}, page: page}
	at := func(dir string) *configs.Config {
		return &configs.Config{Setup: configs.Setup{Phone: true}, Store: configs.Store{Dir: dir}}
	}
	used := t.TempDir()
	if err := store.NewSetUp(used, nil).Mark(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		dir  string
		open bool
		told int // lines of the log
	}{
		{t.TempDir(), true, 0},
		{used, false, 0},
		{filepath.Join(file, "below"), false, 1},
		{filepath.Join(file, "below"), false, 1},
		{t.TempDir(), true, 1},
		{filepath.Join(file, "below"), false, 2},
	} {
		if open := s.isOpenFor(at(tt.dir)); open != tt.open || strings.Count(log.String(), "\n") != tt.told {
			t.Errorf("%s: %v\n%s", tt.dir, open, &log)
		}
	}
	s.page = nil
	if s.isOpenFor(at(t.TempDir())) {
		t.Error("open without a page")
	}
}
