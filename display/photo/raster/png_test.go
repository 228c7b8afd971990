package raster_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"testing"

	"pickerd/display/photo/raster"
)

const memory = 10 << 20

func still(data []byte, memory int64) (image.Image, error) {
	p, err := raster.OpenPNG(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return p.Still(memory)
}

// differ returns a pixel that is not the same in two pictures.
func differ(a, b image.Image) string {
	if a.Bounds() != b.Bounds() {
		return fmt.Sprint(a.Bounds(), b.Bounds())
	}
	for y := a.Bounds().Min.Y; y < a.Bounds().Max.Y; y++ {
		for x := a.Bounds().Min.X; x < a.Bounds().Max.X; x++ {
			p, q := nrgba(a.At(x, y)), nrgba(b.At(x, y))
			if p != q && (p.A != 0 || q.A != 0) {
				return fmt.Sprint(x, " ", y, ": ", p, " ", q)
			}
		}
	}
	return ""
}

// nrgba returns a color with 8 bits, exactly.
func nrgba(c color.Color) color.NRGBA {
	if c, ok := c.(color.NRGBA64); ok {
		return color.NRGBA{uint8(c.R >> 8), uint8(c.G >> 8), uint8(c.B >> 8), uint8(c.A >> 8)}
	}
	return color.NRGBAModel.Convert(c).(color.NRGBA)
}

// layouts are files of each depth, color type and order of rows.
func layouts() map[string]file {
	all := map[string]file{}
	for kind, depths := range map[byte][]byte{0: {1, 2, 4, 8, 16}, 2: {8, 16}, 3: {1, 2, 4, 8}, 4: {8, 16}, 6: {8, 16}} {
		for _, depth := range depths {
			for interlaced := range byte(2) {
				for _, transparent := range []bool{false, true} {
					f := file{w: 37, h: 29, depth: depth, kind: kind, interlaced: interlaced, split: 50}
					if kind == 3 {
						f.before = []string{plte(1 << depth)}
					}
					switch {
					case transparent && kind == 0:
						f.before = append(f.before, chunk("tRNS", []byte{0, 1}))
					case transparent && kind == 2:
						f.before = append(f.before, chunk("tRNS", []byte{0, 1, 0, 1, 0, 1}))
					case transparent && kind == 3:
						f.before = append(f.before, chunk("tRNS", []byte{0, 100}))
					case transparent:
						continue
					}
					all[fmt.Sprint("type ", kind, ", depth ", depth, ", interlaced ", interlaced, ", transparent ", transparent)] = f
				}
			}
		}
	}
	return all
}

// TestPNG compares with image/png, and decodes damaged files as far as they go.
func TestPNG(t *testing.T) {
	for name, f := range layouts() {
		data := f.encode(f.noise())
		want, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(name, err)
		}
		checkStill(t, name, data, want)
	}
}

// checkStill checks that a file decodes to an image.
func checkStill(t *testing.T, name string, data []byte, want image.Image) {
	t.Helper()
	got, err := still(data, memory)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if d := differ(got, want); d != "" {
		t.Errorf("%s: %s", name, d)
	}
}

// TestDamagedPNG decodes files that browsers show, and strict decoders don't.
func TestDamagedPNG(t *testing.T) {
	plain := file{w: 40, h: 30, depth: 8, kind: 2}
	raw := plain.noise()
	want, err := png.Decode(bytes.NewReader(plain.encode(raw)))
	if err != nil {
		t.Fatal(err)
	}
	encode := func(f file) []byte { return f.encode(raw) }
	with := func(change func(*file)) []byte {
		f := plain
		change(&f)
		return encode(f)
	}
	whole := encode(plain)
	idat := bytes.Index(whole, []byte("IDAT"))
	badData := bytes.Clone(whole)
	badData[len(badData)-13] ^= 1 // the checksum of IDAT
	badAdler := bytes.Clone(whole)
	badAdler[len(badAdler)-17] ^= 1
	between := with(func(f *file) { f.split = 300 })
	second := bytes.LastIndex(between, []byte("IDAT")) - 4
	for name, data := range map[string][]byte{
		"ancillary checksum":   with(func(f *file) { f.before = []string{spoil(chunk("iCCP", []byte("x\x00\x00y")))} }),
		"image data checksum":  badData,
		"checksum of zlib":     badAdler,
		"more rows":            plain.encode(append(bytes.Clone(raw), raw...)),
		"text between":         []byte(string(between[:second]) + chunk("tEXt", []byte("a\x00b")) + string(between[second:])),
		"empty image data":     []byte(string(whole[:idat-4]) + chunk("IDAT", nil) + string(whole[idat-4:])),
		"no end":               whole[:len(whole)-12],
		"a torn end":           whole[:len(whole)-5],
		"no checksum of zlib":  whole[:len(whole)-12-4-4],
		"bytes after the end":  append(bytes.Clone(whole), "whatever\x00"...),
		"chunks after":         with(func(f *file) { f.after = []string{chunk("eXIf", make([]byte, 20)), chunk("quAx", nil)} }),
		"an unknown chunk":     with(func(f *file) { f.before = []string{chunk("ABCD", []byte("abc"))} }),
		"transparency spoiled": with(func(f *file) { f.before = []string{spoil(chunk("tRNS", []byte{0, raw[1], 0, raw[2], 0, raw[3]}))} }),
	} {
		checkStill(t, name, data, want)
	}
}

// TestTornPNG cuts files after each byte.
func TestTornPNG(t *testing.T) {
	for name, f := range layouts() {
		whole := f.encode(f.noise())
		want, err := still(whole, memory)
		if err != nil {
			t.Fatal(err)
		}
		data := bytes.Index(whole, []byte("IDAT"))
		last := 0
		for n := 0; n < len(whole)-12-8; n += 1 + len(whole)/20 {
			got, err := still(whole[:n], memory)
			if err == nil && n < data+8+20 {
				t.Errorf("%s: %d bytes of %d are enough", name, n, len(whole))
			}
			if got == nil {
				continue
			}
			rows := 0
			for ; rows < f.h && f.interlaced == 0; rows++ {
				at := image.Rect(0, rows, f.w, rows+1)
				if differ(part(got, at), part(want, at)) != "" {
					break
				}
			}
			if rows < last || rows < f.h && err == nil && f.interlaced == 0 {
				t.Errorf("%s: %d rows of %d bytes, after %d; %v", name, rows, n, last, err)
			}
			last = rows
			if f.interlaced == 0 && rows < f.h-1 {
				if _, _, _, a := got.At(0, f.h-1).RGBA(); a != 0 {
					t.Errorf("%s: a missing row is not transparent", name)
				}
			}
			if whole := f.interlaced == 1 && n > len(whole)/2 && f.kind < 3 && f.before == nil; whole && !got.(interface{ Opaque() bool }).Opaque() {
				t.Errorf("%s: a hole in the picture of %d bytes", name, n)
			}
		}
		if last == 0 && f.interlaced == 0 {
			t.Errorf("%s: no picture", name)
		}
	}
}

func part(m image.Image, r image.Rectangle) image.Image {
	return m.(interface {
		SubImage(image.Rectangle) image.Image
	}).SubImage(r)
}

// TestReducedPNG decodes a large picture within little memory.
func TestReducedPNG(t *testing.T) {
	for _, interlaced := range []byte{0, 1} {
		for _, kind := range []byte{0, 2, 6} {
			f := file{w: 1003, h: 701, depth: 16, kind: kind, interlaced: interlaced}
			raw := f.rows(func(_ int, row []byte) {
				for i := range row[1:] {
					row[1+i] = 0x80
				}
			})
			m, err := still(f.encode(raw), 400<<10)
			if err != nil {
				t.Fatal(err)
			}
			if b := m.Bounds(); b.Dx()*b.Dy()*4 > 400<<10 || b.Dx() < 150 || b.Dx()*701/1003-b.Dy() > 1 {
				t.Errorf("type %d: %v", kind, b)
			}
			for y := range m.Bounds().Dy() {
				for x := range m.Bounds().Dx() {
					c := nrgba(m.At(x, y))
					if c.R != 0x80 || c.A != 0xff && kind != 6 || c.A != 0x80 && kind == 6 {
						t.Fatalf("type %d, interlaced %d: %v at %d, %d", kind, interlaced, c, x, y)
					}
				}
			}
		}
	}
}
