// Command guest is the whole user space of a virtual machine that tests pickerd. It
// loads drivers, simulates Google and a person, runs /pickerd, and executes the
// test's commands from the second serial line. As "guest agent" it only executes
// shell commands, in a machine that runs Debian. As "guest radio" it uses the radio of
// such a machine as pickerd does, as "guest decode" the decoder of pickerd-media, and as
// "guest proxy" it lets the test reach what another network namespace reaches.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
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

	"pickerd/.ci/qemu/google"
	"pickerd/display/photo/outside"
	"pickerd/picker/pickertest"
)

// maxWait bounds every wait for an event.
const maxWait = 8 * time.Minute

func main() {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "agent":
			listen(runOnly)
			return
		case "proxy":
			log.Fatal(proxy(os.Args[2], os.Args[3]))
		case "serve":
			log.Fatal(serveProxy(os.Args[2]))
		case "decode":
			answer, err := decode(os.Args[2])
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(answer)
			return
		case "radio":
			answer, err := radio(os.Args[2:])
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(answer)
			return
		}
	}
	mount()
	serial, err := os.OpenFile("/dev/ttyS0", os.O_WRONLY, 0)
	if err == nil {
		os.Stdout, os.Stderr = serial, serial
		log.SetOutput(serial)
	}
	loadModules()
	if disk := parameter("disk"); disk != "" {
		log.Fatal(switchRoot(disk))
	}
	raise("lo", [4]byte{127, 0, 0, 1})
	b := &box{state: "/tmp/state"}
	if far := parameter("google"); far != "" { // on the host: it outlives this machine
		raise("eth0", [4]byte{10, 0, 2, 15})
		b.Google, err = google.New(far)
		must(err)
	} else {
		var more []*pickertest.Item
		if disk := parameter("films"); disk != "" {
			more, err = films(disk)
			must(err)
		}
		b.Google, err = google.New(address, more...)
		must(err)
		go func() { must(http.ListenAndServe(address, b.Handler())) }()
	}
	if disk := parameter("state"); disk != "" {
		b.state = "/state"
		must(mountDisk(disk, b.state, parameter("filesystem")))
	}
	listen(b.do)
}

// runOnly executes the commands of a test in a machine that runs Debian.
func runOnly(words []string) (string, error) {
	if len(words) < 2 || words[0] != "run" {
		return "", fmt.Errorf("unknown command %q", words)
	}
	out, err := exec.Command("sh", "-c", strings.Join(words[1:], " ")).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return string(out), nil
}

// decode has the service of pickerd-media decode a file, and returns the picture's size.
func decode(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	m, err := outside.Decode(context.Background(), outside.Socket, f, 1920, 1080)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d by %d", m.Rect.Dx(), m.Rect.Dy()), nil
}

// switchRoot replaces this program by the init of the system on a disk.
func switchRoot(disk string) error {
	if err := mountDisk(disk, "/root", "ext4"); err != nil {
		return err
	}
	for _, d := range []string{"/dev", "/proc", "/sys"} {
		if err := unix.Mount(d, "/root"+d, "", unix.MS_MOVE, ""); err != nil {
			return fmt.Errorf("move %s: %w", d, err)
		}
	}
	if err := errors.Join(unix.Chdir("/root"), unix.Mount(".", "/", "", unix.MS_MOVE, ""), unix.Chroot("."), unix.Chdir("/")); err != nil {
		return err
	}
	return unix.Exec("/sbin/init", []string{"/sbin/init"}, []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"})
}

// mountDisk mounts a disk when its driver has found it.
func mountDisk(disk, path, filesystem string) error {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return err
	}
	for deadline := time.Now().Add(maxWait); ; time.Sleep(20 * time.Millisecond) {
		err := unix.Mount(disk, path, filesystem, 0, "")
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("mount %s: %w", disk, err)
		}
	}
}

// must logs an error. The guest is init and runs on.
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

// parameter returns the value of a name on the kernel's command line.
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

// loadModules loads the drivers named on the kernel's command line, in that order.
// Parameters of a module follow its name after a colon.
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

// raise gives a network interface an address and takes it up.
func raise(name string, address [4]byte) {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	must(err)
	defer unix.Close(s)
	for _, set := range []struct {
		request uint
		fill    func(*unix.Ifreq)
	}{
		{unix.SIOCSIFADDR, func(r *unix.Ifreq) { must(r.SetInet4Addr(address[:])) }},
		{unix.SIOCSIFFLAGS, func(r *unix.Ifreq) { r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING) }},
	} {
		r, err := unix.NewIfreq(name)
		must(err)
		set.fill(r)
		must(unix.IoctlIfreq(s, set.request, r))
	}
}

// box is the pickerd process and its Google.
type box struct {
	*google.Google
	state      string // folder
	television television
	process    *exec.Cmd
	ended      chan error
}

const address = "127.0.0.1:9000"

// listen executes a command per line, and answers each with a line.
func listen(do func([]string) (string, error)) {
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
		answer, err := do(strings.Fields(in.Text()))
		if err != nil {
			answer = "error: " + err.Error()
		}
		fmt.Fprintln(line, strings.ReplaceAll(answer, "\n", " | "))
	}
	select {}
}

func (b *box) do(words []string) (string, error) {
	if len(words) == 0 {
		return "", fmt.Errorf("empty command")
	}
	arg := strings.Join(words[1:], " ")
	switch words[0] {
	case "start":
		return "ok", b.start(arg)
	case "approve":
		return "ok", b.Approve()
	case "choose":
		return "ok", b.Choose(words[1:]...)
	case "open":
		return fmt.Sprint(len(b.Photos.Open())), nil
	case "signal":
		return b.signal(arg)
	case "memory":
		return b.memory()
	case "mode":
		return consoleMode()
	case "say": // writes to the console, as the kernel or a login prompt does
		return "ok", os.WriteFile("/dev/tty1", []byte(arg+"\n"), 0)
	case "write":
		return "ok", os.WriteFile(words[1], []byte(strings.Join(words[2:], " ")), 0)
	case "status": // {} while pickerd doesn't answer
		out, err := pickerd("status", "--json").Output()
		if err != nil {
			return "{}", nil
		}
		return string(bytes.TrimSpace(out)), nil
	case "begin": // runs a command of pickerd and doesn't wait for it
		return "ok", pickerd(words[1:]...).Start()
	case "cec":
		return b.television.do(words[1:])
	case "sums":
		return b.sums()
	case "run":
		out, err := exec.Command(words[1], words[2:]...).CombinedOutput()
		return string(out), err
	}
	return "", fmt.Errorf("unknown command %q", words[0])
}

// start runs pickerd with the lines of configuration in arg, separated by ";". Those
// before the first table are keys outside of tables.
func (b *box) start(arg string) error {
	tables := max(strings.Index(arg, "["), 0)
	text := "name = \"Living room\"\n" + strings.ReplaceAll(arg[:tables], ";", "\n") + b.Config() + fmt.Sprintf(`client_id = %q
client_secret = %q
[store]
dir = %q
[control]
socket = "/tmp/control.sock"
`, b.Auth.ClientID(), b.Auth.ClientSecret(), b.state) + strings.ReplaceAll(arg[tables:], ";", "\n")
	if err := os.WriteFile("/tmp/pickerd.toml", []byte(text), 0o600); err != nil {
		return err
	}
	b.process = exec.Command("/pickerd", "run", "--config", "/tmp/pickerd.toml")
	b.process.Env = []string{"PATH=/", "HOME=/tmp", "GOTRACEBACK=all"}
	b.process.Stdout, b.process.Stderr = os.Stdout, os.Stderr
	if err := b.process.Start(); err != nil {
		return err
	}
	b.ended = make(chan error, 1)
	process, ended := b.process, b.ended
	go func() { ended <- process.Wait() }()
	return nil
}

// pickerd returns a command that speaks with the daemon.
func pickerd(words ...string) *exec.Cmd {
	return exec.Command("/pickerd", append(words, "--socket", "/tmp/control.sock")...)
}

// sums returns the SHA-256 of every photo on the disk.
func (b *box) sums() (string, error) {
	files, err := filepath.Glob(filepath.Join(b.state, "media", "[^.]*"))
	var out []string
	for _, path := range files {
		data, readErr := os.ReadFile(path)
		if readErr != nil {
			return "", readErr
		}
		out = append(out, fmt.Sprintf("%x", sha256.Sum256(data)))
	}
	return strings.Join(out, " "), err
}

// signal sends pickerd a signal and waits until it has ended.
func (b *box) signal(name string) (string, error) {
	sig := map[string]syscall.Signal{"TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL, "QUIT": syscall.SIGQUIT}[name]
	if err := b.process.Process.Signal(sig); err != nil {
		return "", err
	}
	select {
	case err := <-b.ended:
		return fmt.Sprint("ended: ", err), nil
	case <-time.After(maxWait):
		return "", fmt.Errorf("pickerd still runs %v after SIG%s", maxWait, name)
	}
}

// memory returns the memory figures of pickerd in /proc.
func (b *box) memory() (string, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", b.process.Process.Pid))
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

// consoleMode returns the mode of the active console, by KDGETMODE.
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
