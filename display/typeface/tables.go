package typeface

import (
	"encoding/binary"
	"errors"
	"os"
)

// maxCollection bounds the fonts in one file.
const maxCollection = 2048

var errFontFile = errors.New("font file without some of its tables, or in another format")

// checkTables refuses a file that is no OpenType font or collection, or has not all tables
// that it claims: who reads a table allocates the length claimed.
// https://learn.microsoft.com/typography/opentype/spec/otff
func checkTables(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	head := make([]byte, 12)
	if _, err := f.ReadAt(head, 0); err != nil {
		return err
	}
	fonts := make([]byte, 4) // their offsets
	if string(head[:4]) == "ttcf" {
		n := binary.BigEndian.Uint32(head[8:])
		if n > maxCollection {
			return errFontFile
		}
		fonts = make([]byte, 4*n)
		if _, err := f.ReadAt(fonts, 12); err != nil {
			return err
		}
	}
	for ; len(fonts) > 0; fonts = fonts[4:] {
		at := int64(binary.BigEndian.Uint32(fonts))
		if _, err := f.ReadAt(head, at); err != nil {
			return err
		}
		switch string(head[:4]) {
		case "\x00\x01\x00\x00", "OTTO", "true":
		default: // WOFF claims lengths after decompression too
			return errFontFile
		}
		tables := make([]byte, 16*int(binary.BigEndian.Uint16(head[4:])))
		if _, err := f.ReadAt(tables, at+12); err != nil {
			return err
		}
		for ; len(tables) > 0; tables = tables[16:] {
			if end := int64(binary.BigEndian.Uint32(tables[8:])) + int64(binary.BigEndian.Uint32(tables[12:])); end > info.Size() {
				return errFontFile
			}
		}
	}
	return nil
}
