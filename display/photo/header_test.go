package photo_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pickerd/display/photo"
)

// caseFiles returns the paths of files that some program has trouble with.
func caseFiles(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/media/*.*")
	if err != nil || len(files) == 0 {
		t.Skip("no files in testdata/media")
	}
	return files
}

// TestSizeOfCases checks that files that browsers show have a size, and that pictures
// are told from films, whatever their names say.
func TestSizeOfCases(t *testing.T) {
	sizes := map[string][2]int{"n1 ": {1280, 720}, "n2-": {1280, 720}, "m01": {4000, 4000}, "j13": {240, 320}, "w02": {240, 320}, "p07": {240, 320}, "g04-screen-smaller.gif": {320, 240}}
	for _, file := range caseFiles(t) {
		name := filepath.Base(file)
		if strings.HasSuffix(name, ".md") {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		w, h, err := photo.Size(bytes.NewReader(data), int64(len(data)))
		if strings.HasPrefix(photo.Format(data), "video/") != strings.HasPrefix(name, "v") {
			t.Errorf("%s is %q", name, photo.Format(data))
		}
		if strings.HasPrefix(name, "v") {
			continue
		}
		want, ok := sizes[name]
		if !ok {
			want = sizes[name[:3]]
		}
		if err != nil || want != [2]int{} && want != [2]int{w, h} && want != [2]int{h, w} || want == [2]int{} && (w != 320 || h != 240) {
			t.Errorf("%s: %d by %d, %v", name, w, h, err)
		}
	}
}

func isobmff(brands string, boxes ...[]byte) []byte {
	return append(mp4Box("ftyp", []byte(brands)), bytes.Join(boxes, nil)...)
}

// ispe is the size of an image in a HEIF file.
func ispe(w, h uint32) []byte {
	return mp4Box("ispe", binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(make([]byte, 4), w), h))
}

func heif(properties ...[]byte) []byte {
	return mp4Box("meta", make([]byte, 4), mp4Box("iprp", mp4Box("ipco", properties...)))
}

// TestSize reads what the headers of each format say.
func TestSize(t *testing.T) {
	frame := []byte("\xff\xc9\x00\x11\x08\x00\xf0\x01\x40\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01") // arithmetic coding
	gif := func(w, h string, rest string) []byte { return []byte("GIF89a" + w + h + "\x00\x00\x00" + rest) }
	// 0: not small; 00: 9 bits; 239 (240 high); 011: 4 to 3; 1: all default
	jxl := func(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }
	for name, tt := range map[string]struct {
		data   []byte
		format string
		w, h   int
	}{
		"JPEG, arithmetic coding":    {append([]byte("\xff\xd8"), frame...), "image/jpeg", 320, 240},
		"JPEG after CR LF":           {append([]byte("\r\n\xff\xd8"), frame...), "image/jpeg", 320, 240},
		"JPEG, stray bytes":          {append([]byte("\xff\xd8\xff\xe0\x00\x04abxy\xff\xff"), frame[1:]...), "image/jpeg", 320, 240},
		"JPEG without a frame":       {[]byte("\xff\xd8\xff\xe0\x00\x04ab\xff\xda\x00\x02"), "image/jpeg", 0, 0},
		"JPEG of no height":          {[]byte("\xff\xd8\xff\xc0\x00\x11\x08\x00\x00\x01\x40"), "image/jpeg", 0, 0},
		"JPEG, segment of no length": {append([]byte("\xff\xd8\xff\xe0\x00\x00"), frame...), "image/jpeg", 320, 240},
		"GIF without a screen":       {gif("\x00\x00", "\x00\x00", "\x21\xf9\x04\x00\x00\x00\x00\x00\x2c\x10\x00\x00\x00\x40\x01\xf0\x00\x00"), "image/gif", 336, 240},
		"GIF of a screen":            {gif("\x40\x01", "\xf0\x00", ""), "image/gif", 320, 240},
		"GIF of nothing":             {gif("\x00\x00", "\x00\x00", "\x3b"), "image/gif", 0, 0},
		"WebP, extended":             {[]byte("RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\x3f\x01\x00\xef\x00\x00"), "image/webp", 320, 240},
		"WebP, lossless":             {[]byte("RIFF\x00\x00\x00\x00WEBPVP8L\x0a\x00\x00\x00\x2f\x3f\xc1\x3b\x00\x00\x00\x00\x00\x00\x00"), "image/webp", 320, 240},
		"WebP, cut":                  {[]byte("RIFF\x00\x00\x00\x00WEBPVP8X"), "image/webp", 0, 0},
		"PNG, no chunk":              {[]byte("\x89PNG\r\n\x1a\n"), "image/png", 0, 0},
		"HEIC of tiles":              {isobmff("heic\x00\x00\x00\x00mif1heic", heif(ispe(512, 512), ispe(4032, 3024), ispe(320, 240))), "image/heic", 4032, 3024},
		"HEIC, rotated":              {isobmff("mif1\x00\x00\x00\x00mif1heic", heif(ispe(4032, 3024), mp4Box("irot", []byte{3}))), "image/heic", 3024, 4032},
		"HEIC, turned over":          {isobmff("mif1\x00\x00\x00\x00mif1heic", heif(ispe(4032, 3024), mp4Box("irot", []byte{2}))), "image/heic", 4032, 3024},
		"HEIC of no size":            {isobmff("heic\x00\x00\x00\x00mif1", heif(ispe(1<<31, 1<<31))), "image/heic", 0, 0},
		"AVIF":                       {isobmff("avif\x00\x00\x00\x00mif1miafMA1B", heif(ispe(320, 240))), "image/avif", 320, 240},
		"AVIF by another brand":      {isobmff("mif1\x00\x00\x00\x00miafavif", heif(ispe(320, 240))), "image/avif", 320, 240},
		"MP4":                        {isobmff("isom\x00\x00\x00\x00isomavc1mp41"), "video/mp4", 0, 0},
		"QuickTime":                  {isobmff("qt  \x00\x00\x00\x00qt  "), "video/mp4", 0, 0},
		"JPEG XL, naked":             {append([]byte("\xff\x0a"), jxl(239<<3|3<<12|1<<15)...), "image/jxl", 320, 240},
		"JPEG XL, small":             {append([]byte("\xff\x0a"), jxl(1|29<<1|0<<6|39%32<<9|1<<14)...), "image/jxl", 64, 240},
		"JPEG XL, on its side":       {append([]byte("\xff\x0a"), jxl(239<<3|3<<12|0<<15|1<<16|5<<17)...), "image/jxl", 240, 320},
		"JPEG XL in boxes":           {append([]byte("\x00\x00\x00\x0cJXL \r\n\x87\n"), append(mp4Box("ftyp", []byte("jxl \x00\x00\x00\x00jxl ")), mp4Box("jxlp", append([]byte("\x00\x00\x00\x00\xff\x0a"), jxl(239<<3|3<<12|1<<15)...))...)...), "image/jxl", 320, 240},
		"a text":                     {[]byte("\r\nThis is no picture."), "", 0, 0},
		"nothing":                    {nil, "", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := photo.Format(tt.data); got != tt.format {
				t.Errorf("Format = %q, want %q", got, tt.format)
			}
			w, h, err := photo.Size(bytes.NewReader(tt.data), int64(len(tt.data)))
			if w != tt.w || h != tt.h || (err == nil) != (tt.w > 0) || err != nil && !errors.Is(err, photo.ErrFormat) {
				t.Errorf("Size = %d by %d, %v, want %d by %d", w, h, err, tt.w, tt.h)
			}
		})
	}
}

// A countingReader counts the bytes that are asked of it.
type countingReader struct {
	*bytes.Reader
	n int64
}

func (c *countingReader) ReadAt(b []byte, at int64) (int, error) {
	c.n += int64(len(b))
	return c.Reader.ReadAt(b, at)
}

// TestSizeBound checks that a file without a size costs little, however large it is.
func TestSizeBound(t *testing.T) {
	const size = 18 << 20
	for name, data := range map[string][]byte{
		"JPEG of stray bytes":     append([]byte("\xff\xd8\xff"), make([]byte, size)...),
		"JPEG of tiny segments":   append([]byte("\xff\xd8"), bytes.Repeat([]byte("\xff\xe1\x00\x02"), size/4)...),
		"GIF of tiny blocks":      append([]byte("GIF89a\x00\x00\x00\x00\x00\x00\x00\x21\xf9"), bytes.Repeat([]byte("\x01a"), size/2)...),
		"HEIC of tiny boxes":      isobmff("heic\x00\x00\x00\x00mif1", bytes.Repeat(mp4Box("free"), size/8)),
		"HEIC of tiny properties": isobmff("heic\x00\x00\x00\x00mif1", heif(bytes.Repeat(mp4Box("free"), size/8))),
	} {
		r := &countingReader{Reader: bytes.NewReader(data)}
		if _, _, err := photo.Size(r, r.Size()); err == nil {
			t.Errorf("%s has a size", name)
		}
		if r.n > 20<<20 {
			t.Errorf("%s: %d bytes were read", name, r.n)
		}
	}
}

func FuzzSize(f *testing.F) {
	f.Add([]byte("\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08\x00\xf0\x01\x40"))
	f.Add([]byte("\xff\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("GIF89a\x01\x00\x01\x00\x00\x00\x00\x21\xf9\x00\x2c"))
	f.Add(isobmff("heic\x00\x00\x00\x00mif1", heif(ispe(9, 9), mp4Box("irot", []byte{1}))))
	f.Fuzz(func(t *testing.T, data []byte) {
		w, h, err := photo.Size(bytes.NewReader(data), int64(len(data)))
		if (err == nil) != (w > 0 && h > 0) {
			t.Errorf("%d by %d, %v", w, h, err)
		}
	})
}
