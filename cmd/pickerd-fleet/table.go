package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// columns are the heads of row.
var columns = []string{"ID", "NAME", "LABELS", "STATE", "SINCE", "VERSION", "PROBLEM", "SESSIONS", "SEEN"}

// row returns the columns of ls.
func (b *box) row(now time.Time) []string {
	s := b.Status
	if s == nil {
		return []string{b.ID, "", "", "", "", "", "", "", b.seen(now)}
	}
	problem := ""
	if s.Problem != nil {
		problem = s.Problem.Code
	}
	since := ""
	if !s.Since.IsZero() {
		since = age(now.Sub(s.Since))
	}
	row := []string{b.ID, s.Name, labels(s.Labels), string(s.State), since, s.Version, problem, b.sessions(now), b.seen(now)}
	for i := range row {
		row[i] = short(row[i])
	}
	return row
}

// labels returns labels as "site=lobby,wing=east".
func labels(all map[string]string) string {
	var list []string
	for _, k := range slices.Sorted(maps.Keys(all)) {
		list = append(list, k+"="+all[k])
	}
	return strings.Join(list, ",")
}

// silentAfter is when a box that is called online has died with its broker, which did not
// notice: every five minutes each tells of its health.
const silentAfter = 15 * time.Minute

// seen says when a box was there last.
func (b *box) seen(now time.Time) string {
	switch {
	case b.Online && !b.LastSeen.IsZero() && now.Sub(b.LastSeen) > silentAfter:
		return "silent for " + age(now.Sub(b.LastSeen))
	case b.Online:
		return "online"
	case b.LastSeen.IsZero():
		return "offline"
	}
	return age(now.Sub(b.LastSeen)) + " ago"
}

// sessions returns the number of picking sessions that are not deleted, and the age of the
// oldest.
func (b *box) sessions(now time.Time) string {
	s := b.Status.Sessions
	n := strconv.Itoa(s.Open + s.PendingDeletion)
	if s.Oldest.IsZero() {
		return n
	}
	return n + " (" + age(now.Sub(s.Oldest)) + ")"
}

// writeTable writes rows in columns.
func writeTable(out io.Writer, rows [][]string) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}

// maxShown bounds a name or a version of a box in characters.
const maxShown = 200

// short is printable for a cell of a table.
func short(s string) string {
	if r := []rune(s); len(r) > maxShown {
		s = string(r[:maxShown-1]) + "…"
	}
	return printable(s)
}

// printable replaces what could move a terminal's cursor or reverse its text in what a box
// says.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) && r != '\u2028' && r != '\u2029' {
			return r
		}
		return '?'
	}, s)
}

// age rounds a time to its largest unit.
func age(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}

// size returns a number of bytes for people.
func size(n int64) string {
	switch {
	case n < 1_000_000:
		return fmt.Sprintf("%d kB", n/1000)
	case n < 1_000_000_000:
		return fmt.Sprintf("%d MB", n/1_000_000)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}

// harmless escapes in JSON what printable replaces in texts.
func harmless(data []byte) []byte {
	var out []byte
	for _, r := range string(data) {
		if r == '\n' || unicode.IsGraphic(r) && r != '\u2028' && r != '\u2029' {
			out = utf8.AppendRune(out, r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			out = fmt.Appendf(out, `\u%04x`, unit)
		}
	}
	return out
}
