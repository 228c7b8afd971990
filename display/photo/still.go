package photo

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// stillID marks the box at the end of a video that holds its still. A box of type
// uuid is what players pass over (ISO/IEC 14496-12, 4.2).
var stillID = [16]byte{0x70, 0x69, 0x63, 0x6b, 0x65, 0x72, 0x64, 0x2d, 0x73, 0x74, 0x69, 0x6c, 0x6c, 0x2d, 0x76, 0x31}

// ErrNoStill means a video without a still.
var ErrNoStill = fmt.Errorf("%w: a video without a still", ErrNoPicture)

const mostStill = 16 << 20

// StillSize is how long what WriteStill writes is, for a still of n bytes.
func StillSize(n int) int64 { return 24 + int64(n) }

// WriteStill appends a still, a JPEG or PNG, to a video of size bytes, so that
// the two are one file. Its error is ErrNoStill where the video's last box has no
// end of its own, or that of w.
func WriteStill(w io.Writer, video io.ReaderAt, size int64, still []byte) error {
	if _, _, end := walk(video, size); end != size || len(still) > mostStill {
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

// Still returns the still of a video. Its error is ErrNoStill.
func Still(r io.ReaderAt, size int64) (*io.SectionReader, error) {
	at, n, _ := walk(r, size)
	if n <= 0 || n > mostStill {
		return nil, ErrNoStill
	}
	return io.NewSectionReader(r, at, n), nil
}

// walk goes from box to box. It returns where a still is, n of zero without one,
// and where the last whole box ends.
func walk(r io.ReaderAt, size int64) (at, n, end int64) {
	var head [32]byte
	for end < size {
		m, err := r.ReadAt(head[:], end)
		if m < 8 || err != nil && !errors.Is(err, io.EOF) {
			return at, n, end
		}
		length, skip := int64(binary.BigEndian.Uint32(head[:])), int64(8)
		if length == 1 && m >= 16 {
			length, skip = int64(binary.BigEndian.Uint64(head[8:])), 16
		}
		if length < skip || length > size-end {
			return at, n, end
		}
		if string(head[4:8]) == "uuid" && skip == 8 && m >= 24 && [16]byte(head[8:24]) == stillID {
			at, n = end+24, length-24
		}
		end += length
	}
	return at, n, end
}
