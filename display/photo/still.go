package photo

import (
	"encoding/binary"
	"fmt"
	"io"
)

// stillID marks the box at the end of a video that contains its still. Players skip
// boxes of type uuid (ISO/IEC 14496-12, 4.2).
var stillID = [16]byte{0x70, 0x69, 0x63, 0x6b, 0x65, 0x72, 0x64, 0x2d, 0x73, 0x74, 0x69, 0x6c, 0x6c, 0x2d, 0x76, 0x31}

// ErrNoStill means that a video has no still. It wraps ErrFormat.
var ErrNoStill = fmt.Errorf("%w: video without a still", ErrFormat)

// maxStill bounds the size of a still in bytes.
const maxStill = 16 << 20

// StillSize returns how many bytes WriteStill writes for a still of n bytes.
func StillSize(n int) int64 { return 24 + int64(n) }

// WriteStill writes to w what, appended to a video of size bytes, adds a still to
// it: a JPEG or PNG file in a box. It returns ErrNoStill if the size of the video's
// last box is not given or wrong, or if the still is too large. Other errors are
// those of w.
func WriteStill(w io.Writer, video io.ReaderAt, size int64, still []byte) error {
	if _, _, end := findStill(video, size); end != size || len(still) > maxStill {
		return ErrNoStill
	}
	head := binary.BigEndian.AppendUint32(nil, uint32(StillSize(len(still))))
	head = append(append(head, "uuid"...), stillID[:]...)
	if _, err := w.Write(head); err != nil {
		return err
	}
	_, err := w.Write(still)
	return err
}

// Still returns the still of a video, or ErrNoStill.
func Still(r io.ReaderAt, size int64) (*io.SectionReader, error) {
	at, n, _ := findStill(r, size)
	if n <= 0 || n > maxStill {
		return nil, ErrNoStill
	}
	return io.NewSectionReader(r, at, n), nil
}

// findStill returns the offset and length of the still in a video, length 0 if
// there is none, and where the last complete box ends.
func findStill(r io.ReaderAt, size int64) (offset, length, end int64) {
	for end < size {
		b, ok := readBox(r, end, size)
		if !ok || b.toEOF {
			break
		}
		if b.kind == "uuid" && b.content == end+8 && b.end-b.content >= int64(len(stillID)) {
			var id [16]byte
			if n, _ := r.ReadAt(id[:], b.content); n == len(id) && id == stillID {
				offset, length = b.content+int64(len(id)), b.end-b.content-int64(len(id))
			}
		}
		end = b.end
	}
	return offset, length, end
}
