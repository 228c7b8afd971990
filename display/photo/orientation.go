package photo

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
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

// Orientation reads the Exif orientation of a JPEG, PNG or WebP file, from 1 to 8. It
// is 1, upright, if there is none.
func Orientation(r io.ReaderAt, size int64) int {
	_, all, err := file(r, size)
	if err != nil {
		return int(upright)
	}
	return int(orientationOf(all, all.Size()))
}

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
		return orientationIn(exifOfWebP(r, size))
	}
	return upright
}

// exifOfWebP returns the Exif data in the chunk EXIF. That of an animation counts for
// nothing, since browsers can't turn one.
func exifOfWebP(r io.ReaderAt, size int64) (exif []byte) {
	_ = webpChunks(r, 12, size, func(id string, at, n int64) error { // a truncated file may lack it
		switch {
		case id == "ANIM":
			return errFound
		case id == "EXIF":
			exif, _ = readPart(r, at, min(n, maxExif))
			return errFound
		}
		return nil
	})
	return bytes.TrimPrefix(exif, []byte("Exif\x00\x00"))
}

// exifOfJPEG returns the Exif data in the segment APP1 (CIPA DC-008, 4.5.4).
func exifOfJPEG(r io.ReaderAt) (exif []byte) {
	const id = "Exif\x00\x00"
	jpegSegments(r, func(marker byte, at, n int64) bool {
		if marker != 0xe1 || n < int64(len(id)) {
			return true
		}
		data, err := readPart(r, at, n)
		if err != nil || !bytes.HasPrefix(data, []byte(id)) {
			return err == nil
		}
		exif = data[len(id):]
		return false
	})
	return exif
}

// maxSteps bounds the segments before the scan of a JPEG, together with the stray
// bytes between them, and the chunks of a PNG or WebP.
const maxSteps = 1 << 16

// jpegSegments calls f with the marker of each segment before the first scan, and
// where its content is, until it returns false. Like libjpeg, it skips stray bytes
// between segments.
func jpegSegments(r io.ReaderAt, f func(marker byte, at, n int64) bool) {
	var b [4]byte
	at := int64(2)
	for range maxSteps {
		if n, _ := r.ReadAt(b[:], at); n < len(b) {
			return
		}
		marker, n := b[1], int64(binary.BigEndian.Uint16(b[2:]))
		switch {
		case b[0] != 0xff || marker == 0xff: // a stray or fill byte
			at++
		case marker <= 1 || marker >= 0xd0 && marker <= 0xd8: // without a length
			at += 2
		case marker == 0xd9 || marker == 0xda || n < 2:
			return
		default:
			if !f(marker, at+4, n-2) {
				return
			}
			at += 2 + n
		}
	}
}

// exifOfPNG returns the Exif data in the chunk eXIf. Like Chromium, it ignores one
// behind image data, and one with a wrong checksum.
func exifOfPNG(r io.ReaderAt, size int64) (exif []byte) {
	pngChunks(r, size, func(kind string, at, n int64) bool {
		if kind == "eXIf" {
			chunk, err := readPart(r, at-4, min(n, maxExif)+8)
			end := len(chunk) - 4
			if err == nil && crc32.ChecksumIEEE(chunk[:end]) == binary.BigEndian.Uint32(chunk[end:]) {
				exif = chunk[4:end]
			}
			return false
		}
		return kind != "IDAT" && kind != "IEND"
	})
	return exif
}

// pngChunks calls f with the type of each chunk, and where its data is, until it
// returns false.
func pngChunks(r io.ReaderAt, size int64, f func(kind string, at, n int64) bool) {
	at := int64(8)
	for range maxSteps {
		if at+12 > size {
			return
		}
		head, err := readPart(r, at, 8)
		if err != nil {
			return
		}
		n := int64(binary.BigEndian.Uint32(head))
		if !f(string(head[4:]), at+8, n) {
			return
		}
		at += 12 + n
	}
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

// draw scales the part r of src to the size of dst, upright and on a ground. r is in
// the coordinates of src, and ground in its colors. Like Scale it keeps only a few rows.
func (o orientation) draw(dst *pixel.Image, src image.Image, r image.Rectangle, ground uint32) {
	w, h := o.size(dst.W, dst.H)
	row := make([]uint32, w)
	scaleRows(w, h, src, r, ground, func(y int, sum []int32) bool {
		if o <= upright {
			pack(dst.Row(y), sum)
			return true
		}
		x0, y0 := o.turn(0, y, w, h)
		x1, y1 := o.turn(1, y, w, h)
		i, step := y0*dst.Stride+x0, (y1-y0)*dst.Stride+x1-x0
		pack(row, sum)
		for _, c := range row {
			dst.Pix[i] = c
			i += step
		}
		return true
	})
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
