package framebuffer

import (
	"encoding/binary"
	"errors"
	"image"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"pickerd/display/pixel"
)

// A drm is a screen on DRM/KMS: two buffers, of which one is on the screen while
// the other is drawn in.
type drm struct {
	card
	out     output
	mode    drmMode
	crtc    uint32
	before  drmCrtc // what was on the screen
	buffers [2]buffer
	front   int  // of buffers, the one on the screen
	flying  bool // a flip is under way
	noFlip  bool // the driver can't; the mode is set for each picture
	noDirty bool // the driver does not want to be told what changed
	dpms    uint32
	off     bool // the light is
	console *console

	gone chan struct{}
	stop chan struct{}
	wg   sync.WaitGroup
}

// A buffer is a dumb buffer, made known as a framebuffer.
type buffer struct {
	canvas
	handle, fb uint32
	mem        []byte
	stale      []image.Rectangle // parts that are older than what was shown last
}

// manyParts is above which a buffer is taken to be stale all over.
const manyParts = 64

// errUnplugged means that a card has no screen at the moment.
var errUnplugged = errors.New("no screen is connected to it")

func openDRM(path string, log *slog.Logger) (Screen, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, &DeviceError{path, "open", explain(err)}
	}
	d := &drm{card: card{f}, gone: make(chan struct{}), stop: make(chan struct{})}
	if err := d.setUp(); err != nil {
		d.release()
		f.Close()
		return nil, err
	}
	_ = backlights(false) // who switched them off may be gone
	d.console = takeConsole(log)
	d.wg.Go(d.watch)
	return d, nil
}

func (d *drm) setUp() error {
	limit := drmCap{Capability: capDumbBuffer}
	if err := d.ask("ask for dumb buffers", drmGetCap, unsafe.Pointer(&limit)); err != nil || limit.Value == 0 {
		return errors.Join(&DeviceError{d.Name(), "use", errors.New("it has no dumb buffers")}, err)
	}
	_ = ioctl(d.File, drmSetMaster, nil) // the first to open it is the master already
	connectors, crtcs, err := d.resources()
	if err != nil {
		return err
	}
	if err := d.findOutput(connectors); err != nil {
		return err
	}
	if d.crtc, err = d.card.crtc(d.out, crtcs); err != nil {
		return err
	}
	d.before = drmCrtc{CRTC: d.crtc}
	_ = ioctl(d.File, drmGetCrtc, unsafe.Pointer(&d.before)) // nothing to go back to then
	for i := range d.buffers {
		if err := d.newBuffer(&d.buffers[i]); err != nil {
			return err
		}
	}
	d.dpms = d.property(d.out, "DPMS")
	return d.show(d.crtc, d.buffers[0].fb, d.out.id, d.mode)
}

// findOutput looks for the first connector that a screen is on.
func (d *drm) findOutput(connectors []uint32) error {
	for _, id := range connectors {
		o, err := d.connector(id, true)
		if err != nil {
			return err
		}
		if m, ok := o.mode(); ok {
			d.out, d.mode = o, m
			return nil
		}
	}
	return &DeviceError{d.Name(), "use", errUnplugged}
}

func (d *drm) newBuffer(b *buffer) error {
	w, h := uint32(d.mode.HDisplay), uint32(d.mode.VDisplay)
	dumb := drmDumb{Width: w, Height: h, BPP: 32}
	if err := d.ask("make a buffer", drmCreateDumb, unsafe.Pointer(&dumb)); err != nil {
		return err
	}
	b.handle = dumb.Handle
	fb := drmFB{Width: w, Height: h, Pitch: dumb.Pitch, BPP: 32, Depth: 24, Handle: dumb.Handle}
	if err := d.ask("make a framebuffer", drmAddFB, unsafe.Pointer(&fb)); err != nil {
		return err
	}
	b.fb = fb.ID
	at := drmMap{Handle: dumb.Handle}
	if err := d.ask("map a buffer", drmMapDumb, unsafe.Pointer(&at)); err != nil {
		return err
	}
	mem, err := unix.Mmap(int(d.Fd()), int64(at.Offset), int(dumb.Size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return &DeviceError{d.Name(), "map a buffer", err}
	}
	b.mem = mem
	b.canvas = canvas{mem: mem, stride: int(dumb.Pitch), w: int(w), h: int(h), format: pixel.XRGB8888}
	return nil
}

func (d *drm) Size() (w, h int) { return int(d.mode.HDisplay), int(d.mode.VDisplay) }

// back is the buffer that can be drawn in, once the last flip is over.
func (d *drm) back() (*buffer, error) {
	if d.noFlip {
		return &d.buffers[d.front], nil
	}
	if err := d.land(); err != nil {
		return nil, err
	}
	return &d.buffers[1-d.front], nil
}

// Show implements Screen.
func (d *drm) Show(m *pixel.Image, parts []image.Rectangle) error {
	b, err := d.back()
	if err != nil {
		return err
	}
	b.put(m, b.stale)
	b.put(m, parts)
	b.stale = nil
	if !d.noFlip {
		other := &d.buffers[d.front]
		if other.stale = append(other.stale, parts...); len(other.stale) > manyParts {
			other.stale = []image.Rectangle{image.Rect(0, 0, other.w, other.h)}
		}
	}
	return d.flip(parts)
}

// Blend implements Screen.
func (d *drm) Blend(x, y *pixel.Image, t uint32) error {
	b, err := d.back()
	if err != nil {
		return err
	}
	b.blend(x, y, t)
	whole := []image.Rectangle{image.Rect(0, 0, b.w, b.h)}
	b.stale = nil
	d.buffers[d.front].stale = whole
	return d.flip(whole)
}

// flip puts the buffer that was drawn in on the screen. What drivers for
// virtual screens send on is only what they are told has changed.
func (d *drm) flip(parts []image.Rectangle) error {
	if d.noFlip {
		return d.dirty(d.buffers[d.front].fb, parts)
	}
	next := 1 - d.front
	r := drmFlip{CRTC: d.crtc, FB: d.buffers[next].fb, Flags: flipEvent}
	err := ioctl(d.File, drmPageFlip, unsafe.Pointer(&r))
	switch {
	case err == nil:
		d.front, d.flying = next, true
		return nil
	case d.off: // nothing is shown, and nothing flips
		d.front = next
		return nil
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EOPNOTSUPP):
		// A driver without flips: from now on the picture is drawn where it is
		// seen.
		d.noFlip, d.front = true, next
		return d.show(d.crtc, d.buffers[next].fb, d.out.id, d.mode)
	}
	return &DeviceError{d.Name(), "show a picture", explain(err)}
}

func (d *drm) dirty(fb uint32, parts []image.Rectangle) error {
	if d.noDirty || len(parts) == 0 {
		return nil
	}
	var pin runtime.Pinner
	defer pin.Unpin()
	clips := make([]drmClip, 0, len(parts))
	for _, p := range parts {
		clips = append(clips, drmClip{uint16(p.Min.X), uint16(p.Min.Y), uint16(p.Max.X), uint16(p.Max.Y)})
	}
	r := drmDirty{FB: fb, CountClips: uint32(len(clips)), Clips: address(&pin, clips)}
	if err := ioctl(d.File, drmDirtyFB, unsafe.Pointer(&r)); err != nil {
		d.noDirty = true // ENOSYS: the memory is the screen's own
	}
	return nil
}

// flightTime is far above the time from one picture to the next.
const flightTime = time.Second

// land waits until the last flip is over.
func (d *drm) land() error {
	for until := time.Now().Add(flightTime); d.flying; {
		left := time.Until(until)
		if left <= 0 {
			d.flying = false // a lost event must not stop the picture for ever
			return nil
		}
		fds := []unix.PollFd{{Fd: int32(d.Fd()), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, int(left/time.Millisecond)+1)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return &DeviceError{d.Name(), "wait for the screen", err}
		}
		if n <= 0 {
			continue
		}
		var b [1024]byte
		m, err := unix.Read(int(d.Fd()), b[:])
		if err != nil && !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN) {
			return &DeviceError{d.Name(), "wait for the screen", err}
		}
		if landed(b[:max(m, 0)]) {
			d.flying = false
		}
	}
	return nil
}

// flipComplete is DRM_EVENT_FLIP_COMPLETE.
const flipComplete = 2

// landed looks for the end of a flip among events: struct drm_event has a type
// and a length, that of the whole event.
func landed(b []byte) bool {
	for len(b) >= 8 {
		kind, n := binary.NativeEndian.Uint32(b), int(binary.NativeEndian.Uint32(b[4:]))
		if kind == flipComplete {
			return true
		}
		if n < 8 || n > len(b) {
			return false
		}
		b = b[n:]
	}
	return false
}

// Blank implements Screen.
func (d *drm) Blank(off bool) error {
	err := d.land()
	if d.dpms == 0 {
		return errors.Join(err, backlights(off))
	}
	r := drmConnectorProperty{Value: dpmsOn, ID: d.dpms, Connector: d.out.id}
	if off {
		r.Value = dpmsOff
	}
	if err := d.ask("switch the light", drmSetProperty, unsafe.Pointer(&r)); err != nil {
		return err
	}
	if d.off && !off { // flips may have been left out meanwhile
		err = errors.Join(err, d.show(d.crtc, d.buffers[d.front].fb, d.out.id, d.mode))
	}
	d.off = off
	return err
}

// Disconnected implements Screen.
func (d *drm) Disconnected() <-chan struct{} { return d.gone }

// hotplugEvery is how often it is looked whether the screen is still there. The
// kernel is asked what it knows, not to look at the cable.
const hotplugEvery = 2 * time.Second

func (d *drm) watch() {
	tick := time.NewTicker(hotplugEvery)
	defer tick.Stop()
	for {
		select {
		case <-d.stop:
			return
		case <-tick.C:
		}
		o, err := d.connector(d.out.id, false)
		if m, ok := o.mode(); err != nil || !ok || m.HDisplay != d.mode.HDisplay || m.VDisplay != d.mode.VDisplay {
			close(d.gone)
			return
		}
	}
}

// Close implements Screen.
func (d *drm) Close() error {
	close(d.stop)
	d.wg.Wait()
	err := d.land()
	if d.off {
		err = errors.Join(err, d.Blank(false))
	}
	for i := range d.buffers { // where no console comes back the last picture would stay
		clear(d.buffers[i].mem)
	}
	_ = d.dirty(d.buffers[d.front].fb, []image.Rectangle{image.Rect(0, 0, int(d.mode.HDisplay), int(d.mode.VDisplay))})
	if d.before.FB != 0 && d.before.HasMode != 0 {
		_ = d.show(d.crtc, d.before.FB, d.out.id, d.before.Mode) // it may be gone
	}
	d.release()
	d.console.giveBack()
	return errors.Join(err, d.File.Close())
}

// release frees what setUp took, however far it came.
func (d *drm) release() {
	for i := range d.buffers {
		b := &d.buffers[i]
		if b.mem != nil {
			_ = unix.Munmap(b.mem)
		}
		if b.fb != 0 {
			_ = ioctl(d.File, drmRmFB, unsafe.Pointer(&b.fb))
		}
		if b.handle != 0 {
			_ = ioctl(d.File, drmDestroyDumb, unsafe.Pointer(&b.handle))
		}
		*b = buffer{}
	}
	_ = ioctl(d.File, drmDropMaster, nil)
}
