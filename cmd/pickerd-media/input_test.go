package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file with its index at the end becomes the one that ffmpeg writes with its index at
// the beginning.
func TestIndexFirst(t *testing.T) {
	need(t, "ffmpeg")
	dir := t.TempDir()
	last, first := filepath.Join(dir, "last.mp4"), filepath.Join(dir, "first.mp4")
	for _, args := range [][]string{{last}, {"-movflags", "+faststart", first}} {
		run(t, "ffmpeg", append([]string{"-v", "error", "-f", "lavfi", "-i", "testsrc=s=64x64:d=1", "-f", "lavfi", "-i", "sine=d=1", "-c:v", "mpeg4", "-bitexact"}, args...)...)
	}
	read := func(path string) []byte {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	b := read(last)
	r, err := indexFirst(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	want := read(first)
	// An empty box is before the index, and not after it as ffmpeg has it.
	got = bytes.Replace(got, []byte("\x00\x00\x00\x08free"), nil, 1)
	want = bytes.Replace(want, []byte("\x00\x00\x00\x08free"), nil, 1)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%d bytes, want %d, or others, %v", len(got), len(want), err)
	}
	if _, err := indexFirst(bytes.NewReader(want), int64(len(want))); err == nil {
		t.Error("moved the index of a file that begins with it")
	}
}

// An index that lasts to the end of the file does not after it is moved.
func TestIndexLength(t *testing.T) {
	const media, table = "\x00\x00\x00\x08mdat", "\x00\x00\x00\x14stco\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00"
	r, err := indexFirst(strings.NewReader(media+"\x00\x00\x00\x00moov"+table+"\x08"), 36)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if want := "\x00\x00\x00\x1cmoov" + table + "\x24" + media; string(got) != want || err != nil {
		t.Errorf("%q, want %q, %v", got, want, err)
	}
}

func FuzzIndexFirst(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x08mdat\x00\x00\x00\x1cmoov\x00\x00\x00\x14stco\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x08"))
	f.Add([]byte("\x00\x00\x00\x01mdat\x00\x00\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00moov"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := indexFirst(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		if n, err := io.Copy(io.Discard, r); n != int64(len(b)) || err != nil {
			t.Errorf("%d bytes of %d, %v", n, len(b), err)
		}
	})
}
