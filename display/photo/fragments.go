package photo

import (
	"encoding/binary"
	"io"
)

// Bounds of the search in a film of fragments: boxes at the top level, two for each
// fragment; bytes of tables of samples, where a box inside a fragment counts as boxCost.
const (
	maxFragmentBoxes = 50_000
	maxSampleTables  = 16 << 20
	boxCost          = 64
	maxTracks        = 16
)

// A track of a film in fragments.
type track struct {
	timescale uint64
	standard  uint64 // duration of a sample
	duration  uint64
}

// fragmentSeconds returns the sum of the fragments of a film (ISO/IEC 14496-12, 8.8), of
// its longest track. If there are none, or too many, it returns what the first index says.
func fragmentSeconds(r io.ReaderAt, size int64, moov box) (seconds float64) {
	tracks := tracksOf(r, moov)
	left, boxesLeft, index := int64(maxSampleTables), maxFragmentBoxes, 0.0
	for moof := range boxesUpTo(r, moov.end, size, maxFragmentBoxes) {
		boxesLeft--
		if moof.kind == "sidx" && index == 0 {
			index = indexSeconds(r, moof)
		}
		if moof.kind != "moof" {
			continue
		}
		for traf := range boxes(r, moof.content, moof.end) {
			if left -= boxCost; left <= 0 {
				return index
			}
			if traf.kind == "traf" {
				addFragment(r, traf, tracks, &left)
			}
		}
	}
	for _, t := range tracks {
		if t.timescale > 0 {
			seconds = max(seconds, float64(t.duration)/float64(t.timescale))
		}
	}
	if seconds == 0 || boxesLeft == 0 {
		return index
	}
	return seconds
}

// indexSeconds returns the sum of the segments in an index (8.16.3).
func indexSeconds(r io.ReaderAt, sidx box) float64 {
	at := int64(20) // behind the version, the ID, the timescale, a time and an offset
	if isLong(r, sidx) {
		at = 28
	}
	head, err := readPart(r, sidx.content, at+4)
	if err != nil || sidx.content+at+4 > sidx.end {
		return 0
	}
	const each = 12 // bytes: size, duration, access point
	timescale, count := binary.BigEndian.Uint32(head[8:]), int64(binary.BigEndian.Uint16(head[at+2:]))
	data, err := readPart(r, sidx.content+at+4, min(count*each, sidx.end-sidx.content-at-4))
	if err != nil || timescale == 0 {
		return 0
	}
	sum := 0.0
	for ; len(data) >= each; data = data[each:] {
		sum += float64(binary.BigEndian.Uint32(data[4:]))
	}
	return sum / float64(timescale)
}

// tracksOf returns the tracks of a movie, by ID.
func tracksOf(r io.ReaderAt, moov box) map[uint64]*track {
	tracks := map[uint64]*track{}
	left := maxTracks
	for b := range boxes(r, moov.content, moov.end) {
		if b.kind != "trak" {
			continue
		}
		if left--; left < 0 {
			break
		}
		tkhd, ok := findBox(r, b.content, b.end, "tkhd")
		mdia, found := findBox(r, b.content, b.end, "mdia")
		if !ok || !found {
			continue
		}
		if mdhd, ok := findBox(r, mdia.content, mdia.end, "mdhd"); ok {
			at := int64(12)
			if isLong(r, tkhd) {
				at = 20
			}
			if id, err := readPart(r, tkhd.content+at, 4); err == nil {
				_, timescale := timesOf(r, mdhd)
				tracks[uint64(binary.BigEndian.Uint32(id))] = &track{timescale: timescale}
			}
		}
	}
	if mvex, ok := findBox(r, moov.content, moov.end, "mvex"); ok {
		for trex := range boxes(r, mvex.content, mvex.end) {
			if t := tracks[number(r, trex, 4, 4)]; t != nil && trex.kind == "trex" {
				t.standard = number(r, trex, 12, 12)
			}
		}
	}
	return tracks
}

// addFragment adds the samples of a track fragment (8.8.7, 8.8.8). It reads at most
// left bytes of their tables.
func addFragment(r io.ReaderAt, traf box, tracks map[uint64]*track, left *int64) {
	var t *track
	var standard uint64
	for b := range boxes(r, traf.content, traf.end) {
		*left -= boxCost
		head, err := readPart(r, b.content, 8)
		if err != nil || *left <= 0 {
			return
		}
		flags, value := binary.BigEndian.Uint32(head)&0xffffff, uint64(binary.BigEndian.Uint32(head[4:]))
		switch {
		case b.kind == "tfhd":
			if t = tracks[value]; t == nil {
				return
			}
			standard = t.standard
			if flags&0x8 != 0 { // behind an offset of 8 bytes and an index of 4
				at := 8 + int64(flags&1)*8 + int64(flags>>1&1)*4
				if data, err := readPart(r, b.content+at, 4); err == nil {
					standard = uint64(binary.BigEndian.Uint32(data))
				}
			}
		case b.kind == "trun" && t != nil && flags&0x100 == 0:
			t.duration += value * standard
		case b.kind == "trun" && t != nil:
			t.duration += sampleDurations(r, b, flags, int64(value), left)
		}
	}
}

// sampleDurations adds the durations in a table of samples.
func sampleDurations(r io.ReaderAt, trun box, flags uint32, samples int64, left *int64) (sum uint64) {
	at := trun.content + 8 + int64(flags&1)*4 + int64(flags>>2&1)*4
	each := int64(0) // bytes: duration, size, flags, offset of composition
	for f := flags >> 8 & 0xf; f != 0; f >>= 1 {
		each += 4 * int64(f&1)
	}
	samples = min(samples, (trun.end-at)/each, max(*left, 0)/each)
	if samples <= 0 {
		return 0
	}
	*left -= samples * each
	data, err := readPart(r, at, samples*each)
	if err != nil {
		return 0
	}
	for ; len(data) > 0; data = data[each:] {
		sum += uint64(binary.BigEndian.Uint32(data))
	}
	return sum
}
