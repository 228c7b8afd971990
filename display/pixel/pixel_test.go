package pixel

import (
	"errors"
	"image"
	"image/color"
	"math/rand/v2"
	"testing"
)

// noise is a picture whose pixels are all different.
func noise(w, h int) *Image {
	r := rand.New(rand.NewPCG(1, 2))
	m := New(w, h)
	for i := range m.Pix {
		m.Pix[i] = r.Uint32() & 0xffffff
	}
	return m
}

var formats = map[string]Format{
	"32 bit":             XRGB8888,
	"32 bit, red first":  {32, Field{0, 8}, Field{8, 8}, Field{16, 8}},
	"32 bit, at the top": {32, Field{24, 8}, Field{16, 8}, Field{8, 8}},
	"30 bit":             {32, Field{20, 10}, Field{10, 10}, Field{0, 10}},
	"24 bit":             {24, Field{16, 8}, Field{8, 8}, Field{0, 8}},
	"24 bit, red first":  {24, Field{0, 8}, Field{8, 8}, Field{16, 8}},
	"565":                {16, Field{11, 5}, Field{5, 6}, Field{0, 5}},
	"565, blue first":    {16, Field{0, 5}, Field{5, 6}, Field{11, 5}},
	"555":                {16, Field{10, 5}, Field{5, 5}, Field{0, 5}},
	"444":                {16, Field{8, 4}, Field{4, 4}, Field{0, 4}},
}

// decode reads a pixel as a display does, bit by bit.
func (f Format) decode(b []byte) color.RGBA {
	var word uint64
	for i := range f.BPP / 8 {
		word |= uint64(b[i]) << (8 * i)
	}
	part := func(c Field) uint8 {
		top := uint64(1)<<c.Length - 1
		return uint8((word >> c.Offset & top) * 255 / top)
	}
	return color.RGBA{part(f.Red), part(f.Green), part(f.Blue), 255}
}

func TestEncode(t *testing.T) {
	m := noise(37, 8)
	copy(m.Row(0), []uint32{0, 0xffffff, 0xff0000, 0x00ff00, 0x0000ff, 0x808080})
	for name, f := range formats {
		if err := f.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		step := 256 >> min(f.Red.Length, f.Green.Length, f.Blue.Length, 8)
		for y := range m.H {
			// One byte further, so that words are not where they are best.
			for _, skip := range []int{0, 1} {
				line := make([]byte, f.Bytes(m.W)+skip)[skip:]
				f.Encode(line, m.Row(y), y)
				for x := range m.W {
					got, want := f.decode(line[f.Bytes(x):]), m.At(x, y).(color.RGBA)
					if far(got, want) > step || (want == color.RGBA{0, 0, 0, 255} || want == color.RGBA{255, 255, 255, 255}) && got != want {
						t.Fatalf("%s: pixel %d,%d is %v, want %v", name, x, y, got, want)
					}
				}
			}
		}
	}
}

func far(a, b color.RGBA) int {
	d := func(x, y uint8) int { return int(max(x, y) - min(x, y)) }
	return max(d(a.R, b.R), d(a.G, b.G), d(a.B, b.B))
}

// What few bits can't tell is told by four by four pixels together.
func TestDither(t *testing.T) {
	f := formats["565"]
	row := make([]uint32, 64)
	for i := range row {
		row[i] = 0x646464
	}
	sum := 0
	for y := range 4 {
		line := make([]byte, f.Bytes(len(row)))
		f.Encode(line, row, y)
		for x := range row {
			sum += int(f.decode(line[2*x:]).R)
		}
	}
	if mean := float64(sum) / float64(4*len(row)); mean < 0x64-1 || mean > 0x64+1 {
		t.Errorf("grey 100 is %.1f on the whole", mean)
	}
}

func TestRefusedFormats(t *testing.T) {
	for name, f := range map[string]Format{
		"8 bit":        {8, Field{0, 8}, Field{0, 8}, Field{0, 8}},
		"nothing":      {},
		"no green":     {16, Field{11, 5}, Field{5, 0}, Field{0, 5}},
		"beyond":       {16, Field{12, 5}, Field{5, 6}, Field{0, 5}},
		"far too long": {32, Field{0, 11}, Field{11, 11}, Field{22, 10}},
	} {
		if err := f.Check(); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTurn(t *testing.T) {
	src := noise(67, 41)
	for _, degrees := range []int{0, 90, 180, 270} {
		w, h := RotatedSize(src.W, src.H, degrees)
		dst := New(w, h)
		Rotate(dst, src, degrees)
		for y := range src.H {
			for x := range src.W {
				at := map[int]image.Point{0: {x, y}, 90: {src.H - 1 - y, x}, 180: {src.W - 1 - x, src.H - 1 - y}, 270: {y, src.W - 1 - x}}[degrees]
				if dst.Row(at.Y)[at.X] != src.Row(y)[x] {
					t.Fatalf("%d degrees: pixel %d,%d is not at %v", degrees, x, y, at)
				}
			}
		}
	}
}

func TestBlend(t *testing.T) {
	a, b := noise(50, 1), New(50, 1)
	for i := range b.Pix {
		b.Pix[i] = a.Pix[49-i] ^ 0xffffff
	}
	dst := make([]uint32, 50)
	for _, share := range []uint32{0, 1, 77, 128, 255, 256} {
		Blend(dst, a.Pix, b.Pix, share)
		for i, p := range dst {
			if p != Mix(a.Pix[i], b.Pix[i], share) {
				t.Fatalf("share %d: Blend and Mix differ", share)
			}
			for shift := 0; shift < 24; shift += 8 {
				x, y := a.Pix[i]>>shift&0xff, b.Pix[i]>>shift&0xff
				if want := (x*(256-share) + y*share) >> 8; p>>shift&0xff != want {
					t.Fatalf("share %d of %d and %d is %d, want %d", share, x, y, p>>shift&0xff, want)
				}
			}
		}
	}
}

func TestZoom(t *testing.T) {
	src := noise(64, 36)
	dst := New(64, 36)
	Zoom(dst, src, 1)
	for i := range src.Pix {
		if dst.Pix[i] != src.Pix[i] {
			t.Fatal("a factor of 1 changes the picture")
		}
	}
	src.Fill(image.Rect(0, 0, 64, 36), 0x102030)
	for by := 1.0; by < 3; by += 0.01 { // no factor leads out of the picture
		if Zoom(dst, src, by); dst.Pix[0] != 0x102030 || dst.Pix[len(dst.Pix)-1] != 0x102030 {
			t.Fatalf("%v: another colour", by)
		}
	}
}

func TestParts(t *testing.T) {
	m := noise(20, 10)
	part := m.Sub(image.Rect(-5, 3, 8, 30))
	if part.W != 8 || part.H != 7 || part.Row(0)[0] != m.Row(3)[0] {
		t.Errorf("%d by %d", part.W, part.H)
	}
	if e := m.Sub(image.Rect(40, 0, 50, 5)); e.W != 0 || e.H != 0 {
		t.Error("a part outside is not empty")
	}
	m.Copy(noise(5, 5), image.Pt(-2, 8)) // reaches over two edges
	m.Dim(image.Rect(0, 0, 3, 3), 0xffffff, 256)
	if m.Row(2)[2] != 0xffffff {
		t.Error("Dim by 256 does not replace")
	}
}

// The share of a picture's size and format in the time that bringing it to a
// screen takes: copy is what the same memory takes at best.
func BenchmarkPush(b *testing.B) {
	for _, size := range []image.Point{{1920, 1080}, {3840, 2160}} {
		m := noise(size.X, size.Y)
		for _, f := range []struct {
			name string
			Format
		}{{"32", XRGB8888}, {"24", formats["24 bit"]}, {"565", formats["565"]}} {
			dst := make([]byte, f.Bytes(size.X)*size.Y)
			b.Run(f.name+"/"+size.String(), func(b *testing.B) {
				b.SetBytes(int64(len(dst)))
				for b.Loop() {
					for y := range size.Y {
						f.Encode(dst[y*f.Bytes(size.X):(y+1)*f.Bytes(size.X)], m.Row(y), y)
					}
				}
			})
		}
		src, dst := make([]byte, 4*size.X*size.Y), make([]byte, 4*size.X*size.Y)
		for i := range src { // pages that were never written are all one
			src[i] = byte(i)
		}
		b.Run("copy/"+size.String(), func(b *testing.B) {
			b.SetBytes(int64(len(dst)))
			for b.Loop() {
				copy(dst, src)
			}
		})
	}
}

func BenchmarkBlend(b *testing.B) {
	for _, size := range []image.Point{{1920, 1080}, {3840, 2160}} {
		x, y, dst := noise(size.X, size.Y), noise(size.X, size.Y), New(size.X, size.Y)
		b.Run(size.String(), func(b *testing.B) {
			for b.Loop() {
				for row := range size.Y {
					Blend(dst.Row(row), x.Row(row), y.Row(row), 100)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "frames/s")
		})
	}
}

func BenchmarkTurn(b *testing.B) {
	src, dst := noise(1920, 1080), New(1080, 1920)
	for b.Loop() {
		Rotate(dst, src, 90)
	}
}

func BenchmarkZoom(b *testing.B) {
	src, dst := noise(1920, 1080), New(1920, 1080)
	for b.Loop() {
		Zoom(dst, src, 1.03)
	}
}
