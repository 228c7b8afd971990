package remote

import (
	"slices"
	"testing"
	"time"
)

// A key that is held down is followed for as long as it is down, also if it was down
// before anybody looked.
func TestHolding(t *testing.T) {
	const ok, enter, left = 0x160, 28, 105
	down := func(code uint16) event { return event{code: code, value: pressed} }
	again := func(code uint16) event { return event{code: code, value: repeated} }
	up := func(code uint16) event { return event{code: code, value: released} }
	for name, tt := range map[string]struct {
		events []event
		want   []string
	}{
		"pressed":        {[]event{down(ok), again(ok), again(ok), up(ok)}, []string{"ok", ""}},
		"down before":    {[]event{again(ok), again(ok), up(ok)}, []string{"ok", ""}},
		"released only":  {[]event{up(ok)}, nil},
		"another key":    {[]event{down(left), up(left)}, nil},
		"beside another": {[]event{down(ok), down(left), up(left), up(ok)}, []string{"ok", ""}},
		"two of one":     {[]event{down(ok), down(enter), up(enter), up(ok)}, []string{"ok", ""}},
		"events lost":    {[]event{down(ok), {lost: true}, again(ok)}, []string{"ok", "", "ok"}},
		"unplugged":      {[]event{down(ok), {lost: true}}, []string{"ok", ""}},
	} {
		d := decoder{keys: keymap(t), hold: time.Second, held: map[string]string{"ok": "menu"}}
		var got []string
		for _, e := range tt.events {
			if action, changed := d.physical(e); changed {
				got = append(got, action)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
