package photo

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// A still is appended to a video in an element that players skip: in MP4 a box of type
// uuid (ISO/IEC 14496-12, 4.2), in WebM a Void (RFC 8794, 11.3.2). The element ends with
// the still's length in 8 bytes and stillMark, so that it is found from the end of the
// file, also behind a video that was cut off. stillID is the type of the box. Earlier
// versions wrote only a box, without the end.
var (
	stillID   = []byte("pickerd-still-v1")
	stillMark = []byte("pickerd-still-v2")
)

// stillHead is the length of what is before the still in its element. stillTail is
// that of what follows.
const (
	stillHead = 24
	stillTail = 24
)

// ErrNoStill means that a video has no still. It wraps ErrFormat.
var ErrNoStill = fmt.Errorf("%w: video without a still", ErrFormat)

// maxStill bounds the size of a still in bytes.
const maxStill = 16 << 20

// StillSize returns how many bytes WriteStill writes for a still of n bytes.
func StillSize(n int) int64 { return stillHead + int64(n) + stillTail }

// WriteStill writes to w what, appended to a video, adds a still to it: a JPEG, PNG,
// GIF or WebP file. It returns ErrNoStill if the still is empty or too large. Other
// errors are those of w.
func WriteStill(w io.Writer, video io.ReaderAt, still []byte) error {
	if len(still) == 0 || len(still) > maxStill {
		return ErrNoStill
	}
	start, _ := Head(video)
	head := make([]byte, stillHead)
	if Format(start) == "video/webm" {
		const size = 1 << 56 // marks a size in 8 bytes
		binary.BigEndian.PutUint64(head[1:], size|uint64(StillSize(len(still))-9))
		head[0] = 0xec
	} else {
		binary.BigEndian.PutUint32(head, uint32(StillSize(len(still))))
		copy(head[4:], "uuid")
		copy(head[8:], stillID)
	}
	tail := append(binary.BigEndian.AppendUint64(nil, uint64(len(still))), stillMark...)
	for _, b := range [][]byte{head, still, tail} {
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// Still returns the still of a video, or ErrNoStill.
func Still(r io.ReaderAt, size int64) (*io.SectionReader, error) {
	at, n := findStill(r, size)
	if n <= 0 || n > maxStill {
		return nil, ErrNoStill
	}
	return io.NewSectionReader(r, at, n), nil
}

// WithoutStill returns a video as it was fetched.
func WithoutStill(r io.ReaderAt, size int64) *io.SectionReader {
	if at, n := findStill(r, size); n > 0 {
		size = at - stillHead
	}
	return io.NewSectionReader(r, 0, size)
}

// findStill returns the offset and length of the still in a video, length 0 if there
// is none.
func findStill(r io.ReaderAt, size int64) (offset, length int64) {
	if tail, err := readPart(r, max(size-stillTail, 0), stillTail); err == nil && bytes.Equal(tail[8:], stillMark) {
		n := int64(binary.BigEndian.Uint64(tail))
		if n > 0 && n <= size-stillHead-stillTail {
			return size - stillTail - n, n
		}
		return 0, 0
	}
	for b := range boxes(r, 0, size) { // of an earlier version
		if id, _ := readPart(r, b.content, int64(len(stillID))); b.kind == "uuid" && b.end == size && !b.toEOF && bytes.Equal(id, stillID) {
			return b.content + int64(len(id)), b.end - b.content - int64(len(id))
		}
	}
	return 0, 0
}
