package photo

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"
)

func TestScaledJPEG(t *testing.T) {
	src := image.NewRGBA(image.Rect(0, 0, 400, 200))
	for y := range 200 {
		for x := range 400 {
			src.SetRGBA(x, y, color.RGBA{uint8(x / 2), 100, uint8(y), 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, src); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ w, h, wantW, wantH int }{{100, 100, 100, 50}, {1000, 100, 200, 100}, {4000, 4000, 400, 200}, {1, 1, 1, 1}} {
		data, err := ScaledJPEG(bytes.NewReader(b.Bytes()), int64(b.Len()), tt.w, tt.h)
		if err != nil {
			t.Fatal(err)
		}
		m, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if s := m.Bounds().Size(); s != image.Pt(tt.wantW, tt.wantH) {
			t.Errorf("scaled to fit %d by %d: %v", tt.w, tt.h, s)
		}
		if tt.wantW < 100 {
			continue
		}
		r, g, _, _ := m.At(tt.wantW/2, tt.wantH/2).RGBA()
		if r>>8 < 90 || r>>8 > 110 || g>>8 < 90 || g>>8 > 110 {
			t.Errorf("the middle has red %d and green %d", r>>8, g>>8)
		}
	}
	text := strings.Repeat("not an image ", 10)
	if _, err := ScaledJPEG(strings.NewReader(text), int64(len(text)), 10, 10); !errors.Is(err, ErrFormat) {
		t.Errorf("%v", err)
	}
}
