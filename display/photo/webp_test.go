package photo_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pickerd/display/photo"
	"pickerd/display/pixel"
)

func readFile(t testing.TB, parts ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(append([]string{"testdata"}, parts...)...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// drawn decodes a file and returns its frame i.
func drawn(t testing.TB, data []byte, i int) (*photo.Photo, *pixel.Image) {
	t.Helper()
	p, err := photo.Decode(t.Context(), bytes.NewReader(data), int64(len(data)), photo.Limit{})
	if err != nil {
		t.Fatal(err)
	}
	m := pixel.New(p.W, p.H)
	p.Draw(m, i)
	return p, m
}

// check compares pixels with colors.
func check(t *testing.T, what string, m *pixel.Image, want ...uint32) {
	t.Helper()
	for i, c := range want {
		at := middles[i]
		if got := m.Row(at.Y)[at.X]; deltaE(got, c) > 2 {
			t.Errorf("%s: %06x at %v, want %06x", what, got, at, c)
		}
	}
}

// TestLossyWebP checks lossy colors with an opacity of 0 and 1 in the upper quadrants
// and of a half in the lower ones, in a still image and over a frame.
func TestLossyWebP(t *testing.T) {
	half := func(c uint32) uint32 { return pixel.Mix(c, photo.Ground, 128) }
	_, still := drawn(t, readFile(t, "webp", "alpha.webp"), 0)
	check(t, "still", still, photo.Ground, quadrants[1], half(quadrants[2]), half(quadrants[3]))
	p, second := drawn(t, readFile(t, "webp", "animation.webp"), 1)
	if p.Frames() != 2 {
		t.Errorf("%d frames", p.Frames())
	}
	check(t, "second frame", second, quadrants...)
}

// TestDamagedOpacity checks that colors are shown if the opacity can't be read.
func TestDamagedOpacity(t *testing.T) {
	data := readFile(t, "webp", "alpha.webp")
	data[bytes.Index(data, []byte("ALPH"))+8] |= 3 // an unknown compression
	p, m := drawn(t, data, 0)
	check(t, "opaque", m, quadrants...)
	if !p.Torn {
		t.Error("whole")
	}
}

// TestWebPChunks checks files whose sizes are wrong and those with other chunks.
func TestWebPChunks(t *testing.T) {
	good := readFile(t, "media", "w01-lossy.webp")
	with := func(at int, n uint32) []byte {
		data := bytes.Clone(good)
		binary.LittleEndian.PutUint32(data[at:], n)
		return data
	}
	junk := append(bytes.Clone(good[:12]), "junk\x03\x00\x00\x00abc\x00"...)
	for name, data := range map[string][]byte{
		"file of no size":        with(4, 0),
		"file of 4 GB":           with(4, 1<<32-1),
		"picture of 4 GB":        with(16, 1<<32-1),
		"junk before":            append(junk, good[12:]...),
		"junk behind":            append(bytes.Clone(good), "xxxxxxxxxxxxxxx"...),
		"an unfinished junk end": append(bytes.Clone(good), "junk\xff\xff\xff\x7f"...),
	} {
		p, m := drawn(t, data, 0)
		check(t, name, m, quadrants...)
		if p.Torn {
			t.Errorf("%s: torn", name)
		}
	}
}

// TestTornWebP cuts pictures. What is shown of them is right, and the rest is ground.
func TestTornWebP(t *testing.T) {
	for _, name := range []string{"media/w01-lossy.webp", "webp/alpha.webp", "webp/lossless.webp"} {
		data := readFile(t, name)
		_, whole := drawn(t, data, 0)
		before := 0
		for _, n := range []int{len(data) * 7 / 10, len(data) * 9 / 10, len(data) - 8} {
			p, m := drawn(t, data[:n], 0)
			if !p.Torn {
				t.Errorf("%s: %d bytes are whole", name, n)
			}
			rows := 0
			for ; rows < m.H && deltaE(m.Row(rows)[m.W-1], whole.Row(rows)[m.W-1]) <= 2; rows++ {
			}
			if rows < before || rows < m.H/10 {
				t.Errorf("%s: %d rows with %d bytes, %d with fewer", name, rows, n, before)
			}
			for y := rows; y < m.H; y++ {
				if got := m.Row(y)[m.W-1]; y > rows+2 && got != photo.Ground {
					t.Errorf("%s, %d bytes: %06x in row %d, below %d", name, n, got, y, rows)
					break
				}
			}
			before = rows
		}
		for n := 0; n < len(data); n += 61 { // no panic
			_, err := photo.Decode(t.Context(), bytes.NewReader(data[:n]), int64(n), photo.Limit{})
			if err != nil && !errors.Is(err, photo.ErrFormat) {
				t.Errorf("%s, %d bytes: %v", name, n, err)
			}
		}
	}
}

// TestLargeWebPAnimation checks that the first frame of an animation with a canvas of
// 100 MP is a still image.
func TestLargeWebPAnimation(t *testing.T) {
	data := readFile(t, "webp", "animation.webp")
	copy(data[24:], []byte{0x0f, 0x27, 0, 0x0f, 0x27, 0})
	p, m := drawn(t, data, 0)
	if p.W != 320 || p.H != 240 || p.Animated() {
		t.Fatalf("%d by %d pixels, %d frames", p.W, p.H, p.Frames())
	}
	check(t, "first frame", m, quadrants...)
}

// TestRepeatedHeader checks that only the first header of an animation counts, however
// many there are.
func TestRepeatedHeader(t *testing.T) {
	data := animatedWebP(4, 4)
	header := data[12:30]
	data = slices.Insert(data, 30, bytes.Repeat(header, 50)...)
	r := &countingReader{Reader: bytes.NewReader(data)}
	p, err := photo.Decode(t.Context(), r, r.Size(), photo.Limit{})
	if err != nil || p.Frames() != 2 {
		t.Fatalf("%v, %v", p, err)
	}
	if r.n > 5*r.Size() {
		t.Errorf("%d bytes were read of %d", r.n, len(data))
	}
}

// TestWebPBounds has headers of pictures that would take too much memory.
func TestWebPBounds(t *testing.T) {
	for name, tt := range map[string]struct {
		w, h  int
		alpha string // two bytes
		want  error
	}{
		"20 MP":                    {5000, 4000, "", photo.ErrFormat}, // without pixels
		"40 MP":                    {8000, 5000, "", photo.ErrTooLarge},
		"12 MP with opacity":       {4000, 3000, "\x00\x00", photo.ErrFormat},
		"30 MP with opacity":       {6000, 5000, "\x00\x00", photo.ErrTooLarge},
		"12 MP with coded opacity": {4000, 3000, "\x01\x00", photo.ErrTooLarge},
		"no columns":               {0, 127, "\x00\x00", photo.ErrFormat},
		"no rows":                  {127, 0, "\x00\x00", photo.ErrFormat},
	} {
		pixels := []byte{0x10, 0, 0, 0x9d, 1, 0x2a, byte(tt.w), byte(tt.w >> 8), byte(tt.h), byte(tt.h >> 8)}
		body := []byte("WEBP")
		if tt.alpha != "" {
			body = append(body, "ALPH\x02\x00\x00\x00"+tt.alpha...)
		}
		body = append(binary.LittleEndian.AppendUint32(append(body, "VP8 "...), uint32(len(pixels))), pixels...)
		data := append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
		var err error
		used := allocated(func() {
			_, err = photo.Decode(t.Context(), bytes.NewReader(data), int64(len(data)), photo.Limit{})
		})
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
		if limit := 3 * (photo.Limit{}).Bytes(); used > uint64(limit) { // a torn one is decoded three times
			t.Errorf("%s: %d MB of %d MB", name, used/1e6, limit/1e6)
		}
	}
}

// TestLosslessBound checks that a lossless picture of more bytes than its pixels need is
// refused, and one with some after its pixels is not.
func TestLosslessBound(t *testing.T) {
	whole := readFile(t, "webp", "lossless.webp")
	w, h, err := photo.Size(bytes.NewReader(whole), int64(len(whole)))
	if err != nil || !bytes.Equal(whole[12:16], []byte("VP8L")) {
		t.Fatalf("%d by %d, %.4s, %v", w, h, whole[12:], err)
	}
	for more, want := range map[int]error{60 << 10: nil, 64<<10 + 5*w*h: photo.ErrTooLarge} {
		data := append(bytes.Clone(whole), make([]byte, more)...)
		binary.LittleEndian.PutUint32(data[16:], uint32(len(data)-20))
		binary.LittleEndian.PutUint32(data[4:], uint32(len(data)-8))
		if _, err := photo.Decode(t.Context(), bytes.NewReader(data), int64(len(data)), photo.Limit{}); !errors.Is(err, want) {
			t.Errorf("%d more bytes: %v, want %v", more, err, want)
		}
	}
}

// TestOrientations checks that only what says so is turned, and that the number of
// stray bytes before Exif data does not matter.
func TestOrientations(t *testing.T) {
	stray := readFile(t, "media", "j13-exif6-afterjfif-stray.jpg")
	for n := range 4 {
		stray = slices.Insert(stray, 20, 0x41)
		if got := photo.Orientation(bytes.NewReader(stray), int64(len(stray))); got != 6 {
			t.Errorf("%d more stray bytes: %d", n+1, got)
		}
	}
	exif := readFile(t, "media", "w02-exif6.webp")
	exif = exif[bytes.Index(exif, []byte("EXIF")):]
	animation := append(readFile(t, "webp", "animation.webp"), exif...)
	if got := photo.Orientation(bytes.NewReader(animation), int64(len(animation))); got != 1 {
		t.Errorf("an animation: %d", got)
	}
	for name, want := range map[string]int{"w01-lossy.webp": 1, "w02-exif6.webp": 6, "j13-exif6-afterjfif-stray.jpg": 6, "p07-exif6-afteridat.png": 1, "g06-trunc.gif": 1, "v14-trunc.mp4": 1} {
		data := readFile(t, "media", name)
		if got := photo.Orientation(bytes.NewReader(data), int64(len(data))); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
}
