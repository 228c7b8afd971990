package photo_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"testing"

	"pickerd/display/photo"
)

// TestLimit checks that decoding for a picture of any size may take what it may at
// least, and with the picture no more than there is.
func TestLimit(t *testing.T) {
	for _, l := range []photo.Limit{{}, {W: 1}, {W: 320, H: 240}, {W: 1920, H: 1080}, {W: 3840, H: 2160}, {W: 2560, H: 8192}, {W: 2747, H: 8192}, {W: 8192, H: 8192}, {W: 1 << 30, H: 1 << 30}} {
		if got := l.Bytes(); got <= 57e6 || got > 180e6 {
			t.Errorf("%d by %d: %d bytes", l.W, l.H, got)
		}
	}
}

// TestTallLimit decodes 12 MP for a copy of which only the width was asked.
func TestTallLimit(t *testing.T) {
	const w, h = 4000, 3000
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio444), nil); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"JPEG": b.Bytes(), "PNG": tornPNG(w, h, 8, 2, 0, 3)} {
		for _, width := range []int{2560, 2747} {
			var p *photo.Photo
			var err error
			used := allocated(func() {
				p, err = photo.Decode(t.Context(), bytes.NewReader(data), int64(len(data)), photo.Limit{W: width, H: 8192})
			})
			if err != nil || p.W != w || used < w*h*3/2 {
				t.Errorf("%s for %d columns: %+v, %v, %d MB", name, width, p, err, used/1e6)
			}
		}
	}
}
