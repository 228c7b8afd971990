package photo

import (
	"encoding/binary"
	"io"
	"iter"
	"math"
	"math/bits"
)

// maxElements bounds the search in the head of a WebM video.
const maxElements = 500

// Elements of WebM (RFC 9559, 5.1), and the scale of its times without another, in
// nanoseconds.
const (
	webmSegment      = 0x18538067
	webmInfo         = 0x1549a966
	webmScale        = 0x2ad7b1
	webmDuration     = 0x4489
	webmTracks       = 0x1654ae6b
	webmTrack        = 0xae
	webmTrackType    = 0x83
	webmCluster      = 0x1f43b675
	defaultWebmScale = 1_000_000
)

// An element is one of a WebM video. Its fields are offsets in the file.
type element struct {
	id           uint64
	content, end int64
}

// elements yields the elements before the pictures of a WebM video, those inside others
// too.
func elements(r io.ReaderAt, size int64) iter.Seq[element] {
	return func(yield func(element) bool) {
		for at, n := int64(0), 0; n < maxElements; n++ {
			id, content, end, ok := readElement(r, at, size)
			if !ok || id == webmCluster || !yield(element{id, content, end}) {
				return
			}
			switch at = end; id {
			case webmSegment, webmInfo, webmTracks, webmTrack: // read what is in it
				at = content
			}
		}
	}
}

// number returns an element's content as an unsigned number, of at most 8 bytes.
func (e element) number(r io.ReaderAt) (n uint64) {
	data, err := readPart(r, e.content, min(e.end-e.content, 8))
	if err != nil {
		return 0
	}
	for _, b := range data {
		n = n<<8 | uint64(b)
	}
	return n
}

// webmSeconds returns the duration that a WebM video says, 0 if it is unknown.
func webmSeconds(r io.ReaderAt, size int64) float64 {
	scale, duration := uint64(defaultWebmScale), 0.0
	for e := range elements(r, size) {
		switch length := e.end - e.content; {
		case e.id == webmScale:
			scale = e.number(r)
		case e.id == webmDuration && length == 4:
			duration = float64(math.Float32frombits(uint32(e.number(r))))
		case e.id == webmDuration && length >= 8:
			duration = math.Float64frombits(e.number(r))
		}
	}
	return duration * float64(scale) / 1e9
}

// readElement reads the ID and the size of an EBML element (RFC 8794, 4 to 6), which
// ends by limit. An unknown size is up to limit.
func readElement(r io.ReaderAt, at, limit int64) (id uint64, content, end int64, ok bool) {
	var b [12]byte
	n, _ := r.ReadAt(b[:], at)
	idLen := bits.LeadingZeros8(b[0]) + 1
	if n < 2 || idLen > 4 || idLen >= n {
		return 0, 0, 0, false
	}
	for _, c := range b[:idLen] {
		id = id<<8 | uint64(c)
	}
	sizeLen := bits.LeadingZeros8(b[idLen]) + 1
	if sizeLen > 8 || idLen+sizeLen > n {
		return 0, 0, 0, false
	}
	var long [8]byte
	copy(long[8-sizeLen:], b[idLen:idLen+sizeLen])
	mask := uint64(1)<<(7*sizeLen) - 1
	size := binary.BigEndian.Uint64(long[:]) & mask
	content = at + int64(idLen+sizeLen)
	if left := uint64(max(limit-content, 0)); size == mask || size > left {
		size = left
	}
	return id, content, content + int64(size), true
}
