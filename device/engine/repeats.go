package engine

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"pickerd/oauthdevice"
	"pickerd/picker"
)

const (
	// repeatInterval is how often the same trouble is logged.
	repeatInterval = time.Hour
	// maxRepeats bounds the troubles that are told apart.
	maxRepeats = 1000
	// maxCause bounds, in bytes, the text by which causes are told apart.
	maxCause = 200
)

// repeats logs each kind of trouble once an hour, with how often it came since. The
// text of an error is no measure for that: it has ports and times in it.
type repeats struct {
	log *slog.Logger

	mu     sync.Mutex
	logged map[string]*repeat
}

// A repeat is a trouble that was logged.
type repeat struct {
	at    time.Time
	count int // since then
}

func newRepeats(log *slog.Logger) *repeats {
	return &repeats{log: log, logged: map[string]*repeat{}}
}

// warn logs an error that may come again, unless it is nil.
func (r *repeats) warn(msg string, err error, args ...any) {
	if err != nil {
		r.note(slog.LevelWarn, msg, "", err, false, args...)
	}
}

// note logs an error that may come again. about is what it concerns, unless no
// server can be reached, which concerns everything. fresh means that it is logged
// in any case.
func (r *repeats) note(level slog.Level, msg, about string, err error, fresh bool, args ...any) {
	n := noticeOf(err)
	key := msg + "\n" + n.Code
	if !n.Offline {
		key += "\n" + about + "\n" + cause(err)
	}
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	last := r.logged[key]
	if last != nil && !fresh && now.Sub(last.at) < repeatInterval {
		last.count++
		return
	}
	args = append([]any{"err", err}, args...)
	if last != nil && last.count > 0 {
		args = append(args, "repeats", last.count)
	}
	if last == nil && len(r.logged) >= maxRepeats {
		clear(r.logged)
	}
	r.logged[key] = &repeat{at: now}
	r.log.Log(context.Background(), level, msg, args...)
}

// cause returns what an error has in common with others of the same cause.
func cause(err error) string {
	if e, ok := errors.AsType[*oauthdevice.Error](err); ok && e.HTTPStatus != 0 {
		return strings.Join([]string{e.Op, strconv.Itoa(e.HTTPStatus), e.Code, e.Subtype}, " ")
	}
	if e, ok := errors.AsType[*picker.Error](err); ok && e.HTTPStatus != 0 {
		return strings.Join([]string{e.Op, strconv.Itoa(e.HTTPStatus), e.Code, e.Reason}, " ")
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			break
		}
		err = inner
	}
	text := err.Error()
	return withoutNumbers(text[:min(len(text), maxCause)])
}

// withoutNumbers removes the words of a text that have digits in them.
func withoutNumbers(text string) string {
	words := strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("()[]<>=,;\"", r) })
	var kept []string
	for _, w := range words {
		if !strings.ContainsAny(w, "0123456789") {
			kept = append(kept, w)
		}
	}
	return strings.Join(kept, " ")
}
