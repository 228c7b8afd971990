package photo_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"pickerd/display/photo"
	"pickerd/display/pixel"
)

// mediaCase is what a file of testdata/media looks like on a screen.
type mediaCase struct {
	colors  []uint32 // at points; quadrants unless given
	points  []image.Point
	w, h    int // 320 by 240 unless given
	frames  int // 1 unless given
	torn    bool
	err     error  // instead of a picture
	wanting string // why the case fails today
}

var (
	// The middle of each quadrant, and the F.
	middles   = []image.Point{{60, 60}, {260, 60}, {60, 180}, {260, 180}, {160, 130}}
	quadrants = []uint32{0xc83c28, 0x3ca03c, 0x285ac8, 0xe6c83c, 0xffffff}
	// How Chromium 156 shows the colors in Display P3, and red and blue swapped.
	displayP3 = []uint32{0xd92a17, 0x00a328, 0x0a5bcf, 0xecc700, 0xffffff}
	swapped   = []uint32{0x283cc8, 0x3ca03c, 0xc85a28, 0x3cc8e6, 0xffffff}
	// Chromium 156 takes four components without a marker of Adobe for CMYK.
	cmyk = []uint32{0x64861d, 0x29717a, 0x702486, 0x24be59, 0x008080}
)

var mediaCases = map[string]mediaCase{
	"c01-cmyk-noadobe.jpg":          {colors: cmyk},
	"g04-screen-smaller.gif":        {},
	"g04-screen-zero.gif":           {},
	"g05-toomuchdata.gif":           {},
	"g06-trunc.gif":                 {colors: quadrants[:2], torn: true},
	"j02-221112-b.jpg":              {},
	"j02-311-b.jpg":                 {},
	"j02-311-p.jpg":                 {},
	"j02-441-p.jpg":                 {},
	"j02-lumaless-p.jpg":            {},
	"j02-mixed-b.jpg":               {},
	"j04-arith.jpg":                 {},
	"j09-noeoi.jpg":                 {},
	"j09-trunc60.jpg":               {colors: quadrants[:2], torn: true},
	"j10-rst-missing.jpg":           {colors: quadrants[:4], torn: true},
	"j13-exif6-afterjfif-stray.jpg": {},
	"j14-icc-p3.jpg":                {colors: displayP3},
	"j14-icc-swap.jpg":              {colors: swapped},
	"m01-rgbprog-4000.jpg":          {colors: []uint32{0xc83c28, 0xc83c28, 0xc83c28, 0xc83c28}, w: 4000, h: 4000},
	"p04-black-on-clear.png":        {colors: []uint32{photo.Ground, 0}, points: []image.Point{{30, 30}, {160, 130}}},
	"p05-badcrc-iccp.png":           {},
	"p05-badcrc-idat.png":           {},
	"p06-cicp-p3.png":               {colors: displayP3},
	"p06-icc-swap.png":              {colors: swapped},
	"p07-exif6-afteridat.png":       {colors: []uint32{0x3ca03c, 0xe6c83c, 0xc83c28, 0x285ac8}, w: 240, h: 320},
	"p08-noiend.png":                {},
	"p08-text-between-idat.png":     {},
	"p09-apng.png":                  {frames: 2},
	"v03-frag12s.mp4":               {err: photo.ErrNoStill},
	"v05-hevc.mp4":                  {err: photo.ErrNoStill},
	"v05-hevc-aac.mp4":              {err: photo.ErrNoStill},
	"v05-hevc20s.mp4":               {err: photo.ErrNoStill},
	"v09-vp9.webm":                  {err: photo.ErrFormat},
	"v14-trunc.mp4":                 {err: photo.ErrNoStill},
	"w01-lossy.webp":                {},
	"w02-exif6.webp":                {},
	"w03-icc-p3.webp":               {colors: displayP3},
	"w04-anim1.webp":                {},
	"w05-trunc.webp":                {colors: []uint32{0xc83c28, 0x3ca03c, photo.Ground}, points: []image.Point{{60, 15}, {260, 15}, {160, 130}}, torn: true},
	"x03.heic":                      {err: photo.ErrFormat},
}

// TestCases draws every file of testdata/media. A case that is wanting must fail, so
// that its mark is removed with the fault.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/media/*.*")
	if err != nil || len(files) != len(mediaCases)+1 {
		t.Errorf("%d files for %d cases and a README: %v", len(files), len(mediaCases), err)
	}
	for name, c := range mediaCases {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata/media", name))
			if err != nil {
				t.Fatal(err)
			}
			switch err := c.check(t, data); {
			case c.wanting == "" && err != nil:
				t.Error(err)
			case c.wanting != "" && err == nil:
				t.Errorf("it passes: it is not wanting %s any more", c.wanting)
			}
		})
	}
}

func (c mediaCase) check(t *testing.T, data []byte) error {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	p, err := photo.Decode(t.Context(), bytes.NewReader(data), int64(len(data)), photo.Limit{W: 1920, H: 1080})
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 90e6 {
		return fmt.Errorf("%d MB allocated", took/1e6)
	}
	if c.err != nil {
		if !errors.Is(err, c.err) {
			return fmt.Errorf("%w, want %w", err, c.err)
		}
		return nil
	}
	if err != nil {
		return err
	}
	if c.w == 0 {
		c.w, c.h = 320, 240
	}
	if p.W != c.w || p.H != c.h || p.Frames() != max(c.frames, 1) || p.Torn != c.torn {
		return fmt.Errorf("%d by %d pixels, %d frames, torn %t", p.W, p.H, p.Frames(), p.Torn)
	}
	if c.colors == nil {
		c.colors = quadrants
	}
	if c.points == nil {
		c.points = middles
	}
	m := pixel.New(320, 240)
	p.Draw(m, 0)
	for i, want := range c.colors {
		at := c.points[i]
		if got := m.Row(at.Y)[at.X]; deltaE(got, want) > 2 {
			return fmt.Errorf("%06x at %v, want %06x: a difference of %.1f", got, at, want, deltaE(got, want))
		}
	}
	return nil
}

// deltaE returns the difference of two colors in CIELAB (CIE76), which is not below
// that of CIEDE2000 for these.
func deltaE(a, b uint32) float64 {
	x, y := lab(a), lab(b)
	return math.Sqrt((x[0]-y[0])*(x[0]-y[0]) + (x[1]-y[1])*(x[1]-y[1]) + (x[2]-y[2])*(x[2]-y[2]))
}

// lab returns a color of sRGB in CIELAB, with the white of D65.
func lab(p uint32) [3]float64 {
	var c [3]float64
	for i := range c {
		v := float64(p>>(16-8*i)&0xff) / 255
		if v <= 0.04045 {
			c[i] = v / 12.92
		} else {
			c[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	f := func(r, g, b, white float64) float64 {
		v := (r*c[0] + g*c[1] + b*c[2]) / white
		if v > 216.0/24389 {
			return math.Cbrt(v)
		}
		return (24389.0/27*v + 16) / 116
	}
	x, y, z := f(0.4124, 0.3576, 0.1805, 0.9505), f(0.2126, 0.7152, 0.0722, 1), f(0.0193, 0.1192, 0.9505, 1.089)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

// TestFormat checks what the first bytes of a file are taken for.
func TestFormat(t *testing.T) {
	const ftyp = "\x00\x00\x00\x18ftyp"
	for head, want := range map[string]string{
		"":                                "",
		"\xff":                            "",
		"\xff\xd8\xff":                    "image/jpeg",
		"\r\n\xff\xd8\xff\xe0":            "image/jpeg",
		"\r\n\x89PNG":                     "",
		"\x89PNG\r\n\x1a\n":               "image/png",
		"GIF89a":                          "image/gif",
		"RIFF\x00\x00\x00\x00WEBPVP8 ":    "image/webp",
		"RIFF\x00\x00\x00\x00AVI ":        "",
		"RIFF":                            "",
		"\xff\x0a\x00":                    "image/jxl",
		"\x00\x00\x00\x0cJXL \r\n\x87\n":  "image/jxl",
		"\x1aE\xdf\xa3":                   "video/webm",
		ftyp + "isom\x00\x00\x02\x00":     "video/mp4",
		ftyp + "qt  \x00\x00\x02\x00":     "video/mp4",
		ftyp:                              "video/mp4",
		ftyp + "heic\x00\x00\x00\x00mif1": "image/heic",
		ftyp + "avif\x00\x00\x00\x00mif1": "image/avif",
		ftyp + "mif1\x00\x00\x00\x00avif": "image/avif",
		ftyp + "mif1\x00\x00\x00\x00heic": "image/heic",
		ftyp + "isom\x00\x00\x00\x00avif": "video/mp4",
		"<!DOCTYPE html>":                 "",
	} {
		if got := photo.Format([]byte(head)); got != want {
			t.Errorf("%q: %q, want %q", head, got, want)
		}
	}
	for name := range mediaCases {
		data, err := os.ReadFile(filepath.Join("testdata/media", name))
		if err != nil {
			t.Fatal(err)
		}
		kind := strings.NewReplacer(".jpg", "image/jpeg", ".mp4", "video/mp4", ".webm", "video/webm").Replace(filepath.Ext(name))
		if got := photo.Format(data); got != strings.Replace(kind, ".", "image/", 1) {
			t.Errorf("%s: %s", name, got)
		}
	}
}
