package screen

import (
	"testing"
	"time"
)

// TestNightHours checks which times are at night, also where clocks change.
func TestNightHours(t *testing.T) {
	every := func(n Night) Nights { return Nights{n, n, n, n, n, n, n} }
	over, day := every(Night{22 * time.Hour, 6 * time.Hour}), every(Night{13 * time.Hour, 14 * time.Hour})
	late := Nights{time.Friday: {23*time.Hour + 30*time.Minute, 8 * time.Hour}, time.Saturday: {time.Hour, 9 * time.Hour}}
	early := every(Night{time.Hour + 30*time.Minute, 2*time.Hour + 15*time.Minute})
	midnight := every(Night{0, 5 * time.Hour})
	for _, tt := range []struct {
		zone     string
		n        Nights
		from, to string // in UTC, with the weekday for the reader
	}{
		{"UTC", over, "2026-03-09 Mon 22:00", "2026-03-10 Tue 06:00"},
		{"UTC", day, "2026-03-09 Mon 13:00", "2026-03-09 Mon 14:00"},
		{"UTC", late, "2026-03-13 Fri 23:30", "2026-03-14 Sat 09:00"}, // that of Saturday begins before the other has ended
		{"Asia/Kolkata", over, "2026-03-09 Mon 16:30", "2026-03-10 Tue 00:30"},
		{"Europe/Berlin", over, "2026-03-28 Sat 21:00", "2026-03-29 Sun 04:00"},    // an hour less
		{"Europe/Berlin", over, "2026-10-24 Sat 20:00", "2026-10-25 Sun 05:00"},    // an hour more
		{"Europe/Berlin", early, "2026-10-24 Sat 23:30", "2026-10-25 Sun 01:15"},   // 02:00 comes twice
		{"Africa/Cairo", midnight, "2026-04-23 Thu 22:00", "2026-04-24 Fri 02:00"}, // midnight does not come
		{"Australia/Lord_Howe", over, "2026-04-04 Sat 11:00", "2026-04-04 Sat 19:30"},
	} {
		zone, err := time.LoadLocation(tt.zone)
		if err != nil {
			t.Fatal(err)
		}
		parse := func(text string) time.Time {
			at, err := time.Parse("2006-01-02 Mon 15:04", text)
			if err != nil {
				t.Fatal(err)
			}
			return at.In(zone)
		}
		from, to := parse(tt.from), parse(tt.to)
		for at := from.Add(-3 * time.Hour); at.Before(to.Add(3 * time.Hour)); at = at.Add(time.Minute) {
			if got, want := tt.n.contain(at), !at.Before(from) && at.Before(to); got != want {
				t.Errorf("%s: %v is at night: %v", tt.zone, at, got)
				break
			}
		}
	}
	if n := new(Nights); n.contain(time.Unix(0, 0)) {
		t.Error("without a night it is night")
	}
}
