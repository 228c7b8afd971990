package display_test

import (
	"strings"
	"testing"

	"pickerd/display"
)

// FuzzWaitCode checks that what is taken for a code is one.
func FuzzWaitCode(f *testing.F) {
	for _, s := range []string{"BCDF", "bc-df", "B C D F", "BCDA", "", "BCDFG", "ſcdf"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code := display.WaitCode(typed)
		if code != "" && (len(code) != 4 || strings.Trim(code, "BCDFGHJKLMNPQRSTVWXZ") != "") {
			t.Errorf("%q is taken for the code %q", typed, code)
		}
	})
}
