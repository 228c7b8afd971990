package photo_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"

	"pickerd/display/photo"
)

// tornPNG returns a file that ends after rows rows of zeros, with chunks before them.
func tornPNG(w, h uint32, depth, kind, interlaced byte, rows int, before ...string) []byte {
	ihdr := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	channels := map[byte]int{0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	row := make([]byte, 1+(int(w)*channels*int(depth)+7)/8)
	for range rows {
		_, _ = z.Write(row)
	}
	_ = z.Close()
	ihdr = append(ihdr, depth, kind, 0, 0, interlaced)
	return []byte("\x89PNG\r\n\x1a\n" + string(pngChunk("IHDR", ihdr...)) + strings.Join(before, "") + string(pngChunk("IDAT", b.Bytes()...)))
}

// gifOf returns a file with a screen and n frames of w by h pixels, each with a color
// table. Their data are the first pixels.
func gifOf(screenW, screenH, w, h, flags uint16, n int) []byte {
	le := binary.LittleEndian.AppendUint16
	b := append(le(le([]byte("GIF89a"), screenW), screenH), 0, 0, 0)
	frame := append(le(le([]byte{0x2c, 0, 0, 0, 0}, w), h), 0x87|byte(flags))
	frame = append(frame, make([]byte, 3*256)...)
	frame = append(frame, 8, 4, 0, 0, 0, 0, 0)
	return append(b, bytes.Repeat(frame, n)...)
}

// tinyFrames returns a file with n frames of one pixel in 15 bytes each.
func tinyFrames(n int) []byte {
	frame := []byte{0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0}
	return append([]byte("GIF89a\x01\x00\x01\x00\x00\x00\x00"), bytes.Repeat(frame, n)...)
}

// animatedPNG returns a file that announces frames, the first of which is torn.
func animatedPNG(w, h uint32, frames uint32) []byte {
	control := binary.BigEndian.AppendUint32(make([]byte, 4, 26), w)
	control = append(binary.BigEndian.AppendUint32(control, h), make([]byte, 14)...)
	return tornPNG(w, h, 8, 6, 0, 2, string(pngChunk("acTL", binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, frames), 0)...)), string(pngChunk("fcTL", control...)))
}

// TestFirstFrame decodes only one frame of an animation where it need not move, and of one
// that is too large to.
func TestFirstFrame(t *testing.T) {
	for name, tt := range map[string]struct {
		data   []byte
		limit  photo.Limit
		frames int
	}{
		"GIF":         {gifOf(10, 10, 10, 10, 0, 3), photo.Limit{}, 3},
		"GIF, still":  {gifOf(10, 10, 10, 10, 0, 3), photo.Limit{Still: true}, 1},
		"large GIF":   {gifOf(2200, 2200, 2200, 2200, 0, 3), photo.Limit{}, 1},
		"PNG, still":  {apng(5, []area{{0, 5, pureRed, 0, false}, {1, 3, pureBlue, 0, false}}), photo.Limit{Still: true}, 1},
		"WebP":        {animatedWebP(4, 4), photo.Limit{}, 2},
		"WebP, still": {animatedWebP(4, 4), photo.Limit{Still: true}, 1},
		"large WebP":  {animatedWebP(2200, 2200), photo.Limit{}, 1},
	} {
		p, err := photo.Decode(t.Context(), bytes.NewReader(tt.data), int64(len(tt.data)), tt.limit)
		if err != nil || p.Frames() != tt.frames {
			t.Errorf("%s: %v, %v", name, p, err)
		}
	}
}

// animatedWebP returns a file with two frames of one pixel.
func animatedWebP(w, h int) []byte {
	chunk := func(id string, data ...byte) []byte {
		return append(binary.LittleEndian.AppendUint32([]byte(id), uint32(len(data))), data...)
	}
	pixel := chunk("VP8L", 0x2f, 0, 0, 0, 0, 0x07, 0x10, 0xfd, 0x8f, 0xfe, 0x07, 0x22, 0xa2, 0xff, 0x01, 0)
	frame := chunk("ANMF", append([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 70, 0, 0, 1}, pixel...)...)
	w, h = w-1, h-1
	body := append([]byte("WEBP"), chunk("VP8X", 2, 0, 0, 0, byte(w), byte(w>>8), 0, byte(h), byte(h>>8), 0)...)
	return chunk("RIFF", bytes.Join([][]byte{body, frame, frame}, nil)...)
}

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestMemory counts the bytes that files allocate that are small but ask for much.
func TestMemory(t *testing.T) {
	for name, tt := range map[string]struct {
		data   []byte
		frames int // at least
		err    error
	}{
		"PNG of 12 MP":                           {tornPNG(4000, 3000, 8, 2, 0, 3), 1, nil},
		"PNG of 64 MP":                           {tornPNG(8000, 8000, 8, 2, 0, 3), 1, nil},
		"PNG of 64 MP with 16 bits":              {tornPNG(8000, 8000, 16, 6, 0, 3), 1, nil},
		"interlaced PNG of 64 MP with 16 bits":   {tornPNG(8000, 8000, 16, 6, 1, 3), 1, nil},
		"PNG of 64 MP in gray":                   {tornPNG(8000, 8000, 1, 0, 0, 3), 1, nil},
		"PNG of a million columns":               {tornPNG(1e6, 100, 16, 6, 0, 3), 1, nil},
		"PNG of a million rows":                  {tornPNG(100, 1e6, 16, 6, 0, 3), 1, nil},
		"PNG of two million columns":             {tornPNG(2e6, 1, 1, 0, 0, 1), 0, photo.ErrTooLarge},
		"PNG of 200 MP":                          {tornPNG(20000, 10000, 1, 0, 0, 1), 0, photo.ErrTooLarge},
		"PNG without a row":                      {tornPNG(4000, 3000, 8, 2, 0, 0), 0, photo.ErrFormat},
		"animated PNG of 2 MP":                   {animatedPNG(1600, 1250, 1<<31), 1, nil},
		"animated PNG of 64 MP":                  {animatedPNG(8000, 8000, 30), 1, nil},
		"GIF of 2 MP":                            {gifOf(1600, 1250, 1600, 1250, 0, 1), 1, nil},
		"GIF of 16 MP":                           {gifOf(4000, 4000, 4000, 4000, 0, 2), 1, nil},
		"GIF of a small frame in 16 MP":          {gifOf(4000, 4000, 10, 10, 0, 1), 0, photo.ErrTooLarge},
		"GIF of 3,000 frames with color tables":  {gifOf(10, 10, 10, 10, 0, 3000), 3000, nil},
		"GIF of 400,000 frames of one pixel":     {tinyFrames(400000), 100000, nil},
		"GIF of 40 frames of 1 MP":               {gifOf(1000, 1000, 1000, 1000, 0, 40), 40, nil},
		"GIF with frames beyond its screen":      {append(gifOf(10, 10, 10, 10, 0, 1), gifOf(0, 0, 65535, 65535, 0x40, 9)[13:]...), 1, nil},
		"GIF of 4 gigapixels":                    {gifOf(65535, 65535, 10, 10, 0, 1), 0, photo.ErrTooLarge},
		"GIF whose first frame has 4 gigapixels": {gifOf(10, 10, 65535, 65535, 0, 1), 0, photo.ErrTooLarge},
	} {
		limit := photo.Limit{W: 1920, H: 1080}
		var p *photo.Photo
		var err error
		used := allocated(func() { p, err = photo.Decode(t.Context(), bytes.NewReader(tt.data), int64(len(tt.data)), limit) })
		if used > uint64(limit.Bytes()) {
			t.Errorf("%s: %d MB of %d MB", name, used/1e6, limit.Bytes()/1e6)
		}
		frames := 0
		if p != nil {
			frames = p.Frames()
		}
		if !errors.Is(err, tt.err) || frames < tt.frames {
			t.Errorf("%s: %d frames, %v", name, frames, err)
		}
	}
}
