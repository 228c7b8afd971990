package command

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"pickerd/systemd"
)

// IsTerminal reports whether v is a file that a person sits at.
func IsTerminal(v any) bool {
	f, ok := v.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// NewLogger returns a logger in the format for its reader: a person at a terminal,
// the journal, or a program. The format is "auto", "text" or "json".
func NewLogger(w io.Writer, level, format string, getenv func(string) string) *slog.Logger {
	var l slog.Level
	_ = l.UnmarshalText([]byte(level)) // checked with the configuration
	switch {
	case format == "json":
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l}))
	case format == "auto" && systemd.UnderJournal(getenv) && !IsTerminal(w):
		return slog.New(systemd.NewJournalHandler(w, l))
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l}))
}

// Existing returns path if the file exists, else "", because the environment may set
// every key.
func Existing(path string) string {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return path
}

// DropPrivileges makes new files private to the user and keeps child processes from
// gaining privileges, as the systemd units do.
func DropPrivileges(log *slog.Logger) error {
	unix.Umask(0o077)
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0)
	if errors.Is(errno, unix.ENOTSUP) {
		log.Warn("no_new_privs not set: built with cgo", "hint", "CGO_ENABLED=0 go build")
	} else if errno != 0 {
		return fmt.Errorf("set no_new_privs: %w", errno)
	}
	return nil
}
