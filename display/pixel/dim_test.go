package pixel_test

import (
	"image"
	"math/rand/v2"
	"testing"

	"pickerd/display/pixel"
)

// TestDim checks that pixels are mixed as one by one, and no others.
func TestDim(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		m := pixel.New(1+random.IntN(9), 3)
		for i := range m.Pix {
			m.Pix[i] = random.Uint32() & 0xffffff
		}
		want := pixel.New(m.W, m.H)
		want.Copy(m, image.Point{})
		r := image.Rect(random.IntN(4), 1, random.IntN(12), 2).Intersect(m.Bounds())
		c, alpha := random.Uint32()&0xffffff, random.Uint32N(257)
		for x := r.Min.X; x < r.Max.X; x++ {
			want.Row(1)[x] = pixel.Mix(want.Row(1)[x], c, alpha)
		}
		m.Dim(r, c, alpha)
		for i, p := range m.Pix {
			if p != want.Pix[i] {
				t.Fatalf("%d by %d, %v with %06x by %d: pixel %d is %06x, want %06x", m.W, m.H, r, c, alpha, i, p, want.Pix[i])
			}
		}
	}
}
