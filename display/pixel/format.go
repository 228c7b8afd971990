package pixel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"
)

// A Field is the position of a color in a pixel, in bits from the lowest.
type Field struct{ Offset, Length int }

// A Format is the pixel format of a display: little-endian words of BPP bits (struct
// fb_var_screeninfo of linux/fb.h).
type Format struct {
	BPP              int
	Red, Green, Blue Field
}

// XRGB8888 is the format of Image.
var XRGB8888 = Format{BPP: 32, Red: Field{16, 8}, Green: Field{8, 8}, Blue: Field{0, 8}}

// ErrFormat means that Encode does not support a format.
var ErrFormat = errors.New("unsupported pixel format")

// Check returns an error that wraps ErrFormat if Encode does not support f.
func (f Format) Check() error {
	if f.BPP != 16 && f.BPP != 24 && f.BPP != 32 {
		return fmt.Errorf("%w: %d bits per pixel, want 16, 24 or 32", ErrFormat, f.BPP)
	}
	for _, c := range []Field{f.Red, f.Green, f.Blue} {
		if c.Length < 4 || c.Length > 10 || c.Length > f.BPP/2 || c.Offset < 0 || c.Offset+c.Length > f.BPP {
			return fmt.Errorf("%w: red, green and blue at %v, %v, %v", ErrFormat, f.Red, f.Green, f.Blue)
		}
	}
	return nil
}

// Bytes returns the length in bytes of a row of w pixels.
func (f Format) Bytes(w int) int { return w * f.BPP / 8 }

// native reports whether rows can be copied without conversion.
func (f Format) native() bool { return f == XRGB8888 && littleEndian }

var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// Words returns a row of bytes as pixels, without copying. ok is false if f is not
// the format of Image, or if b is not aligned.
func (f Format) Words(b []byte) (words []uint32, ok bool) {
	if len(b) < 4 || !f.native() || uintptr(unsafe.Pointer(&b[0]))%4 != 0 {
		return nil, false
	}
	return unsafe.Slice((*uint32)(unsafe.Pointer(&b[0])), len(b)/4), true
}

// bayer is the matrix for ordered dithering over four by four pixels.
var bayer = [4][4]uint32{{0, 8, 2, 10}, {12, 4, 14, 6}, {3, 11, 1, 9}, {15, 7, 13, 5}}

// Encode writes the pixels in src, which are row y of a picture, to dst. Formats with
// 16 bits are dithered. Black and white stay exact.
func (f Format) Encode(dst []byte, src []uint32, y int) {
	if words, ok := f.Words(dst); ok {
		copy(words, src)
		return
	}
	switch f.BPP {
	case 32:
		f.encode32(dst, src)
	case 24:
		f.encode24(dst, src)
	case 16:
		f.encode16(dst, src, &bayer[y&3])
	}
}

func (f Format) encode32(dst []byte, src []uint32) {
	r, g, b := f.Red.Offset, f.Green.Offset, f.Blue.Offset
	r10, g10, b10 := max(f.Red.Length-8, 0), max(f.Green.Length-8, 0), max(f.Blue.Length-8, 0)
	for i, p := range src {
		v := widen(p>>16&0xff, r10)<<r | widen(p>>8&0xff, g10)<<g | widen(p&0xff, b10)<<b
		binary.LittleEndian.PutUint32(dst[4*i:], v)
	}
}

// widen adds low bits to eight, so that white stays white.
func widen(v uint32, bits int) uint32 { return v<<bits | v>>(8-bits) }
