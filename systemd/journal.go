package systemd

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
)

// UnderJournal reports whether stderr goes to the journal.
func UnderJournal(getenv func(string) string) bool { return getenv("JOURNAL_STREAM") != "" }

// A journalHandler writes plain lines with the priority prefix that journald
// reads (sd-daemon(3)); the journal has its own time stamps.
type journalHandler struct {
	slog.Handler
	out *prefixWriter
}

// NewJournalHandler returns a slog.Handler for lines that journald collects.
func NewJournalHandler(w io.Writer, level slog.Leveler) slog.Handler {
	out := &prefixWriter{w: w}
	text := slog.NewTextHandler(out, &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
			return slog.Attr{}
		}
		return a
	}})
	return journalHandler{text, out}
}

// Handle writes one line.
func (h journalHandler) Handle(ctx context.Context, r slog.Record) error {
	h.out.mu.Lock()
	defer h.out.mu.Unlock()
	h.out.prefix = priority(r.Level)
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h journalHandler) WithAttrs(a []slog.Attr) slog.Handler {
	return journalHandler{h.Handler.WithAttrs(a), h.out}
}

// WithGroup implements slog.Handler.
func (h journalHandler) WithGroup(name string) slog.Handler {
	return journalHandler{h.Handler.WithGroup(name), h.out}
}

func priority(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "<3>"
	case l >= slog.LevelWarn:
		return "<4>"
	case l >= slog.LevelInfo:
		return "<6>"
	}
	return "<7>"
}

// A prefixWriter puts a prefix before each line. Its mutex is held by Handle.
type prefixWriter struct {
	mu     sync.Mutex
	w      io.Writer
	prefix string
}

func (p *prefixWriter) Write(b []byte) (int, error) {
	line := append([]byte(p.prefix), bytes.TrimRight(b, "\n")...)
	if _, err := p.w.Write(append(line, '\n')); err != nil {
		return 0, err
	}
	return len(b), nil
}
