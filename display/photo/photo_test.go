package photo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"pickerd/display/pixel"
)

func encodeJPEG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func encodePNG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// corner is a picture that is red in its upper left quarter and blue elsewhere.
func corner(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{0, 0, 255, 255}
			if x < w/2 && y < h/2 {
				c = color.RGBA{255, 0, 0, 255}
			}
			m.SetRGBA(x, y, c)
		}
	}
	return m
}

func decode(t testing.TB, data []byte) *Photo {
	t.Helper()
	p, err := Decode(t.Context(), bytes.NewReader(data), int64(len(data)), Limit{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func near(a, b uint32) bool {
	for s := 0; s <= 16; s += 8 {
		x, y := a>>s&0xff, b>>s&0xff
		if max(x, y)-min(x, y) > 30 {
			return false
		}
	}
	return true
}

// withExif puts an orientation into a JPEG, in either order of bytes.
func withExif(data []byte, o uint16, order binary.AppendByteOrder, mark string) []byte {
	tiff := []byte(mark)
	tiff = order.AppendUint16(tiff, 42)
	tiff = order.AppendUint32(tiff, 8)
	tiff = order.AppendUint16(tiff, 2)
	for _, e := range [][2]uint16{{0x0100, 7}, {0x0112, o}} {
		tiff = order.AppendUint16(tiff, e[0])
		tiff = order.AppendUint16(tiff, 3)
		tiff = order.AppendUint32(tiff, 1)
		tiff = order.AppendUint16(tiff, e[1])
		tiff = order.AppendUint16(tiff, 0)
	}
	body := append([]byte("Exif\x00\x00"), tiff...)
	seg := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(body)+2))
	seg = append(seg, body...)
	return append(append(bytes.Clone(data[:2]), seg...), data[2:]...)
}

// Every orientation is drawn upright.
func TestOrientation(t *testing.T) {
	upright := corner(80, 60)
	// How a camera stores the upright picture under each orientation: where the
	// upper left corner of what is stored comes from.
	stored := map[uint16]func(x, y int) (int, int){
		1: func(x, y int) (int, int) { return x, y },
		2: func(x, y int) (int, int) { return 79 - x, y },
		3: func(x, y int) (int, int) { return 79 - x, 59 - y },
		4: func(x, y int) (int, int) { return x, 59 - y },
		5: func(x, y int) (int, int) { return y, x },
		6: func(x, y int) (int, int) { return 79 - y, x },
		7: func(x, y int) (int, int) { return 79 - y, 59 - x },
		8: func(x, y int) (int, int) { return y, 59 - x },
	}
	for o, from := range stored {
		w, h := 80, 60
		if o >= 5 {
			w, h = 60, 80
		}
		m := image.NewRGBA(image.Rect(0, 0, w, h))
		for y := range h {
			for x := range w {
				ux, uy := from(x, y)
				m.Set(x, y, upright.At(ux, uy))
			}
		}
		data := withExif(encodeJPEG(t, m), o, binary.LittleEndian, "II")
		if o%2 == 0 {
			data = withExif(encodeJPEG(t, m), o, binary.BigEndian, "MM")
		}
		p := decode(t, data)
		if sw, sh, err := Size(bytes.NewReader(data), int64(len(data))); sw != 80 || sh != 60 || err != nil {
			t.Errorf("orientation %d: Size says %d by %d, %v", o, sw, sh, err)
		}
		if p.W != 80 || p.H != 60 {
			t.Errorf("orientation %d: %d by %d", o, p.W, p.H)
			continue
		}
		dst := pixel.New(80, 60)
		p.Draw(dst, 0)
		for _, at := range []image.Point{{10, 10}, {70, 10}, {10, 50}, {70, 50}} {
			want := uint32(0x0000ff)
			if at.X < 40 && at.Y < 30 {
				want = 0xff0000
			}
			if got := dst.Row(at.Y)[at.X]; !near(got, want) {
				t.Errorf("orientation %d: %06x at %v, want %06x", o, got, at, want)
			}
		}
	}
}

// Offsets outside of the Exif data are ignored, also where int has 32 bits.
func TestExifOffsets(t *testing.T) {
	for _, at := range []uint32{0, 7, 8, 0x10, 0x7ffffffe, 0x7fffffff, 0x80000000, 0xffffffff} {
		tiff := binary.LittleEndian.AppendUint32([]byte("II*\x00"), at)
		tiff = append(tiff, 0xff, 0xff, 1, 2, 3, 4)
		if o := orientationIn(tiff); o != upright {
			t.Errorf("a directory at %#x: %d", at, o)
		}
	}
}

// Scaling does not change a plain area, nor the mean of an image.
func TestScale(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {7, 5}, {64, 48}, {99, 101}, {400, 300}} {
		plain := image.NewUniform(color.RGBA{200, 100, 50, 255})
		src := image.NewRGBA(image.Rect(0, 0, 100, 75))
		for i := range 7500 {
			src.Set(i%100, i/100, plain.C)
		}
		dst := pixel.New(size.X, size.Y)
		Scale(dst, src, src.Bounds())
		for i, p := range dst.Pix {
			if p != 0xc86432 {
				t.Fatalf("%v: pixel %d is %06x", size, i, p)
			}
		}
	}
	fine := image.NewGray(image.Rect(0, 0, 300, 300))
	for i := range fine.Pix {
		fine.Pix[i] = uint8(i * 255 / len(fine.Pix))
	}
	dst := pixel.New(37, 41)
	Scale(dst, fine, fine.Bounds())
	sum := 0.0
	for _, p := range dst.Pix {
		sum += float64(p & 0xff)
	}
	if mean := sum / float64(len(dst.Pix)); math.Abs(mean-127) > 2 {
		t.Errorf("the mean of 127 is %.1f", mean)
	}
	part := pixel.New(10, 10)
	Scale(part, corner(100, 100), image.Rect(60, 60, 90, 90))
	if part.Pix[0] != 0x0000ff {
		t.Errorf("a part of the picture is %06x", part.Pix[0])
	}
	Scale(part, fine, image.Rect(400, 400, 500, 500)) // nothing of it
	Scale(&pixel.Image{}, fine, fine.Bounds())
}

// Every format and color model is drawn alike.
func TestFormats(t *testing.T) {
	base := corner(64, 48)
	as := func(m interface {
		image.Image
		Set(x, y int, c color.Color)
	}) image.Image {
		for y := range 48 {
			for x := range 64 {
				m.Set(x, y, base.At(x, y))
			}
		}
		return m
	}
	r := image.Rect(0, 0, 64, 48)
	var g bytes.Buffer
	if err := gif.Encode(&g, base, nil); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"jpeg":       encodeJPEG(t, base),
		"rgba":       encodePNG(t, base),
		"nrgba":      encodePNG(t, as(image.NewNRGBA(r))),
		"16 bit":     encodePNG(t, as(image.NewRGBA64(r))),
		"palette":    encodePNG(t, as(image.NewPaletted(r, color.Palette{color.RGBA{255, 0, 0, 255}, color.RGBA{0, 0, 255, 255}}))),
		"gif":        g.Bytes(),
		"webp, VP8L": losslessWebP,
	} {
		p := decode(t, data)
		dst := pixel.New(32, 24)
		p.Draw(dst, 0)
		if name == "webp, VP8L" {
			if !near(dst.Pix[0], 0xff0000) {
				t.Errorf("%s: %06x", name, dst.Pix[0])
			}
			continue
		}
		if !near(dst.Row(5)[5], 0xff0000) || !near(dst.Row(20)[25], 0x0000ff) {
			t.Errorf("%s: %06x and %06x", name, dst.Row(5)[5], dst.Row(20)[25])
		}
	}
}

// losslessWebP is one red pixel.
var losslessWebP = webpFile(chunk("VP8L", []byte{0x2f, 0, 0, 0, 0, 0x07, 0x10, 0xfd, 0x8f, 0xfe, 0x07, 0x22, 0xa2, 0xff, 0x01}))

func chunk(id string, data []byte) []byte {
	b := binary.LittleEndian.AppendUint32([]byte(id), uint32(len(data)))
	b = append(b, data...)
	if len(data)%2 == 1 {
		b = append(b, 0)
	}
	return b
}

func webpFile(chunks ...[]byte) []byte {
	body := append([]byte("WEBP"), bytes.Join(chunks, nil)...)
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

// animatedWebP has frames of one red pixel in two places of a canvas.
func animatedWebP(frames int) []byte {
	chunks := [][]byte{chunk("VP8X", []byte{2, 0, 0, 0, 3, 0, 0, 3, 0, 0}), chunk("ANIM", make([]byte, 6))}
	for i := range frames {
		head := []byte{byte(i % 2), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 70, 0, 0, 1} // disposed of
		chunks = append(chunks, chunk("ANMF", append(head, losslessWebP[12:]...)))
	}
	return webpFile(chunks...)
}

func TestAnimated(t *testing.T) {
	p := decode(t, animatedWebP(3))
	if p.Frames() != 3 || p.W != 4 || p.Delay(0) != 70*time.Millisecond || !p.Animated() {
		t.Fatalf("%d frames, %d wide, %v", p.Frames(), p.W, p.Delay(0))
	}
	for i := range 3 {
		dst := pixel.New(4, 4)
		p.Draw(dst, i)
		if left, right := dst.Pix[0], dst.Pix[2]; near(left, 0xff0000) == (i%2 == 1) || near(right, 0xff0000) == (i%2 == 0) {
			t.Errorf("frame %d: %06x and %06x", i, left, right)
		}
	}
	// A GIF whose second frame covers a part, over the first.
	g := gif.GIF{Delay: []int{0, 30}, Disposal: []byte{gif.DisposalNone, gif.DisposalNone}, Config: image.Config{Width: 8, Height: 8}}
	red := image.NewPaletted(image.Rect(0, 0, 8, 8), color.Palette{color.RGBA{255, 0, 0, 255}})
	blue := image.NewPaletted(image.Rect(4, 4, 8, 8), color.Palette{color.RGBA{0, 0, 255, 255}})
	g.Image = []*image.Paletted{red, blue}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, &g); err != nil {
		t.Fatal(err)
	}
	p = decode(t, b.Bytes())
	dst := pixel.New(8, 8)
	p.Draw(dst, 1)
	if p.Frames() != 2 || p.Delay(0) != defaultDelay || p.Delay(1) != 300*time.Millisecond || dst.Row(0)[0] != 0xff0000 || dst.Row(7)[7] != 0x0000ff {
		t.Errorf("%d frames, %v, %v, %06x, %06x", p.Frames(), p.Delay(0), p.Delay(1), dst.Row(0)[0], dst.Row(7)[7])
	}
	// A file that ends in the middle of a frame is shown as far as it goes.
	torn := b.Bytes()[:b.Len()-12]
	if p = decode(t, torn); p.Frames() != 1 {
		t.Errorf("of a torn file %d frames are shown", p.Frames())
	}
}

// Delays that browsers don't take seriously are replaced.
func TestFrameDelay(t *testing.T) {
	for d, want := range map[time.Duration]time.Duration{0: 100, 1: 100, 10: 100, 11: 11, 15: 15, 20: 20, 100: 100, 5000: 5000} {
		if got := frameDelay(d * time.Millisecond); got != want*time.Millisecond {
			t.Errorf("%d ms: %v", d, got)
		}
	}
}

// All frames of a long animation are kept, smaller.
func TestLongGIF(t *testing.T) {
	g := gif.GIF{}
	for range 60 {
		g.Image = append(g.Image, image.NewPaletted(image.Rect(0, 0, 800, 600), color.Palette{color.Black, color.White}))
		g.Delay = append(g.Delay, 10)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, &g); err != nil {
		t.Fatal(err)
	}
	if p := decode(t, b.Bytes()); p.Frames() != 60 || p.W != 800 || p.frames[0].W != 400 {
		t.Errorf("%d frames", p.Frames())
	}
}

func TestDecodeErrors(t *testing.T) {
	bomb := encodePNG(t, image.NewGray(image.Rect(0, 0, 1, 1)))
	binary.BigEndian.PutUint32(bomb[16:], 40000)
	binary.BigEndian.PutUint32(bomb[20:], 40000)
	binary.BigEndian.PutUint32(bomb[29:], crc32.ChecksumIEEE(bomb[12:29]))
	huge := encodeJPEG(t, image.NewRGBA(image.Rect(0, 0, 8, 8)))
	at := bytes.Index(huge, []byte{0xff, 0xc0})
	binary.BigEndian.PutUint16(huge[at+5:], 65000)
	binary.BigEndian.PutUint16(huge[at+7:], 65000)
	progressive := bytes.Clone(huge)
	progressive[at+1] = 0xc2
	binary.BigEndian.PutUint16(progressive[at+5:], 16000)
	binary.BigEndian.PutUint16(progressive[at+7:], 64000)
	for name, tt := range map[string]struct {
		data []byte
		want error
	}{
		"empty":                          {nil, ErrFormat},
		"text":                           {[]byte("this is no picture at all"), ErrFormat},
		"torn JPEG":                      {encodeJPEG(t, corner(64, 48))[:300], ErrFormat},
		"a PNG of 1.6 gigapixels":        {bomb, ErrTooLarge},
		"a JPEG of 4 gigapixels":         {huge, ErrTooLarge},
		"a progressive one of 1":         {progressive, ErrTooLarge},
		"an animation of 16383 by 16383": {webpFile(chunk("VP8X", []byte{2, 0, 0, 0, 0xfe, 0x3f, 0, 0xfe, 0x3f, 0})), ErrTooLarge},
		"an animation without a frame":   {webpFile(chunk("VP8X", []byte{2, 0, 0, 0, 3, 0, 0, 3, 0, 0})), ErrFormat},
		"video without a still":          {append([]byte{0, 0, 0, 16}, "ftypisom\x00\x00\x00\x00"...), ErrNoStill},
	} {
		_, err := Decode(t.Context(), bytes.NewReader(tt.data), int64(len(tt.data)), Limit{})
		if strconv.IntSize == 32 && errors.Is(err, ErrFormat) && tt.want == ErrTooLarge {
			continue // its size is no int there
		}
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

func TestCompose(t *testing.T) {
	tall := &Photo{W: 60, H: 90, img: corner(60, 90), orientation: upright}
	wide := &Photo{W: 160, H: 90, img: corner(160, 90), orientation: upright}
	tiny := &Photo{W: 10, H: 10, img: corner(10, 10), orientation: upright}
	for name, tt := range map[string]struct {
		photos []*Photo
		want   []image.Rectangle
	}{
		"of the screen's shape": {[]*Photo{wide}, []image.Rectangle{image.Rect(0, 0, 320, 180)}},
		"upright":               {[]*Photo{tall}, []image.Rectangle{image.Rect(100, 0, 220, 180)}},
		"two upright":           {[]*Photo{tall, tall}, []image.Rectangle{image.Rect(26, 0, 146, 180), image.Rect(172, 0, 292, 180)}},
		"tiny":                  {[]*Photo{tiny}, []image.Rectangle{image.Rect(140, 70, 180, 110)}},
	} {
		var got []image.Rectangle
		for _, p := range Compose(320, 180, tt.photos, Layout{}).Places {
			got = append(got, p.Rectangle)
		}
		if fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
		black, blurred := Compose(320, 180, tt.photos, Layout{Plain: true}).Still, Compose(320, 180, tt.photos, Layout{}).Still
		if name == "upright" {
			if black.Row(90)[10] != 0 || blurred.Row(90)[310] == 0 {
				t.Errorf("the backing is %06x and %06x", black.Row(90)[10], blurred.Row(90)[310])
			}
			if light := blurred.Row(90)[310] & 0xff; light > 120 {
				t.Errorf("the backing is too bright: %06x", blurred.Row(90)[310])
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encodeJPEG(f, corner(16, 16)))
	f.Add(withExif(encodeJPEG(f, corner(16, 16)), 6, binary.LittleEndian, "II"))
	f.Add(encodePNG(f, corner(16, 16)))
	f.Add(losslessWebP)
	f.Add(animatedWebP(2))
	var g bytes.Buffer
	if err := gif.Encode(&g, corner(16, 16), nil); err != nil {
		f.Fatal(err)
	}
	f.Add(g.Bytes())
	f.Add(append([]byte{0, 0, 0, 16}, "ftypisom\x00\x00\x00\x00"...))
	for _, name := range []string{"webp/alpha.webp", "webp/animation.webp", "webp/lossless.webp", "media/w03-icc-p3.webp", "media/p06-cicp-p3.png", "media/p06-icc-swap.png", "media/j14-icc-p3.jpg"} {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(data[:len(data)*2/3])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		defer func() { // a damaged lossy WebP is decoded three times, one after the other
			if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > 300e6 {
				t.Errorf("%d MB", (after.TotalAlloc-before.TotalAlloc)/1e6)
			}
		}()
		r := bytes.NewReader(data)
		_, _, _ = Size(r, r.Size())
		p, err := Decode(t.Context(), r, r.Size(), Limit{})
		if err != nil {
			return
		}
		s := Compose(32, 18, []*Photo{p}, Layout{})
		for i := range min(p.Frames(), 5) {
			if s.Animated() {
				s.Advance(time.Duration(i) * 100 * time.Millisecond)
			}
		}
	})
}
