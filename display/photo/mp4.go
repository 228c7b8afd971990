package photo

import (
	"encoding/binary"
	"io"
	"math"
	"time"
)

// maxVideoDuration is above any real video. A longer one has a broken header.
const maxVideoDuration = 24 * time.Hour

// VideoDuration returns how long an MP4 or QuickTime video of size bytes plays, as
// its movie header says (ISO/IEC 14496-12, 8.2.2), or that of its fragments (8.8.2).
// It returns 0 if there is no header, or if the header is implausible.
func VideoDuration(r io.ReaderAt, size int64) time.Duration {
	moov, ok := findBox(r, 0, size, "moov")
	if !ok {
		return 0
	}
	mvhd, ok := findBox(r, moov.content, moov.end, "mvhd")
	if !ok {
		return 0
	}
	b := make([]byte, 32)
	if n, _ := r.ReadAt(b[:min(int64(len(b)), mvhd.end-mvhd.content)], mvhd.content); n < 20 {
		return 0
	}
	var timescale, duration uint64
	if b[0] == 1 { // version 1 has 64-bit times
		timescale, duration = uint64(binary.BigEndian.Uint32(b[20:])), binary.BigEndian.Uint64(b[24:])
	} else {
		timescale, duration = uint64(binary.BigEndian.Uint32(b[12:])), uint64(binary.BigEndian.Uint32(b[16:]))
	}
	if duration == 0 {
		duration = fragmentDuration(r, moov)
	}
	seconds := float64(duration) / float64(timescale)
	if timescale == 0 || math.IsNaN(seconds) || seconds > maxVideoDuration.Seconds() {
		return 0
	}
	return time.Duration(seconds * float64(time.Second))
}

// fragmentDuration returns the duration of a movie in fragments, 0 if it is unknown.
func fragmentDuration(r io.ReaderAt, moov box) uint64 {
	mvex, ok := findBox(r, moov.content, moov.end, "mvex")
	if !ok {
		return 0
	}
	mehd, ok := findBox(r, mvex.content, mvex.end, "mehd")
	if !ok {
		return 0
	}
	b := make([]byte, 12)
	switch n, _ := r.ReadAt(b[:min(int64(len(b)), mehd.end-mehd.content)], mehd.content); {
	case n == 12 && b[0] == 1:
		return binary.BigEndian.Uint64(b[4:])
	case n >= 8 && b[0] == 0:
		return uint64(binary.BigEndian.Uint32(b[4:]))
	}
	return 0
}

// A box is one box of an ISO base media file (ISO/IEC 14496-12, 4.2). Its fields
// are offsets in the file.
type box struct {
	kind    string
	content int64 // after the header
	end     int64
	toEOF   bool // the header gives no size
}

// readBox reads the header of the box at offset at, which must end by limit.
func readBox(r io.ReaderAt, at, limit int64) (b box, ok bool) {
	var head [16]byte
	n, _ := r.ReadAt(head[:], at)
	if n < 8 || limit-at < 8 {
		return box{}, false
	}
	size, headerSize := int64(binary.BigEndian.Uint32(head[:])), int64(8)
	toEOF := size == 0
	switch {
	case toEOF:
		size = limit - at
	case size == 1 && n == len(head): // a 64-bit size follows
		size, headerSize = int64(binary.BigEndian.Uint64(head[8:])), 16
	}
	if size < headerSize || size > limit-at {
		return box{}, false
	}
	return box{kind: string(head[4:8]), content: at + headerSize, end: at + size, toEOF: toEOF}, true
}

// maxBoxes bounds the search in a file of countless tiny boxes.
const maxBoxes = 1000

// findBox returns the first box of a kind between two offsets.
func findBox(r io.ReaderAt, from, to int64, kind string) (box, bool) {
	for range maxBoxes {
		b, ok := readBox(r, from, to)
		if !ok {
			break
		}
		if b.kind == kind {
			return b, true
		}
		from = b.end
	}
	return box{}, false
}
