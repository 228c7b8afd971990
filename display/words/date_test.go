package words

import (
	"strings"
	"testing"
	"time"
)

// TestDate checks each format of dates in each language.
func TestDate(t *testing.T) {
	at := time.Date(2026, time.November, 29, 23, 5, 0, 0, time.UTC)
	want := map[string][4]string{
		"en":      {"Sunday 29 November", "29 November 2026", "Sunday 29 November 2026", "2026-11-29"},
		"de":      {"Sonntag, 29. November", "29. November 2026", "Sonntag, 29. November 2026", "2026-11-29"},
		"es":      {"domingo, 29 de noviembre", "29 de noviembre de 2026", "domingo, 29 de noviembre de 2026", "2026-11-29"},
		"fr":      {"dimanche 29 novembre", "29 novembre 2026", "dimanche 29 novembre 2026", "2026-11-29"},
		"ja":      {"11月29日（日曜日）", "2026年11月29日", "2026年11月29日（日曜日）", "2026-11-29"},
		"zh-Hans": {"11月29日 星期日", "2026年11月29日", "2026年11月29日 星期日", "2026-11-29"},
		"ar":      {"الأحد، 29 نوفمبر", "29 نوفمبر 2026", "الأحد، 29 نوفمبر 2026", "2026-11-29"},
		"hi":      {"रविवार, 29 नवंबर", "29 नवंबर 2026", "रविवार, 29 नवंबर 2026", "2026-11-29"},
		"bn":      {"রবিবার, ২৯ নভেম্বর", "২৯ নভেম্বর, ২০২৬", "রবিবার, ২৯ নভেম্বর, ২০২৬", "২০২৬-১১-২৯"},
	}
	for _, code := range Languages() {
		w, err := For(code)
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range []DateFormat{WeekdayDate, LongDate, FullDate, ISODate} {
			got := strings.NewReplacer("\u2068", "", "\u2069", "").Replace(w.Date(f, at))
			if got != want[code][i] {
				t.Errorf("%s, %s: %q, want %q", code, f, got, want[code][i])
			}
		}
		if w.Date("", at) != w.Date(WeekdayDate, at) {
			t.Errorf("%s: the zero format is another one", code)
		}
	}
}
