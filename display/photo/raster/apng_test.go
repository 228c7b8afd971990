package raster_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color/palette"
	"image/gif"
	"io"
	"runtime"
	"testing"
	"time"

	"pickerd/display/photo/raster"
)

func animation(frames uint32) string {
	return chunk("acTL", binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, frames), 0))
}

// control returns the chunk fcTL of a frame with a delay of number/of seconds.
func control(r image.Rectangle, number, of uint16, dispose, blend byte) string {
	b := binary.BigEndian.AppendUint32(nil, 0)
	for _, v := range []int{r.Dx(), r.Dy(), r.Min.X, r.Min.Y} {
		b = binary.BigEndian.AppendUint32(b, uint32(v))
	}
	b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, number), of)
	return chunk("fcTL", append(b, dispose, blend))
}

// fdat returns the chunks fdAT of a picture of rows, with n bytes each.
func fdat(raw []byte, n int) (all string) {
	data := deflate(raw)
	for len(data) > 0 {
		n := min(n, len(data))
		all += chunk("fdAT", append([]byte{0, 0, 0, 9}, data[:n]...))
		data = data[n:]
	}
	return all
}

// TestAPNG decodes animations: with and without an image that is not a frame, in
// several chunks, damaged.
func TestAPNG(t *testing.T) {
	whole, small := image.Rect(0, 0, 20, 10), image.Rect(5, 3, 12, 10)
	f := file{w: 20, h: 10, depth: 8, kind: 6}
	inner := file{w: 7, h: 7, depth: 8, kind: 6, interlaced: 0}
	first, second := f.noise(), inner.noise()
	want := func(f file, raw []byte) image.Image {
		m, err := still(f.encode(raw), memory)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	full := f
	full.before = []string{animation(2), control(whole, 1, 0, 0, 0)}
	full.after = []string{control(small, 30, 1000, 2, 1), fdat(second, 11)}
	hidden := f
	hidden.before = []string{animation(2)}
	hidden.after = []string{control(whole, 1, 100, 0, 0), fdat(first, 1000), chunk("tEXt", []byte("a\x00b")), control(small, 30, 1000, 2, 1), fdat(second, 3)}
	more := full // data that no row needs
	more.after = []string{control(small, 30, 1000, 2, 1), fdat(append(bytes.Clone(second), first...), 11)}
	for name, data := range map[string][]byte{
		"the image is a frame":    full.encode(first),
		"the image is not shown":  hidden.encode(first[:len(first)/2]),
		"more data than rows":     more.encode(append(bytes.Clone(first), first...)),
		"without an end":          full.encode(first)[:len(full.encode(first))-12],
		"with bytes after an end": append(full.encode(first), 1, 2, 3),
	} {
		all, w, h, err := frames(data)
		if len(all) != 2 || w != 20 || h != 10 || err == nil {
			t.Errorf("%s: %d frames of %d by %d, %v", name, len(all), w, h, err)
			continue
		}
		a, b := all[0], all[1]
		if a.Delay != 10*time.Millisecond || a.Dispose != raster.Keep || a.Over || b.Delay != 30*time.Millisecond || b.Dispose != raster.Previous || !b.Over {
			t.Errorf("%s: %+v, %+v", name, a, b)
		}
		if d := differ(a.Image, want(f, first)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		b.Image.Rect = b.Image.Rect.Sub(small.Min)
		if d := differ(b.Image, want(inner, second)); d != "" {
			t.Errorf("%s: second frame: %s", name, d)
		}
	}
	beyond := full
	beyond.after = []string{control(small.Add(image.Pt(9, 0)), 30, 1000, 2, 1), fdat(second, 11)}
	if all, _, _, err := frames(beyond.encode(first)); len(all) != 1 || !errors.Is(err, raster.ErrFormat) {
		t.Errorf("a frame beyond the image: %d frames, %v", len(all), err)
	}
	if all, _, _, err := frames(f.encode(first)); len(all) != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("not animated: %d frames, %v", len(all), err)
	}
}

// TestDamagedControl checks that the image is shown if the chunk that makes it a frame is
// damaged, wherever the number of frames is.
func TestDamagedControl(t *testing.T) {
	f := file{w: 20, h: 10, depth: 8, kind: 6}
	raw := f.noise()
	want, err := still(f.encode(raw), memory)
	if err != nil {
		t.Fatal(err)
	}
	whole := control(image.Rect(0, 0, 20, 10), 1, 0, 0, 0)
	for name, damaged := range map[string]string{
		"short":            chunk("fcTL", []byte(whole[8:20])),
		"without pixels":   control(image.Rect(5, 5, 5, 9), 1, 0, 0, 0),
		"beyond the image": control(image.Rect(0, 0, 21, 10), 1, 0, 0, 0),
	} {
		for _, before := range [][]string{{animation(2), damaged}, {damaged, animation(2)}, {animation(2), damaged, whole}} {
			f.before = before
			data := f.encode(raw)
			p, err := raster.OpenPNG(bytes.NewReader(data))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if p.Count() != 0 {
				t.Errorf("%s: %d frames", name, p.Count())
			}
			got, err := still(data, memory)
			if err != nil || differ(got, want) != "" {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// fuzzMemory is the memory for a picture in fuzz tests. Beside it there are buffers,
// and chunks that are read whole.
const fuzzMemory = 1 << 20

func maxFuzz(n int) uint64 { return fuzzMemory + 512<<10 + uint64(64*n) }

func FuzzPNG(f *testing.F) {
	for _, l := range layouts() {
		f.Add(l.encode(l.noise()))
	}
	l := file{w: 20, h: 10, depth: 8, kind: 6, before: []string{animation(2), control(image.Rect(0, 0, 20, 10), 1, 0, 0, 0)}}
	l.after = []string{control(image.Rect(5, 3, 12, 10), 30, 1000, 2, 1), fdat(make([]byte, 7*29), 11)}
	f.Add(l.encode(l.noise()))
	f.Fuzz(func(t *testing.T, data []byte) {
		if n := allocated(func() {
			if m, err := still(data, fuzzMemory); m == nil && err == nil || m != nil && 4*m.Bounds().Dx()*m.Bounds().Dy() > fuzzMemory {
				t.Errorf("%v, %v", m, err)
			}
		}); n > maxFuzz(len(data)) {
			t.Errorf("still: %d bytes were allocated", n)
		}
		if bytes.HasPrefix(data, []byte("GIF")) {
			return
		}
		all, w, h, _ := frames(data)
		for _, f := range all {
			if !f.Image.Rect.In(image.Rect(0, 0, w, h)) {
				t.Errorf("a frame at %v of %d by %d", f.Image.Rect, w, h)
			}
		}
	})
}

func FuzzGIF(f *testing.F) {
	m := noise(image.Rect(0, 0, 50, 40), palette.Plan9, 256)
	whole := encodeGIF(f, image.Pt(50, 40), m, noise(image.Rect(9, 9, 20, 30), palette.Plan9, 16))
	f.Add(whole)
	f.Add(interlace(f, m))
	f.Fuzz(func(t *testing.T, data []byte) {
		if !bytes.HasPrefix(data, []byte("GIF")) {
			return
		}
		n := 0
		if used := allocated(func() { n = raster.CountGIF(bytes.NewReader(data)) }); used > 256<<10 {
			t.Errorf("counting allocated %d bytes", used)
		}
		all, w, h, err := frames(data)
		if w*h <= maxCanvas && len(all) < min(n, 200) && !errors.Is(err, raster.ErrTooLarge) && !errors.Is(err, raster.ErrFormat) {
			t.Errorf("%d frames of %d, %v", len(all), n, err)
		}
		for _, f := range all {
			if !f.Image.Rect.In(image.Rect(0, 0, w, h)) {
				t.Errorf("a frame at %v of %d by %d", f.Image.Rect, w, h)
			}
		}
		if want, err := gif.DecodeAll(bytes.NewReader(data)); err == nil && w*h <= maxCanvas && len(want.Image) != n {
			t.Errorf("%d frames, image/gif has %d", n, len(want.Image))
		}
	})
}
