package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"pickerd/cmd/command"
)

func list(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	a := e.access(fs)
	asJSON := fs.Bool("json", false, "print JSON: an array, or with --watch an object on each line")
	live := fs.Bool("watch", false, "go on until interrupted: redraw the table on a terminal, else print a line for each change")
	if err := command.ParseAny(program, fs, args); err != nil {
		return err
	}
	filters, err := filtersOf(fs.Args())
	if err != nil {
		return err
	}
	if *live {
		return e.observe(ctx, *a, time.Second, e.liveList(filters, *asJSON), availability, status, health)
	}
	l, err := e.dial(ctx, *a)
	if err != nil {
		return err
	}
	defer l.close()
	f, err := read(ctx, l, a.base, topics(a.base, "+", availability, status, health)...)
	if err != nil {
		return err
	}
	boxes := f.chosen(filters)
	if *asJSON {
		if boxes == nil {
			boxes = []*box{}
		}
		return writeJSON(e.stdout, boxes)
	}
	switch {
	case len(boxes) > 0:
	case len(f) > 0:
		fmt.Fprintf(e.stderr, "%s: none of the %d boxes matches\n", program, len(f))
	default:
		fmt.Fprintf(e.stderr, "%s: the broker knows of no box under %s\n", program, a.base)
	}
	return writeTable(e.stdout, rowsOf(boxes, e.now()))
}

// rowsOf returns the table of boxes with its head.
func rowsOf(boxes []*box, now time.Time) [][]string {
	rows := [][]string{columns}
	for _, b := range boxes {
		rows = append(rows, b.row(now))
	}
	return rows
}

// liveList returns what prints changes.
func (e env) liveList(filters []filter, asJSON bool) observer {
	if file, ok := e.stdout.(*os.File); ok && !asJSON && command.IsTerminal(file) {
		return &liveTable{out: file, filters: filters, now: e.now, size: func() (int, int) {
			width, height, err := term.GetSize(int(file.Fd()))
			if err != nil {
				return 80, 24
			}
			return width, height
		}}
	}
	return &changes{out: e.stdout, filters: filters, now: e.now, asJSON: asJSON, printed: map[string]string{}}
}

// redrawEvery is how often a table without changes is drawn, since it has ages.
const redrawEvery = 10 * time.Second

// A liveTable redraws the table on a terminal, at most once in a tick.
type liveTable struct {
	out     io.Writer
	filters []filter
	now     func() time.Time
	size    func() (width, height int)

	fleet   fleet
	away    bool
	changes bool      // since it was drawn
	drawn   time.Time // when
}

func (t *liveTable) snapshot(f fleet) {
	t.fleet, t.away, t.changes = f, false, true
	t.tick()
}
func (t *liveTable) changed(fleet, *box) { t.changes = true }
func (t *liveTable) lost()               { t.away, t.changes = true, true }

func (t *liveTable) tick() {
	now := t.now()
	if t.fleet == nil || !t.changes && now.Sub(t.drawn) < redrawEvery {
		return
	}
	t.changes, t.drawn = false, now
	width, height := t.size()
	var table bytes.Buffer
	boxes := t.fleet.chosen(t.filters)
	_ = writeTable(&table, rowsOf(boxes, now)) // a buffer takes it
	lines := strings.Split(strings.TrimSuffix(table.String(), "\n"), "\n")
	room := max(height-2, 1)
	more := max(len(lines)-room, 0)
	lines = lines[:len(lines)-more]
	foot := fmt.Sprintf("%d boxes", len(boxes))
	if more > 0 {
		foot += fmt.Sprintf(", %d of them below", more)
	}
	if t.away {
		foot += ", broker not connected"
	}
	var screen strings.Builder
	screen.WriteString("\x1b[H\x1b[2J")
	for _, line := range append(lines, foot) {
		if r := []rune(line); len(r) > width {
			line = string(r[:width])
		}
		screen.WriteString(line + "\n")
	}
	_, _ = io.WriteString(t.out, screen.String())
}

// Changes prints a line for each change.
type changes struct {
	out     io.Writer
	filters []filter
	now     func() time.Time
	asJSON  bool
	printed map[string]string // lines without ages, by box
}

func (c *changes) snapshot(f fleet) {
	for id := range c.printed {
		if f[id] == nil {
			c.gone(id)
		}
	}
	for _, b := range f.chosen(nil) {
		c.changed(f, b)
	}
}

func (c *changes) changed(f fleet, b *box) {
	_, printed := c.printed[b.ID]
	switch {
	case f[b.ID] != nil && matchAll(c.filters, b):
		// A row as of the beginning of time has no ages.
		if row := strings.Join(b.row(time.Time{}), "\t"); !printed || row != c.printed[b.ID] {
			c.printed[b.ID] = row
			c.print(b.row(c.now()), b)
		}
	case printed:
		c.gone(b.ID)
	}
}

// gone prints that a box is not in the list any more.
func (c *changes) gone(id string) {
	delete(c.printed, id)
	c.print([]string{id, "removed"}, struct {
		ID      string `json:"id"`
		Removed bool   `json:"removed"`
	}{id, true})
}

func (c *changes) print(row []string, v any) {
	if c.asJSON {
		writeJSONLine(c.out, v)
		return
	}
	for i, cell := range row {
		if cell == "" {
			row[i] = "-"
		}
	}
	fmt.Fprintln(c.out, c.now().UTC().Format(time.RFC3339)+"  "+strings.Join(row, "  "))
}

func (c *changes) lost() {}
func (c *changes) tick() {}
