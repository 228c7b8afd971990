package qemu

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	_ "image/png" // for screendumps
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// patience is how long anything may take on a slow machine under emulation.
const patience = 90 * time.Second

// A machine is a virtual one that runs pickerd.
type machine struct {
	t    *testing.T
	dir  string
	cmd  *exec.Cmd
	qmp  *bufio.ReadWriter
	line *bufio.ReadWriter // to the guest
	made time.Time

	conns  []net.Conn
	system bool // it has a system of its own, whose journal tells enough
}

// await bounds how long the next answer may take.
func (m *machine) await() {
	for _, c := range m.conns {
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			m.t.Fatal(err)
		}
	}
}

// A board is what a machine is made of.
type board struct {
	args     []string // for QEMU
	modules  []string
	append   string // to the kernel's command line
	firmware bool   // boots by the packed kernel, as vga= and EFI need it
	config   string // lines of pickerd's configuration, separated by ";"
}

// boot starts a machine and waits until its guest is ready.
func boot(t *testing.T, b board) *machine {
	t.Helper()
	order, err := withDependencies(b.modules)
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, dir: t.TempDir(), made: time.Now()}
	k := vmlinux
	if b.firmware {
		k = kernel
	}
	args := append([]string{"-accel", "tcg", "-m", "512", "-display", "none", "-net", "none", "-no-reboot",
		"-kernel", k, "-initrd", initrd,
		"-append", "console=ttyS0 quiet panic=1 modules=" + strings.Join(order, ",") + " " + b.append,
		"-serial", "file:" + m.path("log"), "-serial", "unix:" + m.path("line") + ",server=on,wait=off",
		"-qmp", "unix:" + m.path("qmp") + ",server=on,wait=off"}, b.args...)
	m.cmd = exec.Command("qemu-system-x86_64", args...)
	var said bytes.Buffer
	m.cmd.Stderr = &said
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		m.cmd.Process.Kill()
		_ = m.cmd.Wait()
		if t.Failed() {
			log, _ := os.ReadFile(m.path("log"))
			t.Logf("the machine's log:\n%s\n%s", log, said.String())
		}
	})
	m.qmp, m.line = m.connect("qmp"), m.connect("line")
	m.read(m.qmp) // the greeting
	m.command("qmp_capabilities", nil)
	for !strings.HasSuffix(m.readLine(), "ready") { // firmware may have said something before
	}
	return m
}

// cut pulls the plug.
func (m *machine) cut() error {
	err := m.cmd.Process.Kill()
	_ = m.cmd.Wait()
	return err
}

func (m *machine) path(name string) string { return filepath.Join(m.dir, name) }

func (m *machine) connect(name string) *bufio.ReadWriter {
	m.t.Helper()
	var conn net.Conn
	m.until("QEMU listens", func() bool {
		var err error
		conn, err = net.Dial("unix", m.path(name))
		return err == nil
	})
	m.t.Cleanup(func() { conn.Close() })
	m.conns = append(m.conns, conn)
	return bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn))
}

func (m *machine) until(what string, ok func() bool) {
	m.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			m.t.Errorf("waited in vain until %s", what)
			m.autopsy()
			m.t.FailNow()
		}
	}
}

// autopsy tells what can still be learned of a machine that does not do what it
// should: what its box says, what it shows, and where its goroutines are.
func (m *machine) autopsy() {
	m.t.Helper()
	if m.line == nil || m.system {
		return
	}
	m.keep("stuck")
	m.t.Log(m.tell("run /pickerd status --socket /tmp/control.sock"))
	m.tell("signal QUIT")
}

func (m *machine) read(rw *bufio.ReadWriter) map[string]any {
	m.t.Helper()
	m.await()
	text, err := rw.ReadBytes('\n')
	if err != nil {
		m.t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(text, &v); err != nil {
		m.t.Fatalf("%v: %s", err, text)
	}
	return v
}

// command gives QEMU's monitor a command.
func (m *machine) command(name string, arguments map[string]any) any {
	m.t.Helper()
	line, err := json.Marshal(map[string]any{"execute": name, "arguments": arguments})
	if err != nil {
		m.t.Fatal(err)
	}
	if arguments == nil {
		line = fmt.Appendf(nil, `{"execute":%q}`, name)
	}
	if _, err := m.qmp.Write(append(line, '\n')); err != nil {
		m.t.Fatal(err)
	}
	if err := m.qmp.Flush(); err != nil {
		m.t.Fatal(err)
	}
	for {
		v := m.read(m.qmp)
		if e, ok := v["error"]; ok {
			m.t.Fatalf("%s: %v", name, e)
		}
		if r, ok := v["return"]; ok {
			return r
		}
	}
}

func (m *machine) readLine() string {
	m.t.Helper()
	m.await()
	s, err := m.line.ReadString('\n')
	if err != nil {
		log, _ := os.ReadFile(m.path("log"))
		m.t.Fatalf("the guest says nothing: %v\n%s", err, log)
	}
	return strings.TrimSpace(s)
}

// tell has the guest do something and returns its answer.
func (m *machine) tell(words string) string {
	m.t.Helper()
	if _, err := m.line.WriteString(words + "\n"); err != nil {
		m.t.Fatal(err)
	}
	if err := m.line.Flush(); err != nil {
		m.t.Fatal(err)
	}
	answer := m.readLine()
	if strings.HasPrefix(answer, "error") {
		m.t.Fatalf("%s: %s", words, answer)
	}
	return answer
}

// press presses a key for so long.
func (m *machine) press(key string, hold time.Duration) {
	m.t.Helper()
	m.command("send-key", map[string]any{"keys": []any{map[string]any{"type": "qcode", "data": key}}, "hold-time": int(hold / time.Millisecond)})
}

// picture is what the machine's screen shows.
func (m *machine) picture() (image.Image, string) {
	m.t.Helper()
	path := m.path("screen.png")
	m.command("screendump", map[string]any{"filename": path, "format": "png"})
	data, err := os.ReadFile(path)
	if err != nil {
		m.t.Fatal(err)
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		m.t.Fatal(err)
	}
	return img, path
}

// code reads the QR code on the screen with two decoders that have nothing in
// common; "" until both agree. One of them misses about one code in a hundred from
// any distance, and then the other one's word counts.
func (m *machine) code() string {
	img, path := m.picture()
	out, err := exec.Command("zbarimg", "--raw", "-q", path).Output()
	if err != nil {
		return ""
	}
	said := strings.TrimSpace(string(out))
	for _, seen := range []image.Image{img, halved(img)} {
		if got := readCode(seen); got != "" && got != said {
			m.t.Logf("two decoders read %q and %q", said, got)
			return ""
		}
	}
	return said
}

func readCode(img image.Image) string {
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		return ""
	}
	got, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		return ""
	}
	return got.GetText()
}

// halved is a picture as it is seen from twice as far away.
func halved(img image.Image) image.Image {
	b := img.Bounds()
	m := image.NewRGBA(image.Rect(0, 0, b.Dx()/2, b.Dy()/2))
	for y := range b.Dy() / 2 {
		for x := range b.Dx() / 2 {
			m.Set(x, y, img.At(b.Min.X+2*x, b.Min.Y+2*y))
		}
	}
	return m
}

// keep saves the picture where somebody wants to look at it.
func (m *machine) keep(name string) {
	if dir := os.Getenv("PICTURES"); dir != "" {
		_, path := m.picture()
		data, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, strings.ReplaceAll(m.t.Name(), "/", "_")+"_"+name+".png"), data, 0o644)
		}
		if err != nil {
			m.t.Error(err)
		}
	}
}

func (m *machine) log() string {
	data, _ := os.ReadFile(m.path("log"))
	return string(data)
}
