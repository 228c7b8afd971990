package photo

import (
	"encoding/binary"
	"io"
)

// HasPictures reports whether a video has a track of pictures with something in it. Of
// a file that can't be read it says so too: only players know more of that.
func HasPictures(r io.ReaderAt, size int64) bool {
	if magic, err := readPart(r, 0, 4); err == nil && Format(magic) == "video/webm" {
		return webmHasPictures(r, size)
	}
	moov, ok := findBox(r, 0, size, "moov")
	if !ok {
		return true
	}
	_, fragmented := findBox(r, moov.content, moov.end, "mvex")
	tracks := 0
	for trak := range boxes(r, moov.content, moov.end) {
		if trak.kind != "trak" {
			continue
		}
		if tracks++; tracks > maxTracks {
			return true
		}
		mdia, ok := findBox(r, trak.content, trak.end, "mdia")
		if !ok {
			continue
		}
		// ISO/IEC 14496-12, 8.4.3
		hdlr, ok := findBox(r, mdia.content, mdia.end, "hdlr")
		if kind, err := readPart(r, hdlr.content+8, 4); ok && err == nil && string(kind) == "vide" && (fragmented || samples(r, mdia) > 0) {
			return true
		}
	}
	return tracks == 0
}

// samples returns how many samples a track has (8.7.3), 1 if that is unknown.
func samples(r io.ReaderAt, b box) uint32 {
	for _, kind := range []string{"minf", "stbl", "stsz"} {
		var ok bool
		if b, ok = findBox(r, b.content, b.end, kind); !ok {
			return 1
		}
	}
	count, err := readPart(r, b.content+8, 4)
	if err != nil || b.content+12 > b.end {
		return 1
	}
	return binary.BigEndian.Uint32(count)
}

// webmHasPictures looks at the types of tracks (RFC 9559, 5.1.4.1.3).
func webmHasPictures(r io.ReaderAt, size int64) bool {
	tracks := 0
	for e := range elements(r, size) {
		if e.id != webmTrackType {
			continue
		}
		if tracks++; e.number(r) == 1 {
			return true
		}
	}
	return tracks == 0
}
