package paint

import (
	"image"
	"math"
	"testing"

	"pickerd/display/pixel"
)

// plainBackdrop is what the backdrop is, one pixel after the other.
func plainBackdrop(x, y, w, h int) uint32 {
	dx, dy := float64(x)/float64(w)-0.2, float64(y)/float64(h)
	t := min(math.Sqrt(dx*dx+dy*dy)/(1.2*0.6), 1)
	noise := uint32(x)*0x9e3779b1 ^ uint32(y)*0x85ebca77
	noise ^= noise >> 15
	noise *= 0x2c1b3c6d
	noise ^= noise >> 13
	var out uint32
	for shift := 0; shift <= 16; shift += 8 {
		a, b := float64(uint32(centre)>>shift&0xff), float64(uint32(rim)>>shift&0xff)
		v := a + (b-a)*t + float64(noise>>shift&0xff)/256
		out |= uint32(v) << shift
	}
	return out
}

// Each part of the backdrop is the same as in the whole.
func TestBackdrop(t *testing.T) {
	for _, size := range []image.Point{{640, 360}, {36, 64}, {1, 1}} {
		for _, part := range []image.Rectangle{{Max: size}, image.Rect(100, 50, 500, 300), image.Rect(0, 200, 30, 210)} {
			m := pixel.New(size.X, size.Y)
			gradient(m, part)
			for y := range m.H {
				for x, got := range m.Row(y) {
					want := uint32(0)
					if (image.Point{X: x, Y: y}).In(part) {
						want = plainBackdrop(x, y, m.W, m.H)
					}
					if got != want {
						t.Fatalf("%v of %v: %06x at %d,%d, want %06x", part, size, got, x, y, want)
					}
				}
			}
		}
	}
}

func BenchmarkBackdrop(b *testing.B) {
	m := pixel.New(1920, 1080)
	for b.Loop() {
		gradient(m, m.Bounds())
	}
}
