package photo

import (
	"bytes"
	"image"
	"image/jpeg"
	"runtime"
	"testing"
)

// twelveMegapixels returns a JPEG with the detail and noise of a photo, in 3 MB.
func twelveMegapixels(b *testing.B) []byte {
	m := image.NewYCbCr(image.Rect(0, 0, 4000, 3000), image.YCbCrSubsampleRatio420)
	noise := uint32(1)
	for i := range m.Y {
		noise = noise*1664525 + 1013904223
		x, y := i%4000, i/4000
		m.Y[i] = uint8(60 + x/40 + y/60 + 24*(x/97+y/61)%48 + int(noise>>29))
	}
	for i := range m.Cb {
		x, y := i%2000, i/2000
		m.Cb[i], m.Cr[i] = uint8(90+x/40), uint8(100+y/30)
	}
	return encodeJPEG(b, m)
}

// Decoding and fitting a photo of 12 MP, with the memory that it takes in all, beside
// decoding it with the standard library alone.
func BenchmarkTwelveMegapixels(b *testing.B) {
	data := twelveMegapixels(b)
	measure := func(name string, work func(b *testing.B)) {
		b.Run(name, func(b *testing.B) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			for b.Loop() {
				work(b)
			}
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(b.N)/1e6, "MB/op")
		})
	}
	measure("standard library", func(b *testing.B) {
		if _, err := jpeg.Decode(bytes.NewReader(data)); err != nil {
			b.Fatal(err)
		}
	})
	for _, size := range []image.Point{{1920, 1080}, {3840, 2160}} {
		measure(size.String(), func(b *testing.B) {
			p, err := Decode(b.Context(), bytes.NewReader(data), int64(len(data)), Limit{W: size.X, H: size.Y})
			if err != nil {
				b.Fatal(err)
			}
			Compose(size.X, size.Y, []*Photo{p}, Layout{})
		})
		measure("copy of "+size.String(), func(b *testing.B) {
			if _, err := ScaledJPEG(b.Context(), bytes.NewReader(data), int64(len(data)), size.X, size.Y); err != nil {
				b.Fatal(err)
			}
		})
	}
}
