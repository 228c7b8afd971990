package framebuffer

import (
	"bytes"
	"errors"
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"pickerd/display/pixel"
)

// openCard opens a fake card and fails the test if it can't be used.
func openCard(t *testing.T, c *fakeCard) *drm {
	t.Helper()
	d, err := newDRM(c, backlightDir(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// onScreen returns the pixels of the buffer on the screen.
func onScreen(d *drm) *pixel.Image {
	b := &d.buffers[d.front]
	m := pixel.New(b.w, b.h)
	for y := range m.H {
		words, _ := b.format.Words(b.line(y))
		copy(m.Row(y), words)
	}
	return m
}

func equal(a, b *pixel.Image) bool {
	for y := range a.H {
		for x, p := range a.Row(y) {
			if p != b.Row(y)[x] {
				return false
			}
		}
	}
	return true
}

func checkShown(t *testing.T, d *drm, want *pixel.Image) {
	t.Helper()
	if !equal(onScreen(d), want) {
		t.Error("the screen does not show the picture")
	}
}

// Whatever parts change, the buffer that is flipped to the screen has all of
// them.
func TestDRMShow(t *testing.T) {
	c := newFakeCard(16, 8)
	d := openCard(t, c)
	if w, h := d.Size(); w != 16 || h != 8 {
		t.Errorf("size %d by %d", w, h)
	}
	m := pixel.New(16, 8)
	m.Fill(m.Bounds(), 0x102030)
	show := func(parts ...image.Rectangle) {
		t.Helper()
		if err := d.Show(m, parts); err != nil {
			t.Fatal(err)
		}
		checkShown(t, d, m)
	}
	show(m.Bounds())
	for i := range 3 * maxStale { // more parts than are remembered
		r := image.Rect(i%16, i%8, i%16+1, i%8+1)
		m.Fill(r, uint32(i)<<8)
		show(r)
	}
	var many []image.Rectangle
	for i := range maxStale + 1 {
		r := image.Rect(i%16, i%8, i%16+1, i%8+1)
		m.Fill(r, 0xffffff)
		many = append(many, r)
	}
	show(many...)
	m.Fill(image.Rect(0, 0, 1, 1), 0)
	show(image.Rect(0, 0, 1, 1))

	white := pixel.New(16, 8)
	white.Fill(white.Bounds(), 0xfefefe)
	if err := d.Blend(m, white, 256); err != nil {
		t.Fatal(err)
	}
	checkShown(t, d, white)
	m = white
	m.Fill(image.Rect(3, 3, 4, 4), 0xff)
	show(image.Rect(3, 3, 4, 4))
	if c.dirty != 0 || c.shown[0] != d.buffers[0].fb && c.shown[0] != d.buffers[1].fb {
		t.Errorf("%d dirty rectangles, framebuffers %v", c.dirty, c.shown)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if last := c.shown[len(c.shown)-1]; last != c.previousFB {
		t.Errorf("after Close the screen shows framebuffer %d, want the previous one", last)
	}
	if !bytes.Equal(c.mem, make([]byte, len(c.mem))) {
		t.Error("the last picture was not cleared")
	}
	if len(c.fbs)+len(c.handles)+c.mapped > 0 || c.closed != 1 {
		t.Errorf("left over: framebuffers %v, handles %v, %d mappings; closed %d times", c.fbs, c.handles, c.mapped, c.closed)
	}
}

// A driver without flips gets pictures in the visible buffer and is told what
// has changed, unless it does not need that either.
func TestDRMNoFlip(t *testing.T) {
	for _, errno := range []unix.Errno{unix.EINVAL, unix.ENOSYS, unix.EOPNOTSUPP} {
		c := newFakeCard(16, 8)
		c.flipErr = errno
		d := openCard(t, c)
		m := pixel.New(16, 8)
		for i := range uint32(3) {
			m.Fill(m.Bounds(), i+1)
			if err := d.Show(m, []image.Rectangle{m.Bounds()}); err != nil {
				t.Fatal(err)
			}
			checkShown(t, d, m)
		}
		if c.dirty != 2 || len(c.shown) != 2 {
			t.Errorf("%v: %d dirty rectangles, framebuffers %v", errno, c.dirty, c.shown)
		}
		c.handle[drmDirtyFB] = func(unsafe.Pointer) error { c.dirty++; return unix.ENOSYS }
		for range 3 {
			if err := d.Blend(m, m, 128); err != nil {
				t.Fatal(err)
			}
		}
		if c.dirty != 3 {
			t.Errorf("%v: a driver without dirty rectangles was told %d times, want once", errno, c.dirty-2)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDRMFlipErrors(t *testing.T) {
	m := pixel.New(16, 8)
	for name, tt := range map[string]struct {
		fail func(c *fakeCard)
		want error
		op   string
	}{
		"flip":  {func(c *fakeCard) { c.flipErr = unix.EBUSY }, unix.EBUSY, "flip page"},
		"poll":  {func(c *fakeCard) { c.waitErr = unix.ENOMEM }, unix.ENOMEM, "wait for page flip"},
		"event": {func(c *fakeCard) { c.readErr = unix.EIO }, unix.EIO, "wait for page flip"},
	} {
		c := newFakeCard(16, 8)
		d := openCard(t, c)
		if err := d.Show(m, []image.Rectangle{m.Bounds()}); err != nil {
			t.Fatal(err)
		}
		tt.fail(c)
		for _, err := range []error{d.Show(m, []image.Rectangle{m.Bounds()}), d.Blend(m, m, 1)} {
			e, ok := errors.AsType[*DeviceError](err)
			if !errors.Is(err, tt.want) || !ok || e.Op != tt.op || e.Path != c.name {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// A flip whose event is lost delays the picture and does not stop it.
func TestDRMLostEvent(t *testing.T) {
	c := newFakeCard(16, 8)
	c.lost = true
	d := openCard(t, c)
	m := pixel.New(16, 8)
	begin := time.Now()
	for range 2 {
		if err := d.Show(m, []image.Rectangle{m.Bounds()}); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(begin); took < maxFlipWait || took > 5*maxFlipWait {
		t.Errorf("two pictures took %v", took)
	}
}

// Each step of opening a card can fail. What was allocated is freed, and the
// error names the device and the step.
func TestDRMOpenErrors(t *testing.T) {
	fail := func(request uintptr, err error) func(*fakeCard) {
		return func(c *fakeCard) { c.handle[request] = func(unsafe.Pointer) error { return err } }
	}
	// onCall makes the nth call of a request fail.
	onCall := func(n int, request uintptr) func(*fakeCard) {
		return func(c *fakeCard) {
			h := c.handle[request]
			c.handle[request] = func(arg unsafe.Pointer) error {
				if n--; n == 0 {
					return unix.ENOSPC
				}
				return h(arg)
			}
		}
	}
	for name, tt := range map[string]struct {
		change func(*fakeCard)
		want   error // nil means any
		says   string
	}{
		"not a card":                {fail(drmGetCap, unix.ENOTTY), unix.ENOTTY, "the device is not a screen"},
		"no dumb buffers":           {fail(drmGetCap, nil), nil, "use: no support for dumb buffers"},
		"no KMS":                    {fail(drmResources, unix.EOPNOTSUPP), unix.EOPNOTSUPP, "list resources"},
		"resources changed":         {onCall(2, drmResources), unix.ENOSPC, "list resources"},
		"no connector":              {fail(drmGetConnector, unix.ENOENT), unix.ENOENT, "query connector"},
		"connector changed":         {onCall(2, drmGetConnector), unix.ENOSPC, "query connector"},
		"unplugged":                 {func(c *fakeCard) { c.connected = false }, errUnplugged, "no screen connected"},
		"screen without modes":      {func(c *fakeCard) { c.noModes = true }, errUnplugged, "no screen connected"},
		"no CRTC":                   {func(c *fakeCard) { c.current, c.possible = 0, 0 }, nil, "connector 32 has no CRTC"},
		"encoders unreadable":       {fail(drmGetEncoder, unix.EINVAL), nil, "connector 32 has no CRTC"},
		"no memory for a buffer":    {fail(drmCreateDumb, unix.ENOMEM), unix.ENOMEM, "create buffer"},
		"no memory for another":     {onCall(2, drmCreateDumb), unix.ENOSPC, "create buffer"},
		"framebuffer refused":       {fail(drmAddFB, unix.EINVAL), unix.EINVAL, "add framebuffer"},
		"buffer without address":    {fail(drmMapDumb, unix.EINVAL), unix.EINVAL, "map buffer"},
		"buffer not mapped":         {func(c *fakeCard) { c.mmapErr = unix.EAGAIN }, unix.EAGAIN, "map buffer"},
		"another program is master": {fail(drmSetCrtc, unix.EACCES), unix.EACCES, "stop the program that uses the screen"},
		"busy":                      {fail(drmSetCrtc, unix.EBUSY), unix.EBUSY, "another program uses the screen"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newFakeCard(16, 8)
			tt.change(c)
			_, err := newDRM(c, backlightDir(t.TempDir()))
			if _, ok := errors.AsType[*DeviceError](err); !ok || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if err != nil && (!strings.Contains(err.Error(), c.name+": ") || !strings.Contains(err.Error(), tt.says)) {
				t.Errorf("got %v, want %q", err, tt.says)
			}
			if len(c.fbs)+len(c.handles)+c.mapped > 0 {
				t.Errorf("left over: framebuffers %v, handles %v, %d mappings", c.fbs, c.handles, c.mapped)
			}
		})
	}
}

// An output without a CRTC gets one that its encoders can use.
func TestDRMFreeCRTC(t *testing.T) {
	c := newFakeCard(16, 8)
	c.current = 0
	if d := openCard(t, c); d.crtc != fakeCRTC {
		t.Errorf("CRTC %d, want %d", d.crtc, fakeCRTC)
	}
	c = newFakeCard(16, 8)
	c.current, c.possible = 0, 1
	if d := openCard(t, c); d.crtc != 40 {
		t.Errorf("CRTC %d, want 40", d.crtc)
	}
}

func TestDRMBlank(t *testing.T) {
	c := newFakeCard(16, 8)
	d := openCard(t, c)
	if err := d.Blank(true); err != nil {
		t.Fatal(err)
	}
	c.flipErr = unix.EINVAL // as on a dark screen
	m := pixel.New(16, 8)
	m.Fill(m.Bounds(), 0x123456)
	if err := d.Show(m, []image.Rectangle{m.Bounds()}); err != nil {
		t.Fatal(err)
	}
	c.flipErr = nil
	if err := d.Blank(false); err != nil {
		t.Fatal(err)
	}
	checkShown(t, d, m)
	if c.shown[len(c.shown)-1] != d.buffers[d.front].fb {
		t.Error("the picture drawn in the dark is not on the screen")
	}
	if err := d.Blank(true); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil { // turns the light on again
		t.Fatal(err)
	}
	if want := []uint64{dpmsOff, dpmsOn, dpmsOff, dpmsOn}; len(c.dpms) != 4 || [4]uint64(c.dpms) != [4]uint64(want) {
		t.Errorf("DPMS was set to %v, want %v", c.dpms, want)
	}
	c = newFakeCard(16, 8)
	d = openCard(t, c)
	c.handle[drmSetProperty] = func(unsafe.Pointer) error { return unix.EINVAL }
	if err := d.Blank(true); !errors.Is(err, unix.EINVAL) || d.off {
		t.Errorf("%v, off is %v", err, d.off)
	}
}

// Without DPMS only the backlights are switched.
func TestDRMBlankBacklight(t *testing.T) {
	dir := t.TempDir()
	power := filepath.Join(dir, "panel", "bl_power")
	if err := os.Mkdir(filepath.Dir(power), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(power, []byte("4"), 0o600); err != nil {
		t.Fatal(err)
	}
	check := func(want string) {
		t.Helper()
		if got, err := os.ReadFile(power); string(got) != want || err != nil {
			t.Errorf("bl_power is %q, %v, want %q", got, err, want)
		}
	}
	c := newFakeCard(16, 8)
	c.properties = []string{"EDID"}
	d, err := newDRM(c, backlightDir(dir))
	if err != nil {
		t.Fatal(err)
	}
	check("0")
	for off, want := range map[bool]string{true: "4", false: "0"} {
		if err := d.Blank(off); err != nil {
			t.Fatal(err)
		}
		check(want)
	}
	if err := os.Remove(power); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(power, 0o700); err != nil {
		t.Fatal(err)
	}
	if d.Blank(true) == nil {
		t.Error("a backlight that can't be written is no error")
	}
}

func TestDRMDisconnected(t *testing.T) {
	for name, change := range map[string]func(*fakeCard){
		"unplugged":    func(c *fakeCard) { c.connected = false },
		"another size": func(c *fakeCard) { c.w = 8 },
		"card is gone": func(c *fakeCard) {
			c.handle[drmGetConnector] = func(unsafe.Pointer) error { return unix.ENODEV }
		},
	} {
		c := newFakeCard(16, 8)
		d := openCard(t, c)
		change(c)
		d.wg.Go(func() { d.watch(time.Millisecond) })
		select {
		case <-d.Disconnected():
		case <-time.After(10 * time.Second):
			t.Errorf("%s: not noticed", name)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	c := newFakeCard(16, 8)
	d := openCard(t, c)
	d.wg.Go(func() { d.watch(time.Millisecond) })
	select {
	case <-d.Disconnected():
		t.Error("a connected screen counts as disconnected")
	case <-time.After(50 * time.Millisecond):
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestHasFlipEvent(t *testing.T) {
	for name, tt := range map[string]struct {
		b    []byte
		want bool
	}{
		"nothing":     {nil, false},
		"a flip":      {event(2, 32), true},
		"a vblank":    {event(1, 32), false},
		"behind it":   {append(event(1, 32), event(2, 32)...), true},
		"no length":   {append(event(1, 0), event(2, 32)...), false},
		"torn":        {event(1, 32)[:7], false},
		"longer than": {event(1, 400)[:32], false},
	} {
		if got := hasFlipEvent(tt.b); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func FuzzHasFlipEvent(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 8, 0, 0, 0})
	f.Fuzz(func(_ *testing.T, b []byte) { hasFlipEvent(b) })
}

func TestPreferredMode(t *testing.T) {
	wide, high := drmMode{HDisplay: 1920}, drmMode{HDisplay: 1280, Type: modePreferred}
	for name, tt := range map[string]struct {
		o    output
		want uint16
	}{
		"the preferred one":   {output{connected: true, modes: []drmMode{wide, high}}, 1280},
		"the first":           {output{connected: true, modes: []drmMode{wide}}, 1920},
		"none, not connected": {output{modes: []drmMode{wide}}, 0},
		"none at all":         {output{connected: true}, 0},
	} {
		if m, ok := tt.o.preferredMode(); m.HDisplay != tt.want || ok != (tt.want != 0) {
			t.Errorf("%s: %d, %v", name, m.HDisplay, ok)
		}
	}
}
