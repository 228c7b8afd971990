package device_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"pickerd/display"
	"pickerd/picker/pickertest"
)

// soundAlone is an MP4 file with a track of sound and no pictures.
func soundAlone() []byte {
	box := func(kind string, parts ...[]byte) []byte {
		body := bytes.Join(parts, nil)
		return append(append(binary.BigEndian.AppendUint32(nil, uint32(8+len(body))), kind...), body...)
	}
	hdlr := append(make([]byte, 8), "soun"...)
	return append(box("ftyp", []byte("isom\x00\x00\x00\x00")), box("moov", box("trak", box("mdia", box("hdlr", hdlr))))...)
}

// TestSoundAlone checks that a video without pictures is left out and counted.
func TestSoundAlone(t *testing.T) {
	items := append(pickertest.PlainPhotos(1), &pickertest.Item{ID: "song", Type: "VIDEO", MimeType: "video/mp4", Filename: "song.mp4", Data: soundAlone()})
	inWorld(t, options{items: items}, func(t *testing.T, w *world) {
		w.pair()
		w.choose()
		w.untilPage("receipt", func(p display.Page) bool {
			return strings.HasPrefix(p.Receipt, "1 photo added. 1 can't be shown here.")
		})
		w.untilClean()
	})
}
