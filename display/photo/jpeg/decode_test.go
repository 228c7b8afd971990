package jpeg_test

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/iotest"

	"pickerd/display/photo/jpeg"
)

const media = "../testdata/media/"

// The middles of the quadrants of a picture of 320 by 240 pixels, and their colors.
// A color profile is not applied here.
var (
	middles   = []image.Point{{60, 60}, {260, 60}, {60, 180}, {260, 180}, {160, 130}}
	quadrants = []uint32{0xc83c28, 0x3ca03c, 0x285ac8, 0xe6c83c, 0xffffff}
	gray      = []uint32{0xc83c28, 0x3ca03c, 0x808080, 0x808080}
	// As Chromium shows it.
	noAdobe = []uint32{0x64861d, 0x29717a, 0x702486, 0x24be59, 0x008080}
	luma    = []uint32{0x646464, 0x767676, 0x585858, 0xc1c1c1, 0xffffff}
)

// files have a checksum of their pixels. They were compared with those of djpeg
// -nosmooth when it was written here: none differs by more than 1.
var files = []struct {
	name     string
	checksum uint32
	colors   []uint32
	torn     bool
	kind     string
}{
	{media + "c01-cmyk-noadobe.jpg", 0xb6f892de, noAdobe, false, "*jpeg.Planes"},
	{media + "j02-221112-b.jpg", 0xb27c864c, quadrants, false, "*jpeg.Planes"},
	{media + "j02-311-b.jpg", 0x446f4505, quadrants, false, "*jpeg.Planes"},
	{media + "j02-311-p.jpg", 0x446f4505, quadrants, false, "*jpeg.Planes"},
	{media + "j02-441-p.jpg", 0xf286d546, quadrants, false, "*jpeg.Planes"},
	{media + "j02-lumaless-p.jpg", 0xe2078e2c, quadrants, false, "*jpeg.Planes"},
	{media + "j02-mixed-b.jpg", 0xa6681124, quadrants, false, "*jpeg.Planes"},
	{media + "j04-arith.jpg", 0x681ebc1d, quadrants, false, "*image.YCbCr"},
	{media + "j09-noeoi.jpg", 0x681ebc1d, quadrants, false, "*image.YCbCr"},
	{media + "j09-trunc60.jpg", 0x2c1ce52d, gray, true, "*image.YCbCr"},
	{media + "j10-rst-missing.jpg", 0x7d421379, quadrants[:4], true, "*image.YCbCr"},
	{media + "j14-icc-p3.jpg", 0xfc6a8c7d, quadrants, false, "*image.YCbCr"},
	{media + "j14-icc-swap.jpg", 0xfc6a8c7d, quadrants, false, "*image.YCbCr"},
	{"testdata/arithmetic-progressive-restart.jpg", 0xc9f637fc, quadrants, false, "*image.YCbCr"},
	{"testdata/arithmetic-restart.jpg", 0x42f7c366, quadrants, false, "*image.YCbCr"},
	{"testdata/cmyk-adobe.jpg", 0xb5fdd03c, quadrants, false, "*jpeg.Planes"},
	{"testdata/gray-progressive.jpg", 0x58310fb1, luma, false, "*image.Gray"},
	{"testdata/no-tables.jpg", 0xc9f637fc, quadrants, false, "*image.YCbCr"},
	{"testdata/progressive-restart.jpg", 0xa9b86b4c, quadrants, false, "*image.YCbCr"},
	{"testdata/rgb.jpg", 0x11c2325b, quadrants, false, "*jpeg.Planes"},
	{"testdata/separate-scans.jpg", 0xc9f637fc, quadrants, false, "*image.YCbCr"},
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func row(m image.Image, x, y int, line []uint32) {
	if p, ok := m.(*jpeg.Planes); ok {
		p.ReadRow(x, y, line)
		return
	}
	for i := range line {
		r, g, b, _ := m.At(x+i, y).RGBA()
		line[i] = r>>8<<16 | g>>8<<8 | b>>8
	}
}

func checksum(m image.Image) uint32 {
	sum := crc32.NewIEEE()
	line := make([]uint32, m.Bounds().Dx())
	for y := range m.Bounds().Dy() {
		row(m, 0, y, line)
		for _, p := range line {
			_, _ = sum.Write([]byte{byte(p >> 16), byte(p >> 8), byte(p)})
		}
	}
	return sum.Sum32()
}

// near reports whether two colors differ by at most n in each part.
func near(a, b uint32, n int) bool {
	for shift := 0; shift < 24; shift += 8 {
		if d := int(a>>shift&255) - int(b>>shift&255); d > n || d < -n {
			return false
		}
	}
	return true
}

// TestDecode decodes files of each kind, whole and at fractions of their size.
func TestDecode(t *testing.T) {
	for _, f := range files {
		t.Run(filepath.Base(f.name), func(t *testing.T) {
			data := read(t, f.name)
			for part := 1; part <= 8; part *= 2 {
				m, err := jpeg.Decode(iotest.HalfReader(bytes.NewReader(data)), jpeg.Options{W: 320 / part, H: 240 / part})
				if m == nil || errors.Is(err, jpeg.ErrIncomplete) != f.torn {
					t.Fatal(err)
				}
				if m.Bounds() != image.Rect(0, 0, 320/part, 240/part) {
					t.Errorf("%v at 1/%d", m.Bounds(), part)
				}
				if part == 1 {
					if kind := fmt.Sprintf("%T", m); kind != f.kind {
						t.Errorf("%s", kind)
					}
					if sum := checksum(m); sum != f.checksum {
						t.Errorf("checksum %#08x", sum)
					}
				}
				for i, want := range f.colors {
					var got [1]uint32
					row(m, middles[i].X/part, middles[i].Y/part, got[:])
					if !near(got[0], want, 3+part) && (part < 8 || i < 4) { // the F is narrow
						t.Errorf("%06x at %v at 1/%d, want %06x", got[0], middles[i], part, want)
					}
				}
			}
		})
	}
}

// TestTruncated cuts files at many lengths. What was there is shown, and the error
// says that it is not all.
func TestTruncated(t *testing.T) {
	for _, name := range []string{media + "j09-noeoi.jpg", "testdata/progressive-restart.jpg", media + "j04-arith.jpg", "testdata/arithmetic-progressive-restart.jpg"} {
		data := read(t, name)
		shown := 0
		step := 29
		if testing.Short() {
			step = 290
		}
		tried := 0
		for n := 0; n < len(data)-8; n += step { // the last bytes may be nothing but padding
			tried++
			m, err := jpeg.Decode(bytes.NewReader(data[:n]), jpeg.Options{})
			switch {
			case err == nil:
				t.Fatalf("%s: no error at %d of %d bytes", name, n, len(data))
			case m == nil && !errors.Is(err, jpeg.ErrFormat), m != nil && !errors.Is(err, jpeg.ErrIncomplete):
				t.Fatalf("%s: %v at %d", name, err, n)
			case m != nil:
				shown++
			}
		}
		if headers := 900 / step; shown < tried-headers-1 {
			t.Errorf("%s: shown %d times of %d", name, shown, tried)
		}
	}
}

// TestRestarts has restart markers changed. Only the intervals beside them are lost.
func TestRestarts(t *testing.T) {
	for _, f := range []struct {
		name string
		rows int // of pixels in an interval
	}{{media + "j10-rst-missing.jpg", 16}, {"testdata/progressive-restart.jpg", 64}, {"testdata/arithmetic-restart.jpg", 16}} {
		data := read(t, f.name)
		whole, _ := jpeg.Decode(bytes.NewReader(data), jpeg.Options{})
		at := bytes.Index(data, []byte{0xff, 0xd4}) // in the middle of the scan
		numbered := func(n byte) []byte {
			b := bytes.Clone(data)
			b[at+1] = 0xd0 | (b[at+1]+n)&7
			return b
		}
		for _, change := range []struct {
			name      string
			data      []byte
			intervals int // that differ
		}{
			{"missing", append(bytes.Clone(data[:at]), data[at+2:]...), 2},
			{"far", numbered(4), 0},
			{"one too low", numbered(7), 2},
			{"one too high", numbered(1), 2},
			{"doubled", append(bytes.Clone(data[:at+2]), data[at:]...), 1},
			{"filled", append(append(bytes.Clone(data[:at]), 0xff, 0xff), data[at:]...), 0},
		} {
			m, err := jpeg.Decode(bytes.NewReader(change.data), jpeg.Options{})
			if m == nil {
				t.Fatalf("%s %s: %v", f.name, change.name, err)
			}
			differ := 0
			for y := 0; y < 240; y += 8 {
				var a, b [320]uint32
				row(m, 0, y, a[:])
				row(whole, 0, y, b[:])
				if a != b {
					differ += 8
				}
			}
			if differ > change.intervals*f.rows {
				t.Errorf("%s %s: %d rows differ", f.name, change.name, differ)
			}
		}
	}
}

// TestChroma checks that samples for two by two pixels are decoded at double size
// with a fraction of the others, rather than enlarged afterwards.
func TestChroma(t *testing.T) {
	for part, want := range map[int]image.YCbCrSubsampleRatio{
		1: image.YCbCrSubsampleRatio420, 2: image.YCbCrSubsampleRatio444, 4: image.YCbCrSubsampleRatio444,
	} {
		m, err := jpeg.Decode(bytes.NewReader(read(t, media+"j04-arith.jpg")), jpeg.Options{W: 320 / part, H: 240 / part})
		if err != nil {
			t.Fatal(err)
		}
		if got := m.(*image.YCbCr).SubsampleRatio; got != want {
			t.Errorf("%v at 1/%d", got, part)
		}
	}
}

// TestHeader reads headers of files with stray bytes.
func TestHeader(t *testing.T) {
	data := read(t, media+"j04-arith.jpg")
	want := jpeg.Header{W: 320, H: 240, Components: 3, Arithmetic: true}
	for name, b := range map[string][]byte{
		"plain":        data,
		"line break":   append([]byte("\r\n"), data...),
		"stray":        append([]byte("\xff\xd8\x00\x01ab"), data[2:]...),
		"fill":         append([]byte("\xff\xd8\xff\xff\xff"), data[2:]...),
		"second start": append([]byte("\xff\xd8"), data...),
		"stray marker": append([]byte("\xff\xd8\xff\xd3\xff\x01"), data[2:]...),
	} {
		if h, err := jpeg.DecodeHeader(iotest.OneByteReader(bytes.NewReader(b))); h != want || err != nil {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
		if m, err := jpeg.Decode(bytes.NewReader(b), jpeg.Options{}); m == nil || err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	frame := func(marker, precision byte, height, components int) []byte {
		b := []byte{0xff, 0xd8, 0xff, marker, 0, byte(8 + 3*components), precision, byte(height >> 8), byte(height), 0, 9, byte(components)}
		for i := range components {
			b = append(b, byte(i), 0x11, 0)
		}
		return append(b, 0xff, 0xd9)
	}
	for name, b := range map[string][]byte{
		"12 bits": frame(0xc1, 12, 9, 3), "lossless": frame(0xc3, 8, 9, 3), "no height": frame(0xc0, 8, 0, 3), "two components": frame(0xc0, 8, 9, 2),
	} {
		if _, err := jpeg.DecodeHeader(bytes.NewReader(b)); !errors.Is(err, jpeg.ErrUnsupported) || !errors.Is(err, jpeg.ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, b := range []string{"", "\xff", "\xff\xd8", "\xff\xd8\xff\xd9", "\xff\xd8\xff\xc0\x00\x01", "no picture", string(data[:100])} {
		if _, err := jpeg.DecodeHeader(bytes.NewReader([]byte(b))); !errors.Is(err, jpeg.ErrFormat) {
			t.Errorf("%q: %v", b, err)
		}
	}
}

// TestMemory decodes a large progressive file within bounds, and counts what is
// allocated.
func TestMemory(t *testing.T) {
	data := read(t, media+"m01-rgbprog-4000.jpg")
	for _, c := range []struct {
		bytes, w, side int
	}{{180e6, 0, 4000}, {180e6, 1080, 2000}, {90e6, 0, 2000}, {40e6, 0, 1000}, {14e6, 0, 500}, {8e6, 0, 0}, {-1, 0, 0}} {
		if testing.Short() && c.side > 500 {
			continue
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m, err := jpeg.Decode(bytes.NewReader(data), jpeg.Options{W: c.w, H: c.w, MaxBytes: c.bytes})
		runtime.ReadMemStats(&after)
		if c.side == 0 {
			if !errors.Is(err, jpeg.ErrTooLarge) {
				t.Errorf("%d bytes: %v", c.bytes, err)
			}
		} else if err != nil || m.Bounds().Dx() != c.side {
			t.Errorf("%d bytes: %v, %v", c.bytes, m.Bounds(), err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > uint64(c.bytes)+200e3 {
			t.Errorf("%d bytes allocated of %d", took, c.bytes)
		}
	}
}

// TestWork has scans repeated that visit many blocks with few bytes.
func TestWork(t *testing.T) {
	data := read(t, "testdata/gray-progressive.jpg")
	const blocks = 40 * 30
	at := bytes.LastIndex(data, []byte{0xff, 0xda})
	many := bytes.Clone(data[:at])
	for range 50_000 { // each skips all blocks: a scan of band 1 to 63 with a table of one code
		many = append(many, 0xff, 0xc4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xe0,
			0xff, 0xda, 0, 8, 1, 1, 0, 1, 63, 0, 0x3f, 0xff, 0x00)
	}
	var work int
	m, err := jpeg.Decode(bytes.NewReader(many), jpeg.Options{Work: &work})
	if m == nil || !errors.Is(err, jpeg.ErrIncomplete) || work > 101*blocks || work < 50*blocks {
		t.Errorf("%d blocks: %v", work, err)
	}
	if _, err = jpeg.Decode(bytes.NewReader(data), jpeg.Options{Work: &work}); err != nil || work != 6*blocks {
		t.Errorf("%d blocks of a plain file: %v", work, err)
	}
}

// TestReader has reading fail in the middle, as it does when a context ends.
func TestReader(t *testing.T) {
	end := errors.New("ended")
	data := read(t, media+"m01-rgbprog-4000.jpg")
	for _, n := range []int{0, 5, 1e3, 20e3} {
		r := io.MultiReader(bytes.NewReader(data[:n]), iotest.ErrReader(end))
		if m, err := jpeg.Decode(r, jpeg.Options{W: 500, H: 500}); m != nil || err != end {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
	if _, err := jpeg.DecodeHeader(iotest.ErrReader(end)); err != end {
		t.Error(err)
	}
}
