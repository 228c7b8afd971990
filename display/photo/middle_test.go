package photo

import (
	"image"
	"testing"
)

// The middle has the proportions asked for, also of a picture whose size times that of a
// screen needs more than 32 bits.
func TestMiddle(t *testing.T) {
	for _, tt := range []struct{ in, screen, want image.Point }{
		{image.Pt(400, 300), image.Pt(16, 9), image.Pt(400, 225)},
		{image.Pt(300, 400), image.Pt(3, 2), image.Pt(300, 200)},
		{image.Pt(1e6, 60), image.Pt(3840, 2160), image.Pt(106, 60)},
		{image.Pt(60, 1e6), image.Pt(2160, 3840), image.Pt(60, 106)},
		{image.Pt(1e6, 1), image.Pt(1, 2160), image.Pt(1, 1)},
	} {
		if got := middle(image.Rectangle{Max: tt.in}, tt.screen.X, tt.screen.Y).Size(); got != tt.want {
			t.Errorf("%v for %v: %v, want %v", tt.in, tt.screen, got, tt.want)
		}
	}
}
