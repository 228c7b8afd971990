package raster_test

import (
	"bytes"
	"image"
	"image/color/palette"
	"image/gif"
	"image/png"
	"testing"

	"pickerd/display/photo/raster"
)

// BenchmarkPNG compares with image/png.
func BenchmarkPNG(b *testing.B) {
	m := image.NewRGBA(image.Rect(0, 0, 2000, 1500))
	for i := range m.Pix {
		m.Pix[i] = uint8(i/4000 + i%7*3 ^ i>>9)
		if i%4 == 3 {
			m.Pix[i] = 255
		}
	}
	var file bytes.Buffer
	if err := png.Encode(&file, m); err != nil {
		b.Fatal(err)
	}
	b.Run("image/png", func(b *testing.B) {
		for b.Loop() {
			if _, err := png.Decode(bytes.NewReader(file.Bytes())); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("raster", func(b *testing.B) {
		for b.Loop() {
			if _, err := still(file.Bytes(), 100<<20); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkGIF compares with image/gif.
func BenchmarkGIF(b *testing.B) {
	data := encodeGIF(b, image.Pt(800, 600), noise(image.Rect(0, 0, 800, 600), palette.Plan9, 256))
	b.Run("image/gif", func(b *testing.B) {
		for b.Loop() {
			if _, err := gif.DecodeAll(bytes.NewReader(data)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("raster", func(b *testing.B) {
		for b.Loop() {
			g, err := raster.OpenGIF(bytes.NewReader(data))
			if err != nil {
				b.Fatal(err)
			}
			if _, err := g.Next(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
