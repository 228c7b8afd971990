package framebuffer

import (
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

// fbFix is struct fb_fix_screeninfo; an unsigned long is as long as a pointer.
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

// A geometry is where the pixels of a framebuffer are.
type geometry struct {
	w, h   int
	format pixel.Format
	stride int // bytes from one row to the next
	first  int // of the upper left pixel, in bytes from the beginning
	bytes  int // to be mapped
}

// A refusal is why a framebuffer can't be drawn on, in words.
type refusal string

func (r refusal) Error() string { return string(r) }

// largestSide is above any screen.
const largestSide = 16384

// geometryOf reads what the kernel says. Its error is a refusal or wraps
// pixel.ErrFormat.
func geometryOf(v *fbVar, f *fbFix) (geometry, error) {
	g := geometry{w: int(v.XRes), h: int(v.YRes), stride: int(f.LineLength), bytes: int(f.SMemLen)}
	g.format = pixel.Format{BPP: int(v.BitsPerPixel), Red: field(v.Red), Green: field(v.Green), Blue: field(v.Blue)}
	switch {
	case g.w <= 0 || g.h <= 0 || g.w > largestSide || g.h > largestSide:
		return g, refusal(fmt.Sprintf("its size is %d by %d pixels", v.XRes, v.YRes))
	case v.BitsPerPixel <= 8:
		return g, refusal(fmt.Sprintf("it has %d bits a pixel, a palette; pickerd needs 16, 24 or 32. Choose another mode in the boot loader, such as vga=0x317", v.BitsPerPixel))
	case f.Type != fbTypePackedPixels || v.NonStd != 0 || v.Grayscale > 1:
		return g, refusal("its pixels are not packed one after the other")
	case f.Visual != fbVisualTrueColor && f.Visual != fbVisualDirectColor || v.Grayscale == 1:
		return g, refusal("it does not show true colours")
	case v.Red.MSBRight != 0 || v.Green.MSBRight != 0 || v.Blue.MSBRight != 0:
		return g, refusal("its colours have their bits in the other order")
	}
	if err := g.format.Check(); err != nil {
		return g, err
	}
	row := g.format.Bytes(g.w)
	if g.format.BPP == 24 && (g.format.Red.Offset%8 != 0 || g.format.Green.Offset%8 != 0 || g.format.Blue.Offset%8 != 0) {
		return g, refusal("its three bytes a pixel are not one each for red, green and blue")
	}
	across, down := int(v.XOffset), int(v.YOffset)
	if across > largestSide || down > largestSide || g.stride <= 0 || g.stride > 8*largestSide {
		return g, refusal("its rows are nowhere")
	}
	g.first = down*g.stride + g.format.Bytes(across)
	if g.stride < row || g.first+(g.h-1)*g.stride+row > g.bytes {
		return g, refusal(fmt.Sprintf("its memory of %d bytes does not hold %d rows of %d", g.bytes, g.h, g.stride))
	}
	return g, nil
}

func field(b fbBitfield) pixel.Field {
	return pixel.Field{Offset: int(b.Offset), Length: int(b.Length)}
}
