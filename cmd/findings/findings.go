// Package findings has the reports of the doctor commands: the outcome of each check
// and what to do about it.
package findings

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// A Result is the result of a check.
type Result string

// Results, from best to worst. Skip means that the check could not be made.
const (
	OK   Result = "ok"
	Skip Result = "skip"
	Warn Result = "warn"
	Fail Result = "fail"
)

// A Finding is the outcome of one check.
type Finding struct {
	Check  string `json:"check"`
	Result Result `json:"result"`
	Detail string `json:"detail"`
	Remedy string `json:"remedy,omitempty"`
}

// A Report has all findings. Causes come before what depends on them.
type Report struct {
	Name     string    `json:"name,omitempty"` // of what was examined
	Version  string    `json:"version"`
	At       time.Time `json:"at"`
	OK       bool      `json:"ok"` // no check failed
	Findings []Finding `json:"findings"`
}

// New returns the report of the findings made until now.
func New(name, version string, all []Finding) *Report {
	r := &Report{Name: name, Version: version, At: time.Now().UTC(), OK: true, Findings: all}
	for _, f := range all {
		r.OK = r.OK && f.Result != Fail
	}
	return r
}

// Print writes a report for people.
func (r *Report) Print(w io.Writer) {
	count := map[Result]int{}
	for _, f := range r.Findings {
		count[f.Result]++
		mark := map[Result]string{OK: "ok  ", Skip: "-   ", Warn: "warn", Fail: "FAIL"}[f.Result]
		fmt.Fprintf(w, "%s  %-13s  %s\n", mark, f.Check, indent(f.Detail))
		if f.Remedy != "" {
			fmt.Fprintf(w, "      %13s  → %s\n", "", indent(f.Remedy))
		}
	}
	fmt.Fprintf(w, "\n%d findings: %d ok, %d skipped, %d warnings, %d failed.\n", len(r.Findings), count[OK], count[Skip], count[Warn], count[Fail])
}

func indent(s string) string {
	return strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n"+strings.Repeat(" ", 21))
}

// PrintJSON writes a report for programs.
func (r *Report) PrintJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(r)
}

// Bounds of the difference between a clock and a server's.
const (
	maxClockOK     = 30 * time.Second
	maxClockUsable = 5 * time.Minute // beyond it certificates and tokens fail
)

// Clock judges how far a clock is ahead of a server's. whose is "The box's".
func Clock(whose string, off time.Duration) (Result, string) {
	exact := time.Second
	if off.Abs() > maxClockUsable {
		exact = time.Minute
	}
	words := fmt.Sprintf("%s clock is %s %s the server's.", whose, off.Abs().Round(exact), map[bool]string{true: "ahead of", false: "behind"}[off > 0])
	switch {
	case off.Abs() > maxClockUsable:
		return Fail, words
	case off.Abs() > maxClockOK:
		return Warn, words
	}
	return OK, fmt.Sprintf("%s clock agrees with the server's.", whose)
}
