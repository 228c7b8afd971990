package device

import (
	"encoding/binary"
	"io"
	"math"
	"time"
)

// mp4Duration reads how long a film plays from its movie header (ISO/IEC
// 14496-12, 8.2.2), so that the slideshow waits for its end. It returns 0 when
// it can't tell.
func mp4Duration(r io.ReaderAt, size int64) time.Duration {
	moov, end := findBox(r, 0, size, "moov")
	if moov < 0 {
		return 0
	}
	mvhd, end := findBox(r, moov, end, "mvhd")
	if mvhd < 0 {
		return 0
	}
	b := make([]byte, 32)
	if n, _ := r.ReadAt(b[:min(int64(len(b)), end-mvhd)], mvhd); n < 20 {
		return 0
	}
	var scale, length uint64
	if b[0] == 1 { // 64-bit times
		scale, length = uint64(binary.BigEndian.Uint32(b[20:])), binary.BigEndian.Uint64(b[24:])
	} else {
		scale, length = uint64(binary.BigEndian.Uint32(b[12:])), uint64(binary.BigEndian.Uint32(b[16:]))
	}
	seconds := float64(length) / float64(scale)
	if scale == 0 || math.IsNaN(seconds) || seconds > (24*time.Hour).Seconds() {
		return 0
	}
	return time.Duration(seconds * float64(time.Second))
}

// findBox returns where the content of the first box of a kind begins and ends
// between from and to; begin is -1 when there is none.
func findBox(r io.ReaderAt, from, to int64, kind string) (begin, end int64) {
	const mostBoxes = 1000
	var h [16]byte
	for range mostBoxes {
		if to-from < 8 {
			break
		}
		if n, _ := r.ReadAt(h[:], from); n < 8 {
			break
		}
		size, head := int64(binary.BigEndian.Uint32(h[:])), int64(8)
		switch size {
		case 0:
			size = to - from
		case 1:
			size, head = int64(binary.BigEndian.Uint64(h[8:])), 16
		}
		if size < head || size > to-from {
			break
		}
		if string(h[4:8]) == kind {
			return from + head, from + size
		}
		from += size
	}
	return -1, 0
}
