package screen

import (
	"testing"
	"time"
)

func TestNightHours(t *testing.T) {
	at := func(hour, minute int) time.Time { return time.Date(2026, 3, 9, hour, minute, 30, 0, time.UTC) }
	over, day := Night{22 * time.Hour, 6 * time.Hour}, Night{13 * time.Hour, 14 * time.Hour}
	for _, tt := range []struct {
		n    Night
		at   time.Time
		want bool
	}{
		{over, at(22, 0), true}, {over, at(21, 59), false}, {over, at(0, 0), true}, {over, at(5, 59), true}, {over, at(6, 0), false},
		{day, at(13, 0), true}, {day, at(14, 0), false}, {day, at(2, 0), false}, {Night{}, at(0, 0), false},
	} {
		if got := tt.n.contains(tt.at); got != tt.want {
			t.Errorf("%v at %v: %v", tt.n, tt.at, got)
		}
	}
}
