package qemu

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
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

// maxWait bounds every wait for an event. It only has to end a test that hangs:
// emulation on a loaded machine takes minutes for what takes seconds elsewhere.
const maxWait = 10 * time.Minute

// minPoll and maxPoll bound the interval at which a condition is checked. It
// grows, because each check takes time from the guest.
const (
	minPoll = 100 * time.Millisecond
	maxPoll = time.Second
)

// A machine is a virtual machine that runs pickerd.
type machine struct {
	t       *testing.T
	dir     string
	cmd     *exec.Cmd
	qmp     *bufio.ReadWriter // QEMU's monitor
	serial  *bufio.ReadWriter // the guest's second serial line
	started time.Time

	conns  []net.Conn
	debian bool // runs Debian instead of the initramfs alone

	dump     []byte      // the last screendump
	screen   image.Image // decoded from dump
	codeRead bool        // lastCode was read from screen
	lastCode string
}

// extendDeadlines gives the next answer maxWait to arrive.
func (m *machine) extendDeadlines() {
	for _, c := range m.conns {
		if err := c.SetDeadline(time.Now().Add(maxWait)); err != nil {
			m.t.Fatal(err)
		}
	}
}

// A board describes a machine's hardware and kernel command line.
type board struct {
	args     []string // for QEMU
	modules  []string
	append   string // to the kernel's command line
	firmware bool   // boots the compressed kernel, which vga= and EFI require
	config   string // lines of pickerd's configuration, separated by ";"
}

// boot starts a machine and waits until its guest is ready.
func boot(t *testing.T, b board) *machine {
	t.Helper()
	order, err := withDependencies(b.modules)
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, dir: t.TempDir(), started: time.Now()}
	k := vmlinux
	if b.firmware {
		k = kernel
	}
	args := append([]string{"-accel", "tcg", "-m", "512", "-display", "none", "-net", "none", "-no-reboot",
		"-kernel", k, "-initrd", initrd,
		"-append", "console=ttyS0 quiet panic=1 modules=" + strings.Join(order, ",") + " " + b.append,
		"-serial", "file:" + m.path("log"), "-serial", "unix:" + m.path("serial") + ",server=on,wait=off",
		"-qmp", "unix:" + m.path("qmp") + ",server=on,wait=off"}, b.args...)
	m.cmd = exec.Command("qemu-system-x86_64", args...)
	var stderr bytes.Buffer
	m.cmd.Stderr = &stderr
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		m.cmd.Process.Kill()
		_ = m.cmd.Wait()
		if t.Failed() {
			log, _ := os.ReadFile(m.path("log"))
			t.Logf("the machine's log:\n%s\n%s", log, stderr.String())
		}
	})
	m.qmp, m.serial = m.connect("qmp"), m.connect("serial")
	m.read(m.qmp) // the greeting
	m.command("qmp_capabilities", nil)
	for !strings.HasSuffix(m.readLine(), "ready") { // firmware may write to the line first
	}
	return m
}

// cutPower kills the machine without a warning.
func (m *machine) cutPower() error {
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

// until waits until ok reports true, and fails the test after maxWait.
func (m *machine) until(what string, ok func() bool) {
	m.t.Helper()
	deadline := time.Now().Add(maxWait)
	interval := minPoll
	tick := time.NewTimer(interval)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			m.t.Errorf("timed out waiting until %s", what)
			m.diagnose()
			m.t.FailNow()
		}
		<-tick.C
		interval = min(interval*3/2, maxPoll)
		tick.Reset(interval)
	}
}

// diagnose logs the state of a machine that timed out: pickerd's status, the
// screen, and the stacks of pickerd's goroutines.
func (m *machine) diagnose() {
	m.t.Helper()
	if m.serial == nil || m.debian { // Debian's journal is in the log
		return
	}
	m.save("stuck")
	m.t.Log(m.tell("run /pickerd status --socket /tmp/control.sock"))
	m.tell("signal QUIT")
}

func (m *machine) read(rw *bufio.ReadWriter) map[string]any {
	m.t.Helper()
	m.extendDeadlines()
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

// command runs a command of QEMU's monitor and returns its result.
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
	m.extendDeadlines()
	s, err := m.serial.ReadString('\n')
	if err != nil {
		log, _ := os.ReadFile(m.path("log"))
		m.t.Fatalf("no answer from the guest: %v\n%s", err, log)
	}
	return strings.TrimSpace(s)
}

// tell sends the guest a command and returns its answer.
func (m *machine) tell(words string) string {
	m.t.Helper()
	if _, err := m.serial.WriteString(words + "\n"); err != nil {
		m.t.Fatal(err)
	}
	if err := m.serial.Flush(); err != nil {
		m.t.Fatal(err)
	}
	answer := m.readLine()
	if strings.HasPrefix(answer, "error") {
		m.t.Fatalf("%s: %s", words, answer)
	}
	return answer
}

// press presses a key and holds it for a time.
func (m *machine) press(key string, hold time.Duration) {
	m.t.Helper()
	m.command("send-key", map[string]any{"keys": []any{map[string]any{"type": "qcode", "data": key}}, "hold-time": int(hold / time.Millisecond)})
}

// picture returns what the machine's screen shows. An unchanged screen yields
// the same image again.
func (m *machine) picture() image.Image {
	m.t.Helper()
	path := m.path("screen.ppm")
	// The guest stands still during a screendump, and a PNG takes QEMU seconds to
	// compress at 3840x2160.
	m.command("screendump", map[string]any{"filename": path, "format": "ppm"})
	data, err := os.ReadFile(path)
	if err != nil {
		m.t.Fatal(err)
	}
	if bytes.Equal(data, m.dump) {
		return m.screen
	}
	img, err := decodePPM(data)
	if err != nil {
		m.t.Fatal(err)
	}
	m.dump, m.screen, m.codeRead = data, img, false
	return img
}

// waitForPicture waits until the screen shows a test picture.
func (m *machine) waitForPicture(which int) {
	m.t.Helper()
	m.until("the photo is on the screen", func() bool { img := m.picture(); return shows(img, which, false) })
}

// decodePPM decodes a binary PPM with eight bits a channel, as QEMU writes it.
func decodePPM(data []byte) (image.Image, error) {
	var width, height, maxValue int
	r := bytes.NewReader(data)
	if _, err := fmt.Fscanf(r, "P6\n%d %d\n%d", &width, &height, &maxValue); err != nil {
		return nil, fmt.Errorf("PPM header: %w", err)
	}
	pixels := data[min(len(data)-r.Len()+1, len(data)):] // one byte of white space ends the header
	if maxValue != 255 || len(pixels) != 3*width*height {
		return nil, fmt.Errorf("PPM of %dx%d, %d levels and %d bytes", width, height, maxValue, len(pixels))
	}
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for i, o := 0, 0; i < len(pixels); i, o = i+3, o+4 {
		img.Pix[o], img.Pix[o+1], img.Pix[o+2], img.Pix[o+3] = pixels[i], pixels[i+1], pixels[i+2], 0xff
	}
	return img, nil
}

// code reads the QR code on the screen with two independent decoders. It returns
// "" if zbar reads none, or if the other decoder reads a different one. The other
// decoder misses about one code in a hundred at any distance; that is accepted.
func (m *machine) code() string {
	m.t.Helper()
	img := m.picture()
	if !m.codeRead { // decoding takes the host longer than drawing takes the guest
		m.lastCode, m.codeRead = m.readBoth(img), true
	}
	return m.lastCode
}

// waitForCode waits for a QR code with a text.
func (m *machine) waitForCode(what, text string) {
	m.t.Helper()
	m.until(what, func() bool { return strings.Contains(m.code(), text) })
}

// readBoth reads the QR code of the last screendump, img, for code.
func (m *machine) readBoth(img image.Image) string {
	out, err := exec.Command("zbarimg", "--raw", "-q", m.path("screen.ppm")).Output()
	if err != nil {
		return ""
	}
	text := strings.TrimSpace(string(out))
	for _, seen := range []image.Image{img, halved(img)} {
		if got := readCode(seen); got != "" && got != text {
			m.t.Logf("the decoders read %q and %q", text, got)
			return ""
		}
	}
	return text
}

// readCode reads a QR code with gozxing, "" without one.
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

// halved returns a picture at half the size, as from twice the distance.
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

// save writes the screen's picture into the folder named by PICTURES, if set.
func (m *machine) save(name string) {
	m.t.Helper()
	dir := os.Getenv("PICTURES")
	if dir == "" {
		return
	}
	var b bytes.Buffer
	err := png.Encode(&b, m.picture())
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, strings.ReplaceAll(m.t.Name(), "/", "_")+"_"+name+".png"), b.Bytes(), 0o644)
	}
	if err != nil {
		m.t.Error(err)
	}
}

// log returns what the machine has written to its first serial line.
func (m *machine) log() string {
	data, _ := os.ReadFile(m.path("log"))
	return string(data)
}
