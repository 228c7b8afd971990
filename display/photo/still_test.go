package photo_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/png"
	"testing"

	"pickerd/display/photo"
)

// withStill returns a video with a still.
func withStill(t testing.TB, video, still []byte) []byte {
	t.Helper()
	b := bytes.NewBuffer(bytes.Clone(video))
	if err := photo.WriteStill(b, bytes.NewReader(video), still); err != nil {
		t.Fatal(err)
	}
	if n := int64(b.Len() - len(video)); n != photo.StillSize(len(still)) {
		t.Errorf("%d bytes were written, StillSize = %d", n, photo.StillSize(len(still)))
	}
	return b.Bytes()
}

// TestStill checks that each kind of video takes a still, and that browsers get the
// video without it.
func TestStill(t *testing.T) {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 64, 48))); err != nil {
		t.Fatal(err)
	}
	still := b.Bytes()
	mp4 := isobmff("isom\x00\x00\x00\x00", mp4Box("mdat", []byte("1234")))
	for name, video := range map[string][]byte{
		"MP4":                       mp4,
		"MP4, box without an end":   append(bytes.Clone(mp4), "\x00\x00\x00\x00mdat5678"...),
		"MP4, cut off":              append(bytes.Clone(mp4), "\x00\x00\x10\x00mdat5678"...),
		"MP4 of countless boxes":    append(bytes.Clone(mp4), bytes.Repeat(mp4Box("free"), 5000)...),
		"WebM":                      []byte("\x1aE\xdf\xa3\x80\x18S\x80g\x80"),
		"WebM of an unknown length": []byte("\x1aE\xdf\xa3\x80\x18S\x80g\x01\xff\xff\xff\xff\xff\xff\xff1234"),
	} {
		t.Run(name, func(t *testing.T) {
			data := withStill(t, video, still)
			p, err := photo.Decode(t.Context(), bytes.NewReader(data), int64(len(data)), photo.Limit{})
			if err != nil || p.W != 64 || p.H != 48 {
				t.Fatalf("the still is %v, %v", p, err)
			}
			if n := photo.WithoutStill(bytes.NewReader(data), int64(len(data))).Size(); n != int64(len(video)) {
				t.Errorf("the video has %d bytes, want %d", n, len(video))
			}
			for n := len(video); n < len(data); n += 7 { // torn while it was written
				if _, err := photo.Still(bytes.NewReader(data[:n]), int64(n)); !errors.Is(err, photo.ErrNoStill) {
					t.Fatalf("a still of %d bytes too few: %v", len(data)-n, err)
				}
			}
		})
	}
	if err := photo.WriteStill(&b, bytes.NewReader(mp4), nil); !errors.Is(err, photo.ErrNoStill) {
		t.Errorf("an empty still: %v", err)
	}
}

// TestStillOfEarlierVersion reads a still that is only in a box.
func TestStillOfEarlierVersion(t *testing.T) {
	data := isobmff("isom\x00\x00\x00\x00", mp4Box("mdat", []byte("1234")))
	video := int64(len(data))
	data = append(data, mp4Box("uuid", []byte("pickerd-still-v1"), []byte("still"))...)
	r := bytes.NewReader(data)
	if s, err := photo.Still(r, r.Size()); err != nil || s.Size() != 5 {
		t.Errorf("the still is %v, %v", s, err)
	}
	if n := photo.WithoutStill(r, r.Size()).Size(); n != video {
		t.Errorf("the video has %d bytes, want %d", n, video)
	}
}

// TestStillBound checks that a file of countless boxes costs little.
func TestStillBound(t *testing.T) {
	r := &countingReader{Reader: bytes.NewReader(bytes.Repeat(mp4Box("free"), 1<<20))}
	if _, err := photo.Still(r, r.Size()); !errors.Is(err, photo.ErrNoStill) {
		t.Error(err)
	}
	if r.n > 1<<16 {
		t.Errorf("%d bytes were read", r.n)
	}
}

func FuzzStill(f *testing.F) {
	f.Add(withStill(f, mp4Box("ftyp", []byte("isom\x00\x00\x00\x00")), []byte("still")))
	f.Add(append(binary.BigEndian.AppendUint64(nil, 1<<63), "pickerd-still-v2"...))
	f.Add([]byte("\x00\x00\x00\x00mdat5678"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		if s, err := photo.Still(r, r.Size()); err == nil && (s.Size() <= 0 || s.Size() > r.Size()) {
			t.Errorf("a still of %d bytes in a file of %d", s.Size(), r.Size())
		}
		if n := photo.WithoutStill(r, r.Size()).Size(); n < 0 || n > r.Size() {
			t.Errorf("a video of %d bytes in a file of %d", n, r.Size())
		}
		// A still that is appended can be read again.
		s, err := photo.Still(bytes.NewReader(withStill(t, data, []byte("still"))), r.Size()+photo.StillSize(5))
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 5)
		if _, err := s.ReadAt(got, 0); err != nil || string(got) != "still" {
			t.Errorf("read %q, %v", got, err)
		}
	})
}
