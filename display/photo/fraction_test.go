package photo_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"runtime"
	"testing"

	"pickerd/display/photo"
)

// TestFractions checks that no more of a JPEG is decoded than a screen needs, and
// that a photo has its own size nevertheless.
func TestFractions(t *testing.T) {
	const w, h = 1500, 2000
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, w, h)), nil); err != nil {
		t.Fatal(err)
	}
	plain := b.Bytes()
	turned := append([]byte("\xff\xd8\xff\xe1\x00\x22Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"), plain[2:]...)
	for name, tt := range map[string]struct {
		data  []byte
		limit photo.Limit
		part  int
	}{
		"own size":         {plain, photo.Limit{}, 1},
		"larger screen":    {plain, photo.Limit{W: 3840, H: 2160}, 1},
		"screen":           {plain, photo.Limit{W: 480, H: 270}, 4},
		"filled":           {plain, photo.Limit{W: 480, H: 270, Fill: true}, 2},
		"turned":           {turned, photo.Limit{W: 480, H: 270}, 4},
		"turned screen":    {turned, photo.Limit{W: 270, H: 480}, 4},
		"turned, filled":   {turned, photo.Limit{W: 270, H: 480, Fill: true}, 2},
		"tiny":             {plain, photo.Limit{W: 10, H: 10}, 8},
		"as large as half": {plain, photo.Limit{W: 750, H: 1000}, 2},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		p, err := photo.Decode(t.Context(), bytes.NewReader(tt.data), int64(len(tt.data)), tt.limit)
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Fatal(name, err)
		}
		if size := image.Pt(p.W, p.H); size != image.Pt(w, h) && size != image.Pt(h, w) {
			t.Errorf("%s: %v", name, size)
		}
		pixels := w * h / tt.part / tt.part
		if took := int(after.TotalAlloc - before.TotalAlloc); took < pixels || took > pixels*5/4+150e3 {
			t.Errorf("%s: %d bytes allocated for %d pixels", name, took, pixels)
		}
	}
}
