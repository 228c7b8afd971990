// Package terminal shows a device's pages as text on serial consoles and remote logins,
// with the QR code in half blocks that a phone can scan. It writes only the lines that
// changed.
package terminal

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"pickerd/display"
)

// Config is what a Terminal needs.
type Config struct {
	Pages *display.Board[display.Page]
	Out   io.Writer
	// Size returns the size of the terminal. Nil means 80 by 24.
	Size func() (columns, rows int)
	Tail *Tail // lines to show under the page; may be nil
}

// A Terminal shows pages.
type Terminal struct {
	cfg   Config
	lines []string // on the screen
	size  [2]int
}

// New returns a Terminal.
func New(cfg Config) *Terminal { return &Terminal{cfg: cfg} }

const (
	hideCursor = "\x1b[?1049h\x1b[?25l" // on the alternate screen
	showCursor = "\x1b[?25h\x1b[?1049l" // and back to the normal screen
	clearAll   = "\x1b[0m\x1b[2J"
	plain      = "\x1b[0m"
	bold       = "\x1b[1m"
	toLineEnd  = "\x1b[K"
)

// maxRestoreTime bounds how long restoring the terminal may take.
const maxRestoreTime = 200 * time.Millisecond

// Run shows pages until ctx ends, and returns ctx's error, or until the terminal fails.
func (t *Terminal) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	pages, fed := t.cfg.Pages.Feed(ctx)
	defer fed()
	defer cancel()
	// A blocked terminal must not delay the end.
	if d, ok := t.cfg.Out.(interface{ SetWriteDeadline(time.Time) error }); ok {
		defer context.AfterFunc(ctx, func() { _ = d.SetWriteDeadline(time.Now().Add(maxRestoreTime)) })()
	}
	if _, err := io.WriteString(t.cfg.Out, hideCursor); err != nil {
		return err
	}
	defer func() {
		fmt.Fprintf(t.cfg.Out, "%s\x1b[%d;1H\n%s", plain, len(t.lines), showCursor)
	}()
	tick := time.NewTicker(time.Second) // for countdowns and changes of the window's size
	defer tick.Stop()
	var page display.Page
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case p := <-pages:
			page = p.OnBox()
		case <-tick.C:
		case <-t.cfg.Tail.news():
		}
		if err := t.show(page, time.Now()); err != nil {
			return err
		}
	}
}

// show writes the lines that differ from those on the screen.
func (t *Terminal) show(page display.Page, now time.Time) error {
	columns, rows := 80, 24
	if t.cfg.Size != nil {
		if c, r := t.cfg.Size(); c > 0 && r > 0 {
			columns, rows = c, r
		}
	}
	var out bytes.Buffer
	if t.size != [2]int{columns, rows} {
		t.size, t.lines = [2]int{columns, rows}, nil
		out.WriteString(clearAll)
	}
	lines := layOut(page, page.Style.Lang(), now, columns, rows)
	lines = append(lines, t.cfg.Tail.last(rows-len(lines)-1, columns)...)
	lines = lines[:min(len(lines), rows)]
	for i := range max(len(lines), len(t.lines)) {
		line := ""
		if i < len(lines) {
			line = lines[i]
		}
		if i >= len(t.lines) || t.lines[i] != line {
			fmt.Fprintf(&out, "\x1b[%d;1H%s%s%s", i+1, line, plain, toLineEnd)
		}
	}
	t.lines = lines
	if out.Len() == 0 {
		return nil
	}
	_, err := t.cfg.Out.Write(out.Bytes())
	return err
}

// A Tail keeps the last lines written to it. A nil Tail has none.
type Tail struct {
	mu    sync.Mutex
	lines []string
	came  chan struct{}
}

// NewTail returns a Tail.
func NewTail() *Tail { return &Tail{came: make(chan struct{}, 1)} }

// maxTailLines is the number of lines that a Tail keeps.
const maxTailLines = 4

// Write implements io.Writer. Each call writes whole lines.
func (t *Tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for line := range strings.Lines(string(b)) {
		t.lines = append(t.lines, strings.TrimRight(line, "\n"))
	}
	t.lines = t.lines[max(0, len(t.lines)-maxTailLines):]
	select {
	case t.came <- struct{}{}:
	default:
	}
	return len(b), nil
}

func (t *Tail) news() <-chan struct{} {
	if t == nil {
		return nil
	}
	return t.came
}

// last returns up to n lines, cut to a width, after an empty one.
func (t *Tail) last(n, columns int) []string {
	if t == nil || n < 2 {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	out := []string{""}
	for _, l := range t.lines[max(0, len(t.lines)-n+1):] {
		out = append(out, cut(l, columns-1))
	}
	return out
}
