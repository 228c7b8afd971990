package photo_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"slices"
	"testing"

	"pickerd/display/photo"
	"pickerd/display/photo/icc"
)

// TestCopyColors checks that copies have the colors of the screen, on the same ground,
// and say that they are those of sRGB.
func TestCopyColors(t *testing.T) {
	for name, want := range map[string][]uint32{
		"j14-icc-p3.jpg": displayP3, "j14-icc-swap.jpg": swapped, "p06-cicp-p3.png": displayP3, "w03-icc-p3.webp": displayP3,
		"w01-lossy.webp": quadrants, "w02-exif6.webp": quadrants, "j13-exif6-afterjfif-stray.jpg": quadrants,
	} {
		data := readFile(t, "media", name)
		copied, err := photo.ScaledJPEG(t.Context(), bytes.NewReader(data), int64(len(data)), 320, 240)
		if err != nil {
			t.Fatal(err)
		}
		_, m := drawn(t, copied, 0)
		check(t, "copy of "+name, m, want...)
		if string(copied[20:20+len(icc.SRGB)]) != icc.SRGB || string(copied[6:17]) != "ICC_PROFILE" {
			t.Errorf("copy of %s: %q", name, copied[:40])
		}
		if _, err := jpeg.Decode(bytes.NewReader(copied)); err != nil {
			t.Errorf("copy of %s: %v", name, err)
		}
	}
	data := readFile(t, "media", "p04-black-on-clear.png")
	copied, err := photo.ScaledJPEG(t.Context(), bytes.NewReader(data), int64(len(data)), 320, 240)
	if err != nil {
		t.Fatal(err)
	}
	if _, m := drawn(t, copied, 0); deltaE(m.Row(30)[30], photo.Ground) > 2 || deltaE(m.Row(130)[160], 0) > 2 {
		t.Errorf("a copy on ground: %06x and %06x", m.Row(30)[30], m.Row(130)[160])
	}
}

// segments returns a JPEG with a profile in segments APP2 of some numbers.
func segments(t *testing.T, profile []byte, count byte, numbers ...byte) []byte {
	t.Helper()
	return withProfile(append(readFile(t, "media", "j09-noeoi.jpg"), 0xff, 0xd9), profile, count, numbers...)
}

// withProfile returns a JPEG like segments.
func withProfile(data, profile []byte, count byte, numbers ...byte) []byte {
	size := (len(profile) + int(count) - 1) / int(count)
	for _, n := range numbers {
		from := size * (int(n) - 1)
		part := profile[from:min(from+size, len(profile))]
		s := append([]byte{0xff, 0xe2}, binary.BigEndian.AppendUint16(nil, uint16(len(part)+16))...)
		s = append(append(s, "ICC_PROFILE\x00"...), n, count)
		data = slices.Insert(data, 2, append(s, part...)...)
	}
	return data
}

// swapProfile is the profile of red and blue that j14-icc-swap.jpg has.
func swapProfile(t *testing.T) []byte {
	t.Helper()
	data := readFile(t, "media", "j14-icc-swap.jpg")
	at := bytes.Index(data, []byte("ICC_PROFILE\x00")) + 14
	return data[at : at+int(binary.BigEndian.Uint32(data[at:]))]
}

func TestProfileSegments(t *testing.T) {
	profile := swapProfile(t)
	long := append(bytes.Clone(profile), make([]byte, 3*len(profile))...) // whose tags are in its first quarter
	for name, tt := range map[string]struct {
		data []byte
		want []uint32
	}{
		"one":       {segments(t, profile, 1, 1), swapped},
		"in order":  {segments(t, profile, 3, 3, 2, 1), swapped}, // inserted from the last
		"unordered": {segments(t, profile, 3, 1, 3, 2), swapped},
		"twice":     {segments(t, profile, 2, 2, 1, 2), swapped},
		"missing":   {segments(t, profile, 3, 3, 1), quadrants},
		"all of 4":  {segments(t, long, 4, 1, 2, 3, 4), swapped},
		"end lost":  {segments(t, long, 4, 1, 2, 3), quadrants},
		"none":      {segments(t, profile, 1), quadrants},
	} {
		p, m := drawn(t, tt.data, 0)
		check(t, name, m, tt.want[:4]...)
		if p.Torn {
			t.Errorf("%s: torn", name)
		}
	}
}

// TestProfileOfPrint checks that a profile of RGB does not change colors of CMYK.
func TestProfileOfPrint(t *testing.T) {
	data := readFile(t, "media", "c01-cmyk-noadobe.jpg")
	_, want := drawn(t, data, 0)
	if _, got := drawn(t, withProfile(data, swapProfile(t), 1, 1), 0); !slices.Equal(got.Pix, want.Pix) {
		t.Error("other colors with a profile")
	}
}

// pngChunk returns a chunk of a PNG.
func pngChunk(kind string, data ...byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, kind...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// withChunks returns an image as a PNG with chunks after its header.
func withChunks(t *testing.T, m image.Image, chunks ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return slices.Insert(b.Bytes(), 33, bytes.Join(chunks, nil)...)
}

// TestChunksOfColor checks which chunks of a PNG count. The image is of one color.
func TestChunksOfColor(t *testing.T) {
	packed := func(profile []byte) []byte {
		b := bytes.NewBufferString("name\x00\x00")
		z := zlib.NewWriter(b)
		_, _ = z.Write(profile)
		_ = z.Close()
		return b.Bytes()
	}
	grayProfile := make([]byte, 132, 200)
	copy(grayProfile[16:], "GRAYXYZ ")
	copy(grayProfile[36:], "acsp")
	grayProfile[131] = 1
	grayProfile = append(grayProfile, "kTRC\x00\x00\x00\x90\x00\x00\x00\x0ccurv\x00\x00\x00\x00\x00\x00\x00\x00"...)
	p3, swap, gray := pngChunk("cICP", 12, 13, 0, 1), pngChunk("iCCP", packed(swapProfile(t))...), pngChunk("iCCP", packed(grayProfile)...)
	srgb, linear := pngChunk("sRGB", 0), pngChunk("gAMA", 0, 1, 0x86, 0xa0)
	wrong := bytes.Clone(swap)
	wrong[len(wrong)-1]++
	red := image.NewRGBA(image.Rect(0, 0, 4, 4))
	dark := image.NewGray(image.Rect(0, 0, 4, 4))
	for i := range 16 {
		red.Set(i%4, i/4, color.RGBA{0xc8, 0x3c, 0x28, 255})
		dark.Pix[i] = 0x3c
	}
	const plain, asP3, asSwap, asLinear, darkLinear = 0xc83c28, 0xd92a17, 0x283cc8, 0xe5856e, 0x858585
	for name, tt := range map[string]struct {
		m      image.Image
		chunks [][]byte
		want   uint32
	}{
		"none":                      {red, nil, plain},
		"cICP":                      {red, [][]byte{p3}, asP3},
		"cICP before all":           {red, [][]byte{swap, srgb, linear, p3}, asP3},
		"cICP of unknown":           {red, [][]byte{pngChunk("cICP", 2, 2, 0, 1), swap}, asSwap},
		"cICP of YCbCr":             {red, [][]byte{pngChunk("cICP", 9, 16, 9, 1)}, plain},
		"cICP too short":            {red, [][]byte{pngChunk("cICP", 12)}, plain},
		"iCCP before sRGB":          {red, [][]byte{srgb, linear, swap}, asSwap},
		"sRGB before gAMA":          {red, [][]byte{linear, srgb}, plain},
		"gAMA":                      {red, [][]byte{linear}, asLinear},
		"gAMA of zero":              {red, [][]byte{pngChunk("gAMA", 0, 0, 0, 0)}, plain},
		"gAMA too short":            {red, [][]byte{pngChunk("gAMA", 1)}, plain},
		"cHRM of zeros":             {red, [][]byte{pngChunk("cHRM", make([]byte, 32)...), linear}, plain},
		"profile of gray for color": {red, [][]byte{gray, linear}, plain},
		"profile of gray":           {dark, [][]byte{gray}, darkLinear},
		"profile of color for gray": {dark, [][]byte{swap}, 0x3c3c3c},
		"gAMA of gray":              {dark, [][]byte{linear}, darkLinear},
		"iCCP of a wrong checksum":  {red, [][]byte{wrong}, plain},
		"iCCP damaged":              {red, [][]byte{pngChunk("iCCP", []byte("name\x00\x00no zlib")...), linear}, plain},
		"iCCP of nothing":           {red, [][]byte{pngChunk("iCCP")}, plain},
	} {
		_, m := drawn(t, withChunks(t, tt.m, tt.chunks...), 0)
		if deltaE(m.Pix[5], tt.want) > 2 {
			t.Errorf("%s: %06x, want %06x", name, m.Pix[5], tt.want)
		}
	}
}

// TestGroundInColors checks that transparent parts have the same ground in every
// space of colors.
func TestGroundInColors(t *testing.T) {
	clear := image.NewNRGBA(image.Rect(0, 0, 4, 4))
	for name, chunk := range map[string][]byte{"linear": pngChunk("gAMA", 0, 1, 0x86, 0xa0), "BT.2020": pngChunk("cICP", 9, 1, 0, 1)} {
		if _, m := drawn(t, withChunks(t, clear, chunk), 0); deltaE(m.Pix[5], photo.Ground) > 0.5 {
			t.Errorf("%s: %06x", name, m.Pix[5])
		}
	}
}
