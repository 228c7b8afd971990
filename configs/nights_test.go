package configs_test

import (
	"testing"
	"time"

	"pickerd/configs"
)

// TestNights reads nights and writes them again.
func TestNights(t *testing.T) {
	for text, want := range map[string]string{
		"":                    "",
		"22:30-06:30":         "22:30-06:30",
		" 22:30  -  06:30 ":   "22:30-06:30",
		"mon-sun 22:30-06:30": "22:30-06:30",
		"mon-fri 22:30-06:30, sat,sun 23:00-8:00": "mon-fri 22:30-06:30, sat-sun 23:00-08:00",
		"Sat-Wed 22:30-06:30":                     "sat-wed 22:30-06:30",
		"fri,sat 23:30-08:00 sun-thu 22:30-06:30": "sun-thu 22:30-06:30, fri-sat 23:30-08:00",
		"22:30-06:30, fri-sat 23:30-08:00":        "sun-thu 22:30-06:30, fri-sat 23:30-08:00",
		"mon,wed,fri 00:00-08:00":                 "mon,wed,fri 00:00-08:00",
		"sun,wed 01:00-02:00":                     "wed,sun 01:00-02:00",
		"sun 01:00-02:00":                         "sun 01:00-02:00",
	} {
		var n configs.Nights
		if err := n.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got, _ := n.MarshalText(); string(got) != want {
			t.Errorf("%q is written %q, want %q", text, got, want)
		}
	}
	var n configs.Nights
	if err := n.UnmarshalText([]byte("fri-sat 23:30-08:00")); err != nil {
		t.Fatal(err)
	}
	late := configs.Hours{23*time.Hour + 30*time.Minute, 8 * time.Hour}
	if want := (configs.Nights{time.Friday: late, time.Saturday: late}); n != want {
		t.Errorf("%v, want %v", n, want)
	}
	for _, text := range []string{"mon", "mon-fri", "22:30", "22:30-06:30 mon", "22:30-06:30 21:00-07:00", "mon 22:30-06:30, 21:00-07:00",
		"mon-fri 22:30-06:30, fri 21:00-07:00", "mon,mon 22:30-06:30", "mo 22:30-06:30", "mon-xyz 22:30-06:30", "mon 24:00-06:00"} {
		if err := n.UnmarshalText([]byte(text)); err == nil {
			got, _ := n.MarshalText()
			t.Errorf("%q is read as %q", text, got)
		}
	}
}

// FuzzNights checks that what is read is written so that it is read as the same.
func FuzzNights(f *testing.F) {
	f.Add("22:30-06:30, fri,sat 23:30-08:00")
	f.Add("sat-wed 1:00-2:00")
	f.Fuzz(func(t *testing.T, text string) {
		var n, again configs.Nights
		if n.UnmarshalText([]byte(text)) != nil {
			return
		}
		written, err := n.MarshalText()
		if err == nil {
			err = again.UnmarshalText(written)
		}
		if err != nil || n != again {
			t.Errorf("%q: %v is written %q: %v, %v", text, n, written, again, err)
		}
	})
}
