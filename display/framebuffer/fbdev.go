package framebuffer

import (
	"errors"
	"fmt"
	"image"
	"io/fs"
	"log/slog"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"pickerd/display/pixel"
)

// A canvas is pixels in memory as a device wants them.
type canvas struct {
	mem    []byte // from the upper left pixel
	stride int
	w, h   int
	format pixel.Format
	row    []uint32 // scratch
}

func (c *canvas) line(y int) []byte {
	at := y * c.stride
	return c.mem[at : at+c.format.Bytes(c.w)]
}

// put writes parts of a picture.
func (c *canvas) put(m *pixel.Image, parts []image.Rectangle) {
	whole := image.Rect(0, 0, c.w, c.h)
	for _, r := range parts {
		r.Min.X &^= 3 // where the pattern of formats with few bits begins
		r = r.Intersect(whole)
		from, to := c.format.Bytes(r.Min.X), c.format.Bytes(r.Max.X)
		for y := r.Min.Y; y < r.Max.Y; y++ {
			c.format.Encode(c.line(y)[from:to], m.Row(y)[r.Min.X:r.Max.X], y)
		}
	}
}

// blend writes a mix of two pictures.
func (c *canvas) blend(a, b *pixel.Image, t uint32) {
	for y := range c.h {
		line := c.line(y)
		if words, ok := c.format.Words(line); ok {
			pixel.Blend(words, a.Row(y), b.Row(y), t)
			continue
		}
		if c.row == nil {
			c.row = make([]uint32, c.w)
		}
		pixel.Blend(c.row, a.Row(y), b.Row(y), t)
		c.format.Encode(line, c.row, y)
	}
}

// A fbdev is a Linux framebuffer.
type fbdev struct {
	path string
	f    *os.File
	mem  []byte
	canvas
	console *console
	noSync  bool
	off     bool // the light is
}

func openFB(path string, log *slog.Logger) (Screen, error) {
	fail := func(op string, err error) (Screen, error) { return nil, &DeviceError{path, op, explain(err)} }
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fail("open", err)
	}
	s := &fbdev{path: path, f: f}
	var v fbVar
	var x fbFix
	err = ioctl(f, fbioGetVScreenInfo, unsafe.Pointer(&v))
	if err == nil {
		err = ioctl(f, fbioGetFScreenInfo, unsafe.Pointer(&x))
	}
	if err != nil {
		f.Close()
		return fail("ask for its geometry", err)
	}
	g, err := geometryOf(&v, &x)
	if err != nil {
		f.Close()
		return fail("use", err)
	}
	// Memory that does not begin at a page begins a little after what is mapped.
	skip := int(x.SMemStart % uintptr(os.Getpagesize()))
	s.mem, err = unix.Mmap(int(f.Fd()), 0, skip+g.bytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		f.Close()
		return fail("map its memory", err)
	}
	s.canvas = canvas{mem: s.mem[skip+g.first:], stride: g.stride, w: g.w, h: g.h, format: g.format}
	if x.Visual == fbVisualDirectColor {
		linearColours(f)
	}
	_ = ioctlValue(f, fbioBlank, fbBlankOff) // not every driver can
	_ = backlights(false)                    // who switched them off may be gone
	s.console = takeConsole(log)
	return s, nil
}

// explain puts what people meet most into words.
func explain(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err // the path is told anyway
	}
	switch {
	case errors.Is(err, unix.ENOTTY):
		return fmt.Errorf("%w; it is not a screen", err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, unix.EACCES):
		return fmt.Errorf("%w; the user that runs pickerd must be in the group of the device, often \"video\"; or another program has the screen", err)
	case errors.Is(err, unix.EBUSY):
		return fmt.Errorf("%w; another program has the screen", err)
	}
	return err
}

// fbCMap is struct fb_cmap.
type fbCMap struct {
	Start, Len               uint32
	Red, Green, Blue, Transp *uint16
}

// linearColours makes a lookup table, where there is one, change nothing.
func linearColours(f *os.File) {
	var ramp [256]uint16
	for i := range ramp {
		ramp[i] = uint16(i * 0x101)
	}
	m := fbCMap{Len: 256, Red: &ramp[0], Green: &ramp[0], Blue: &ramp[0]}
	_ = ioctl(f, fbioPutCMap, unsafe.Pointer(&m)) // colours are a little off then
}

func (s *fbdev) Size() (w, h int) { return s.w, s.h }

func (s *fbdev) Show(m *pixel.Image, parts []image.Rectangle) error {
	s.put(m, parts)
	return nil
}

func (s *fbdev) Blend(a, b *pixel.Image, t uint32) error {
	s.waitForVSync()
	s.blend(a, b, t)
	return nil
}

// waitForVSync lets a picture change while none is sent to the screen, where the
// driver tells when that is.
func (s *fbdev) waitForVSync() {
	if s.noSync {
		return
	}
	var which uint32
	s.noSync = ioctl(s.f, fbioWaitForVSync, unsafe.Pointer(&which)) != nil
}

func (s *fbdev) Blank(off bool) error {
	s.off = off
	how := uintptr(fbBlankOff)
	if off {
		how = fbBlankPowerDown
	}
	return errors.Join(ioctlValue(s.f, fbioBlank, how), backlights(off))
}

// Disconnected never happens: a framebuffer does not tell of its screen.
func (s *fbdev) Disconnected() <-chan struct{} { return nil }

func (s *fbdev) Close() error {
	if s.off {
		_ = s.Blank(false)
	}
	for y := range s.h { // a console need not draw over all of it
		clear(s.line(y))
	}
	s.console.giveBack()
	return errors.Join(unix.Munmap(s.mem), s.f.Close())
}
