package framebuffer

import (
	"runtime"
	"unsafe"
)

// Requests, values and structures of drm/drm.h and drm/drm_mode.h.

// iowr is DRM_IOWR.
func iowr(nr, size uintptr) uintptr { return 3<<30 | size<<16 | 'd'<<8 | nr }

var (
	drmGetCap       = iowr(0x0c, unsafe.Sizeof(drmCap{}))
	drmResources    = iowr(0xa0, unsafe.Sizeof(drmCardRes{}))
	drmGetCrtc      = iowr(0xa1, unsafe.Sizeof(drmCrtc{}))
	drmSetCrtc      = iowr(0xa2, unsafe.Sizeof(drmCrtc{}))
	drmGetEncoder   = iowr(0xa6, unsafe.Sizeof(drmEncoder{}))
	drmGetConnector = iowr(0xa7, unsafe.Sizeof(drmConnector{}))
	drmGetProperty  = iowr(0xaa, unsafe.Sizeof(drmProperty{}))
	drmSetProperty  = iowr(0xab, unsafe.Sizeof(drmConnectorProperty{}))
	drmAddFB        = iowr(0xae, unsafe.Sizeof(drmFB{}))
	drmRmFB         = iowr(0xaf, 4)
	drmPageFlip     = iowr(0xb0, unsafe.Sizeof(drmFlip{}))
	drmDirtyFB      = iowr(0xb1, unsafe.Sizeof(drmDirty{}))
	drmCreateDumb   = iowr(0xb2, unsafe.Sizeof(drmDumb{}))
	drmMapDumb      = iowr(0xb3, unsafe.Sizeof(drmMap{}))
	drmDestroyDumb  = iowr(0xb4, 4)
)

const (
	drmSetMaster  = 'd'<<8 | 0x1e // DRM_IO
	drmDropMaster = 'd'<<8 | 0x1f

	capDumbBuffer   = 1
	connected       = 1
	modePreferred   = 1 << 3
	flipEvent       = 1
	dpmsOn, dpmsOff = 0, 3
)

type drmCap struct{ Capability, Value uint64 }

type drmCardRes struct {
	FBs, CRTCs, Connectors, Encoders                     uint64 // pointers
	CountFBs, CountCRTCs, CountConnectors, CountEncoders uint32
	MinWidth, MaxWidth, MinHeight, MaxHeight             uint32
}

// drmMode is struct drm_mode_modeinfo.
type drmMode struct {
	Clock                                         uint32 // kHz
	HDisplay, HSyncStart, HSyncEnd, HTotal, HSkew uint16
	VDisplay, VSyncStart, VSyncEnd, VTotal, VScan uint16
	VRefresh, Flags, Type                         uint32
	Name                                          [32]byte
}

type drmCrtc struct {
	SetConnectors                                   uint64 // pointer
	CountConnectors, CRTC, FB, X, Y, Gamma, HasMode uint32
	Mode                                            drmMode
}

type drmEncoder struct{ ID, Type, CRTC, PossibleCRTCs, PossibleClones uint32 }

type drmConnector struct {
	Encoders, Modes, Props, PropValues           uint64 // pointers
	CountModes, CountProps, CountEncoders        uint32
	Encoder, ID, Type, TypeID                    uint32
	Connection, WidthMM, HeightMM, Subpixel, Pad uint32
}

type drmProperty struct {
	Values, EnumBlobs      uint64 // pointers
	ID, Flags              uint32
	Name                   [32]byte
	CountValues, CountBlob uint32
}

type drmConnectorProperty struct {
	Value         uint64
	ID, Connector uint32
}

type drmFB struct{ ID, Width, Height, Pitch, BPP, Depth, Handle uint32 }

type drmFlip struct {
	CRTC, FB, Flags, Reserved uint32
	UserData                  uint64
}

type drmDirty struct {
	FB, Flags, Color, CountClips uint32
	Clips                        uint64 // pointer
}

type drmClip struct{ X1, Y1, X2, Y2 uint16 }

type drmDumb struct {
	Height, Width, BPP, Flags, Handle, Pitch uint32
	Size                                     uint64
}

type drmMap struct {
	Handle, Pad uint32
	Offset      uint64
}

// address returns the address of a slice for a request. It pins the slice so that
// the address stays valid until pin.Unpin.
func address[T any](pin *runtime.Pinner, s []T) uint64 {
	if len(s) == 0 {
		return 0
	}
	pin.Pin(unsafe.SliceData(s))
	return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(s))))
}
