package typeface

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
)

// fontFileOf returns a font file whose only table is at its end, with a claimed length. The
// directory is at an offset.
func fontFileOf(flavor string, at int, length uint32) []byte {
	b := append(make([]byte, at), flavor+"\x00\x01\x00\x00\x00\x00\x00\x00cmap\x00\x00\x00\x00"...)
	b = binary.BigEndian.AppendUint32(b, uint32(at+28))
	b = binary.BigEndian.AppendUint32(b, length)
	return append(b, "cmap"...)
}

// TestTables checks that a font file whose tables are longer than the file is refused
// before anything is allocated for them.
func TestTables(t *testing.T) {
	const trueType = "\x00\x01\x00\x00"
	collection := func(fonts uint32, length uint32) []byte {
		b := fontFileOf("OTTO", 16, length)
		copy(b, "ttcf\x00\x01\x00\x00")
		binary.BigEndian.PutUint32(b[8:], fonts)
		binary.BigEndian.PutUint32(b[12:], 16)
		return b
	}
	for name, tt := range map[string]struct {
		data []byte
		ok   bool
	}{
		"whole":                {fontFileOf(trueType, 0, 4), true},
		"one byte less":        {fontFileOf(trueType, 0, 5), false},
		"4 GB":                 {fontFileOf(trueType, 0, 1<<32-1), false},
		"collection":           {collection(1, 4), true},
		"collection of 4 GB":   {collection(1, 1<<32-1), false},
		"too many fonts":       {collection(1<<30, 4), false},
		"fewer fonts":          {collection(100, 4), false},
		"compressed":           {fontFileOf("wOFF", 0, 4), false},
		"cut in the directory": {fontFileOf(trueType, 0, 4)[:20], false},
		"empty":                {nil, false},
	} {
		path := filepath.Join(t.TempDir(), "font.ttf")
		write(t, path, tt.data)
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkTables(f); (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, err)
		}
		f.Close()
		if s := (&fontSearch{files: []*fontFile{{path: path}}}); s.face('a') != nil || (len(s.files[0].fonts) > 0) != tt.ok {
			t.Errorf("%s: %d fonts are read", name, len(s.files[0].fonts))
		}
	}
}
