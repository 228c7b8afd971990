package framebuffer

import (
	"errors"
	"fmt"

	"pickerd/display/pixel"
)

// Requests and values of linux/fb.h.
const (
	fbioGetVScreenInfo = 0x4600
	fbioGetFScreenInfo = 0x4602
	fbioPutCMap        = 0x4605
	fbioBlank          = 0x4611
	fbioWaitForVSync   = 0x40044620

	fbTypePackedPixels  = 0
	fbVisualTrueColor   = 2
	fbVisualDirectColor = 4

	fbBlankOff       = 0
	fbBlankPowerDown = 4
)

// fbBitfield is struct fb_bitfield.
type fbBitfield struct{ Offset, Length, MSBRight uint32 }

// fbVar is struct fb_var_screeninfo.
type fbVar struct {
	XRes, YRes, XResVirtual, YResVirtual, XOffset, YOffset uint32
	BitsPerPixel, Grayscale                                uint32
	Red, Green, Blue, Transp                               fbBitfield
	NonStd, Activate, Height, Width, AccelFlags            uint32
	Timing                                                 [9]uint32 // pixclock to vmode
	Rotate, Colorspace                                     uint32
	Reserved                                               [4]uint32
}

// fbFix is struct fb_fix_screeninfo. An unsigned long has the size of a pointer.
type fbFix struct {
	ID                              [16]byte
	SMemStart                       uintptr
	SMemLen, Type, TypeAux, Visual  uint32
	XPanStep, YPanStep, YWrapStep   uint16
	LineLength                      uint32
	MMIOStart                       uintptr
	MMIOLen, Accel                  uint32
	Capabilities, Reserved0, Resvd1 uint16
}

// A geometry describes the pixels of a framebuffer.
type geometry struct {
	w, h   int
	format pixel.Format
	stride int // bytes from one row to the next
	first  int // offset of the upper left pixel, in bytes
	bytes  int // to map
}

// maxSide is larger than the side of any screen, in pixels.
const maxSide = 16384

// geometryOf checks and converts what the kernel reports. Its error says why
// nothing can be drawn, and may wrap pixel.ErrFormat.
func geometryOf(v *fbVar, f *fbFix) (geometry, error) {
	g := geometry{w: int(v.XRes), h: int(v.YRes), stride: int(f.LineLength), bytes: int(f.SMemLen)}
	g.format = pixel.Format{BPP: int(v.BitsPerPixel), Red: field(v.Red), Green: field(v.Green), Blue: field(v.Blue)}
	switch {
	case g.w <= 0 || g.h <= 0 || g.w > maxSide || g.h > maxSide:
		return g, fmt.Errorf("invalid size of %d by %d pixels", v.XRes, v.YRes)
	case v.BitsPerPixel <= 8:
		return g, fmt.Errorf("%d bits per pixel (a palette); pickerd needs 16, 24 or 32: choose another mode in the boot loader, such as vga=0x317", v.BitsPerPixel)
	case f.Type != fbTypePackedPixels || v.NonStd != 0 || v.Grayscale > 1:
		return g, errors.New("pixels are not packed")
	case f.Visual != fbVisualTrueColor && f.Visual != fbVisualDirectColor || v.Grayscale == 1:
		return g, errors.New("not a true color mode")
	case v.Red.MSBRight != 0 || v.Green.MSBRight != 0 || v.Blue.MSBRight != 0:
		return g, errors.New("colors have the most significant bit on the right")
	}
	if err := g.format.Check(); err != nil {
		return g, err
	}
	row := g.format.Bytes(g.w)
	if g.format.BPP == 24 && (g.format.Red.Offset%8 != 0 || g.format.Green.Offset%8 != 0 || g.format.Blue.Offset%8 != 0) {
		return g, errors.New("24-bit pixels without one byte each for red, green and blue")
	}
	x, y := int(v.XOffset), int(v.YOffset)
	if x < 0 || x > maxSide || y < 0 || y > maxSide || g.stride <= 0 || g.stride > 8*maxSide {
		return g, fmt.Errorf("invalid row length of %d bytes or offset %d,%d", f.LineLength, v.XOffset, v.YOffset)
	}
	first := int64(y)*int64(g.stride) + int64(g.format.Bytes(x))
	if g.stride < row || first+int64(g.h-1)*int64(g.stride)+int64(row) > int64(g.bytes) {
		return g, fmt.Errorf("memory of %d bytes is too small for %d rows of %d bytes", g.bytes, g.h, g.stride)
	}
	g.first = int(first)
	return g, nil
}

func field(b fbBitfield) pixel.Field {
	return pixel.Field{Offset: int(b.Offset), Length: int(b.Length)}
}
