package photo

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"slices"
)

// FormatHead is how many bytes of a file Format wants to see.
const FormatHead = 512

// maxLead bounds the stray bytes before the start of a JPEG file.
const maxLead = 64

// Head returns the bytes of a file that Format wants to see: fewer if the file is
// shorter. The error is that of reading.
func Head(r io.ReaderAt) ([]byte, error) {
	head := make([]byte, FormatHead)
	n, err := r.ReadAt(head, 0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return head[:n], err
}

// Format returns the media type that the first bytes of a file show, or "" if it is
// none that is a photo or a video. A few stray bytes before a JPEG are skipped.
func Format(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("\x89PNG")):
		return "image/png"
	case bytes.HasPrefix(head, []byte("GIF8")):
		return "image/gif"
	case bytes.HasPrefix(head, []byte("RIFF")) && bytes.HasPrefix(head[min(8, len(head)):], []byte("WEBP")):
		return "image/webp"
	case bytes.HasPrefix(head, []byte("\xff\x0a")), bytes.HasPrefix(head, []byte("\x00\x00\x00\x0cJXL \r\n\x87\n")):
		return "image/jxl" // ISO/IEC 18181-2
	case bytes.HasPrefix(head, []byte("\x1aE\xdf\xa3")):
		return "video/webm" // EBML, RFC 8794
	case bytes.HasPrefix(head[min(4, len(head)):], []byte("ftyp")):
		return formatOfBrands(head)
	case Lead(head) >= 0:
		return "image/jpeg"
	}
	return ""
}

// formatOfBrands returns the type of a file that starts with a box ftyp. Pictures
// have a major brand of pictures (ISO/IEC 23008-12, 10, and AV1 Image File Format,
// 6), a generic one such as mif1 with their codec's among the compatible brands.
func formatOfBrands(head []byte) string {
	end := int(min(binary.BigEndian.Uint32(head), uint32(len(head))))
	var brands []string
	for at := 8; at+4 <= end; at += 4 {
		if at != 12 { // the minor version
			brands = append(brands, string(head[at:at+4]))
		}
	}
	if len(brands) == 0 {
		return "video/mp4"
	}
	switch brands[0] {
	case "avif", "avis":
		return "image/avif"
	case "heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs":
		return "image/heic"
	case "mif1", "msf1", "mif2", "miaf", "MiHB", "MiHE":
		if slices.Contains(brands, "avif") || slices.Contains(brands, "avis") {
			return "image/avif"
		}
		return "image/heic"
	}
	return "video/mp4"
}

// Lead returns how many stray bytes are before the start of a JPEG, -1 if there is
// no JPEG.
func Lead(head []byte) int {
	return bytes.Index(head[:min(len(head), maxLead)], []byte("\xff\xd8\xff"))
}

// file returns the first bytes of a file and a reader of it, without what is before
// the start of a JPEG.
func file(r io.ReaderAt, size int64) (head []byte, all *io.SectionReader, err error) {
	head = make([]byte, min(size, FormatHead))
	n, err := r.ReadAt(head, 0)
	if n < len(head) {
		return nil, nil, err
	}
	lead := max(Lead(head), 0)
	if Format(head) != "image/jpeg" {
		lead = 0
	}
	return head[lead:], io.NewSectionReader(r, int64(lead), size-int64(lead)), nil
}

// A source fails when its context ends. It keeps the first error of reading, which
// decoders would take for a fault of the file.
type source struct {
	ctx context.Context
	r   io.ReaderAt
	err error
}

// ReadAt implements io.ReaderAt.
func (s *source) ReadAt(b []byte, at int64) (int, error) {
	if err := s.ctx.Err(); err != nil {
		s.err = err
		return 0, err
	}
	if at < 0 { // of a damaged file
		return 0, io.EOF
	}
	n, err := s.r.ReadAt(b, at)
	if err != nil && !errors.Is(err, io.EOF) && s.err == nil {
		s.err = err
	}
	return n, err
}
