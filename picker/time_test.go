package picker_test

import (
	"encoding/json"
	"testing"

	"pickerd/picker"
)

// A time of a server is one that can be written as JSON again, in UTC, or none.
func TestTime(t *testing.T) {
	for text, year := range map[string]int{
		`"2026-11-28T12:00:00Z"`:      2026,
		`"9999-12-31T23:59:59Z"`:      9999,
		`"9999-12-31T23:59:59-12:00"`: 1, // the zero time
		`"10000-01-01T00:00:00Z"`:     1,
		`"soon"`:                      1,
		`7`:                           1,
	} {
		var got picker.Time
		if err := json.Unmarshal([]byte(text), &got); err != nil || got.UTC().Year() != year {
			t.Errorf("%s: %v, %v", text, got, err)
		}
		if _, err := json.Marshal(got.UTC()); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}
