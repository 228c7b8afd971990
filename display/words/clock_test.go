package words_test

import (
	"testing"
	"time"

	"pickerd/display/words"
)

// TestClock checks the time of day in both ways of counting hours.
func TestClock(t *testing.T) {
	at := func(hour, minute int) time.Time { return time.Date(2026, 11, 28, hour, minute, 59, 0, time.UTC) }
	for _, tt := range []struct {
		code        string
		time        time.Time
		want24, w12 string
	}{
		{"en", at(0, 0), "00:00", "12:00 AM"},
		{"en", at(11, 59), "11:59", "11:59 AM"},
		{"en", at(12, 5), "12:05", "12:05 PM"},
		{"de", at(15, 4), "15:04", "3:04 PM"},
		{"es", at(15, 4), "15:04", "3:04 p.\u00a0m."},
		{"ar", at(3, 4), "03:04", "3:04 ص"},
		{"bn", at(15, 4), "১৫:০৪", "৩:০৪ PM"},
		{"ja", at(15, 4), "15:04", "午後3:04"},
	} {
		w, err := words.For(tt.code)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.Clock(tt.time); got != tt.want24 {
			t.Errorf("%s: %q, want %q", tt.code, got, tt.want24)
		}
		if got := w.Clock12(tt.time); got != tt.w12 {
			t.Errorf("%s: %q, want %q", tt.code, got, tt.w12)
		}
	}
	for _, code := range words.Languages() {
		w, err := words.For(code)
		if err != nil {
			t.Fatal(err)
		}
		if am, pm := w.Clock12(at(3, 4)), w.Clock12(at(15, 4)); am == "" || am == pm {
			t.Errorf("%s: %q in the morning, %q in the afternoon", code, am, pm)
		}
	}
}
