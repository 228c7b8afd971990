package configs

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Nights are the hours of the night that begins on each day of the week, from Sunday.
// They are written "22:30-06:30" for all days, or with days before the hours:
// "sun-thu 22:30-06:30, fri,sat 23:30-08:00". Hours without days come first, and are
// those of the days that the text does not name.
type Nights [7]Hours

// dayOf returns the day that a text names by its first three letters.
func dayOf(text string) (time.Weekday, bool) {
	for d := range time.Saturday + 1 {
		if strings.EqualFold(text, dayName(d)) {
			return d, true
		}
	}
	return 0, false
}

func dayName(d time.Weekday) string { return strings.ToLower(d.String()[:3]) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (n *Nights) UnmarshalText(b []byte) error {
	*n = Nights{}
	var named, days [7]bool // with hours, and waiting for them
	text := string(b)
	for _, spaced := range []string{" -", "- "} {
		for strings.Contains(text, spaced) {
			text = strings.ReplaceAll(text, spaced, "-")
		}
	}
	for i, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' }) {
		first, last, isRange := strings.Cut(word, "-")
		from, ok := dayOf(first)
		to := from
		if isRange && ok {
			to, ok = dayOf(last)
		}
		if ok {
			for d := from; ; d = (d + 1) % 7 {
				if named[d] || days[d] {
					return fmt.Errorf("%q names %s twice", b, dayName(d))
				}
				if days[d] = true; d == to {
					break
				}
			}
			continue
		}
		var h Hours
		if h.UnmarshalText([]byte(word)) != nil || days == [7]bool{} && i > 0 {
			return fmt.Errorf("%q is not hours such as \"22:30-06:30\" or \"sun-thu 22:30-06:30, fri,sat 23:30-08:00\"", b)
		}
		for d := range n {
			if i == 0 || days[d] {
				n[d], named[d] = h, i > 0
			}
		}
		days = [7]bool{}
	}
	if days != [7]bool{} {
		return fmt.Errorf("%q has days without hours", b)
	}
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (n Nights) MarshalText() ([]byte, error) {
	var parts []string
	var done []Hours
	for i := range n {
		h := n[(i+1)%7] // from Monday
		if h == (Hours{}) || slices.Contains(done, h) {
			continue
		}
		done = append(done, h)
		text, _ := h.MarshalText() // it has no error
		if days := n.days(h); days != "" {
			text = []byte(days + " " + string(text))
		}
		parts = append(parts, string(text))
	}
	return []byte(strings.Join(parts, ", ")), nil
}

// days names the days of some hours, "" if these are all.
func (n Nights) days(h Hours) string {
	var runs []string
	for i := range n {
		from := (i + 1) % 7
		if n[from] != h || n[(from+6)%7] == h {
			continue // in no run, or not its first day
		}
		run, to := dayName(time.Weekday(from)), from
		for n[(to+1)%7] == h {
			to = (to + 1) % 7
		}
		if to != from {
			run += "-" + dayName(time.Weekday(to))
		}
		runs = append(runs, run)
	}
	return strings.Join(runs, ",")
}
