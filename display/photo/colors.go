package photo

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"io"
	"slices"

	"pickerd/display/photo/icc"
)

// colorsOf returns how the colors of a JPEG, PNG or WebP file become those of sRGB.
// It is nil if they are, or if what the file says about them can't be used.
func colorsOf(r *io.SectionReader) *icc.Transform {
	head := make([]byte, min(r.Size(), 32))
	if n, _ := r.ReadAt(head, 0); n < len(head) {
		return nil
	}
	switch Format(head) {
	case "image/jpeg":
		return transformOf(profileOfJPEG(r))
	case "image/png":
		return colorsOfPNG(r)
	case "image/webp":
		return transformOf(profileOfWebP(r))
	}
	return nil
}

func transformOf(profile []byte) *icc.Transform {
	t, _ := icc.Parse(profile)
	return t
}

// profileOfJPEG joins the segments APP2 of a profile (ICC.1:2022, B.4): each has its
// number, from 1, and how many there are.
func profileOfJPEG(r io.ReaderAt) []byte {
	const id = "ICC_PROFILE\x00"
	var parts [256][]byte
	count, size := 0, 0
	jpegSegments(r, func(marker byte, at, n int64) bool {
		if marker != 0xe2 || n < int64(len(id))+2 {
			return true
		}
		data, err := readPart(r, at, n)
		if err != nil || !bytes.HasPrefix(data, []byte(id)) {
			return err == nil
		}
		number, rest := data[len(id)], data[len(id)+2:]
		if parts[number] == nil {
			parts[number], count, size = rest, int(data[len(id)+1]), size+len(rest)
		}
		return size <= icc.MaxProfile
	})
	if size > icc.MaxProfile || slices.ContainsFunc(parts[1:1+min(count, 255)], func(b []byte) bool { return b == nil }) {
		return nil
	}
	return bytes.Join(parts[1:1+min(count, 255)], nil)
}

// profileOfWebP returns the chunk ICCP.
func profileOfWebP(r *io.SectionReader) (profile []byte) {
	_ = webpChunks(r, 12, r.Size(), func(id string, at, n int64) error { // without one it is nil
		switch id {
		case "VP8X":
			return nil
		case "ICCP":
			if n <= icc.MaxProfile {
				profile, _ = readPart(r, at, n)
			}
		}
		return errFound
	})
	return profile
}

// colorsOfPNG goes by the first of the chunks cICP, iCCP, sRGB, and gAMA with cHRM
// (PNG, third edition, 11.3.2). Like browsers, it ignores cHRM alone, chunks with a
// wrong checksum, and profiles of gray in images of color and the reverse.
func colorsOfPNG(r *io.SectionReader) *icc.Transform {
	chunks := map[string][]byte{}
	pngChunks(r, r.Size(), func(kind string, at, n int64) bool {
		switch kind {
		case "IHDR", "cICP", "iCCP", "sRGB", "gAMA", "cHRM":
			if n > icc.MaxProfile || chunks[kind] != nil {
				return true
			}
			data, err := readPart(r, at, n+4)
			if err == nil && binary.BigEndian.Uint32(data[n:]) == crc32.Update(crc32.ChecksumIEEE([]byte(kind)), crc32.IEEETable, data[:n]) {
				chunks[kind] = data[:n]
			}
		}
		return kind != "IDAT"
	})
	if c := chunks["cICP"]; len(c) == 4 && c[2] == 0 {
		if t, ok := icc.FromCodes(c[0], c[1]); ok {
			return t
		}
	}
	if data := chunks["iCCP"]; data != nil {
		t := transformOf(inflate(data))
		gray := len(chunks["IHDR"]) == 13 && chunks["IHDR"][9]&2 == 0
		if t == nil || t.Gray != gray {
			return nil
		}
		t.Gray = false // known to fit
		return t
	}
	if chunks["sRGB"] != nil || len(chunks["gAMA"]) != 4 {
		return nil
	}
	var c *icc.Chromaticities
	if data := chunks["cHRM"]; len(data) == 32 {
		c = new(icc.Chromaticities)
		for i := range c {
			c[i] = float64(binary.BigEndian.Uint32(data[4*i:])) / 100000
		}
	}
	t, _ := icc.FromGamma(float64(binary.BigEndian.Uint32(chunks["gAMA"]))/100000, c)
	return t
}

// inflate returns the profile of a chunk iCCP: after a name and a method, zlib. The
// checksum of zlib does not matter.
func inflate(data []byte) []byte {
	_, packed, ok := bytes.Cut(data, []byte{0})
	if !ok || len(packed) == 0 || packed[0] != 0 {
		return nil
	}
	z, err := zlib.NewReader(bytes.NewReader(packed[1:]))
	if err != nil {
		return nil
	}
	profile, _ := io.ReadAll(io.LimitReader(z, icc.MaxProfile+1))
	return profile
}
