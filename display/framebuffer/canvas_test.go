package framebuffer

import (
	"image"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"pickerd/display/pixel"
	"pickerd/display/qr"
)

// A QR code can be read from the bytes of every format, with rows longer than the
// picture.
func TestCodeInEveryFormat(t *testing.T) {
	const text = "https://www.google.com/device?user_code=GQVQ-JKEC"
	code, err := qr.New(text)
	if err != nil {
		t.Fatal(err)
	}
	m := pixel.New(len(code)*4, len(code)*4)
	for y := range m.H {
		for x := range m.W {
			if !code[y/4][x/4] {
				m.Row(y)[x] = 0xffffff
			}
		}
	}
	for name, f := range map[string]pixel.Format{
		"32":  pixel.XRGB8888,
		"24":  {BPP: 24, Red: pixel.Field{Offset: 16, Length: 8}, Green: pixel.Field{Offset: 8, Length: 8}, Blue: pixel.Field{Length: 8}},
		"565": {BPP: 16, Red: pixel.Field{Offset: 11, Length: 5}, Green: pixel.Field{Offset: 5, Length: 6}, Blue: pixel.Field{Length: 5}},
		"555": {BPP: 16, Red: pixel.Field{Offset: 10, Length: 5}, Green: pixel.Field{Offset: 5, Length: 5}, Blue: pixel.Field{Length: 5}},
	} {
		stride := f.Bytes(m.W) + 52
		c := canvas{mem: make([]byte, stride*m.H), stride: stride, w: m.W, h: m.H, format: f}
		for i := range c.mem {
			c.mem[i] = 0x5a
		}
		// In two parts, as changes come.
		c.put(m, []image.Rectangle{image.Rect(0, 0, m.W, 30), image.Rect(0, 30, m.W, m.H+10)})
		seen := image.NewGray(image.Rect(0, 0, m.W, m.H))
		for y := range m.H {
			for x := range m.W {
				if c.mem[y*stride+f.Bytes(x)] != 0 { // blue, or its lower bits
					seen.Pix[y*seen.Stride+x] = 255
				}
			}
			for i := f.Bytes(m.W); i < stride; i++ {
				if c.mem[y*stride+i] != 0x5a {
					t.Fatalf("%s: something is written beside the picture", name)
				}
			}
		}
		bitmap, err := gozxing.NewBinaryBitmapFromImage(seen)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := qrcode.NewQRCodeReader().Decode(bitmap, nil); err != nil || got.GetText() != text {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}
