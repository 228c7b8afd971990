package vp8l_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/image/webp"

	"pickerd/display/photo/vp8l"
)

// pictures returns the bitstreams of the files in testdata, which cwebp made, and random
// ones with each transform.
func pictures(t testing.TB) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	names, err := filepath.Glob("testdata/*.webp")
	if err != nil || len(names) < 9 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		at := bytes.Index(data, []byte("VP8L")) + 8
		all[filepath.Base(name)] = data[at:][:binary.LittleEndian.Uint32(data[at-4:])]
	}
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 0))
		for _, transforms := range [][]int{{}, {0}, {1}, {2}, {3}, {0, 1, 2}, {2, 1, 0}, {3, 0}, {0, 3, 1}, {1, 2, 3, 0}} {
			all[fmt.Sprint(seed, transforms)] = random(r, 37+int(seed)*20, 29, seed > 0, seed > 1, transforms...)
		}
	}
	return all
}

func decode(t testing.TB, data []byte) (*image.NRGBA, error) {
	t.Helper()
	return vp8l.Decode(t.Context(), bytes.NewReader(data), 10<<20)
}

// TestPictures compares with golang.org/x/image/webp.
func TestPictures(t *testing.T) {
	for name, data := range pictures(t) {
		want, err := webp.Decode(bytes.NewReader(inFile(data)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := decode(t, data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if want := want.(*image.NRGBA); got.Rect != want.Rect || !bytes.Equal(got.Pix, want.Pix) {
			t.Errorf("%s differs", name)
		}
	}
}

// TestTorn checks that of a picture that ends early all whole rows are decoded, no
// fewer with more bytes, and that nothing is below.
func TestTorn(t *testing.T) {
	for name, data := range pictures(t) {
		whole, err := decode(t, data)
		if err != nil {
			t.Fatal(name, err)
		}
		stride, before := whole.Stride, 0
		for n := 0; n < len(data); n += 1 + len(data)/25 {
			m, err := decode(t, data[:n])
			if !errors.Is(err, vp8l.ErrFormat) {
				t.Errorf("%s, %d bytes: %v", name, n, err)
			}
			if m == nil {
				if before > 0 {
					t.Errorf("%s: nothing with %d bytes", name, n)
				}
				continue
			}
			rows := 0
			for rows*stride < len(m.Pix) && bytes.Equal(m.Pix[rows*stride:][:stride], whole.Pix[rows*stride:][:stride]) {
				rows++
			}
			if rows < before || rows == 0 {
				t.Errorf("%s: %d rows with %d bytes, %d with fewer", name, rows, n, before)
			}
			if bytes.ContainsFunc(m.Pix[rows*stride:], func(r rune) bool { return r != 0 }) {
				t.Errorf("%s, %d bytes: not empty below row %d", name, n, rows)
			}
			before = rows
		}
		if before < whole.Rect.Dy()*8/10 && whole.Rect.Dy() > 1 && len(data) > 500 {
			t.Errorf("%s: %d rows of %d", name, before, whole.Rect.Dy())
		}
	}
}

// allocated returns how many bytes f allocates.
func allocated(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// TestMemory checks what pictures allocate that ask for much: 2,600 groups of codes for
// 2,328 symbols each, and sizes in a header.
func TestMemory(t *testing.T) {
	groups := manyGroups()
	indexed := newStream(3000, 2000).put(1, 1).put(3, 2).put(0, 8).put(0, 1)
	for range 5 {
		indexed.fixed(0)
	}
	indexed.put(0, 1).put(0, 1).put(0, 1)
	for range 5 {
		indexed.fixed(0)
	}
	for name, tt := range map[string]struct {
		data  []byte
		limit int64
		want  error
	}{
		"groups":                         {groups, 22 << 20, nil},
		"groups in little memory":        {groups, 12 << 20, vp8l.ErrTooLarge},
		"groups that do not fit":         {groups, 500 << 10, vp8l.ErrTooLarge},
		"16,384 by 16,384 pixels":        {append([]byte{0x2f, 0xff, 0xff, 0xff, 0x0f}, make([]byte, 99)...), 180e6, vp8l.ErrTooLarge},
		"6 MP of one color":              {indexed.b, 24.2e6, nil},
		"6 MP of one color, one MB less": {indexed.b, 23e6, vp8l.ErrTooLarge},
		"less than a decoder":            {indexed.b, 1000, vp8l.ErrTooLarge},
	} {
		var m *image.NRGBA
		var err error
		used := allocated(func() { m, err = vp8l.Decode(t.Context(), bytes.NewReader(tt.data), tt.limit) })
		if !errors.Is(err, tt.want) || (m == nil) != (tt.want != nil) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
		if used > tt.limit+64<<10 {
			t.Errorf("%s: %d bytes were allocated of %d", name, used, tt.limit)
		}
	}
}

// A countdown ends when it has been asked n times.
type countdown struct {
	context.Context
	n int
}

func (c *countdown) Err() error {
	if c.n--; c.n < 0 {
		return context.Canceled
	}
	return nil
}

// TestContext checks that decoding ends with its context, in each part of it.
func TestContext(t *testing.T) {
	data := pictures(t)["photo.webp"]
	asked := &countdown{t.Context(), 1 << 20}
	if _, err := vp8l.Decode(asked, bytes.NewReader(data), 1<<20); err != nil {
		t.Fatal(err)
	}
	times := 1<<20 - asked.n
	if times < 2*53 {
		t.Errorf("the context was asked %d times", times)
	}
	for n := range times {
		m, err := vp8l.Decode(&countdown{t.Context(), n}, bytes.NewReader(data), 1<<20)
		if m != nil && n < 53 || !errors.Is(err, context.Canceled) {
			t.Errorf("after asking %d times of %d: %v", n, times, err)
		}
	}
}

// TestInvalid has bitstreams that no decoder accepts.
func TestInvalid(t *testing.T) {
	start := func() *stream { return newStream(8, 8) }
	codes := func(s *stream) *stream { // a picture without transforms
		return s.put(0, 1).put(0, 1).put(0, 1)
	}
	reference := codes(start()).lengths(280, 0, 1)
	for i := range 280 {
		reference.put(map[bool]int{true: 1}[i == 0 || i == 256], 1)
	}
	reference.fixed(0).fixed(0).fixed(0).fixed(0).put(1, 1)
	for name, data := range map[string][]byte{
		"nothing":                  nil,
		"another signature":        append([]byte{0x2e}, start().b[1:]...),
		"another version":          append(bytes.Clone(start().b[:4]), 0x20, 0, 0, 0),
		"a color cache of no bits": start().put(0, 1).put(1, 1).put(0, 4).put(0, 99).b,
		"a large color cache":      start().put(0, 1).put(1, 1).put(12, 4).put(0, 99).b,
		"a transform twice":        start().put(1, 1).put(2, 2).put(1, 1).put(2, 2).put(0, 99).b,
		"no symbol":                codes(start()).put(1, 1).put(0, 1).put(1, 1).put(0, 8).put(0, 1).put(0, 99).b,
		"a distance of 200 alone":  codes(start()).fixed(0).fixed(0).fixed(0).fixed(0).fixed(200).put(0, 99).b,
		"an incomplete code":       codes(start()).lengths(3, 2).put(0, 999).b,
		"too many codes":           codes(start()).lengths(5, 2).put(0, 999).b,
		"too many lengths":         codes(start()).lengths(65536, 18).put(0x7fffffff, 31).put(0x7fffffff, 31).put(0, 999).b,
		"a reference to before":    reference.put(0, 99).b,
	} {
		if m, err := decode(t, data); m != nil || !errors.Is(err, vp8l.ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, data := range pictures(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const limit = 1 << 20
		var m *image.NRGBA
		var err error
		if n := allocated(func() { m, err = vp8l.Decode(t.Context(), bytes.NewReader(data), limit) }); n > limit+64<<10 {
			t.Errorf("%d bytes were allocated", n)
		}
		if err != nil && !errors.Is(err, vp8l.ErrFormat) && !errors.Is(err, vp8l.ErrTooLarge) || m == nil && err == nil {
			t.Error(err)
		}
		if w, h, err := vp8l.Size(data); m != nil && (err != nil || m.Rect != image.Rect(0, 0, w, h)) {
			t.Errorf("%v of %d by %d, %v", m.Rect, w, h, err)
		}
		if len(data) > 0 {
			if n := allocated(func() { _, err = vp8l.DecodeAlpha(t.Context(), bytes.NewReader(data), 40, 30, limit) }); n > limit+64<<10 {
				t.Errorf("%d bytes were allocated for opacity", n)
			}
		}
	})
}
