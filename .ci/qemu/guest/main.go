// Command guest is the whole userland of a virtual machine in which pickerd is
// tried: it loads what drivers it is told to, plays Google and the person, runs
// /pickerd, and does what the test says on the second serial line.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
)

func main() {
	mount()
	serial, err := os.OpenFile("/dev/ttyS0", os.O_WRONLY, 0)
	if err == nil {
		os.Stdout, os.Stderr = serial, serial
		log.SetOutput(serial)
	}
	loadModules()
	raiseLoopback()
	g := newGoogle()
	go g.serve()
	g.listen()
}

func must(err error) {
	if err != nil {
		log.Print(err)
	}
}

func mount() {
	for _, m := range [][2]string{{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}, {"tmpfs", "/tmp"}} {
		must(os.MkdirAll(m[1], 0o755))
		must(unix.Mount(m[0], m[1], m[0], 0, ""))
	}
}

// parameter returns what the kernel's command line says of a name.
func parameter(name string) string {
	line, err := os.ReadFile("/proc/cmdline")
	must(err)
	for f := range strings.FieldsSeq(string(line)) {
		if v, ok := strings.CutPrefix(f, name+"="); ok {
			return v
		}
	}
	return ""
}

// loadModules loads drivers, in the order given, each with its parameters after a
// colon.
func loadModules() {
	for m := range strings.SplitSeq(parameter("modules"), ",") {
		if m == "" {
			continue
		}
		name, options, _ := strings.Cut(m, ":")
		f, err := os.Open(filepath.Join("/modules", name+".ko"))
		if err != nil {
			log.Print(err)
			continue
		}
		if err := unix.FinitModule(int(f.Fd()), options, 0); err != nil {
			log.Printf("module %s: %v", name, err)
		}
		f.Close()
	}
}

func raiseLoopback() {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	must(err)
	defer unix.Close(s)
	r, err := unix.NewIfreq("lo")
	must(err)
	r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	must(unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, r))
}

// google is both simulators and the box.
type google struct {
	auth   *oauthtest.Server
	photos *pickertest.Server
	box    *exec.Cmd
	ended  chan error
}

const address = "127.0.0.1:9000"

func newGoogle() *google {
	g := &google{}
	g.auth = oauthtest.New(oauthtest.Options{PublicURL: "http://" + address + "/auth", Interval: time.Second})
	g.photos = pickertest.New(pickertest.Options{PublicURL: "http://" + address + "/photos", PollInterval: "1s", Check: g.auth.Check}, pictures()...)
	return g
}

// quarters are the colours of a test picture, from its upper left, row by row.
var quarters = [][4]color.RGBA{
	{{220, 30, 40, 255}, {40, 200, 60, 255}, {30, 60, 210, 255}, {250, 250, 250, 255}},
	{{240, 200, 20, 255}, {120, 20, 140, 255}, {20, 160, 170, 255}, {40, 40, 40, 255}},
}

func pictures() []*pickertest.Item {
	var items []*pickertest.Item
	for i, q := range quarters {
		m := image.NewRGBA(image.Rect(0, 0, 640, 360))
		for y := range 360 {
			for x := range 640 {
				m.SetRGBA(x, y, q[y/180*2+x/320])
			}
		}
		var b bytes.Buffer
		must(png.Encode(&b, m))
		items = append(items, &pickertest.Item{ID: fmt.Sprint("picture-", i), Filename: fmt.Sprint(i, ".png"), MimeType: "image/png", Width: 640, Height: 360, CreateTime: time.Now(), Data: b.Bytes()})
	}
	return items
}

func (g *google) serve() {
	mux := http.NewServeMux()
	mux.Handle("/auth/", http.StripPrefix("/auth", g.auth))
	mux.Handle("/photos/", http.StripPrefix("/photos", g.photos))
	must(http.ListenAndServe(address, mux))
}

// listen does what the test says, a line each, and answers each.
func (g *google) listen() {
	line, err := os.OpenFile("/dev/ttyS1", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		log.Fatal(err)
	}
	if t, err := unix.IoctlGetTermios(int(line.Fd()), unix.TCGETS); err == nil {
		t.Lflag &^= unix.ECHO | unix.ICANON
		t.Iflag &^= unix.ICRNL
		t.Oflag &^= unix.OPOST
		must(unix.IoctlSetTermios(int(line.Fd()), unix.TCSETS, t))
	}
	fmt.Fprintln(line, "ready")
	in := bufio.NewScanner(line)
	for in.Scan() {
		answer, err := g.do(strings.Fields(in.Text()))
		if err != nil {
			answer = "error: " + err.Error()
		}
		fmt.Fprintln(line, strings.ReplaceAll(answer, "\n", " | "))
	}
	select {}
}

func (g *google) do(words []string) (string, error) {
	if len(words) == 0 {
		return "", fmt.Errorf("nothing to do")
	}
	arg := strings.Join(words[1:], " ")
	switch words[0] {
	case "start":
		return "ok", g.start(arg)
	case "approve":
		if !g.auth.Approve(g.auth.UserCode()) {
			return "", fmt.Errorf("no code to approve")
		}
		return "ok", nil
	case "choose":
		open := g.photos.Open()
		if len(open) != 1 {
			return "", fmt.Errorf("%d sessions are open", len(open))
		}
		return "ok", g.photos.Choose(open[0], words[1:]...)
	case "open":
		return fmt.Sprint(len(g.photos.Open())), nil
	case "signal":
		return g.signal(arg)
	case "memory":
		return g.memory()
	case "mode":
		return consoleMode()
	case "say": // as the kernel or a login prompt would
		return "ok", os.WriteFile("/dev/tty1", []byte(arg+"\n"), 0)
	case "write":
		return "ok", os.WriteFile(words[1], []byte(strings.Join(words[2:], " ")), 0)
	case "run":
		out, err := exec.Command(words[1], words[2:]...).CombinedOutput()
		return string(out), err
	}
	return "", fmt.Errorf("what is %q?", words[0])
}

// start runs the box with the lines of configuration in arg, separated by ";".
func (g *google) start(arg string) error {
	text := fmt.Sprintf(`name = "Living room"
[google]
client_id = %q
client_secret = %q
device_auth_url = "http://%[3]s/auth/device/code"
token_url = "http://%[3]s/auth/token"
revoke_url = "http://%[3]s/auth/revoke"
picker_url = "http://%[3]s/photos"
[store]
dir = "/tmp/state"
[control]
socket = "/tmp/control.sock"
`, g.auth.ClientID(), g.auth.ClientSecret(), address) + strings.ReplaceAll(arg, ";", "\n")
	if err := os.WriteFile("/tmp/pickerd.toml", []byte(text), 0o600); err != nil {
		return err
	}
	g.box = exec.Command("/pickerd", "run", "--config", "/tmp/pickerd.toml")
	g.box.Env = []string{"PATH=/", "HOME=/tmp", "GOTRACEBACK=all"}
	g.box.Stdout, g.box.Stderr = os.Stdout, os.Stderr
	if err := g.box.Start(); err != nil {
		return err
	}
	g.ended = make(chan error, 1)
	box, ended := g.box, g.ended
	go func() { ended <- box.Wait() }()
	return nil
}

// signal sends the box a signal and waits until it has ended.
func (g *google) signal(name string) (string, error) {
	sig := map[string]syscall.Signal{"TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL, "QUIT": syscall.SIGQUIT}[name]
	if err := g.box.Process.Signal(sig); err != nil {
		return "", err
	}
	select {
	case err := <-g.ended:
		return fmt.Sprint("ended: ", err), nil
	case <-time.After(30 * time.Second):
		return "", fmt.Errorf("it goes on")
	}
}

// memory is what the box's process has in memory, as the kernel counts it.
func (g *google) memory() (string, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", g.box.Process.Pid))
	if err != nil {
		return "", err
	}
	var out []string
	for line := range strings.Lines(string(data)) {
		if name, value, _ := strings.Cut(line, ":"); strings.HasPrefix(name, "Rss") || name == "VmRSS" || name == "VmHWM" {
			out = append(out, name+" "+strings.Join(strings.Fields(value), ""))
		}
	}
	return strings.Join(out, " "), nil
}

// consoleMode is what KDGETMODE says of the active console.
func consoleMode() (string, error) {
	f, err := os.Open("/dev/tty0")
	if err != nil {
		return "", err
	}
	defer f.Close()
	var mode uintptr
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), 0x4b3b, uintptr(unsafe.Pointer(&mode))); errno != 0 {
		return "", errno
	}
	return map[uintptr]string{0: "text", 1: "graphics"}[mode], nil
}
