package photo

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"

	"pickerd/display/photo/raster"
)

// Size returns the size in pixels of the upright image. It reads only headers, and
// accepts files that no decoder of this package can decode. Its error wraps ErrFormat.
func Size(r io.ReaderAt, size int64) (w, h int, err error) {
	head, all, err := file(r, size)
	if err != nil {
		return 0, 0, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	switch Format(head) {
	case "image/jpeg":
		w, h = sizeOfJPEG(all)
		w, h = orientationOf(all, all.Size()).size(w, h)
	case "image/png":
		if len(head) >= 24 && string(head[12:16]) == "IHDR" {
			w, h = int(binary.BigEndian.Uint32(head[16:])), int(binary.BigEndian.Uint32(head[20:]))
		}
		w, h = orientationOf(r, size).size(w, h)
	case "image/gif":
		w, h = sizeOfGIF(r, head)
	case "image/webp":
		w, h = sizeOfWebP(head)
		w, h = orientationOf(r, size).size(w, h)
	case "image/heic", "image/avif":
		w, h = sizeOfHEIF(r, size)
	case "image/jxl":
		w, h = sizeOfJXL(r, size)
	}
	if w <= 0 || h <= 0 {
		return 0, 0, fmt.Errorf("%w: no size in its header", ErrFormat)
	}
	return w, h, nil
}

// maxJPEGHeader bounds the bytes before the frame header of a JPEG file: other
// programs' data, such as profiles and previews.
const maxJPEGHeader = 16 << 20

// sizeOfJPEG reads the frame header of any process (ITU-T T.81, B.2.2). Stray bytes
// between segments are skipped.
func sizeOfJPEG(all *io.SectionReader) (w, h int) {
	r := bufio.NewReader(io.NewSectionReader(all, 2, min(all.Size(), maxJPEGHeader)))
	for {
		b, err := r.ReadByte()
		if err != nil {
			return 0, 0
		}
		if b != 0xff {
			continue
		}
		for b == 0xff {
			if b, err = r.ReadByte(); err != nil {
				return 0, 0
			}
		}
		switch {
		case b <= 0x01, b >= 0xd0 && b <= 0xd8: // without a length
			continue
		case b == 0xd9, b == 0xda: // the end, or data without a frame
			return 0, 0
		}
		var head [7]byte
		if _, err := io.ReadFull(r, head[:2]); err != nil {
			return 0, 0
		}
		if b >= 0xc0 && b <= 0xcf && b != 0xc4 && b != 0xc8 && b != 0xcc {
			if _, err := io.ReadFull(r, head[2:]); err != nil {
				return 0, 0
			}
			return int(binary.BigEndian.Uint16(head[5:])), int(binary.BigEndian.Uint16(head[3:]))
		}
		if _, err := r.Discard(max(int(binary.BigEndian.Uint16(head[:]))-2, 0)); err != nil {
			return 0, 0
		}
	}
}

// maxGIFHeader bounds the bytes before the first frame of a GIF file.
const maxGIFHeader = 1 << 20

// sizeOfGIF returns the size of the screen, enlarged to what its first frame takes if
// that is not further on. Browsers do that.
func sizeOfGIF(r io.ReaderAt, head []byte) (w, h int) {
	if g, err := raster.OpenGIF(io.NewSectionReader(r, 0, maxGIFHeader)); err == nil {
		return g.Size()
	}
	if len(head) < 13 {
		return 0, 0
	}
	return int(binary.LittleEndian.Uint16(head[6:])), int(binary.LittleEndian.Uint16(head[8:]))
}

// sizeOfWebP reads the first chunk (RFC 9649, 2.4 to 2.7).
func sizeOfWebP(head []byte) (w, h int) {
	if len(head) < 30 {
		return 0, 0
	}
	b := head[20:]
	switch string(head[12:16]) {
	case "VP8X":
		return 1 + int24(b[4:]), 1 + int24(b[7:])
	case "VP8L":
		bits := binary.LittleEndian.Uint32(b[1:])
		return 1 + int(bits&0x3fff), 1 + int(bits>>14&0x3fff)
	case "VP8 ":
		return int(binary.LittleEndian.Uint16(b[6:]) & 0x3fff), int(binary.LittleEndian.Uint16(b[8:]) & 0x3fff)
	}
	return 0, 0
}

// maxHEIFSide is above any image that a browser decodes.
const maxHEIFSide = 1 << 20

// sizeOfHEIF returns the largest size among the properties of the images in a file
// (ISO/IEC 23008-12, 6.5.3): tiles and previews are smaller than the image. If the
// image is rotated, so are they (6.5.10).
func sizeOfHEIF(r io.ReaderAt, size int64) (w, h int) {
	properties, ok := box{end: size}, true
	for _, kind := range []string{"meta", "iprp", "ipco"} {
		if properties, ok = findBox(r, properties.content, properties.end, kind); !ok {
			return 0, 0
		}
		if kind == "meta" {
			properties.content += 4 // version and flags
		}
	}
	sideways := false
	for b := range boxes(r, properties.content, properties.end) {
		data, _ := readPart(r, b.content, min(b.end-b.content, 12))
		switch {
		case b.kind == "ispe" && len(data) == 12:
			bw, bh := binary.BigEndian.Uint32(data[4:]), binary.BigEndian.Uint32(data[8:])
			if max(bw, bh) < maxHEIFSide && uint64(bw)*uint64(bh) > uint64(w)*uint64(h) {
				w, h = int(bw), int(bh)
			}
		case b.kind == "irot" && len(data) > 0:
			sideways = data[0]&1 == 1
		}
	}
	if sideways {
		return h, w
	}
	return w, h
}

// sizeOfJXL reads the size header of a JPEG XL codestream (ISO/IEC 18181-1, D.2 and
// D.3), naked or in boxes.
func sizeOfJXL(r io.ReaderAt, size int64) (w, h int) {
	at := int64(2)
	for b := range boxes(r, 0, size) {
		if b.kind == "jxlc" {
			at = b.content + 2
		} else if b.kind == "jxlp" {
			at = b.content + 6 // after the number of the part
		} else {
			continue
		}
		break
	}
	var b [16]byte
	if n, _ := r.ReadAt(b[:], at); n < 2 {
		return 0, 0
	}
	lo, next := binary.LittleEndian.Uint64(b[:]), 0
	bits := func(n int) int {
		v := lo >> next
		if next > 32 {
			v = binary.LittleEndian.Uint64(b[4:]) >> (next - 32)
		}
		next += n
		return int(v & (1<<n - 1))
	}
	small := bits(1) == 1
	side := func() int {
		if small {
			return 8 * (1 + bits(5))
		}
		return 1 + bits([]int{9, 13, 18, 30}[bits(2)])
	}
	h = side()
	if ratio := bits(3); ratio == 0 {
		w = side()
	} else {
		f := [][2]int{{1, 1}, {12, 10}, {4, 3}, {3, 2}, {16, 9}, {5, 4}, {2, 1}}[ratio-1]
		w = int(min(int64(h)*int64(f[0])/int64(f[1]), math.MaxInt32))
	}
	if allDefault := bits(1); allDefault == 0 && bits(1) == 1 {
		return orientation(1+bits(3)).size(w, h)
	}
	return w, h
}

// IsPicture reports whether data is a picture that this package can decode for every
// output.
func IsPicture(data []byte) bool {
	_, _, err := Size(bytes.NewReader(data), int64(len(data)))
	return err == nil && slices.Contains([]string{"image/jpeg", "image/png", "image/gif", "image/webp"}, Format(data[:min(len(data), FormatHead)]))
}
