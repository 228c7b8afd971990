package photo_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"testing"
	"time"

	"pickerd/display/photo"
)

func words(v ...uint32) []byte {
	var b []byte
	for _, n := range v {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return b
}

// fragmentedFilm is an MP4 file with two tracks, of 1000 and 48000 units per second,
// whose samples last 500 and 1024 units where fragments say nothing else.
func fragmentedFilm(fragments ...[]byte) []byte {
	return filmWith(movieHeader(0, 1000, 0), fragments...)
}

// filmWith is fragmentedFilm with a movie header.
func filmWith(mvhd []byte, fragments ...[]byte) []byte {
	trak := func(id, timescale uint32) []byte {
		return mp4Box("trak", mp4Box("tkhd", words(0, 0, 0, id)), mp4Box("mdia", mp4Box("mdhd", words(0, 0, 0, timescale, 0))))
	}
	trex := func(id, duration uint32) []byte { return mp4Box("trex", words(0, id, 1, duration, 0, 0)) }
	return append(isobmff("iso5\x00\x00\x02\x00"), append(mp4Box("moov", mp4Box("mvhd", mvhd), trak(1, 1000), trak(2, 48000),
		mp4Box("mvex", trex(1, 500), trex(2, 1024))), bytes.Join(fragments, nil)...)...)
}

func moof(tfhd, trun []byte) []byte {
	return append(mp4Box("moof", mp4Box("traf", mp4Box("tfhd", tfhd), mp4Box("trun", trun))), mp4Box("mdat", []byte("samples"))...)
}

// TestFragmentDuration adds up the samples of films in fragments.
func TestFragmentDuration(t *testing.T) {
	for name, tt := range map[string]struct {
		data []byte
		want time.Duration
	}{
		"as the movie says":      {fragmentedFilm(moof(words(0, 1), words(0, 4)), moof(words(0, 1), words(0, 6))), 5 * time.Second},
		"as the fragment says":   {fragmentedFilm(moof(words(0x8, 1, 250), words(0, 4))), time.Second},
		"behind an offset":       {fragmentedFilm(moof(words(0x2000b, 1, 0, 0, 1, 250), words(1, 4, 0))), time.Second},
		"unknown before":         {filmWith(movieHeader(0, 1, math.MaxUint32), moof(words(0, 1), words(0, 4))), 2 * time.Second},
		"unknown, of 64 bits":    {filmWith(movieHeader(1, 1, math.MaxUint64), moof(words(0, 1), words(0, 4))), 2 * time.Second},
		"no timescale":           {filmWith(movieHeader(0, 0, 10), moof(words(0, 1), words(0, 4))), 2 * time.Second},
		"each sample":            {fragmentedFilm(moof(words(0, 1), words(0x301, 2, 0, 1000, 7, 2000, 7))), 3 * time.Second},
		"the longer track":       {fragmentedFilm(moof(words(0, 1), words(0, 1)), moof(words(0, 2), words(0, 375))), 8 * time.Second},
		"an unknown track":       {fragmentedFilm(moof(words(0, 9), words(0, 4))), 0},
		"more samples than fit":  {fragmentedFilm(moof(words(0, 1), words(0x100, math.MaxUint32, 1000))), time.Second},
		"longer than a day":      {fragmentedFilm(moof(words(0, 1), words(0, math.MaxUint32))), 0},
		"no fragments":           {fragmentedFilm(), 0},
		"the last one is cut":    {fragmentedFilm(moof(words(0, 1), words(0, 4)), moof(words(0, 1), words(0, 6))[:20]), 2 * time.Second},
		"WebM":                   {[]byte("\x1aE\xdf\xa3\x80\x18S\x80g\x01\xff\xff\xff\xff\xff\xff\xff\x15I\xa9f\x8f\x2a\xd7\xb1\x83\x0f\x42\x40D\x89\x84\x45\x3b\x80\x00"), 3 * time.Second},
		"WebM, scale of its own": {[]byte("\x1aE\xdf\xa3\x80\x18S\x80g\x92\x15I\xa9f\x8d\x2a\xd7\xb1\x81\x64D\x89\x88\x41\x7c\x9c\x38\x00\x00\x00\x00"), 3 * time.Second},
		"WebM without a length":  {[]byte("\x1aE\xdf\xa3\x80\x18S\x80g\x80\x1f\x43\xb6\x75\x80\x44\x89\x84\x45\x3b\x80\x00"), 0},
		"WebM, not a number":     {[]byte("\x1aE\xdf\xa3\x80\x18S\x80g\x8c\x15I\xa9f\x87D\x89\x84\x7f\xc0\x00\x00"), 0},
	} {
		if got := photo.VideoDuration(bytes.NewReader(tt.data), int64(len(tt.data))); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

// TestDurationOfCases reads films by other programs.
func TestDurationOfCases(t *testing.T) {
	for _, file := range caseFiles(t) {
		for name, want := range map[string]time.Duration{"v03-frag12s.mp4": 12 * time.Second, "v05-hevc20s.mp4": 20 * time.Second, "v09-vp9.webm": 3 * time.Second, "v14-trunc.mp4": 3 * time.Second} {
			if file != "testdata/media/"+name {
				continue
			}
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got := photo.VideoDuration(bytes.NewReader(data), int64(len(data))); got.Round(100*time.Millisecond) != want {
				t.Errorf("%s: %v, want %v", name, got, want)
			}
		}
	}
}

// TestDurationBound checks that countless boxes and samples cost little.
func TestDurationBound(t *testing.T) {
	const size = 24 << 20
	tiny := bytes.Repeat(mp4Box("free"), size/8)
	many := func(kind string) []byte { // each with as many boxes as are looked at
		return mp4Box("moov", mp4Box("mvhd", movieHeader(0, 1000, 0)), bytes.Repeat(mp4Box(kind, tiny[:8000]), 900))
	}
	for name, data := range map[string][]byte{
		"boxes":            tiny,
		"behind a movie":   fragmentedFilm(tiny),
		"empty fragments":  fragmentedFilm(bytes.Repeat(mp4Box("moof"), size/8)),
		"tracks of nought": fragmentedFilm(bytes.Repeat(mp4Box("moof", bytes.Repeat(mp4Box("traf", bytes.Repeat(mp4Box("free"), 900)), 900)), 4)),
		"other boxes":      many("free"),
		"empty tracks":     many("trak"),
		"tables":           fragmentedFilm(bytes.Repeat(moof(words(0, 1), append(words(0x100, 1<<20), make([]byte, 4<<20)...)), 6)),
	} {
		r := &countingReader{Reader: bytes.NewReader(data)}
		photo.VideoDuration(r, r.Size())
		if r.n > 22<<20 {
			t.Errorf("%s: %d bytes were read", name, r.n)
		}
	}
}

func FuzzFragmentDuration(f *testing.F) {
	f.Add(fragmentedFilm(moof(words(0, 1), words(0x301, 2, 0, 1000, 7, 2000, 7))))
	f.Add([]byte("\x1aE\xdf\xa3\x80\x18S\x80g\x92\x15I\xa9f\x8d\x2a\xd7\xb1\x81\x64D\x89\x88\x41\x7c\x9c\x38\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &countingReader{Reader: bytes.NewReader(data)}
		if d := photo.VideoDuration(r, r.Size()); d < 0 || d > 24*time.Hour {
			t.Errorf("VideoDuration = %v", d)
		}
		if r.n > 100*(r.Size()+100) {
			t.Errorf("%d bytes were read of %d", r.n, r.Size())
		}
	})
}
