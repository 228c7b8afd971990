package raster_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/color/palette"
	"image/gif"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"pickerd/display/photo/raster"
)

// noise is a picture of some of the colors of a palette.
func noise(r image.Rectangle, p color.Palette, colors int) *image.Paletted {
	rnd := rand.New(rand.NewPCG(1, uint64(colors)))
	m := image.NewPaletted(r, p)
	for i := range m.Pix {
		m.Pix[i] = uint8(rnd.IntN(colors))
		if i%7 < 4 {
			m.Pix[i] = uint8(1 % colors)
		}
	}
	return m
}

func encodeGIF(t testing.TB, screen image.Point, frames ...*image.Paletted) []byte {
	t.Helper()
	g := gif.GIF{Image: frames, Config: image.Config{Width: screen.X, Height: screen.Y}}
	for i := range frames {
		g.Delay, g.Disposal = append(g.Delay, 7*i), append(g.Disposal, byte(1+i%3))
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, &g); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// maxCanvas bounds the pixels of the canvas in tests.
const maxCanvas = 1 << 19

// frames decodes a file. It copies the frames.
func frames(data []byte) (all []*raster.Frame, w, h int, err error) {
	var f raster.Frames
	if bytes.HasPrefix(data, []byte("GIF")) {
		f, err = raster.OpenGIF(bytes.NewReader(data))
	} else {
		f, err = raster.OpenPNG(bytes.NewReader(data))
	}
	if err != nil {
		return nil, 0, 0, err
	}
	w, h = f.Size()
	if w*h > maxCanvas {
		return nil, w, h, raster.ErrTooLarge
	}
	for len(all) < 200 {
		next, err := f.Next()
		if next == nil {
			return all, w, h, err
		}
		m := *next.Image
		m.Pix = bytes.Clone(m.Pix)
		next.Image = &m
		all = append(all, next)
		if err != nil {
			return all, w, h, err
		}
	}
	return all, w, h, nil
}

// TestGIF compares with image/gif.
func TestGIF(t *testing.T) {
	clear := append(color.Palette{color.RGBA{}}, palette.WebSafe[:100]...)
	for name, data := range map[string][]byte{
		"2 colors":     encodeGIF(t, image.Pt(50, 40), noise(image.Rect(0, 0, 50, 40), palette.Plan9[:2], 2)),
		"16 colors":    encodeGIF(t, image.Pt(50, 40), noise(image.Rect(0, 0, 50, 40), palette.Plan9[:16], 16)),
		"256 colors":   encodeGIF(t, image.Pt(300, 200), noise(image.Rect(0, 0, 300, 200), palette.Plan9, 256)),
		"plain":        encodeGIF(t, image.Pt(700, 600), noise(image.Rect(0, 0, 700, 600), palette.Plan9, 1)),
		"a part":       encodeGIF(t, image.Pt(50, 40), noise(image.Rect(10, 20, 50, 40), palette.Plan9, 256)),
		"transparency": encodeGIF(t, image.Pt(50, 40), noise(image.Rect(0, 0, 50, 40), clear, 101)),
		"frames": encodeGIF(t, image.Pt(50, 40), noise(image.Rect(0, 0, 50, 40), palette.Plan9, 256),
			noise(image.Rect(20, 3, 40, 9), clear, 7), noise(image.Rect(49, 39, 50, 40), palette.WebSafe[:20], 20), noise(image.Rect(0, 0, 50, 40), clear, 101)),
	} {
		want, err := gif.DecodeAll(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		got, w, h, err := frames(data)
		if !errors.Is(err, io.EOF) || len(got) != len(want.Image) || w != want.Config.Width || h != want.Config.Height {
			t.Errorf("%s: %d frames of %d by %d, %v", name, len(got), w, h, err)
			continue
		}
		if n := raster.CountGIF(bytes.NewReader(data)); n != len(got) {
			t.Errorf("%s: counted %d frames", name, n)
		}
		for i, f := range got {
			if d := differ(f.Image, want.Image[i]); d != "" {
				t.Errorf("%s: frame %d: %s", name, i, d)
			}
			if f.Delay != time.Duration(want.Delay[i])*10*time.Millisecond || f.Dispose != raster.Disposal(i%3) || !f.Over {
				t.Errorf("%s: frame %d: %v, %v, %v", name, i, f.Delay, f.Dispose, f.Over)
			}
		}
	}
}

// interlace returns a file of one frame whose rows come in passes.
func interlace(t testing.TB, m *image.Paletted) []byte {
	order := image.NewPaletted(m.Rect, m.Palette)
	y := 0
	for _, p := range [][2]int{{0, 8}, {4, 8}, {2, 4}, {1, 2}} {
		for from := p[0]; from < m.Rect.Dy(); from += p[1] {
			copy(order.Pix[y*m.Stride:(y+1)*m.Stride], m.Pix[from*m.Stride:])
			y++
		}
	}
	data := encodeGIF(t, m.Rect.Size(), order)
	data[bytes.Index(data, []byte{0, 0x2c, 0, 0, 0, 0})+10] |= 0x40
	return data
}

// TestDamagedGIF decodes files that browsers show, and strict decoders don't.
func TestDamagedGIF(t *testing.T) {
	m := noise(image.Rect(0, 0, 50, 40), palette.Plan9, 256)
	whole := encodeGIF(t, image.Pt(50, 40), m)
	descriptor := bytes.Index(whole, []byte{0, 0x2c, 0, 0, 0, 0}) + 1
	screen := func(w, h uint16) []byte {
		data := bytes.Clone(whole)
		binary.LittleEndian.PutUint16(data[6:], w)
		binary.LittleEndian.PutUint16(data[8:], h)
		return data
	}
	rows := func(n uint16) []byte {
		data := bytes.Clone(whole)
		binary.LittleEndian.PutUint16(data[descriptor+7:], n)
		return data
	}
	for name, tt := range map[string]struct {
		data   []byte
		bounds image.Rectangle
	}{
		"screen too small":       {screen(40, 10), m.Rect},
		"screen of no size":      {screen(0, 0), m.Rect},
		"more data than rows":    {rows(39), image.Rect(0, 0, 50, 39)},
		"fewer data than rows":   {rows(41), image.Rect(0, 0, 50, 41)},
		"no end":                 {whole[:len(whole)-1], m.Rect},
		"no end of data":         {whole[:len(whole)-2], m.Rect},
		"bytes after the end":    {append(bytes.Clone(whole), "whatever,"...), m.Rect},
		"bytes before the frame": {append(append(bytes.Clone(whole[:descriptor]), "\x00\x01junk\x00"...), whole[descriptor:]...), m.Rect},
		"bytes after the frame":  {append(bytes.Clone(whole[:len(whole)-1]), "\x00\x00junk\x00\x3b"...), m.Rect},
		"interlaced":             {interlace(t, m), m.Rect},
	} {
		all, _, _, err := frames(tt.data)
		if len(all) != 1 || err == nil {
			t.Errorf("%s: %d frames, %v", name, len(all), err)
			continue
		}
		same := m.Rect.Intersect(tt.bounds)
		if b := all[0].Image.Rect; b != tt.bounds {
			t.Errorf("%s: %v", name, b)
		} else if d := differ(all[0].Image.SubImage(same), m.SubImage(same)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// TestTornGIF cuts files. The rows that are there stay; the rest is transparent, or
// coarse if the file is interlaced.
func TestTornGIF(t *testing.T) {
	m := noise(image.Rect(0, 0, 50, 40), palette.Plan9, 256)
	whole := encodeGIF(t, image.Pt(50, 40), m)
	last := -1
	for n := 0; n < len(whole)-10; n += 40 {
		all, _, _, err := frames(whole[:n])
		if err == nil || errors.Is(err, io.EOF) && len(all) > 0 {
			t.Fatalf("%d bytes of %d: %d frames, %v", n, len(whole), len(all), err)
		}
		if len(all) == 0 {
			if last > 0 {
				t.Errorf("%d bytes: no frame", n)
			}
			continue
		}
		rows := 0
		for rows < 40 && differ(all[0].Image.SubImage(image.Rect(0, rows, 50, rows+1)), m.SubImage(image.Rect(0, rows, 50, rows+1))) == "" {
			rows++
		}
		if rows < last || rows < 38 && all[0].Image.NRGBAAt(49, 39).A != 0 {
			t.Errorf("%d bytes: %d rows after %d", n, rows, last)
		}
		last = rows
	}
	if last < 35 {
		t.Errorf("%d rows", last)
	}
	whole = interlace(t, m)
	all, _, _, _ := frames(whole[:len(whole)-1200])
	if len(all) != 1 || !all[0].Image.Opaque() {
		t.Errorf("an interlaced file has %d frames, or holes", len(all))
	}
}

// TestLaterFrames clips the frames after the first to the canvas.
func TestLaterFrames(t *testing.T) {
	m := noise(image.Rect(0, 0, 30, 20), palette.Plan9, 256)
	big := noise(image.Rect(10, 5, 60, 40), palette.Plan9, 256)
	data := encodeGIF(t, image.Pt(60, 40), m, big, m)
	binary.LittleEndian.PutUint16(data[6:], 30)
	binary.LittleEndian.PutUint16(data[8:], 20)
	all, w, h, err := frames(data)
	if len(all) != 3 || w != 30 || h != 20 || !errors.Is(err, io.EOF) {
		t.Fatalf("%d frames of %d by %d, %v", len(all), w, h, err)
	}
	if clip := image.Rect(10, 5, 30, 20); all[1].Image.Rect != clip || differ(all[1].Image, big.SubImage(clip)) != "" {
		t.Errorf("%v, %s", all[1].Image.Rect, differ(all[1].Image, big.SubImage(clip)))
	}
	if d := differ(all[2].Image, m); d != "" {
		t.Error(d)
	}
}
