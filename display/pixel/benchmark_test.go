package pixel

import (
	"fmt"
	"image"
	"testing"
	"time"
)

var sizes = []image.Point{{1920, 1080}, {3840, 2160}}

// besideCopy measures f in turns with a copy of a picture of 32 bits, of the same
// size. It reports the best time of each, so that other load counts little.
func besideCopy(b *testing.B, size image.Point, f func()) {
	src, dst := noise(size.X, size.Y), New(size.X, size.Y)
	best := [2]time.Duration{time.Hour, time.Hour}
	for b.Loop() {
		for i, do := range []func(){func() { copy(dst.Pix, src.Pix) }, f} {
			start := time.Now()
			do()
			best[i] = min(best[i], time.Since(start))
		}
	}
	b.ReportMetric(best[1].Seconds()/best[0].Seconds(), "×copy")
	b.ReportMetric(1/best[1].Seconds(), "pictures/s")
}

func BenchmarkPush(b *testing.B) {
	for _, size := range sizes {
		for _, name := range []string{"32 bit", "24 bit", "24 bit, red first", "565", "555"} {
			f, m := formats[name], noise(size.X, size.Y)
			dst := make([]byte, f.Bytes(size.X)*size.Y)
			b.Run(fmt.Sprintf("%s/%d", name, size.Y), func(b *testing.B) {
				besideCopy(b, size, func() {
					for y := range size.Y {
						f.Encode(dst[y*f.Bytes(size.X):(y+1)*f.Bytes(size.X)], m.Row(y), y)
					}
				})
			})
		}
	}
}

func BenchmarkBlend(b *testing.B) {
	for _, size := range sizes {
		x, y, dst := noise(size.X, size.Y), noise(size.X, size.Y), New(size.X, size.Y)
		b.Run(fmt.Sprint(size.Y), func(b *testing.B) {
			besideCopy(b, size, func() {
				for row := range size.Y {
					Blend(dst.Row(row), x.Row(row), y.Row(row), 100)
				}
			})
		})
	}
}

func BenchmarkTurn(b *testing.B) {
	src, dst := noise(1920, 1080), New(1080, 1920)
	besideCopy(b, sizes[0], func() { Rotate(dst, src, 90) })
}

func BenchmarkZoom(b *testing.B) {
	src, dst := noise(1920, 1080), New(1920, 1080)
	for name, at := range map[string][2]float64{"middle": {0.5, 0.5}, "pan": {1, 0}} {
		b.Run(name, func(b *testing.B) {
			besideCopy(b, sizes[0], func() { Zoom(dst, src, 1.03, at[0], at[1]) })
		})
	}
}
