package framebuffer

import (
	"bytes"
	"errors"
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"pickerd/display/pixel"
)

// A fakeFB is a Linux framebuffer in a byte slice.
type fakeFB struct {
	fakeNode
	v      fbVar
	x      fbFix
	blank  []uintptr // modes that were set
	vsyncs int
	ramp   []uint16 // color map that was loaded
}

func newFakeFB(v *fbVar, x *fbFix) *fakeFB {
	f := &fakeFB{v: *v, x: *x}
	f.name = "/dev/fb9"
	f.mem = bytes.Repeat([]byte{0x5a}, os.Getpagesize()+int(x.SMemLen))
	f.handle = map[uintptr]func(unsafe.Pointer) error{
		fbioGetVScreenInfo: handler(func(r *fbVar) error { *r = f.v; return nil }),
		fbioGetFScreenInfo: handler(func(r *fbFix) error { *r = f.x; return nil }),
		fbioWaitForVSync:   func(unsafe.Pointer) error { f.vsyncs++; return nil },
		fbioPutCMap: handler(func(r *fbCMap) error {
			f.ramp = append(f.ramp, unsafe.Slice(r.Green, r.Len)...)
			return nil
		}),
	}
	f.value = map[uintptr]func(uintptr) error{
		fbioBlank: func(mode uintptr) error { f.blank = append(f.blank, mode); return nil },
	}
	return f
}

// panned is a screen of 8 by 4 pixels that begins at x = 2, y = 1 of a larger
// virtual one. Its rows are longer than its pixels.
func panned(bpp uint32, red, green, blue fbBitfield) (*fbVar, *fbFix) {
	v, x := screenInfo(8, 4, bpp, red, green, blue)
	v.XOffset, v.YOffset = 2, 1
	x.LineLength = 16 * bpp / 8
	x.SMemLen = 6 * x.LineLength
	return v, x
}

// pixelAt returns the bytes of a pixel of the panned screen.
func (f *fakeFB) pixelAt(x, y int) []byte {
	size := int(f.v.BitsPerPixel) / 8
	at := int(f.x.SMemStart)%os.Getpagesize() + (y+int(f.v.YOffset))*int(f.x.LineLength) + (x+int(f.v.XOffset))*size
	return f.mem[at : at+size]
}

// checkOutside fails the test if something was written beside the screen.
func (f *fakeFB) checkOutside(t *testing.T) {
	t.Helper()
	m := bytes.Clone(f.mem)
	for y := range int(f.v.YRes) {
		for x := range int(f.v.XRes) {
			for i := range f.pixelAt(x, y) {
				f.pixelAt(x, y)[i] = 0x5a
			}
		}
	}
	if !bytes.Equal(f.mem, bytes.Repeat([]byte{0x5a}, len(f.mem))) {
		t.Error("something was written outside of the screen")
	}
	copy(f.mem, m)
}

func TestFBDev(t *testing.T) {
	for name, tt := range map[string]struct {
		bpp              uint32
		red, green, blue fbBitfield
		orange           []byte // 0xff8000
	}{
		"XRGB8888": {32, red8, green8, blue8, []byte{0x00, 0x80, 0xff, 0}},
		"XBGR8888": {32, blue8, green8, red8, []byte{0xff, 0x80, 0x00, 0}},
		"RGB888":   {24, red8, green8, blue8, []byte{0x00, 0x80, 0xff}},
		"BGR888":   {24, blue8, green8, red8, []byte{0xff, 0x80, 0x00}},
		"RGB565":   {16, red5, green6, blue5, nil},
		"XRGB1555": {16, fbBitfield{10, 5, 0}, fbBitfield{5, 5, 0}, blue5, nil},
		"10 bits":  {32, fbBitfield{20, 10, 0}, fbBitfield{10, 10, 0}, fbBitfield{0, 10, 0}, []byte{0x00, 0x08, 0xf8, 0x3f}},
	} {
		for _, start := range []uintptr{0, 0xe0000000, 0xe0000010} {
			v, x := panned(tt.bpp, tt.red, tt.green, tt.blue)
			x.SMemStart = start
			f := newFakeFB(v, x)
			s, err := newFBDev(f, backlightDir(t.TempDir()))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if w, h := s.Size(); w != 8 || h != 4 {
				t.Fatalf("%s: size %d by %d", name, w, h)
			}
			m := pixel.New(8, 4)
			m.Fill(m.Bounds(), 0xff8000)
			if err := s.Show(m, []image.Rectangle{m.Bounds()}); err != nil {
				t.Fatal(err)
			}
			shown := bytes.Clone(f.pixelAt(7, 3))
			if tt.orange != nil && !bytes.Equal(shown, tt.orange) {
				t.Errorf("%s: orange is % x, want % x", name, shown, tt.orange)
			}
			f.checkOutside(t)
			black := pixel.New(8, 4)
			if err := s.Blend(m, black, 0); err != nil {
				t.Fatal(err)
			}
			if got := f.pixelAt(7, 3); !bytes.Equal(got, shown) {
				t.Errorf("%s: a mix of nothing else is % x, want % x", name, got, shown)
			}
			if err := s.Blend(m, black, 256); err != nil {
				t.Fatal(err)
			}
			if got := f.pixelAt(0, 0); !bytes.Equal(got, make([]byte, len(got))) {
				t.Errorf("%s: black is % x", name, got)
			}
			f.checkOutside(t)
			if err := s.Show(m, []image.Rectangle{m.Bounds()}); err != nil {
				t.Fatal(err)
			}
			if s.Disconnected() != nil {
				t.Errorf("%s: a framebuffer can be disconnected", name)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if got := f.pixelAt(4, 2); !bytes.Equal(got, make([]byte, len(got))) {
				t.Errorf("%s: the last picture was not cleared", name)
			}
			f.checkOutside(t)
			if f.mapped != 0 || f.closed != 1 {
				t.Errorf("%s: %d mappings, closed %d times", name, f.mapped, f.closed)
			}
		}
	}
}

// A picture waits for the vertical blank until the driver says that it can't.
func TestFBDevVSync(t *testing.T) {
	f := newFakeFB(panned(32, red8, green8, blue8))
	s, err := newFBDev(f, backlightDir(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	m := pixel.New(8, 4)
	blend := func() {
		if err := s.Blend(m, m, 1); err != nil {
			t.Fatal(err)
		}
	}
	blend()
	blend()
	f.handle[fbioWaitForVSync] = func(unsafe.Pointer) error { f.vsyncs++; return unix.ENOTTY }
	blend()
	blend()
	if f.vsyncs != 3 {
		t.Errorf("waited %d times, want 3", f.vsyncs)
	}
}

func TestFBDevColorMap(t *testing.T) {
	v, x := panned(32, red8, green8, blue8)
	f := newFakeFB(v, x)
	if _, err := newFBDev(f, backlightDir(t.TempDir())); err != nil || f.ramp != nil {
		t.Errorf("a true color screen: map of %d, %v", len(f.ramp), err)
	}
	x.Visual = fbVisualDirectColor
	f = newFakeFB(v, x)
	if _, err := newFBDev(f, backlightDir(t.TempDir())); err != nil {
		t.Fatal(err)
	}
	if len(f.ramp) != 256 || f.ramp[0] != 0 || f.ramp[1] != 0x101 || f.ramp[255] != 0xffff {
		t.Errorf("color map %x", f.ramp)
	}
	delete(f.handle, fbioPutCMap) // a driver without color maps
	if _, err := newFBDev(f, backlightDir(t.TempDir())); err != nil {
		t.Error(err)
	}
}

func TestFBDevBlank(t *testing.T) {
	dir := t.TempDir()
	f := newFakeFB(panned(32, red8, green8, blue8))
	s, err := newFBDev(f, backlightDir(dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, off := range []bool{true, false, true} {
		if err := s.Blank(off); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil { // turns the light on again
		t.Fatal(err)
	}
	want := [...]uintptr{fbBlankOff, fbBlankPowerDown, fbBlankOff, fbBlankPowerDown, fbBlankOff}
	if len(f.blank) != len(want) || [len(want)]uintptr(f.blank) != want {
		t.Errorf("modes %v, want %v", f.blank, want)
	}
	f.value[fbioBlank] = func(uintptr) error { return unix.EINVAL }
	if s, err = newFBDev(f, backlightDir(dir)); err != nil {
		t.Fatalf("a driver that can't blank: %v", err)
	}
	if err := s.Blank(true); !errors.Is(err, unix.EINVAL) {
		t.Errorf("got %v, want EINVAL", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "panel", "bl_power"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := s.Blank(true); !errors.Is(err, unix.EINVAL) || !errors.Is(err, unix.EISDIR) {
		t.Errorf("got %v, want both errors", err)
	}
}

func TestFBDevOpenErrors(t *testing.T) {
	fail := func(request uintptr) func(*fakeFB) {
		return func(f *fakeFB) { f.handle[request] = func(unsafe.Pointer) error { return unix.EACCES } }
	}
	for name, tt := range map[string]struct {
		change func(*fakeFB)
		want   error // nil means any
		says   string
	}{
		"not a framebuffer":  {func(f *fakeFB) { clear(f.handle) }, unix.ENOTTY, "read geometry: inappropriate ioctl for device; the device is not a screen"},
		"no variable info":   {fail(fbioGetVScreenInfo), unix.EACCES, "read geometry"},
		"no fixed info":      {fail(fbioGetFScreenInfo), unix.EACCES, "read geometry"},
		"palette":            {func(f *fakeFB) { f.v.BitsPerPixel = 8 }, nil, "use: 8 bits per pixel (a palette)"},
		"unsupported format": {func(f *fakeFB) { f.v.BitsPerPixel = 12 }, pixel.ErrFormat, "use: "},
		"rows nowhere":       {func(f *fakeFB) { f.x.LineLength = 1 << 31 }, nil, "invalid row length"},
		"offset nowhere":     {func(f *fakeFB) { f.v.YOffset = 1 << 31 }, nil, "invalid row length"},
		"not mapped":         {func(f *fakeFB) { f.mmapErr = unix.EBUSY }, unix.EBUSY, "map memory: device or resource busy; another program uses the screen"},
	} {
		f := newFakeFB(panned(32, red8, green8, blue8))
		tt.change(f)
		_, err := newFBDev(f, backlightDir(t.TempDir()))
		e, ok := errors.AsType[*DeviceError](err)
		if !ok || e.Path != f.name || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %q", name, err, tt.says)
		}
		if f.mapped != 0 {
			t.Errorf("%s: %d mappings left over", name, f.mapped)
		}
	}
}
