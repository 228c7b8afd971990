package configs

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Duration is written as in Go, and may begin with days of 24 hours: "10s", "1h30m",
// "30d", "1d12h".
type Duration time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := parseDuration(string(b))
	if err != nil {
		return fmt.Errorf("%q is not a duration such as \"10s\", \"1h30m\" or \"30d\"", b)
	}
	*d = Duration(v)
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) {
	const day = 24 * time.Hour
	t := time.Duration(d)
	if t > 0 && t%day == 0 {
		return fmt.Appendf(nil, "%dd", t/day), nil
	}
	text := t.String()
	for _, zero := range []string{"m0s", "h0m"} { // 1h0m0s
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return []byte(text), nil
}

func parseDuration(s string) (time.Duration, error) {
	days, rest, ok := strings.Cut(s, "d")
	if !ok {
		return time.ParseDuration(s)
	}
	n, err := strconv.ParseUint(days, 10, 16) // 65535 days are 179 years; a Duration has room for 292
	if err != nil || rest == "" {
		return time.Duration(n) * 24 * time.Hour, err
	}
	more, err := time.ParseDuration(rest)
	if err != nil || more < 0 || more > 24*time.Hour {
		return 0, fmt.Errorf("%q does not follow days", rest)
	}
	return time.Duration(n)*24*time.Hour + more, nil
}

// An Age is a Duration, or "never", which is 0.
type Age time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *Age) UnmarshalText(b []byte) error {
	if string(b) == "never" {
		*a = 0
		return nil
	}
	d, err := parseDuration(string(b))
	if err != nil || d <= 0 {
		return fmt.Errorf("%q is neither \"never\" nor an age such as \"30d\" or \"12h\"", b)
	}
	*a = Age(d)
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (a Age) MarshalText() ([]byte, error) {
	if a == 0 {
		return []byte("never"), nil
	}
	return Duration(a).MarshalText()
}

// A Size is a number of bytes, written "500MB", "8GB" or "512KiB".
type Size int64

var units = []struct {
	name  string
	bytes float64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1},
}

// String returns the size in kB, MB or GB.
func (s Size) String() string {
	switch {
	case s >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(s)/1e9)
	case s >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(s)/1e6)
	}
	return fmt.Sprintf("%.0f kB", float64(s)/1e3)
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Size) UnmarshalText(b []byte) error {
	text := strings.TrimSpace(string(b))
	for _, u := range units {
		n, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		f, err := strconv.ParseFloat(strings.TrimSpace(n), 64)
		if err != nil || !(f >= 0) || f*u.bytes > math.MaxInt64/2 {
			break
		}
		*s = Size(f * u.bytes)
		return nil
	}
	return fmt.Errorf("%q is not a size such as \"500MB\" or \"8GB\"", b)
}

// MarshalText implements encoding.TextMarshaler. It is exact.
func (s Size) MarshalText() ([]byte, error) {
	for _, u := range slices.Backward(units) {
		if u.name != "KB" && s > 0 && float64(s) >= u.bytes && int64(s)%int64(u.bytes) == 0 && u.bytes > 1 {
			return fmt.Appendf(nil, "%d%s", int64(s)/int64(u.bytes), u.name), nil
		}
	}
	return fmt.Appendf(nil, "%dB", int64(s)), nil
}

// A Percent is a percentage, written "5%".
type Percent float64

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Percent) UnmarshalText(b []byte) error {
	n, ok := strings.CutSuffix(string(b), "%")
	f, err := strconv.ParseFloat(n, 64)
	if !ok || err != nil || !(f >= 0 && f <= 100) {
		return fmt.Errorf("%q is not a percentage such as \"5%%\"", b)
	}
	*p = Percent(f)
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (p Percent) MarshalText() ([]byte, error) {
	return append(strconv.AppendFloat(nil, float64(p), 'f', -1, 64), '%'), nil
}

// Hours are a range of the day, from one time to another, written "22:30-06:30".
// Both are durations since midnight. The zero value means never.
type Hours [2]time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (h *Hours) UnmarshalText(b []byte) error {
	*h = Hours{}
	if len(b) == 0 {
		return nil
	}
	from, to, ok := strings.Cut(string(b), "-")
	for i, text := range []string{from, to} {
		t, err := time.Parse("15:04", strings.TrimSpace(text))
		if err != nil || !ok {
			return fmt.Errorf("%q is not hours such as \"22:30-06:30\"", b)
		}
		h[i] = time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
	}
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (h Hours) MarshalText() ([]byte, error) {
	if h == (Hours{}) {
		return nil, nil
	}
	clock := func(d time.Duration) string { return fmt.Sprintf("%02d:%02d", int(d.Hours()), int(d.Minutes())%60) }
	return []byte(clock(h[0]) + "-" + clock(h[1])), nil
}

// plain returns a value as JSON and TOML know it: a value that is written as text is
// that text.
func plain(v any) any {
	if m, ok := v.(encoding.TextMarshaler); ok {
		if text, err := m.MarshalText(); err == nil {
			return string(text)
		}
	}
	if r := reflect.ValueOf(v); r.Kind() == reflect.String {
		return r.String()
	}
	return v
}

// A Clock is a way to show the time of day.
type Clock string

// The clocks.
const (
	NoClock Clock = "off"
	Clock12 Clock = "12"
	Clock24 Clock = "24"
)

// UnmarshalText implements encoding.TextUnmarshaler. Before there was a choice, a file
// said true or false. Other values are checked with the whole configuration.
func (c *Clock) UnmarshalText(b []byte) error {
	switch string(b) {
	case "true":
		*c = Clock24
	case "false":
		*c = NoClock
	default:
		*c = Clock(b)
	}
	return nil
}

// A Date says when the date is shown.
type Date string

// The values of slideshow.date.
const (
	NoDate     Date = "off"
	ClockDate  Date = "clock" // beside the clock
	AlwaysDate Date = "always"
)

// UnmarshalText implements encoding.TextUnmarshaler. Before there was a choice, a file
// said true or false. Other values are checked with the whole configuration.
func (d *Date) UnmarshalText(b []byte) error {
	switch string(b) {
	case "true":
		*d = ClockDate
	case "false":
		*d = NoDate
	default:
		*d = Date(b)
	}
	return nil
}

// Zone returns the box's time zone. Its error says that there is none of the name.
func (c *Config) Zone() (*time.Location, error) {
	if c.TimeZone == "" {
		return time.Local, nil
	}
	zone, err := time.LoadLocation(c.TimeZone)
	if err != nil || zone == time.Local {
		return nil, fmt.Errorf("%q is not a time zone of this machine, such as \"Europe/Berlin\"; the package tzdata has them all", c.TimeZone)
	}
	return zone, nil
}
