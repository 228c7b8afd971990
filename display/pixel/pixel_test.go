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
	a, b := noise(51, 1), New(51, 1) // one more than pairs
	for i := range b.Pix {
		b.Pix[i] = a.Pix[50-i] ^ 0xffffff
	}
	a.Pix[0], b.Pix[0], a.Pix[1], b.Pix[1] = 0, 0xffffff, 0xffffff, 0
	dst := make([]uint32, 51)
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
	Zoom(dst, src, 1, 0.5, 0.5)
	for i := range src.Pix {
		if dst.Pix[i] != src.Pix[i] {
			t.Fatal("a factor of 1 changes the picture")
		}
	}
	src.Fill(image.Rect(0, 0, 64, 36), 0x102030)
	around := New(66, 38)
	around.Fill(around.Bounds(), 0xffffff)
	around.Copy(src, image.Pt(1, 1))
	for by := 1.0; by < 3; by += 0.01 { // no factor leads out of the picture, around any point
		for _, at := range []float64{0, 0.3, 0.5, 1} {
			Zoom(dst, around.Sub(image.Rect(1, 1, 65, 37)), by, at, 1-at)
			for i, p := range dst.Pix {
				if p != 0x102030 {
					t.Fatalf("%v around %v: %06x at %d", by, at, p, i)
				}
			}
		}
	}
}

// Zoom does what one pixel after the other gives, also at the edges of odd sizes.
func TestExactZoom(t *testing.T) {
	const one = 1 << 16
	for _, size := range []image.Point{{1, 1}, {2, 1}, {1, 2}, {7, 5}, {64, 36}} {
		src, dst := noise(size.X, size.Y), New(size.X, size.Y)
		for i, factor := range []float64{1, 1.01, 1.5, 2.7} {
			px, py := []float64{0.5, 0, 1, 0.25}[i], []float64{0.5, 1, 0, 0.5}[i]
			Zoom(dst, src, factor, px, py)
			step := int(one / factor)
			at := func(i, n int, stays float64) (from, to int, share uint32) {
				x := int(stays*float64(n*(one-step))) + i*step
				return x / one, min(x/one+1, n-1), uint32(x%one) >> 8
			}
			for y := range size.Y {
				for x := range size.X {
					up, down, v := at(y, size.Y, py)
					left, right, h := at(x, size.X, px)
					want := Mix(Mix(src.Row(up)[left], src.Row(down)[left], v), Mix(src.Row(up)[right], src.Row(down)[right], v), h)
					if got := dst.Row(y)[x]; got != want {
						t.Fatalf("%v by %v: pixel %d,%d is %06x, want %06x", size, factor, x, y, got, want)
					}
				}
			}
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

// Each value and threshold gives what exact arithmetic gives: v*top/255 + (d+½)/16,
// rounded down. In a few of 4096 cases the sum is so close to the next number that it
// is taken for it, or not.
func TestExactDither(t *testing.T) {
	for length := 4; length <= 8; length++ {
		f, top := Format{16, Field{16 - length, length}, Field{0, 4}, Field{4, 4}}, uint32(1)<<length-1
		others := 0
		for v := range uint32(256) {
			for y, thresholds := range bayer {
				src, line := make([]uint32, len(thresholds)), make([]byte, 2*len(thresholds))
				for i := range src {
					src[i] = v << 16
				}
				f.Encode(line, src, y)
				for x, d := range thresholds {
					got := uint32(line[2*x+1]) >> (8 - length)
					if want := (32*v*top + (2*d+1)*255) / (32 * 255); got != want {
						others++
						if got+1 != want && got != want+1 {
							t.Fatalf("%d bits: %d with threshold %d is %d, want %d", length, v, d, got, want)
						}
					}
				}
			}
		}
		if others > 4 {
			t.Errorf("%d bits: %d results differ", length, others)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	m, dst := noise(37, 2), make([]byte, 4*37)
	if n := testing.AllocsPerRun(10, func() {
		for _, f := range formats {
			f.Encode(dst[:f.Bytes(m.W)], m.Row(0), 1)
		}
		Blend(m.Row(0), m.Row(0), m.Row(1), 100)
	}); n > 0 {
		t.Errorf("%.0f allocations", n)
	}
}
