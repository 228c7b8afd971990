package device_test

import (
	"testing"

	"pickerd/device"
)

// The collection on the wall is offered where there are any, by its name or ID.
func TestCollectionChoice(t *testing.T) {
	set := func(value string) map[string]device.Setting {
		return map[string]device.Setting{"slideshow.collection": {Value: value}}
	}
	if list := device.ChoicesOf(set("Family")); len(list) != 0 {
		t.Errorf("without collections: %+v", list)
	}
	for value, want := range map[string]string{"": "", "default": "default", "c1": "c1", " fAMILY ": "c1", "gone": ""} {
		list := device.ChoicesOf(set(value), device.Collection{ID: "c1", Name: "Family"})
		if len(list) != 1 || len(list[0].Options) != 3 || list[0].Value != want || list[0].Step(1).Value == want {
			t.Errorf("%q: %+v, want %q of 3", value, list, want)
		}
	}
}
