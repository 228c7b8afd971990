package framebuffer

import (
	"encoding/binary"
	"errors"
	"image"
	"runtime"
	"slices"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"pickerd/display/pixel"
)

// A drm is a screen on DRM/KMS. It has two buffers: one is on the screen while
// the other is drawn.
type drm struct {
	card
	out         output
	mode        drmMode
	crtc        uint32
	previous    drmCrtc // what the CRTC showed before
	buffers     [2]buffer
	front       int  // index of the buffer on the screen
	flipPending bool // a page flip is not complete yet
	noFlip      bool // the driver can't flip; pictures are drawn in the front buffer
	noDirty     bool // the driver needs no dirty rectangles
	dpms        uint32
	off         bool // the light is off
	console     *console
	handoff     *Handoff
	before      node    // that shows the picture until setUp is done, or nil
	shown       Picture // of before
	backlights  backlightDir

	disconnected chan struct{}
	stop         chan struct{}
	wg           sync.WaitGroup
}

// A buffer is a dumb buffer that is registered as a framebuffer.
type buffer struct {
	canvas
	handle, fb uint32
	mem        []byte
	stale      []image.Rectangle // parts older than the picture shown last
}

// maxStale is the number of parts above which a whole buffer counts as stale.
const maxStale = 64

// errUnplugged means that no screen is connected to a card at the moment.
var errUnplugged = errors.New("no screen connected")

func openDRM(path string, cfg Config) (Screen, error) {
	before, shown := cfg.Handoff.takeCard(path)
	f, err := openNode(path)
	if err != nil {
		if before != nil {
			before.Close()
		}
		return nil, newError(path, "open", err)
	}
	d, err := newDRMAfter(before, shown, f, sysBacklight)
	if before != nil {
		before.Close() // the screen shows another buffer, or none
	}
	if err != nil {
		f.Close()
		if before != nil {
			return openDRM(path, cfg)
		}
		return nil, err
	}
	d.handoff, d.console = cfg.Handoff, cfg.Handoff.takeConsole(func() *console { return takeConsole(cfg.Log) })
	d.wg.Go(func() { d.watch(hotplugInterval) })
	return d, nil
}

// newDRM returns the screen on a card, without taking the console or watching
// the connector. The caller closes the node if there is an error.
func newDRM(f node, backlights backlightDir) (*drm, error) {
	return newDRMAfter(nil, Picture{}, f, backlights)
}

// newDRMAfter is newDRM for a card that shows a picture of the program before, which
// keeps it with before, nil if there is none.
func newDRMAfter(before node, shown Picture, f node, backlights backlightDir) (*drm, error) {
	d := &drm{card: card{f}, before: before, shown: shown, console: &console{}, backlights: backlights,
		disconnected: make(chan struct{}), stop: make(chan struct{})}
	if err := d.setUp(); err != nil {
		d.release()
		return nil, err
	}
	_ = backlights.blank(false) // an earlier program may have left them off
	return d, nil
}

func (d *drm) setUp() error {
	dumb := drmCap{Capability: capDumbBuffer}
	if err := d.call("query dumb buffer support", drmGetCap, unsafe.Pointer(&dumb)); err != nil || dumb.Value == 0 {
		return errors.Join(newError(d.Name(), "use", errors.New("no support for dumb buffers")), err)
	}
	_ = d.ioctl(drmSetMaster, nil) // the first process to open the card is master already
	connectors, crtcs, err := d.resources()
	if err != nil {
		return err
	}
	if err := d.findOutput(connectors); err != nil {
		return err
	}
	if d.crtc, err = d.findCRTC(d.out, crtcs); err != nil {
		return err
	}
	d.previous = drmCrtc{CRTC: d.crtc}
	_ = d.ioctl(drmGetCrtc, unsafe.Pointer(&d.previous)) // without it nothing is restored
	for i := range d.buffers {
		if err := d.newBuffer(&d.buffers[i]); err != nil {
			return err
		}
	}
	if d.before != nil {
		copyPicture(d.before, d.shown, &d.buffers[0])
		d.previous, d.before = drmCrtc{}, nil // its framebuffer goes with it
	}
	d.dpms = d.property(d.out, "DPMS")
	return d.setMode(d.crtc, d.buffers[0].fb, d.out.id, d.mode)
}

// findOutput selects the first connector with a screen.
func (d *drm) findOutput(connectors []uint32) error {
	for _, id := range connectors {
		o, err := d.connector(id, true)
		if err != nil {
			return err
		}
		if m, ok := o.preferredMode(); ok {
			d.out, d.mode = o, m
			return nil
		}
	}
	return newError(d.Name(), "use", errUnplugged)
}

func (d *drm) newBuffer(b *buffer) error {
	w, h := uint32(d.mode.HDisplay), uint32(d.mode.VDisplay)
	dumb := drmDumb{Width: w, Height: h, BPP: 32}
	if err := d.call("create buffer", drmCreateDumb, unsafe.Pointer(&dumb)); err != nil {
		return err
	}
	b.handle = dumb.Handle
	fb := drmFB{Width: w, Height: h, Pitch: dumb.Pitch, BPP: 32, Depth: 24, Handle: dumb.Handle}
	if err := d.call("add framebuffer", drmAddFB, unsafe.Pointer(&fb)); err != nil {
		return err
	}
	b.fb = fb.ID
	at := drmMap{Handle: dumb.Handle}
	if err := d.call("map buffer", drmMapDumb, unsafe.Pointer(&at)); err != nil {
		return err
	}
	mem, err := d.mmap(int64(at.Offset), int(dumb.Size))
	if err != nil {
		return newError(d.Name(), "map buffer", err)
	}
	b.mem = mem
	b.canvas = canvas{mem: mem, stride: int(dumb.Pitch), w: int(w), h: int(h), format: pixel.XRGB8888}
	return nil
}

// Size implements Screen.
func (d *drm) Size() (w, h int) { return int(d.mode.HDisplay), int(d.mode.VDisplay) }

func (d *drm) bounds() image.Rectangle {
	return image.Rect(0, 0, int(d.mode.HDisplay), int(d.mode.VDisplay))
}

// drawable returns the buffer to draw in, once the last flip is complete.
func (d *drm) drawable() (*buffer, error) {
	if d.noFlip {
		return &d.buffers[d.front], nil
	}
	if err := d.waitForFlip(); err != nil {
		return nil, err
	}
	return &d.buffers[1-d.front], nil
}

// Show implements Screen.
func (d *drm) Show(m *pixel.Image, parts []image.Rectangle) error {
	b, err := d.drawable()
	if err != nil {
		return err
	}
	b.put(m, without(b.stale, parts))
	b.put(m, parts)
	b.stale = nil
	if !d.noFlip {
		other := &d.buffers[d.front]
		if other.stale = append(other.stale, parts...); len(other.stale) > maxStale {
			other.stale = []image.Rectangle{d.bounds()}
		}
	}
	return d.flip(parts)
}

// without returns the rectangles that are in none of parts: of a film, each frame is
// written once.
func without(all, parts []image.Rectangle) []image.Rectangle {
	return slices.DeleteFunc(all, func(r image.Rectangle) bool {
		return slices.ContainsFunc(parts, func(part image.Rectangle) bool { return r.In(part) })
	})
}

// Blend implements Screen.
func (d *drm) Blend(x, y *pixel.Image, t uint32) error {
	b, err := d.drawable()
	if err != nil {
		return err
	}
	b.blend(x, y, t)
	whole := []image.Rectangle{d.bounds()}
	b.stale = nil
	d.buffers[d.front].stale = whole
	return d.flip(whole)
}

// flip puts the buffer that was drawn on the screen. Drivers of virtual screens
// transmit only the parts that are reported as dirty.
func (d *drm) flip(parts []image.Rectangle) error {
	if d.noFlip {
		d.markDirty(d.buffers[d.front].fb, parts)
		return nil
	}
	back := 1 - d.front
	r := drmFlip{CRTC: d.crtc, FB: d.buffers[back].fb, Flags: flipEvent}
	err := d.ioctl(drmPageFlip, unsafe.Pointer(&r))
	switch {
	case err == nil:
		d.front, d.flipPending = back, true
		return nil
	case d.off: // a dark screen can't flip
		d.front = back
		return nil
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EOPNOTSUPP):
		// The driver does not support flips. From now on pictures are drawn in
		// the visible buffer.
		d.noFlip, d.front = true, back
		return d.setMode(d.crtc, d.buffers[back].fb, d.out.id, d.mode)
	}
	return newError(d.Name(), "flip page", err)
}

// markDirty reports which parts of a framebuffer have changed.
func (d *drm) markDirty(fb uint32, parts []image.Rectangle) {
	if d.noDirty || len(parts) == 0 {
		return
	}
	var pin runtime.Pinner
	defer pin.Unpin()
	clips := make([]drmClip, 0, len(parts))
	for _, p := range parts {
		clips = append(clips, drmClip{uint16(p.Min.X), uint16(p.Min.Y), uint16(p.Max.X), uint16(p.Max.Y)})
	}
	r := drmDirty{FB: fb, CountClips: uint32(len(clips)), Clips: address(&pin, clips)}
	d.noDirty = d.ioctl(drmDirtyFB, unsafe.Pointer(&r)) != nil // ENOSYS: the screen shows the memory itself
}

// maxFlipWait is much longer than a frame.
const maxFlipWait = time.Second

// waitForFlip waits until the last flip is complete. It gives up after
// maxFlipWait, so that a lost event does not stop the picture for good.
func (d *drm) waitForFlip() error {
	for deadline := time.Now().Add(maxFlipWait); d.flipPending; {
		left := time.Until(deadline)
		if left <= 0 {
			d.flipPending = false
			return nil
		}
		ready, err := d.wait(left)
		if err != nil {
			return newError(d.Name(), "wait for page flip", err)
		}
		if !ready {
			continue
		}
		var b [1024]byte
		n, err := d.read(b[:])
		if err != nil {
			return newError(d.Name(), "wait for page flip", err)
		}
		if hasFlipEvent(b[:n]) {
			d.flipPending = false
		}
	}
	return nil
}

// flipComplete is DRM_EVENT_FLIP_COMPLETE.
const flipComplete = 2

// hasFlipEvent reports whether a completed flip is among the events in b. An
// event begins with its type and its length (struct drm_event).
func hasFlipEvent(b []byte) bool {
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
	err := d.waitForFlip()
	if d.dpms == 0 {
		return errors.Join(err, d.backlights.blank(off))
	}
	r := drmConnectorProperty{Value: dpmsOn, ID: d.dpms, Connector: d.out.id}
	if off {
		r.Value = dpmsOff
	}
	if err := d.call("set DPMS", drmSetProperty, unsafe.Pointer(&r)); err != nil {
		return err
	}
	if d.off && !off { // flips may have been skipped while it was dark
		err = errors.Join(err, d.setMode(d.crtc, d.buffers[d.front].fb, d.out.id, d.mode))
	}
	d.off = off
	return err
}

// Disconnected implements Screen.
func (d *drm) Disconnected() <-chan struct{} { return d.disconnected }

// hotplugInterval is how often the connector's state is read. The kernel reports
// what it knows and does not probe the cable.
const hotplugInterval = 2 * time.Second

// watch closes disconnected when the screen is unplugged or has another size.
func (d *drm) watch(interval time.Duration) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-d.stop:
			return
		case <-tick.C:
		}
		o, err := d.connector(d.out.id, false)
		if m, ok := o.preferredMode(); err != nil || !ok || m.HDisplay != d.mode.HDisplay || m.VDisplay != d.mode.VDisplay {
			close(d.disconnected)
			return
		}
	}
}

// Close implements Screen.
func (d *drm) Close() error {
	close(d.stop)
	d.wg.Wait()
	err := d.waitForFlip()
	if d.off {
		err = errors.Join(err, d.Blank(false))
	}
	clear(d.buffers[1-d.front].mem)
	front := &d.buffers[d.front]
	if d.handoff.leave(d.node, Picture{front.handle, uint32(front.stride), front.w, front.h}, d.console) {
		return errors.Join(err, d.munmap(d.buffers[0].mem), d.munmap(d.buffers[1].mem))
	}
	for i := range d.buffers { // without a console the last picture would stay
		clear(d.buffers[i].mem)
	}
	d.markDirty(d.buffers[d.front].fb, []image.Rectangle{d.bounds()})
	if d.previous.FB != 0 && d.previous.HasMode != 0 {
		_ = d.setMode(d.crtc, d.previous.FB, d.out.id, d.previous.Mode) // its framebuffer may be gone
	}
	d.release()
	d.console.restore()
	return errors.Join(err, d.node.Close())
}

// release frees the resources of setUp, even after an incomplete one.
func (d *drm) release() {
	for i := range d.buffers {
		b := &d.buffers[i]
		if b.mem != nil {
			_ = d.munmap(b.mem)
		}
		if b.fb != 0 {
			_ = d.ioctl(drmRmFB, unsafe.Pointer(&b.fb))
		}
		if b.handle != 0 {
			_ = d.ioctl(drmDestroyDumb, unsafe.Pointer(&b.handle))
		}
		*b = buffer{}
	}
	_ = d.ioctl(drmDropMaster, nil)
}
