package photo_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pickerd/display/photo"
)

// trackOf is a track with so many samples, none if the table of their sizes is missing.
func trackOf(handler string, samples ...uint32) []byte {
	stbl := mp4Box("stbl")
	if len(samples) > 0 {
		stbl = mp4Box("stbl", mp4Box("stsd"), mp4Box("stsz", words(0, 0, samples[0])))
	}
	return mp4Box("trak", mp4Box("tkhd"), mp4Box("mdia", mp4Box("hdlr", words(0, 0), []byte(handler)), mp4Box("minf", stbl)))
}

// webmOf is the head of a WebM video with tracks of some types.
func webmOf(types ...byte) []byte {
	var tracks []byte
	for _, t := range types {
		tracks = append(tracks, 0xae, 0x86, 0xd7, 0x81, 1, 0x83, 0x81, t)
	}
	b := append([]byte("\x1aE\xdf\xa3\x80\x18S\x80g\x01\xff\xff\xff\xff\xff\xff\xff\x15I\xa9f\x87D\x89\x84\x45\x3b\x80\x00\x16\x54\xae\x6b"), 0x80|byte(len(tracks)))
	return append(append(b, tracks...), "\x1f\x43\xb6\x75\x80"...)
}

// TestHasPictures tells films from sound alone.
func TestHasPictures(t *testing.T) {
	ftyp := mp4Box("ftyp", []byte("isom\x00\x00\x00\x00"))
	movie := func(parts ...[]byte) []byte { return append(bytes.Clone(ftyp), mp4Box("moov", parts...)...) }
	for name, tt := range map[string]struct {
		data []byte
		want bool
	}{
		"pictures":                       {movie(trackOf("vide", 30)), true},
		"pictures and sound":             {movie(trackOf("soun", 99), trackOf("vide", 30)), true},
		"sound":                          {movie(trackOf("soun", 99)), false},
		"sound and subtitles":            {movie(trackOf("soun", 99), trackOf("sbtl", 3)), false},
		"no frames":                      {movie(trackOf("vide", 0), trackOf("soun", 99)), false},
		"frames in fragments":            {movie(trackOf("vide", 0), mp4Box("mvex")), true},
		"sound in fragments":             {movie(trackOf("soun", 0), mp4Box("mvex")), false},
		"no table of frames":             {movie(trackOf("vide")), true},
		"no tracks":                      {movie(), true},
		"more tracks than are looked at": {movie(bytes.Repeat(trackOf("soun", 99), 17)), true},
		"no movie":                       {ftyp, true},
		"torn":                           {movie(trackOf("soun", 99))[:40], true},
		"empty":                          {nil, true},
		"WebM":                           {webmOf(1), true},
		"WebM, sound and pictures":       {webmOf(2, 1), true},
		"WebM, sound":                    {webmOf(2), false},
		"WebM, sound and subtitles":      {webmOf(2, 17), false},
		"WebM without tracks":            {webmOf(), true},
		"WebM of nothing but its magic":  {[]byte("\x1aE\xdf\xa3"), true},
	} {
		if got := photo.HasPictures(bytes.NewReader(tt.data), int64(len(tt.data))); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
	if got := photo.VideoDuration(bytes.NewReader(webmOf(2, 1)), 99); got != 3*time.Second {
		t.Errorf("the length beside tracks is %v", got)
	}
	for _, path := range append(caseFiles(t), "../../picker/pickertest/samples/waves.mp4") {
		if !strings.HasPrefix(filepath.Base(path), "v") && filepath.Ext(path) != ".mp4" {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !photo.HasPictures(bytes.NewReader(data), int64(len(data))) {
			t.Errorf("%s has no pictures", path)
		}
	}
}

// indexBox is an index of segments of some durations, in units of a thousandth.
func indexBox(version, scale uint32, durations ...uint32) []byte {
	b := words(version<<24, 1, scale, 0, 0)
	if version == 1 {
		b = append(b, words(0, 0)...)
	}
	b = append(b, words(uint32(len(durations)))...)
	for _, d := range durations {
		b = append(b, words(5000, d, 0x90000000)...)
	}
	return mp4Box("sidx", b)
}

// TestIndexDuration reads the length of a film in fragments from its index, where its
// fragments say none or are too many.
func TestIndexDuration(t *testing.T) {
	many := bytes.Repeat(moof(words(0, 1), words(0, 1)), 25_000) // half a second each
	for name, tt := range map[string]struct {
		data []byte
		want time.Duration
	}{
		"no fragments":           {fragmentedFilm(indexBox(0, 1000, 2000, 1500)), 3500 * time.Millisecond},
		"of 64 bits":             {fragmentedFilm(indexBox(1, 1000, 2000, 1500)), 3500 * time.Millisecond},
		"the first of two":       {fragmentedFilm(indexBox(0, 1000, 2000), indexBox(0, 1000, 9000)), 2 * time.Second},
		"what fragments say":     {fragmentedFilm(indexBox(0, 1000, 9000), moof(words(0, 1), words(0, 4))), 2 * time.Second},
		"fragments of no length": {fragmentedFilm(indexBox(0, 1000, 9000), moof(words(8, 1, 0), words(0, 4))), 9 * time.Second},
		"too many fragments":     {fragmentedFilm(indexBox(0, 1, 20_000), many), 20_000 * time.Second},
		"no index":               {fragmentedFilm(many[:len(many)-100]), 12_499 * time.Second},
		"no timescale":           {fragmentedFilm(indexBox(0, 0, 2000)), 0},
		"no segments":            {fragmentedFilm(indexBox(0, 1000)), 0},
		"fewer than it says":     {fragmentedFilm(mp4Box("sidx", words(0, 1, 1000, 0, 0, 9, 5000, 2000, 0))), 2 * time.Second},
		"longer than a day":      {fragmentedFilm(indexBox(0, 1, 86_401)), 0},
		"shorter than its head":  {fragmentedFilm(mp4Box("sidx", words(0, 1, 1000))), 0},
		"of 64 bits, cut":        {fragmentedFilm(mp4Box("sidx", words(1<<24, 1, 1000, 0, 0, 0))), 0},
	} {
		if got := photo.VideoDuration(bytes.NewReader(tt.data), int64(len(tt.data))); got.Round(time.Second) != tt.want.Round(time.Second) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

func FuzzHasPictures(f *testing.F) {
	f.Add(mp4Box("moov", trackOf("soun", 99), trackOf("vide", 0), mp4Box("mvex")))
	f.Add(webmOf(2, 17, 1))
	f.Add(fragmentedFilm(indexBox(1, 1000, 2000, 1500)))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &countingReader{Reader: bytes.NewReader(data)}
		photo.HasPictures(r, r.Size())
		photo.VideoDuration(r, r.Size())
		if r.n > 200*(r.Size()+100) {
			t.Errorf("%d bytes were read of %d", r.n, r.Size())
		}
	})
}
