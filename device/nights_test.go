package device_test

import (
	"slices"
	"testing"

	"pickerd/configs"
	"pickerd/device"
)

// TestNightChoices checks what is offered for the nights, and that every choice of it is
// the value of the configuration as that writes it.
func TestNightChoices(t *testing.T) {
	for value, want := range map[string][]string{
		"":            {"", ""},
		"22:30-06:30": {"22:30-06:30", ""},
		"sun-thu 22:30-06:30, fri-sat 23:30-08:00":              {"22:30-06:30", "23:30-08:00"},
		"sun-thu 22:00-07:00":                                   {"22:00-07:00", "off"},
		"fri-sat 23:00-07:00":                                   {"", "23:00-07:00"},
		"mon-wed 22:00-07:00":                                   {"mon-wed 22:00-07:00"},
		"sun-thu 22:00-07:00, fri 23:00-07:00":                  {"sun-thu 22:00-07:00, fri 23:00-07:00"},
		"mon-fri 22:00-07:00, sat 23:00-08:00, sun 23:00-07:00": {"mon-fri 22:00-07:00, sat 23:00-08:00, sun 23:00-07:00"},
	} {
		list := device.ChoicesOf(map[string]device.Setting{"slideshow.night": {Value: value}})
		var got []string
		for _, c := range list {
			got = append(got, c.Value)
			o := c.Option(c.Value)
			if o == nil || o.Set != value || c.Sets != "slideshow.night" {
				t.Errorf("%q: %s has %q without a way back to it", value, c.Key, c.Value)
			}
			seen := map[any]string{}
			for _, o := range c.Options {
				var n configs.Nights
				text, _ := o.Set.(string)
				err := n.UnmarshalText([]byte(text))
				if written, _ := n.MarshalText(); err != nil || string(written) != text {
					t.Errorf("%q: %s: %q sets %q, which is %q, %v", value, c.Key, o.Value, text, written, err)
				}
				if other, twice := seen[text]; twice {
					t.Errorf("%q: %s: %q and %q set the same", value, c.Key, other, o.Value)
				}
				seen[text] = o.Value
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
}
