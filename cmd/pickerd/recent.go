package main

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
)

// Bounds of a recentLog.
const (
	maxRecentLines = 1000
	maxRecentBytes = 128 << 10
	maxRecentLine  = 4 << 10
)

// A recentLog keeps the newest lines that are written, for an operator elsewhere.
type recentLog struct {
	mu   sync.Mutex
	list []string // oldest first
	size int
}

// Write keeps the lines of p. A handler of slog writes whole lines.
func (r *recentLog) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for line := range bytes.Lines(p) {
		text := string(bytes.TrimSuffix(line[:min(len(line), maxRecentLine)], []byte("\n")))
		r.list, r.size = append(r.list, text), r.size+len(text)
	}
	for len(r.list) > maxRecentLines || r.size > maxRecentBytes {
		r.size -= len(r.list[0])
		r.list = r.list[1:]
	}
	return len(p), nil
}

// lines returns the lines after scrub, which gets all of them at once: a secret may have
// more than one.
func (r *recentLog) lines(scrub func(string) string) []string {
	r.mu.Lock()
	text := strings.Join(r.list, "\n")
	r.mu.Unlock()
	if text == "" {
		return nil
	}
	return strings.Split(scrub(text), "\n")
}

// also returns a logger that writes to r as well.
func (r *recentLog) also(log *slog.Logger) *slog.Logger {
	return slog.New(slog.NewMultiHandler(log.Handler(), slog.NewTextHandler(r, nil)))
}
