package qemu

import (
	"image/color"
	"strings"
	"testing"
	"time"
)

var (
	drmBoard = boards["vga 1280x800"]
	fbBoard  = boards["vga framebuffer"]
)

// startPairing boots a machine, starts pickerd and waits for its pairing code.
func startPairing(t *testing.T, b board) *machine {
	t.Helper()
	m := boot(t, b)
	m.tell("start " + outputs + b.config)
	m.waitForCode("the pairing code is on the screen", "user_code=")
	return m
}

// startShowing boots a machine that shows two photos, twenty minutes each. It
// returns the machine and which photo is on the screen.
func startShowing(t *testing.T, b board) (m *machine, first int) {
	t.Helper()
	b.config += `;[slideshow];interval="20m"`
	m = startPairing(t, b)
	m.tell("approve")
	m.waitForCode("the picker link is on the screen", "/photos/picker/")
	m.tell("choose picture-0 picture-1")
	m.until("both photos are stored", func() bool { return strings.Contains(m.log(), "fetched photos=2") })
	m.until("a photo is on the screen", func() bool {
		img := m.picture()
		if shows(img, 1, false) { // either may be the first
			first = 1
		}
		return shows(img, first, false)
	})
	return m, first
}

// TestCrash checks that the console is restored however the process ends.
func TestCrash(t *testing.T) {
	for name, b := range map[string]board{"drm": drmBoard, "framebuffer": fbBoard} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := startPairing(t, b)
			for _, sig := range []string{"QUIT", "KILL"} { // a Go program exits on QUIT as on a panic
				m.tell("signal " + sig)
				m.until("the console is in text mode", func() bool { return m.tell("mode") == "text" })
				m.tell("say HERE_IS_THE_CONSOLE")
				m.until("the code is off the screen", func() bool { return m.code() == "" })
				m.save(sig)
				m.tell("start " + outputs + b.config)
				m.waitForCode("the code is on the screen again", "user_code=")
				if mode := m.tell("mode"); mode != "graphics" {
					t.Errorf("console mode %s, want graphics", mode)
				}
			}
		})
	}
}

// TestRefusals checks that an unusable screen is logged once, and that pickerd
// runs on without it.
func TestRefusals(t *testing.T) {
	for name, tt := range map[string]struct {
		board
		wantLog string
	}{
		"8 bit":  {board{args: []string{"-vga", "std"}, firmware: true, append: "vga=0x305"}, "8 bits per pixel (a palette)"},
		"none":   {board{args: []string{"-vga", "none"}}, "no screen found: no /dev/dri/card*; no /dev/fb*"},
		"vmware": {board{args: []string{"-vga", "vmware"}}, "no screen found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := boot(t, tt.board)
			m.tell("start " + outputs)
			m.until("the log says so", func() bool { return strings.Contains(m.log(), tt.wantLog) })
			if n := strings.Count(m.log(), "nothing can be shown"); n != 1 {
				t.Errorf("logged %d times, want 1", n)
			}
			if out := m.tell("run /pickerd status --socket /tmp/control.sock"); !strings.Contains(out, "pairing") {
				t.Errorf("status: %s", out)
			}
			if got := m.tell("signal TERM"); got != "ended: <nil>" {
				t.Errorf("after SIGTERM: %s", got)
			}
		})
	}
}

// TestHotplug connects the screen after pickerd has started, disconnects it and
// connects it again.
func TestHotplug(t *testing.T) {
	t.Parallel()
	const status = "/sys/class/drm/card0-Virtual-1/status"
	b := boards["virtio drm"]
	m := boot(t, b)
	m.tell("write " + status + " off")
	m.tell("start " + outputs + `[framebuffer];device="/dev/dri/card0"`)
	m.until("the log reports no screen", func() bool { return strings.Contains(m.log(), "no screen connected") })
	m.tell("write " + status + " detect")
	m.waitForCode("the code is on the screen", "user_code=")
	m.tell("write " + status + " off")
	m.until("the log reports a lost screen", func() bool { return strings.Contains(m.log(), "looked for anew") })
	m.tell("write " + status + " detect")
	m.waitForCode("the code is on the screen again", "user_code=")
}

// TestRemote sends keys through the kernel's input devices.
func TestRemote(t *testing.T) {
	t.Parallel()
	b := drmBoard
	b.modules = append([]string{"evdev"}, b.modules...)
	m, first := startShowing(t, b)
	waitFor := func(what string, which int) {
		t.Helper()
		m.until(what, func() bool { img := m.picture(); return shows(img, which, false) })
	}
	const tap = 100 * time.Millisecond
	m.press("right", tap)
	waitFor("Right shows the next photo", 1-first)
	m.press("left", tap)
	waitFor("Left shows the previous photo", first)
	menu := func() bool {
		img := m.picture()
		b := img.Bounds()
		got := color.RGBAModel.Convert(img.At(b.Dx()/2, b.Dy()/2+b.Dy()/7)).(color.RGBA)
		return near(got, color.RGBA{0x1a, 0x1d, 0x26, 255}) || near(got, color.RGBA{0xd8, 0xe8, 0xff, 255})
	}
	m.press("ret", 1500*time.Millisecond)
	m.until("a long OK opens the menu", menu)
	m.save("menu")
	m.press("esc", tap)
	waitFor("Back closes the menu", first)
	m.press("ret", tap)
	m.waitForCode("OK opens a pick", "/photos/picker/")
	m.press("esc", tap)
	waitFor("Back cancels", first)
	m.until("the session is deleted", func() bool { return m.tell("open") == "0" })
}

// TestGuestLeaves has a guest pick and leave. The program that re-executes itself
// takes over the screen and the console.
func TestGuestLeaves(t *testing.T) {
	for name, b := range map[string]board{"drm": drmBoard, "framebuffer": fbBoard} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := boot(t, b)
			m.tell(`start mode="guest";` + outputs + b.config)
			for guest := range 2 {
				m.waitForCode("the pairing code is on the screen", "user_code=")
				m.tell("approve")
				m.waitForCode("the picker link is on the screen", "/photos/picker/")
				m.tell("choose picture-0")
				m.waitForPicture(0)
				m.tell("begin unpair")
				m.until("the program is re-executed", func() bool { return strings.Count(m.log(), "msg=re-executing") == guest+1 })
				m.until("it is ready", func() bool { return strings.Count(m.log(), "msg=ready") == guest+2 })
			}
			m.waitForCode("the next code is on the screen", "user_code=")
			m.save("next")
			if mode := m.tell("mode"); mode != "graphics" {
				t.Errorf("console mode %s, want graphics", mode)
			}
			if log := m.log(); strings.Contains(log, "not re-executed") || strings.Contains(log, "level=ERROR") {
				t.Error("something failed")
			}
			if got := m.tell("signal TERM"); got != "ended: <nil>" {
				t.Errorf("after SIGTERM: %s", got)
			}
			if mode := m.tell("mode"); mode != "text" {
				t.Errorf("console mode %s after SIGTERM, want text", mode)
			}
		})
	}
}
