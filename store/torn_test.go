package store_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"pickerd/store"
)

// wholeFiles are the smallest files that end as their formats say.
func wholeFiles() map[string][]byte {
	body := bytes.Repeat([]byte("content "), 40)
	box := func(kind string, content []byte) []byte {
		return append(append(binary.BigEndian.AppendUint32(nil, uint32(8+len(content))), kind...), content...)
	}
	return map[string][]byte{
		"image/jpeg": append(append([]byte{0xff, 0xd8}, body...), 0xff, 0xd9),
		"image/png":  append(append([]byte("\x89PNG\r\n\x1a\n"), body...), "\x00\x00\x00\x00IEND\xaeB`\x82"...),
		"image/gif":  append(append([]byte("GIF89a"), body...), 0x3b),
		"image/webp": append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...),
		"video/mp4":  append(box("ftyp", []byte("isom")), box("mdat", body)...),
	}
}

// lose makes a state directory with one photo, changes its file and removes the
// database. With old, the file has a name of earlier versions.
func lose(t *testing.T, mimeType string, data []byte, old bool, change func([]byte) []byte) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	s := open(t, dir)
	part, err := s.Photos.NewPart()
	must(t, err)
	_, err = part.Write(data)
	must(t, err)
	must(t, s.Photos.Add([]store.Addition{{store.Photo{ID: "a", MimeType: mimeType, Pick: "one"}, part}}, true))
	p, err := s.Photos.Get("a")
	must(t, err)
	must(t, s.Close())
	file = p.File
	if old {
		file = p.File[:32] + filepath.Ext(p.File)
		must(t, os.Rename(filepath.Join(dir, store.MediaName, p.File), filepath.Join(dir, store.MediaName, file)))
	}
	must(t, os.WriteFile(filepath.Join(dir, store.MediaName, file), change(bytes.Clone(data)), 0o600))
	must(t, os.Remove(filepath.Join(dir, store.DatabaseName)))
	return dir, file
}

// isServed reports whether a file is served from a state directory.
func isServed(t *testing.T, dir, file string) bool {
	t.Helper()
	s := open(t, dir)
	defer s.Close()
	photos, err := s.Photos.Collection()
	must(t, err)
	if len(photos) == 0 {
		return false
	}
	for range 2 {
		f, err := s.Photos.Open(file)
		if errors.Is(err, fs.ErrNotExist) {
			return false
		}
		must(t, err)
		must(t, f.Close())
	}
	return true
}

// After the loss of the database whole files are served, and torn ones are not.
func TestTornFile(t *testing.T) {
	tears := map[string]func([]byte) []byte{
		"cut":            func(d []byte) []byte { return d[:len(d)/2] },
		"last byte lost": func(d []byte) []byte { return d[:len(d)-1] },
		"longer":         func(d []byte) []byte { return append(d, 0) },
		"empty":          func(d []byte) []byte { return nil },
		"end of zeros":   func(d []byte) []byte { clear(d[len(d)/2:]); return d },
		"flipped bit":    func(d []byte) []byte { d[len(d)/3] ^= 4; return d },
	}
	for mimeType, data := range wholeFiles() {
		for _, old := range []bool{false, true} {
			dir, file := lose(t, mimeType, data, old, func(d []byte) []byte { return d })
			if !isServed(t, dir, file) {
				t.Errorf("%s, old name %v: a whole file is not served", mimeType, old)
			}
			for name, tear := range tears {
				inside := name == "flipped bit" || name == "end of zeros" && (mimeType == "image/webp" || mimeType == "video/mp4")
				if inside && (old || mimeType == "video/mp4") {
					continue // only a checksum tells, and those of videos are compared later
				}
				dir, file := lose(t, mimeType, data, old, tear)
				if isServed(t, dir, file) {
					t.Errorf("%s, old name %v: %s: served", mimeType, old, name)
				}
			}
		}
	}
}

// Looking at the end of a file takes little, whatever is in it.
func FuzzEndsWell(f *testing.F) {
	for mimeType, data := range wholeFiles() {
		f.Add(mimeType, data)
	}
	f.Fuzz(func(t *testing.T, mimeType string, data []byte) {
		if store.EndsWell(bytes.NewReader(data), int64(len(data)), mimeType) && len(data) == 0 {
			t.Error("an empty file is whole")
		}
	})
}
