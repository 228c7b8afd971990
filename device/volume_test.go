package device_test

import (
	"testing"

	"pickerd/device"
	"pickerd/display/words"
)

// TestVolumeChoice checks the steps of the volume: nothing leads from silence to the full
// volume, and a volume between two steps has its place.
func TestVolumeChoice(t *testing.T) {
	english := words.English()
	for name, tt := range map[string]struct {
		value any
		by    int
		want  string
		label string
	}{
		"louder":             {30, 1, "40", "40%"},
		"quieter":            {30, -1, "20", "20%"},
		"to silence":         {10, -1, "0", "Off"},
		"quieter than that":  {0, -1, "0", "Off"},
		"beyond the loudest": {100, 1, "0", "Off"},
		"not a step":         {int64(35), 1, "40", "40%"},
		"back from there":    {float64(35), -1, "30", "30%"},
	} {
		list := device.ChoicesOf(map[string]device.Setting{"slideshow.volume": {Value: tt.value}})
		if o := list[0].Step(tt.by); o.Value != tt.want || o.Label.In(english) != tt.label {
			t.Errorf("%s: %s (%s), want %s (%s)", name, o.Value, o.Label.In(english), tt.want, tt.label)
		}
	}
}
