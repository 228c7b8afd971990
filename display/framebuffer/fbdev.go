package framebuffer

import (
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"pickerd/display/pixel"
)

// A canvas is a picture in a device's memory, in the device's format.
type canvas struct {
	mem    []byte // from the upper left pixel
	stride int    // bytes from one row to the next
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
		r.Min.X &^= 3 // where the dither pattern begins
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
	node
	mem []byte
	canvas
	console    *console
	handoff    *Handoff
	backlights backlightDir
	noVSync    bool // the driver can't wait for it
	off        bool // the light is off
}

func openFB(path string, cfg Config) (Screen, error) {
	f, err := openNode(path)
	if err != nil {
		return nil, newError(path, "open", err)
	}
	s, err := newFBDev(f, sysBacklight)
	if err != nil {
		f.Close()
		return nil, err
	}
	s.handoff, s.console = cfg.Handoff, cfg.Handoff.takeConsole(func() *console { return takeConsole(cfg.Log) })
	return s, nil
}

// newFBDev returns the screen on a framebuffer, without taking the console. The
// caller closes the node if there is an error.
func newFBDev(f node, backlights backlightDir) (*fbdev, error) {
	var v fbVar
	var x fbFix
	err := f.ioctl(fbioGetVScreenInfo, unsafe.Pointer(&v))
	if err == nil {
		err = f.ioctl(fbioGetFScreenInfo, unsafe.Pointer(&x))
	}
	if err != nil {
		return nil, newError(f.Name(), "read geometry", err)
	}
	g, err := geometryOf(&v, &x)
	if err != nil {
		return nil, newError(f.Name(), "use", err)
	}
	// The mapping begins at a page, the device's memory maybe a little later.
	skip := int(x.SMemStart % uintptr(os.Getpagesize()))
	mem, err := f.mmap(0, skip+g.bytes)
	if err != nil {
		return nil, newError(f.Name(), "map memory", err)
	}
	if x.Visual == fbVisualDirectColor {
		setLinearColors(f)
	}
	_ = f.ioctlValue(fbioBlank, fbBlankOff) // some drivers don't support it
	_ = backlights.blank(false)             // an earlier program may have left them off
	return &fbdev{node: f, mem: mem, console: &console{}, backlights: backlights,
		canvas: canvas{mem: mem[skip+g.first:], stride: g.stride, w: g.w, h: g.h, format: g.format}}, nil
}

// withHint adds the remedy to frequent errors.
func withHint(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err // a DeviceError names the path
	}
	switch {
	case errors.Is(err, unix.ENOTTY):
		return fmt.Errorf("%w; the device is not a screen", err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, unix.EACCES):
		return fmt.Errorf("%w; add the user that runs pickerd to the device's group, often \"video\", or stop the program that uses the screen", err)
	case errors.Is(err, unix.EBUSY):
		return fmt.Errorf("%w; another program uses the screen", err)
	}
	return err
}

// fbCMap is struct fb_cmap.
type fbCMap struct {
	Start, Len               uint32
	Red, Green, Blue, Transp *uint16
}

// setLinearColors loads a color map that changes nothing. If it fails, colors are
// a little off.
func setLinearColors(f node) {
	var ramp [256]uint16
	for i := range ramp {
		ramp[i] = uint16(i * 0x101)
	}
	m := fbCMap{Len: 256, Red: &ramp[0], Green: &ramp[0], Blue: &ramp[0]}
	_ = f.ioctl(fbioPutCMap, unsafe.Pointer(&m))
}

// Size implements Screen.
func (s *fbdev) Size() (w, h int) { return s.w, s.h }

// Show implements Screen.
func (s *fbdev) Show(m *pixel.Image, parts []image.Rectangle) error {
	s.put(m, parts)
	return nil
}

// Blend implements Screen.
func (s *fbdev) Blend(a, b *pixel.Image, t uint32) error {
	s.waitForVSync()
	s.blend(a, b, t)
	return nil
}

// waitForVSync waits for the vertical blank, if the driver supports it. A picture
// that changes then does not tear.
func (s *fbdev) waitForVSync() {
	if s.noVSync {
		return
	}
	var crtc uint32
	s.noVSync = s.ioctl(fbioWaitForVSync, unsafe.Pointer(&crtc)) != nil
}

// Blank implements Screen.
func (s *fbdev) Blank(off bool) error {
	s.off = off
	mode := uintptr(fbBlankOff)
	if off {
		mode = fbBlankPowerDown
	}
	return errors.Join(s.ioctlValue(fbioBlank, mode), s.backlights.blank(off))
}

// Disconnected implements Screen. A framebuffer does not report a lost screen.
func (s *fbdev) Disconnected() <-chan struct{} { return nil }

// Close implements Screen.
func (s *fbdev) Close() error {
	if s.off {
		_ = s.Blank(false)
	}
	if s.handoff.leave(nil, Picture{}, s.console) {
		return errors.Join(s.munmap(s.mem), s.node.Close())
	}
	for y := range s.h { // the console may not draw over all of it
		clear(s.line(y))
	}
	s.console.restore()
	return errors.Join(s.munmap(s.mem), s.node.Close())
}
