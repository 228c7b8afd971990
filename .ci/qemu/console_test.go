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

// pairing starts pickerd and waits for its code.
func pairing(t *testing.T, b board) *machine {
	t.Helper()
	m := boot(t, b)
	m.tell("start " + outputs + b.config)
	m.until("the pairing code is there", func() bool { return strings.Contains(m.code(), "user_code=") })
	return m
}

// paired has two photos on the screen, one of which stays. It returns which.
func paired(t *testing.T, b board) (m *machine, first int) {
	t.Helper()
	b.config += `;[slideshow];interval="20m"`
	m = pairing(t, b)
	m.tell("approve")
	m.until("the link to choose is there", func() bool { return strings.Contains(m.code(), "/photos/picker/") })
	m.tell("choose picture-0 picture-1")
	m.until("both photos are on the box", func() bool { return strings.Contains(m.log(), "fetched photos=2") })
	m.until("a photo is there", func() bool {
		img, _ := m.picture()
		if shows(img, 1, false) { // whichever came first
			first = 1
		}
		return shows(img, first, false)
	})
	return m, first
}

// The console comes back however the process ends.
func TestCrash(t *testing.T) {
	for name, b := range map[string]board{"drm": drmBoard, "framebuffer": fbBoard} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := pairing(t, b)
			for _, sig := range []string{"QUIT", "KILL"} { // a Go program dies of QUIT as of a panic
				m.tell("signal " + sig)
				m.until("the console is back", func() bool { return m.tell("mode") == "text" })
				m.tell("say HERE_IS_THE_CONSOLE")
				m.until("the picture is gone", func() bool { return m.code() == "" })
				m.keep(sig)
				m.tell("start " + outputs + b.config)
				m.until("the code is there again", func() bool { return strings.Contains(m.code(), "user_code=") })
				if mode := m.tell("mode"); mode != "graphics" {
					t.Errorf("the console is in %s mode", mode)
				}
			}
		})
	}
}

// What can't be shown on is said in words, and waited for.
func TestRefusals(t *testing.T) {
	for name, tt := range map[string]struct {
		board
		says string
	}{
		"8 bit":  {board{args: []string{"-vga", "std"}, firmware: true, append: "vga=0x305"}, "8 bits per pixel (a palette)"},
		"none":   {board{args: []string{"-vga", "none"}}, "no screen found: no /dev/dri/card*; no /dev/fb*"},
		"vmware": {board{args: []string{"-vga", "vmware"}}, "no screen found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := boot(t, tt.board)
			m.tell("start " + outputs)
			m.until("it says so", func() bool { return strings.Contains(m.log(), tt.says) })
			if n := strings.Count(m.log(), "nothing can be shown"); n != 1 {
				t.Errorf("it says so %d times", n)
			}
			if out := m.tell("run /pickerd status --socket /tmp/control.sock"); !strings.Contains(out, "pairing") {
				t.Errorf("status: %s", out)
			}
			if said := m.tell("signal TERM"); said != "ended: <nil>" {
				t.Error(said)
			}
		})
	}
}

// A television is switched on after the box, and off and on again.
func TestHotplug(t *testing.T) {
	t.Parallel()
	const status = "/sys/class/drm/card0-Virtual-1/status"
	b := boards["virtio drm"]
	m := boot(t, b)
	m.tell("write " + status + " off")
	m.tell("start " + outputs + `[framebuffer];device="/dev/dri/card0"`)
	m.until("no screen is found", func() bool { return strings.Contains(m.log(), "no screen connected") })
	m.tell("write " + status + " detect")
	m.until("the code is there", func() bool { return strings.Contains(m.code(), "user_code=") })
	m.tell("write " + status + " off")
	m.until("the screen is missed", func() bool { return strings.Contains(m.log(), "looked for anew") })
	m.tell("write " + status + " detect")
	m.until("the code is there again", func() bool { return strings.Contains(m.code(), "user_code=") })
}

// The keys of a real keyboard go through the kernel's input devices.
func TestRemote(t *testing.T) {
	t.Parallel()
	b := drmBoard
	b.modules = append([]string{"evdev"}, b.modules...)
	m, first := paired(t, b)
	see := func(what string, which int) {
		t.Helper()
		m.until(what, func() bool { img, _ := m.picture(); return shows(img, which, false) })
	}
	const tap = 100 * time.Millisecond
	m.press("right", tap)
	see("Right goes on", 1-first)
	m.press("left", tap)
	see("Left goes back", first)
	menu := func() bool {
		img, _ := m.picture()
		b := img.Bounds()
		got := color.RGBAModel.Convert(img.At(b.Dx()/2, b.Dy()/2+b.Dy()/7)).(color.RGBA)
		return near(got, color.RGBA{0x1a, 0x1d, 0x26, 255}) || near(got, color.RGBA{0xd8, 0xe8, 0xff, 255})
	}
	m.press("ret", 1500*time.Millisecond)
	m.until("a long OK opens the menu", menu)
	m.keep("menu")
	m.press("esc", tap)
	see("Back closes the menu", first)
	m.press("ret", tap)
	m.until("OK is for choosing photos", func() bool { return strings.Contains(m.code(), "/photos/picker/") })
	m.press("esc", tap)
	see("Back cancels", first)
	m.until("the session is deleted", func() bool { return m.tell("open") == "0" })
}
