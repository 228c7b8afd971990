// Package qemu tests pickerd in virtual machines, on real kernels with real
// drivers.
package qemu

import (
	"flag"
	"image"
	"image/color"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pickerd/.ci/qemu/google"
)

// everyBoard has TestScreens run on the boards in similar too.
var everyBoard = flag.Bool("boards", false, "run TestScreens on every board")

// similar are boards each of which has all it needs in common with another one, or with
// the machines of other tests.
var similar = []string{"vga 1280x800", "virtio framebuffer", "cirrus drm", "vesa 555"}

// boards are the kinds of screens, by name.
var boards = map[string]board{
	"vga 1280x800":       {args: []string{"-vga", "std"}, modules: []string{"bochs"}},
	"vga 1920x1080":      {args: []string{"-vga", "none", "-device", "VGA,edid=on,xres=1920,yres=1080"}, modules: []string{"bochs"}},
	"vga 3840x2160":      {args: []string{"-vga", "none", "-device", "VGA,edid=on,xres=3840,yres=2160,vgamem_mb=64"}, modules: []string{"bochs"}},
	"vga framebuffer":    {args: []string{"-vga", "std"}, modules: []string{"bochs"}, config: `[framebuffer];device="/dev/fb0"`},
	"virtio drm":         {args: []string{"-vga", "none", "-device", "virtio-gpu-pci"}, modules: []string{"virtio_pci", "virtio_gpu", "vivid"}, config: `[cec];standby=true`},
	"virtio framebuffer": {args: []string{"-vga", "none", "-device", "virtio-gpu-pci"}, modules: []string{"virtio_pci", "virtio_gpu"}, config: `[framebuffer];device="/dev/fb0"`},
	"cirrus drm":         {args: []string{"-vga", "cirrus"}, modules: []string{"cirrus"}},
	"cirrus 16 bit":      {args: []string{"-vga", "cirrus"}, modules: []string{"cirrus"}, config: `[framebuffer];device="/dev/fb0"`},
	"drm without fbdev":  {args: []string{"-vga", "none", "-device", "bochs-display"}, modules: []string{"drm_kms_helper:fbdev_emulation=0", "bochs"}},
	"efi":                {args: []string{"-vga", "std", "-bios", "/usr/share/ovmf/OVMF.fd"}, firmware: true},
	"vesa 565":           {args: []string{"-vga", "std"}, firmware: true, append: "vga=0x317"},
	"vesa 555":           {args: []string{"-vga", "std"}, firmware: true, append: "vga=0x316"},
	"vesa 24 bit":        {args: []string{"-vga", "std"}, firmware: true, append: "vga=0x318"},
	"turned":             {args: []string{"-vga", "std"}, modules: []string{"bochs"}, config: `[framebuffer];rotate=90`},
}

const outputs = `[display];outputs=["framebuffer"];`

// TestScreens makes a pick on every kind of screen, from the pairing code to the
// photo, and ends pickerd.
func TestScreens(t *testing.T) {
	for name, b := range boards {
		if slices.Contains(similar, name) && !*everyBoard {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := boot(t, b)
			television := slices.Contains(b.modules, "vivid")
			if television {
				m.tell("cec open")
			}
			m.tell("start " + outputs + b.config)
			m.waitForCode("the pairing code is on the screen", "user_code=")
			t.Logf("power-on to code: %v", time.Since(m.started).Round(100*time.Millisecond))
			m.save("pairing")
			m.checkMemory(name)
			if mode := m.tell("mode"); mode != "graphics" {
				t.Errorf("console mode %s, want graphics", mode)
			}
			m.tell("say LOGIN:_A_PROMPT_OVER_THE_PICTURE")
			m.tell("approve")
			m.waitForCode("the picker link is on the screen", "/photos/picker/")
			m.save("picking")
			m.tell("choose picture-0")
			m.until("the photo is on the screen", func() bool { img := m.picture(); return shows(img, 0, name == "turned") })
			m.until("the session is deleted", func() bool { return m.tell("open") == "0" })
			m.save("photo")
			if television {
				m.checkTelevision()
			}
			m.checkMemory(name)
			if got := m.tell("signal TERM"); got != "ended: <nil>" {
				t.Errorf("after SIGTERM: %s", got)
			}
			if mode := m.tell("mode"); mode != "text" {
				t.Errorf("console mode %s after SIGTERM, want text", mode)
			}
			if img := m.picture(); shows(img, 0, name == "turned") {
				t.Error("the photo is still on the screen")
			}
			m.save("console")
		})
	}
}

// maxMemory is the resident memory, in kB, that pickerd may take at rest on a
// screen of 1920 by 1080 pixels.
const maxMemory = 40000

// checkMemory waits until pickerd's memory is below maxMemory, and logs it.
func (m *machine) checkMemory(name string) {
	m.t.Helper()
	kB := 0
	m.until("memory is at rest", func() bool {
		_, after, _ := strings.Cut(m.tell("memory"), "VmRSS ")
		n, err := strconv.Atoi(after[:max(strings.Index(after, "kB"), 0)])
		if err != nil {
			m.t.Fatal(err)
		}
		kB = n
		return kB < maxMemory || name != "vga 1920x1080"
	})
	m.t.Logf("memory: %d kB", kB)
}

// shows reports whether a test picture is on the screen, by the colours around
// the middle.
func shows(img image.Image, which int, turned bool) bool {
	b := img.Bounds()
	dx, dy := b.Dx()/12, b.Dy()/12
	for i, want := range google.Quarters[which] {
		x, y := i%2*2-1, i/2*2-1
		if turned {
			x, y = -y, x
		}
		got := color.RGBAModel.Convert(img.At(b.Dx()/2+x*dx, b.Dy()/2+y*dy)).(color.RGBA)
		if !near(got, want) {
			return false
		}
	}
	return true
}

// near reports whether two colours are equal on a screen with five bits a channel.
func near(a, b color.RGBA) bool {
	close := func(x, y uint8) bool { return max(x, y)-min(x, y) <= 10 }
	return close(a.R, b.R) && close(a.G, b.G) && close(a.B, b.B)
}
