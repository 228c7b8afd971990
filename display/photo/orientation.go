package photo

import (
	"bytes"
	"encoding/binary"
	"image"
	"io"

	"pickerd/display/pixel"
)

// An orientation is the value of the Exif tag Orientation (0x0112), from 1 to 8. It
// says how to mirror and rotate an image to make it upright.
type orientation int

const upright orientation = 1

// maxExif bounds the bytes of Exif data that are read.
const maxExif = 64 << 10

// orientationOf reads the orientation of a JPEG, PNG or WebP file. It returns
// upright if there is none.
func orientationOf(r io.ReaderAt, size int64) orientation {
	head := make([]byte, min(size, 12))
	if n, _ := r.ReadAt(head, 0); n < 12 {
		return upright
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xd8")):
		return orientationIn(exifOfJPEG(r))
	case bytes.HasPrefix(head, []byte("\x89PNG")):
		return orientationIn(exifOfPNG(r, size))
	case bytes.HasPrefix(head, []byte("RIFF")):
		var exif []byte
		_ = webpChunks(r, 12, size, func(id string, at, n int64) error { // a truncated file may lack it
			if id == "EXIF" && exif == nil {
				exif, _ = readPart(r, at, min(n, maxExif))
			}
			return nil
		})
		return orientationIn(bytes.TrimPrefix(exif, []byte("Exif\x00\x00")))
	}
	return upright
}

// exifOfJPEG returns the Exif data in the segment APP1 (CIPA DC-008, 4.5.4).
func exifOfJPEG(r io.ReaderAt) []byte {
	for at := int64(2); at < 1<<20; {
		head, err := readPart(r, at, 10)
		if err != nil || head[0] != 0xff || head[1] == 0xda {
			return nil
		}
		if head[1] == 0xff { // fill byte
			at++
			continue
		}
		n := int64(binary.BigEndian.Uint16(head[2:]))
		if head[1] == 0xe1 && n > 8 && string(head[4:10]) == "Exif\x00\x00" {
			exif, _ := readPart(r, at+10, n-8)
			return exif
		}
		at += 2 + n
	}
	return nil
}

// exifOfPNG returns the Exif data in the chunk eXIf.
func exifOfPNG(r io.ReaderAt, size int64) []byte {
	for at := int64(8); at+12 <= size; {
		head, err := readPart(r, at, 8)
		if err != nil {
			return nil
		}
		n := int64(binary.BigEndian.Uint32(head))
		switch string(head[4:]) {
		case "eXIf":
			exif, _ := readPart(r, at+8, min(n, maxExif))
			return exif
		case "IEND":
			return nil
		}
		at += 12 + n
	}
	return nil
}

// orientationIn reads the orientation from the first directory of Exif data, which
// is a TIFF file.
func orientationIn(tiff []byte) orientation {
	if len(tiff) < 8 {
		return upright
	}
	var order binary.ByteOrder = binary.LittleEndian
	if tiff[0] == 'M' {
		order = binary.BigEndian
	}
	first := order.Uint32(tiff[4:])
	if first < 8 || uint64(first)+2 > uint64(len(tiff)) {
		return upright
	}
	at := int(first)
	entries := int(order.Uint16(tiff[at:]))
	for i := range entries {
		e := at + 2 + 12*i
		if e+12 > len(tiff) {
			break
		}
		const tag, short = 0x0112, 3
		if order.Uint16(tiff[e:]) == tag && order.Uint16(tiff[e+2:]) == short {
			if o := orientation(order.Uint16(tiff[e+8:])); o >= 1 && o <= 8 {
				return o
			}
		}
	}
	return upright
}

// sideways reports whether width and height are swapped.
func (o orientation) sideways() bool { return o >= 5 }

func (o orientation) size(w, h int) (int, int) {
	if o.sideways() {
		return h, w
	}
	return w, h
}

// degrees returns the clockwise rotation, which follows the mirroring.
func (o orientation) degrees() int {
	switch o {
	case 3, 4:
		return 180
	case 5, 8:
		return 270
	case 6, 7:
		return 90
	}
	return 0
}

// mirrored reports whether left and right are swapped before the rotation.
func (o orientation) mirrored() bool { return o == 2 || o == 4 || o == 5 || o == 7 }

// draw scales the part r of src to the size of dst, upright. r is in the
// coordinates of src.
func (o orientation) draw(dst *pixel.Image, src image.Image, r image.Rectangle) {
	if o <= upright {
		Scale(dst, src, r)
		return
	}
	w, h := o.size(dst.W, dst.H)
	stored := pixel.New(w, h)
	Scale(stored, src, r)
	if o.mirrored() {
		for y := range h {
			row := stored.Row(y)
			for i, j := 0, w-1; i < j; i, j = i+1, j-1 {
				row[i], row[j] = row[j], row[i]
			}
		}
	}
	pixel.Rotate(dst, stored, o.degrees())
}

// turn returns where the pixel of a stored image of w by h pixels is when it is
// upright.
func (o orientation) turn(x, y, w, h int) (int, int) {
	if o.mirrored() {
		x = w - 1 - x
	}
	switch o.degrees() {
	case 90:
		return h - 1 - y, x
	case 180:
		return w - 1 - x, h - 1 - y
	case 270:
		return y, w - 1 - x
	}
	return x, y
}
