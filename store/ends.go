package store

import (
	"bytes"
	"encoding/binary"
	"io"
)

// endsWell reports whether a media file of size bytes ends as its format says. It
// reads little, and finds files that were cut or whose end is missing.
func endsWell(r io.ReaderAt, size int64, mimeType string) bool {
	read := func(at, n int64) []byte {
		b := make([]byte, n)
		if at < 0 || at+n > size {
			return nil
		}
		if _, err := r.ReadAt(b, at); err != nil && err != io.EOF {
			return nil
		}
		return b
	}
	switch mimeType {
	case "image/jpeg": // the marker EOI, ITU-T T.81 B.1.1.3
		return bytes.Equal(read(0, 2), []byte{0xff, 0xd8}) && bytes.Equal(read(size-2, 2), []byte{0xff, 0xd9})
	case "image/png": // the chunk IEND, empty, with its checksum
		return bytes.Equal(read(size-12, 12), []byte("\x00\x00\x00\x00IEND\xaeB`\x82"))
	case "image/gif": // the trailer
		return bytes.Equal(read(size-1, 1), []byte{0x3b}) && bytes.Equal(read(0, 3), []byte("GIF"))
	case "image/webp": // the length in the RIFF header
		b := read(0, 8)
		return b != nil && bytes.Equal(b[:4], []byte("RIFF")) && int64(binary.LittleEndian.Uint32(b[4:]))+8 == size
	case "video/mp4":
		return boxesFill(read, size)
	}
	return size > 0 // a WebM file need not say how long it is
}

// boxesFill reports whether the boxes of a file (ISO/IEC 14496-12, 4.2) end where it
// ends.
func boxesFill(read func(at, n int64) []byte, size int64) bool {
	const maxBoxes = 10000 // at the top level; real files have less than ten, or one for each second
	at := int64(0)
	for n := 0; at < size && n < maxBoxes; n++ {
		b := read(at, 8)
		if b == nil {
			return false
		}
		length, least := int64(binary.BigEndian.Uint32(b)), int64(8)
		switch length {
		case 0: // to the end of the file
			return true
		case 1:
			if b = read(at+8, 8); b == nil {
				return false
			}
			length, least = int64(binary.BigEndian.Uint64(b)), 16
		}
		if length < least || length > size-at {
			return false
		}
		at += length
	}
	return at == size && size > 0
}
