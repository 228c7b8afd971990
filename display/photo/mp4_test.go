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

// mp4Box returns a box with a 32-bit size.
func mp4Box(kind string, content ...[]byte) []byte {
	body := bytes.Join(content, nil)
	b := binary.BigEndian.AppendUint32(nil, uint32(8+len(body)))
	return append(append(b, kind...), body...)
}

// mp4LargeBox returns a box with a 64-bit size.
func mp4LargeBox(kind string, content ...[]byte) []byte {
	body := bytes.Join(content, nil)
	b := append(binary.BigEndian.AppendUint32(nil, 1), kind...)
	b = binary.BigEndian.AppendUint64(b, uint64(16+len(body)))
	return append(b, body...)
}

// movieHeader returns the content of an mvhd box of version 0 or 1.
func movieHeader(version byte, timescale uint32, duration uint64) []byte {
	b := []byte{version, 0, 0, 0}
	if version == 1 {
		b = append(b, make([]byte, 16)...) // creation and modification time
		b = binary.BigEndian.AppendUint32(b, timescale)
		return binary.BigEndian.AppendUint64(b, duration)
	}
	b = append(b, make([]byte, 8)...)
	b = binary.BigEndian.AppendUint32(b, timescale)
	return binary.BigEndian.AppendUint32(b, uint32(duration))
}

// fragmented returns a movie of a duration with a movie extends header.
func fragmented(duration uint64, mehd []byte) []byte {
	return mp4Box("moov", mp4Box("mvhd", movieHeader(0, 1000, duration)), mp4Box("mvex", mp4Box("mehd", mehd)))
}

func TestVideoDuration(t *testing.T) {
	ftyp := mp4Box("ftyp", []byte("isom\x00\x00\x00\x00"))
	movie := func(mvhd []byte) []byte { return mp4Box("moov", mp4Box("mvhd", mvhd)) }
	v0, v1 := movieHeader(0, 1000, 2500), movieHeader(1, 90000, 90000*60)
	toEOF := movie(v0)
	clear(toEOF[:4])
	tiny := bytes.Repeat(mp4Box("free"), 1000)
	for _, tt := range []struct {
		name string
		data []byte
		want time.Duration
	}{
		{"version 0", append(bytes.Clone(ftyp), movie(v0)...), 2500 * time.Millisecond},
		{"version 1", append(bytes.Clone(ftyp), movie(v1)...), time.Minute},
		{"header after other boxes", mp4Box("moov", mp4Box("free", []byte("1234")), mp4Box("mvhd", v0)), 2500 * time.Millisecond},
		{"movie after a large box", append(mp4LargeBox("mdat", []byte("1234")), movie(v0)...), 2500 * time.Millisecond},
		{"movie to the end of the file", toEOF, 2500 * time.Millisecond},
		{"fragments", fragmented(0, []byte{0, 0, 0, 0, 0, 0, 0x1d, 0x4c}), 7500 * time.Millisecond},
		{"fragments, version 1", fragmented(0, []byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x1d, 0x4c}), 7500 * time.Millisecond},
		{"fragments after a movie", fragmented(2500, []byte{0, 0, 0, 0, 0, 0, 0x1d, 0x4c}), 2500 * time.Millisecond},
		{"fragments, unknown", fragmented(math.MaxUint32, []byte{0, 0, 0, 0, 0, 0, 0x1d, 0x4c}), 7500 * time.Millisecond},
		{"fragments, header too short", fragmented(0, []byte{1, 0, 0, 0, 0, 0, 0x1d, 0x4c}), 0},
		{"exactly a day", movie(movieHeader(0, 1, 24*60*60)), 24 * time.Hour},
		{"more than a day", movie(movieHeader(0, 1, 24*60*60+1)), 0},
		{"largest duration of 32 bits in 64", movie(movieHeader(1, 1e6, math.MaxUint32)), math.MaxUint32 * time.Microsecond},
		{"largest duration", movie(movieHeader(1, 1, math.MaxUint64)), 0},
		{"timescale of zero", movie(movieHeader(0, 0, 10)), 0},
		{"zero over zero", movie(movieHeader(0, 0, 0)), 0},
		{"empty file", nil, 0},
		{"no movie", ftyp, 0},
		{"no movie header", mp4Box("moov", mp4Box("trak")), 0},
		{"movie header too short", movie(v0[:18]), 0},
		{"box smaller than its header", append([]byte{0, 0, 0, 7}, "moov"...), 0},
		{"large size cut off", append([]byte{0, 0, 0, 1}, "moov"...), 0},
		{"negative size", append([]byte{0, 0, 0, 1}, "moov\xff\xff\xff\xff\xff\xff\xff\xff"...), 0},
		{"box beyond the file", movie(v0)[:30], 0},
		{"too many boxes", append(tiny, movie(v0)...), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := photo.VideoDuration(bytes.NewReader(tt.data), int64(len(tt.data))); got != tt.want {
				t.Errorf("VideoDuration = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestVideoDurationOfSample(t *testing.T) {
	data, err := os.ReadFile("../../picker/pickertest/samples/waves.mp4")
	if err != nil {
		t.Fatal(err)
	}
	got := photo.VideoDuration(bytes.NewReader(data), int64(len(data)))
	if got < time.Second || got > time.Minute {
		t.Errorf("VideoDuration = %v", got)
	}
}

func FuzzVideoDuration(f *testing.F) {
	mp4, err := os.ReadFile("../../picker/pickertest/samples/waves.mp4")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(mp4[:2000])
	f.Add([]byte("\x00\x00\x00\x08moov"))
	f.Add([]byte("\x00\x00\x00\x01moov\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Add(mp4Box("moov", mp4Box("mvhd", movieHeader(1, 600, 6000))))
	f.Fuzz(func(t *testing.T, data []byte) {
		if d := photo.VideoDuration(bytes.NewReader(data), int64(len(data))); d < 0 || d > 24*time.Hour {
			t.Errorf("VideoDuration = %v", d)
		}
	})
}
