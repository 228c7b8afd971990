package jpeg_test

import (
	"bytes"
	"errors"
	"image"
	"runtime"
	"testing"

	"pickerd/display/photo/jpeg"
)

// FuzzDecode checks that no file takes more memory than allowed, and that what is
// decoded has the size that the header says.
func FuzzDecode(f *testing.F) {
	for _, s := range files {
		f.Add(read(f, s.name), uint8(0))
		f.Add(read(f, s.name), uint8(3))
	}
	f.Fuzz(func(t *testing.T, data []byte, part uint8) {
		const bound = 4e6
		h, headerErr := jpeg.DecodeHeader(bytes.NewReader(data))
		var work int
		opt := jpeg.Options{MaxBytes: bound, Work: &work}
		if part > 0 {
			opt.W, opt.H = h.W/int(part), h.H/int(part)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m, err := jpeg.Decode(bytes.NewReader(data), opt)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > bound+1e6 {
			t.Errorf("%d bytes allocated", took)
		}
		if m == nil {
			if !errors.Is(err, jpeg.ErrFormat) && !errors.Is(err, jpeg.ErrTooLarge) {
				t.Error(err)
			}
			return
		}
		if headerErr != nil || err != nil && !errors.Is(err, jpeg.ErrIncomplete) {
			t.Error(headerErr, err)
		}
		size, whole := m.Bounds().Size(), 1
		for ; whole < 8 && size != image.Pt((h.W+whole-1)/whole, (h.H+whole-1)/whole); whole *= 2 {
		}
		if size != image.Pt((h.W+whole-1)/whole, (h.H+whole-1)/whole) {
			t.Errorf("%v of %+v", size, h)
		}
		for _, p := range []image.Point{{}, size.Div(2), size.Sub(image.Pt(1, 1))} {
			_ = m.At(p.X, p.Y)
		}
	})
}
