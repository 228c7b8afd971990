package e2e

import (
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/device/control"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
	"pickerd/picker/pickertest/samples"
)

// built is the folder of the binaries.
var built string

// binary builds pickerd as shipped, crashBinary with crash points, gatewayBinary the
// gateway as shipped. Each builds once.
var (
	binary        = sync.OnceValues(func() (string, error) { return build("pickerd", "./cmd/pickerd") })
	crashBinary   = sync.OnceValues(func() (string, error) { return build("pickerd-crashpoints", "./cmd/pickerd", "-tags=crashpoints") })
	gatewayBinary = sync.OnceValues(func() (string, error) { return build("pickerd-gateway", "./cmd/pickerd-gateway") })
)

func build(name, program string, flags ...string) (string, error) {
	out := filepath.Join(built, name)
	cmd := exec.Command("go", append(append([]string{"build", "-trimpath", "-ldflags=-s -w", "-o", out}, flags...), program)...)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, text)
	}
	return out, nil
}

func TestMain(m *testing.M) {
	flag.Parse()
	var err error
	if built, err = os.MkdirTemp("", "pickerd-e2e-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(built)
	os.Exit(code)
}

// google combines the simulators of authorization and of the Picker API, in this
// process.
type google struct {
	auth   *oauthtest.Server
	photos *pickertest.Server
	items  []*pickertest.Item
	url    string
	// interval is the polling interval.
	interval time.Duration
	// handler serves both, for listeners besides url's.
	handler http.Handler
}

func newGoogle(t testing.TB, items ...*pickertest.Item) *google {
	t.Helper()
	return googleWith(t, time.Second, items...)
}

// googleWith returns a google that asks to be polled at an interval.
func googleWith(t testing.TB, interval time.Duration, items ...*pickertest.Item) *google {
	t.Helper()
	return googleLike(t, oauthtest.Options{Interval: interval}, items...)
}

// googleLike returns a google whose authorization server has options.
func googleLike(t testing.TB, o oauthtest.Options, items ...*pickertest.Item) *google {
	t.Helper()
	if items == nil {
		var err error
		if items, err = samples.Items(); err != nil {
			t.Fatal(err)
		}
	}
	mux := http.NewServeMux()
	g := &google{items: items, handler: mux, interval: o.Interval}
	delays.measure()
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	g.url = srv.URL
	o.PublicURL = srv.URL + "/auth"
	g.auth = oauthtest.New(o)
	g.photos = pickertest.New(pickertest.Options{PublicURL: srv.URL + "/photos", PollInterval: o.Interval.String(), Check: g.auth.Check}, items...)
	mux.Handle("/auth/", http.StripPrefix("/auth", g.auth))
	mux.Handle("/photos/", http.StripPrefix("/photos", g.photos))
	return g
}

// A box is a pickerd process.
type box struct {
	t      testing.TB
	cmd    *exec.Cmd
	args   []string
	env    []string
	socket string
	screen string
	log    *logBuffer
	out    *logBuffer
	ended  chan error
	build  func() (string, error) // nil means binary
	ctl    *control.Client
	wrap   []string   // the command that runs the process, if any
	files  []*os.File // that the process gets
}

// newBox configures a box with its state in dir, and starts it.
func newBox(t *testing.T, g *google, dir string) *box {
	t.Helper()
	b := configured(t, g, dir)
	b.start()
	return b
}

// configured configures a box with its state in dir.
func configured(t testing.TB, g *google, dir string) *box {
	t.Helper()
	listen := freeAddress(t)
	config := filepath.Join(dir, "pickerd.toml")
	text := fmt.Sprintf(`name = "Living room"
[google]
client_id = %q
client_secret = %q
device_auth_url = "%[3]s/auth/device/code"
token_url = "%[3]s/auth/token"
revoke_url = "%[3]s/auth/revoke"
auth_url = "%[3]s/auth/auth"
picker_url = "%[3]s/photos"
[store]
dir = %[4]q
[control]
socket = %[5]q
[http]
listen = %[6]q
[slideshow]
interval = "3s"
`, g.auth.ClientID(), g.auth.ClientSecret(), g.url, filepath.Join(dir, "state"), filepath.Join(dir, "c.sock"), listen)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return &box{t: t, args: []string{"run", "--config", config}, socket: filepath.Join(dir, "c.sock"), screen: "http://" + listen + "/"}
}

var ports atomic.Int32

// freeAddress returns an address that a box can listen on again after a restart.
// Nobody else gets its port meanwhile: it is below those that the kernel gives out
// (ip_local_port_range).
func freeAddress(t testing.TB) string {
	t.Helper()
	const first, count = 20000, 12000
	for range count {
		at := fmt.Sprintf("127.0.0.1:%d", first+(os.Getpid()+int(ports.Add(1)))%count)
		if l, err := net.Listen("tcp", at); err == nil {
			l.Close()
			return at
		}
	}
	t.Fatal("there is no free port")
	return ""
}

// start starts the process and waits until its control socket answers.
func (b *box) start() {
	b.t.Helper()
	b.launch()
	b.until("the daemon answers", func() bool {
		if b.socket == "" {
			return strings.Contains(b.log.String(), "msg=ready")
		}
		_, err := os.Stat(b.socket)
		return err == nil && b.try("status") == nil
	})
}

// launch starts the process.
func (b *box) launch() {
	b.t.Helper()
	build := b.build
	if build == nil {
		build = binary
	}
	path, err := build()
	if err != nil {
		b.t.Fatal(err)
	}
	b.log, b.out = &logBuffer{}, &logBuffer{}
	command := append(append(slices.Clone(b.wrap), path), b.args...)
	b.cmd = exec.Command(command[0], command[1:]...)
	b.cmd.Env = append(os.Environ(), b.env...)
	b.cmd.Stdout, b.cmd.Stderr, b.cmd.ExtraFiles = b.out, b.log, b.files
	if err := b.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	ended, cmd, log := make(chan error, 1), b.cmd, b.log
	b.ended = ended
	go func() { ended <- cmd.Wait() }()
	b.t.Cleanup(func() {
		cmd.Process.Kill()
		if b.t.Failed() {
			b.t.Logf("pickerd's log:\n%s", log)
		}
	})
}

func (b *box) client() *control.Client {
	if b.ctl == nil {
		b.ctl = control.NewClient(b.socket)
	}
	return b.ctl
}

// status returns the status, nil while the control socket does not answer.
func (b *box) status() *device.Status {
	s, err := b.client().Status(b.t.Context())
	if err != nil {
		return nil
	}
	return s
}

// until polls until ok reports true, and fails the test after maxWait.
func (b *box) until(what string, ok func() bool) {
	b.t.Helper()
	until(b.t, what, ok, b.ended, b.log)
}

// until waits until ok. It fails if a process ends before.
func until(t testing.TB, what string, ok func() bool, ended <-chan error, log *logBuffer) {
	t.Helper()
	deadline := time.NewTimer(maxWait)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case err := <-ended:
			t.Fatalf("the process ended (%v) while waiting until %s\n%s", err, what, log)
		case <-deadline.C:
			t.Fatalf("timed out waiting until %s", what)
		}
	}
}

// stop ends the process as systemd does, and returns how long that took.
func (b *box) stop() time.Duration {
	b.t.Helper()
	began := time.Now()
	if err := b.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		b.t.Fatal(err)
	}
	if err := <-b.ended; err != nil {
		b.t.Errorf("after SIGTERM: %v\n%s", err, b.log)
	}
	return time.Since(began)
}

// kill kills the process, as a power cut does.
func (b *box) kill() {
	b.t.Helper()
	if !b.end() {
		b.t.Fatal("pickerd has ended by itself")
	}
}

// end kills pickerd, and reports false if it had ended before.
func (b *box) end() bool {
	err := b.cmd.Process.Kill()
	<-b.ended
	return err == nil
}

func (b *box) command(args ...string) *exec.Cmd {
	path, _ := binary()
	return exec.CommandContext(b.t.Context(), path, append(args, "--socket", b.socket)...)
}

func (b *box) try(args ...string) error { return b.command(args...).Run() }

// tell runs a pickerd command against the box.
func (b *box) tell(args ...string) string {
	b.t.Helper()
	out, err := b.command(args...).CombinedOutput()
	if err != nil {
		b.t.Fatalf("pickerd %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (b *box) sessions() int {
	b.t.Helper()
	var list struct{ Sessions []any }
	if err := json.Unmarshal([]byte(b.tell("sessions", "--json")), &list); err != nil {
		b.t.Fatal(err)
	}
	return len(list.Sessions)
}

func (b *box) library() int {
	b.t.Helper()
	var s struct{ Library struct{ Items int } }
	if err := json.Unmarshal([]byte(b.tell("status", "--json")), &s); err != nil {
		b.t.Fatal(err)
	}
	return s.Library.Items
}

type logBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
