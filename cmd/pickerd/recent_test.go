package main

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// The newest lines are kept, within bounds, and what is told has no secrets.
func TestRecentLog(t *testing.T) {
	r := new(recentLog)
	keep := func(s string) string { return s }
	if got := r.lines(keep); len(got) != 0 {
		t.Errorf("%q before the first line", got)
	}
	log := r.also(slog.New(slog.DiscardHandler))
	log.Info("paired", "token", "ya29.secret")
	log.Debug("too much")
	got := r.lines(func(s string) string { return strings.ReplaceAll(s, "ya29.secret", "(removed)") })
	if len(got) != 1 || !strings.Contains(got[0], "msg=paired token=(removed)") {
		t.Errorf("%q", got)
	}
	for i := range 2 * maxRecentLines {
		fmt.Fprintln(r, i)
	}
	if got := r.lines(keep); len(got) != maxRecentLines || got[maxRecentLines-1] != fmt.Sprint(2*maxRecentLines-1) {
		t.Errorf("%d lines, the last is %q", len(got), got[len(got)-1])
	}
	for range 100 {
		fmt.Fprintln(r, strings.Repeat("x", 100_000))
	}
	if got := r.lines(keep); len(strings.Join(got, "\n")) > maxRecentBytes+maxRecentLines || len(got) < 10 {
		t.Errorf("%d lines of %d bytes", len(got), len(strings.Join(got, "\n")))
	}
}
