package framebuffer

import (
	"image"
	"reflect"
	"testing"
)

// TestStale checks that what the frames of a film replace is not written before.
func TestStale(t *testing.T) {
	film, clock, edge := image.Rect(0, 40, 640, 320), image.Rect(500, 50, 600, 80), image.Rect(600, 300, 640, 340)
	for name, tt := range map[string]struct{ stale, parts, want []image.Rectangle }{
		"a film":         {[]image.Rectangle{film}, []image.Rectangle{film}, []image.Rectangle{}},
		"words in it":    {[]image.Rectangle{clock, film}, []image.Rectangle{film}, []image.Rectangle{}},
		"words over it":  {[]image.Rectangle{edge, clock}, []image.Rectangle{film}, []image.Rectangle{edge}},
		"only words":     {[]image.Rectangle{film}, []image.Rectangle{clock}, []image.Rectangle{film}},
		"nothing is new": {[]image.Rectangle{film}, nil, []image.Rectangle{film}},
	} {
		if got := without(tt.stale, tt.parts); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}
