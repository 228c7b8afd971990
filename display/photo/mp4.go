package photo

import (
	"encoding/binary"
	"io"
	"iter"
	"math"
	"time"
)

// maxVideoDuration is above any real video. A longer one has a broken header.
const maxVideoDuration = 24 * time.Hour

// VideoDuration returns how long a video of size bytes plays: an MP4 or QuickTime video
// as its movie header says (ISO/IEC 14496-12, 8.2.2) or its fragments (8.8), a WebM
// video as its segment says. It returns 0 if that is unknown or implausible.
func VideoDuration(r io.ReaderAt, size int64) time.Duration {
	var seconds float64
	if magic, err := readPart(r, 0, 4); err == nil && Format(magic) == "video/webm" {
		seconds = webmSeconds(r, size)
	} else if moov, ok := findBox(r, 0, size, "moov"); ok {
		if seconds = movieSeconds(r, moov); seconds == 0 {
			seconds = fragmentSeconds(r, size, moov)
		}
	}
	if math.IsNaN(seconds) || seconds < 0 || seconds > maxVideoDuration.Seconds() {
		return 0
	}
	return time.Duration(seconds * float64(time.Second))
}

// movieSeconds returns the duration in a movie header, or in the header of its
// fragments (8.8.2), 0 if it is unknown.
func movieSeconds(r io.ReaderAt, moov box) float64 {
	mvhd, ok := findBox(r, moov.content, moov.end, "mvhd")
	if !ok {
		return 0
	}
	duration, timescale := timesOf(r, mvhd)
	if duration == 0 {
		if mvex, ok := findBox(r, moov.content, moov.end, "mvex"); ok {
			if mehd, ok := findBox(r, mvex.content, mvex.end, "mehd"); ok {
				duration = durationOf(r, mehd, 4, 4)
			}
		}
	}
	if timescale == 0 {
		return 0
	}
	return float64(duration) / float64(timescale)
}

// timesOf returns duration and timescale of an mvhd or mdhd box, 0 if they are unknown.
func timesOf(r io.ReaderAt, b box) (duration, timescale uint64) {
	at := int64(12)
	if isLong(r, b) {
		at = 20
	}
	scale, err := readPart(r, b.content+at, 4)
	if err != nil || b.content+at+8 > b.end {
		return 0, 0
	}
	return durationOf(r, b, at+4, at+4), uint64(binary.BigEndian.Uint32(scale))
}

// durationOf returns the number that number returns, 0 if all of its bits are set, which
// means that a duration is unknown.
func durationOf(r io.ReaderAt, b box, short, long int64) uint64 {
	n := number(r, b, short, long)
	if n == math.MaxUint64 || n == math.MaxUint32 && !isLong(r, b) {
		return 0
	}
	return n
}

// isLong reports whether a box is of version 1, with times of 64 bits.
func isLong(r io.ReaderAt, b box) bool {
	version, err := readPart(r, b.content, 1)
	return err == nil && version[0] == 1
}

// number returns the number in a box at the offset short, of 32 bits, or in version 1 at
// the offset long, of 64 bits. It returns 0 if the box is too short.
func number(r io.ReaderAt, b box, short, long int64) uint64 {
	at, n := short, int64(4)
	if isLong(r, b) {
		at, n = long, 8
	}
	data, err := readPart(r, b.content+at, n)
	switch {
	case err != nil || b.content+at+n > b.end:
		return 0
	case n == 8:
		return binary.BigEndian.Uint64(data)
	}
	return uint64(binary.BigEndian.Uint32(data))
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
	for b := range boxes(r, from, to) {
		if b.kind == kind {
			return b, true
		}
	}
	return box{}, false
}

// boxes yields the first maxBoxes boxes between two offsets.
func boxes(r io.ReaderAt, from, to int64) iter.Seq[box] { return boxesUpTo(r, from, to, maxBoxes) }

func boxesUpTo(r io.ReaderAt, from, to int64, most int) iter.Seq[box] {
	return func(yield func(box) bool) {
		for range most {
			b, ok := readBox(r, from, to)
			if !ok || !yield(b) {
				return
			}
			from = b.end
		}
	}
}
