package framebuffer

import (
	"encoding/binary"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A fakeNode is a device file whose requests are answered by functions. Requests
// without one are refused with ENOTTY.
type fakeNode struct {
	name    string
	handle  map[uintptr]func(arg unsafe.Pointer) error
	value   map[uintptr]func(value uintptr) error
	mem     []byte // mmap returns parts of it
	mmapErr error
	events  [][]byte // read returns one at a time
	waitErr error
	readErr error

	mapped, closed int
}

func (f *fakeNode) Name() string { return f.name }

func (f *fakeNode) ioctl(request uintptr, arg unsafe.Pointer) error {
	if h := f.handle[request]; h != nil {
		return h(arg)
	}
	return unix.ENOTTY
}

func (f *fakeNode) ioctlValue(request, value uintptr) error {
	if h := f.value[request]; h != nil {
		return h(value)
	}
	return unix.ENOTTY
}

func (f *fakeNode) mmap(offset int64, length int) ([]byte, error) {
	if f.mmapErr != nil {
		return nil, f.mmapErr
	}
	f.mapped++
	return f.mem[offset : int(offset)+length], nil
}

func (f *fakeNode) munmap([]byte) error { f.mapped--; return nil }

func (f *fakeNode) wait(timeout time.Duration) (bool, error) {
	if f.waitErr != nil {
		return false, f.waitErr
	}
	if len(f.events) == 0 {
		time.Sleep(timeout)
		return false, nil
	}
	return true, nil
}

func (f *fakeNode) read(b []byte) (int, error) {
	if f.readErr != nil {
		return 0, f.readErr
	}
	n := copy(b, f.events[0])
	f.events = f.events[1:]
	return n, nil
}

func (f *fakeNode) Close() error { f.closed++; return nil }

// handler adapts a function on a structure to a request.
func handler[T any](f func(*T) error) func(unsafe.Pointer) error {
	return func(arg unsafe.Pointer) error { return f((*T)(arg)) }
}

// kernelCopy writes as many values as have room to the array whose address and
// length a request gives, and returns how many there are.
func kernelCopy[T any](address uint64, room uint32, values []T) uint32 {
	if address != 0 {
		array := *(**T)(unsafe.Pointer(&address))
		copy(unsafe.Slice(array, room), values)
	}
	return uint32(len(values))
}

// A fakeCard is a DRM card with two connectors. Only the second one has a screen.
type fakeCard struct {
	fakeNode
	w, h       uint16
	connected  bool
	noModes    bool
	possible   uint32 // CRTCs of the encoder that is not in use
	current    uint32 // CRTC of the encoder in use
	properties []string
	previousFB uint32

	shown        []uint32 // framebuffers, by set mode and by flip
	dirty        int      // rectangles reported
	dpms         []uint64 // values that were set
	fbs, handles []uint32 // that exist
	next         uint32   // ID or handle
	flipErr      error
	lost         bool // flips send no event
}

const (
	fakeCRTC      = 41
	fakeConnector = 32
	fakePitch     = 4 // bytes beyond the pixels of a row
)

func newFakeCard(w, h uint16) *fakeCard {
	c := &fakeCard{w: w, h: h, connected: true, current: fakeCRTC, possible: 2, properties: []string{"EDID", "DPMS"}, previousFB: 7, next: 100}
	size := (int(w)*4 + fakePitch) * int(h)
	c.name, c.mem = "/dev/dri/card9", make([]byte, 2*size)
	c.handle = map[uintptr]func(unsafe.Pointer) error{
		drmGetCap:       handler(func(r *drmCap) error { r.Value = 1; return nil }),
		drmSetMaster:    func(unsafe.Pointer) error { return nil },
		drmDropMaster:   func(unsafe.Pointer) error { return nil },
		drmResources:    handler(c.resources),
		drmGetConnector: handler(c.connector),
		drmGetEncoder:   handler(c.encoder),
		drmGetProperty:  handler(c.property),
		drmSetProperty:  handler(func(r *drmConnectorProperty) error { c.dpms = append(c.dpms, r.Value); return nil }),
		drmGetCrtc: handler(func(r *drmCrtc) error {
			r.FB, r.HasMode = c.previousFB, 1
			return nil
		}),
		drmSetCrtc: handler(func(r *drmCrtc) error { c.shown = append(c.shown, r.FB); return nil }),
		drmCreateDumb: handler(func(r *drmDumb) error {
			r.Handle, r.Pitch, r.Size = c.newID(&c.handles), r.Width*4+fakePitch, uint64(size)
			return nil
		}),
		drmAddFB: handler(func(r *drmFB) error { r.ID = c.newID(&c.fbs); return nil }),
		drmMapDumb: handler(func(r *drmMap) error {
			r.Offset = uint64(slices.Index(c.handles, r.Handle) * size)
			return nil
		}),
		drmRmFB:        handler(func(id *uint32) error { return remove(&c.fbs, *id) }),
		drmDestroyDumb: handler(func(id *uint32) error { return remove(&c.handles, *id) }),
		drmPageFlip:    handler(c.flip),
		drmDirtyFB:     handler(func(r *drmDirty) error { c.dirty += int(r.CountClips); return nil }),
	}
	return c
}

func (c *fakeCard) newID(list *[]uint32) uint32 {
	c.next++
	*list = append(*list, c.next)
	return c.next
}

func remove(list *[]uint32, id uint32) error {
	i := slices.Index(*list, id)
	if i < 0 {
		return unix.ENOENT
	}
	*list = slices.Delete(*list, i, i+1)
	return nil
}

func (c *fakeCard) resources(r *drmCardRes) error {
	r.CountConnectors = kernelCopy(r.Connectors, r.CountConnectors, []uint32{31, fakeConnector})
	r.CountCRTCs = kernelCopy(r.CRTCs, r.CountCRTCs, []uint32{40, fakeCRTC})
	return nil
}

func (c *fakeCard) connector(r *drmConnector) error {
	if r.ID != fakeConnector || !c.connected {
		r.Connection, r.CountModes, r.CountEncoders, r.CountProps, r.Encoder = 2, 0, 0, 0, 0
		return nil
	}
	modes := []drmMode{{HDisplay: c.w / 2, VDisplay: c.h / 2}, {HDisplay: c.w, VDisplay: c.h, Type: modePreferred}}
	if c.noModes {
		modes = nil
	}
	r.Connection, r.Encoder = connected, 51
	r.CountModes = kernelCopy(r.Modes, r.CountModes, modes)
	r.CountEncoders = kernelCopy(r.Encoders, r.CountEncoders, []uint32{51, 52})
	ids := make([]uint32, len(c.properties))
	for i := range ids {
		ids[i] = uint32(61 + i)
	}
	r.CountProps = kernelCopy(r.Props, r.CountProps, ids)
	return nil
}

func (c *fakeCard) encoder(r *drmEncoder) error {
	switch r.ID {
	case 51:
		r.CRTC = c.current
	case 52:
		r.PossibleCRTCs = c.possible
	default:
		return unix.ENOENT
	}
	return nil
}

func (c *fakeCard) property(r *drmProperty) error {
	if int(r.ID) < 61 || int(r.ID) >= 61+len(c.properties) {
		return unix.ENOENT
	}
	copy(r.Name[:], c.properties[r.ID-61])
	return nil
}

func (c *fakeCard) flip(r *drmFlip) error {
	if c.flipErr != nil {
		return c.flipErr
	}
	c.shown = append(c.shown, r.FB)
	if !c.lost {
		c.events = append(c.events, event(1, 32), append(event(1, 8), event(flipComplete, 32)...)) // a vblank, then the flip
	}
	return nil
}

// event is an event of a card, as read returns it.
func event(kind, length uint32) []byte {
	b := make([]byte, max(length, 8))
	binary.NativeEndian.PutUint32(b, kind)
	binary.NativeEndian.PutUint32(b[4:], length)
	return b
}
