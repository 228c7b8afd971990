package framebuffer

import (
	"errors"
	"image"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"pickerd/display/pixel"
)

// picture returns a picture that is black nowhere.
func picture(w, h int) *pixel.Image {
	m := pixel.New(w, h)
	for y := range h {
		for x := range m.Row(y) {
			m.Row(y)[x] = uint32(0x102030 + x*5 + y*7)
		}
	}
	return m
}

// TestHandoffDRM checks that the picture of a card stays until the next program shows
// its own, and that nothing else of the program before does.
func TestHandoffDRM(t *testing.T) {
	const w, h = 8, 4
	c, tty := newFakeCard(w, h), newFakeTTY()
	d := openCard(t, c)
	d.console = newConsole(tty, slog.New(slog.DiscardHandler), noGuard)
	want := picture(w, h)
	for _, m := range []*pixel.Image{picture(w, h), want} {
		if err := d.Show(m, []image.Rectangle{d.bounds()}); err != nil {
			t.Fatal(err)
		}
	}
	fb, back := d.buffers[d.front].fb, d.buffers[1-d.front].mem
	handoff := &Handoff{}
	d.handoff = handoff
	handoff.Keep()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(back, func(b byte) bool { return b != 0 }) {
		t.Error("the hidden buffer keeps a picture")
	}
	if tty.mode != kdGraphics || c.closed != 0 || tty.closed != 0 || c.mapped != 0 || c.shown[len(c.shown)-1] != fb {
		t.Errorf("console mode %d; closed %d and %d times, %d mappings, shown %v", tty.mode, c.closed, tty.closed, c.mapped, c.shown)
	}

	dropped := 0
	c.handle[drmDropMaster] = func(unsafe.Pointer) error { dropped++; return nil }
	next := newFakeCard(w, h)
	next.previousFB, next.next = fb, 200
	if other, _ := handoff.takeCard("/dev/dri/other"); other != nil {
		t.Error("another card is taken")
	}
	before, shown := handoff.takeCard(c.name)
	if before == nil {
		t.Fatal("the card is not handed off")
	}
	d, err := newDRMAfter(before, shown, next, backlightDir(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	if dropped != 1 {
		t.Errorf("the program before gave up the card %d times", dropped)
	}
	checkShown(t, d, want)
	d.console = handoff.takeConsole(func() *console { t.Error("the console is taken again"); return &console{} })
	handoff.Settle()
	if tty.mode != kdGraphics || c.mapped != 0 {
		t.Errorf("console mode %d, %d mappings", tty.mode, c.mapped)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if tty.mode != kdText || tty.keyboard != 3 || tty.closed != 1 || next.closed != 1 || slices.Contains(next.shown, fb) {
		t.Errorf("at the end: console mode %d, keyboard %d, closed %d and %d times, shown %v", tty.mode, tty.keyboard, tty.closed, next.closed, next.shown)
	}
}

// TestHandoffSizes checks that a picture of another size, or one that can't be read, is
// not copied.
func TestHandoffSizes(t *testing.T) {
	for name, change := range map[string]func(before *fakeCard, shown *Picture){
		"another width":  func(_ *fakeCard, shown *Picture) { shown.W-- },
		"another height": func(_ *fakeCard, shown *Picture) { shown.H++ },
		"rows too short": func(_ *fakeCard, shown *Picture) { shown.Pitch = 8*4 - 1 },
		"nothing":        func(_ *fakeCard, shown *Picture) { *shown = Picture{} },
		"no dumb buffer": func(before *fakeCard, _ *Picture) { delete(before.handle, drmMapDumb) },
		"no mapping":     func(before *fakeCard, _ *Picture) { before.mmapErr = unix.ENOMEM },
	} {
		before, next := newFakeCard(8, 4), newFakeCard(8, 4)
		old := openCard(t, before)
		if err := old.Show(picture(8, 4), []image.Rectangle{old.bounds()}); err != nil {
			t.Fatal(err)
		}
		front := &old.buffers[old.front]
		shown := Picture{front.handle, uint32(front.stride), 8, 4}
		change(before, &shown)
		d, err := newDRMAfter(before, shown, next, backlightDir(t.TempDir()))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		checkShown(t, d, pixel.New(8, 4))
		d.Close()
	}
}

// TestHandoffUnused checks that what nobody takes is given back.
func TestHandoffUnused(t *testing.T) {
	c, tty := newFakeCard(8, 4), newFakeTTY()
	h := &Handoff{card: c, console: newConsole(tty, slog.New(slog.DiscardHandler), noGuard), keep: true}
	_, err := Open(Config{Device: "/dev/null", Log: slog.New(slog.DiscardHandler), Handoff: h})
	if err == nil || c.closed != 1 || tty.mode != kdText || tty.closed != 1 || h.keep {
		t.Errorf("%v; closed %d and %d times, console mode %d", err, c.closed, tty.closed, tty.mode)
	}
	var none *Handoff
	none.Keep()
	none.Settle()
	if none.leave(c, Picture{}, nil) {
		t.Error("without a handoff something is kept")
	}
}

// TestHandoffGuard checks that a guard outlives the program that started it, and ends
// when the next one gives the console back.
func TestHandoffGuard(t *testing.T) {
	tty, err := os.Create(filepath.Join(t.TempDir(), "tty"))
	if err != nil {
		t.Fatal(err)
	}
	stderr := os.Stderr
	if os.Stderr, err = os.Create(filepath.Join(t.TempDir(), "stderr")); err != nil {
		t.Fatal(err)
	}
	c := &console{tty: deviceFile{tty}, keyboard: 3}
	err = c.startGuard(tty)
	os.Stderr.Close()
	os.Stderr = stderr
	if err != nil {
		t.Fatal(err)
	}
	h := &Handoff{keep: true}
	if !h.leave(nil, Picture{}, c) {
		t.Fatal("nothing is kept")
	}
	files, state := h.Export()
	if state.Keyboard != 3 || state.Guard != c.guard.Process.Pid || files[ttyFile] != tty || files[aliveFile] != c.alive || len(files) != 2 {
		t.Errorf("%+v, %v", state, files)
	}
	next := Resume(files, state).takeConsole(func() *console { t.Fatal("the console is taken again"); return nil })
	if err := unix.Kill(state.Guard, 0); err != nil {
		t.Fatalf("the guard has ended: %v", err)
	}
	next.restore()
	if err := unix.Kill(state.Guard, 0); !errors.Is(err, unix.ESRCH) {
		t.Errorf("the guard after the end: %v", err)
	}
}
