package photo

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pickerd/display/pixel"
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
		data, err := ScaledJPEG(t.Context(), bytes.NewReader(b.Bytes()), int64(b.Len()), tt.w, tt.h)
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
	if _, err := ScaledJPEG(t.Context(), strings.NewReader(text), int64(len(text)), 10, 10); !errors.Is(err, ErrFormat) {
		t.Errorf("%v", err)
	}
}

// canceledReader cancels a context at its nth read. Reads counts them.
type canceledReader struct {
	r      io.ReaderAt
	cancel context.CancelFunc
	n      int
	reads  int
}

func (c *canceledReader) ReadAt(b []byte, at int64) (int, error) {
	if c.reads++; c.reads == c.n {
		c.cancel()
	}
	return c.r.ReadAt(b, at)
}

// A copy that nobody waits for any more is not read to its end.
func TestScaledJPEGCanceled(t *testing.T) {
	noise := image.NewNRGBA(image.Rect(0, 0, 600, 600)) // can't be compressed
	for i := range noise.Pix {
		noise.Pix[i] = byte(i * i >> 3)
	}
	gray := image.NewGray(image.Rect(0, 0, 800, 800))
	for i := range gray.Pix {
		gray.Pix[i] = byte(i*i>>9 ^ i)
	}
	for name, data := range map[string][]byte{"PNG": encodePNG(t, noise), "JPEG": encodeJPEG(t, gray)} {
		whole := &canceledReader{r: bytes.NewReader(data)}
		if _, err := ScaledJPEG(t.Context(), whole, int64(len(data)), 100, 100); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, n := range []int{1, whole.reads / 2, whole.reads} {
			ctx, cancel := context.WithCancel(t.Context())
			r := &canceledReader{r: bytes.NewReader(data), cancel: cancel, n: n}
			if _, err := ScaledJPEG(ctx, r, int64(len(data)), 100, 100); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: canceled at read %d of %d: %v", name, n, whole.reads, err)
			}
			if r.reads > n {
				t.Errorf("%s: canceled at read %d, read %d times", name, n, r.reads)
			}
		}
	}
}

// Making a copy takes what decoding takes, three bytes for each of its pixels, and
// little more, whatever way the photo is stored.
func TestScaledJPEGMemory(t *testing.T) {
	const w, h, little = 2000, 1500, 4 << 20
	m := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	flat := encodeJPEG(t, m)
	for _, o := range []orientation{upright, 3, 6} {
		data := withExif(flat, uint16(o), binary.LittleEndian, "II")
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := ScaledJPEG(t.Context(), bytes.NewReader(data), int64(len(data)), w, w); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > w*h*(3+3)+little {
			t.Errorf("orientation %d: %d MB for a photo of %d MP", o, took/1e6, w*h/1000000)
		}
	}
}

// A copy fits, keeps its proportions, and has no more than maxCopyPixels.
func TestCopySize(t *testing.T) {
	for _, tt := range []struct{ pw, ph, w, h, wantW, wantH int }{
		{400, 200, 100, 100, 100, 50},
		{400, 200, 8192, 8192, 400, 200},
		{400, 200, 1, 1, 1, 1},
		{4500, 4500, 8192, 8192, 4500, 4500},
		{10000, 5000, 8192, 8192, 6633, 3317},
		{8192, 8192, 8192, 8192, 4690, 4690},
	} {
		if got := copySize(tt.pw, tt.ph, tt.w, tt.h); got != image.Pt(tt.wantW, tt.wantH) {
			t.Errorf("%d by %d in %d by %d: %v, want %d by %d", tt.pw, tt.ph, tt.w, tt.h, got, tt.wantW, tt.wantH)
		}
	}
}

// Every pixel is turned to where mirroring and then rotating a picture puts it, also in a
// part of a picture.
func TestTurn(t *testing.T) {
	src, mirrored := pixel.New(5, 3), pixel.New(5, 3)
	for i := range src.Pix {
		src.Pix[i] = uint32(i + 1)
	}
	for y := range src.H {
		copy(mirrored.Row(y), src.Row(y))
		slices.Reverse(mirrored.Row(y))
	}
	for o := upright; o <= 8; o++ {
		w, h := o.size(src.W, src.H)
		want, whole := pixel.New(w, h), pixel.New(w+3, h+2)
		from := src
		if o.mirrored() {
			from = mirrored
		}
		pixel.Rotate(want, from, o.degrees())
		got := whole.Sub(image.Rect(1, 1, 1+w, 1+h))
		o.draw(got, src, src.Bounds(), Ground)
		for y := range h {
			if !slices.Equal(got.Row(y), want.Row(y)) {
				t.Errorf("orientation %d, row %d: %v, want %v", o, y, got.Row(y), want.Row(y))
			}
		}
	}
}

// Drawing a photo takes little beside the picture, whatever way it is stored.
func TestDrawMemory(t *testing.T) {
	src := image.NewGray(image.Rect(0, 0, 2000, 1000))
	for _, o := range []orientation{upright, 2, 3, 5, 6} {
		p := &Photo{W: 1000, H: 2000, img: src, orientation: o}
		dst := pixel.New(1000, 2000)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		p.Draw(dst, 0)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
			t.Errorf("orientation %d: %d bytes", o, took)
		}
	}
}
