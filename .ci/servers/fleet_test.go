package servers

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"

	"pickerd/device"
	"pickerd/device/mqtt"
	"pickerd/display"
)

// A fleet is the program pickerd-fleet with its environment.
type fleet struct {
	m    *mosquitto
	path string
	user string
}

func newFleet(t *testing.T, m *mosquitto) *fleet {
	t.Helper()
	f := &fleet{m: m, path: filepath.Join(t.TempDir(), "pickerd-fleet"), user: operator}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", f.path, "./cmd/pickerd-fleet")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return f
}

func (f *fleet) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, f.path, args...)
	cmd.Env = append(os.Environ(), "PICKERD_FLEET_BROKER=mqtts://"+f.m.address, "PICKERD_FLEET_USER="+f.user, "PICKERD_FLEET_PASSWORD="+f.user, "PICKERD_FLEET_CA="+f.m.path("cert"))
	return cmd
}

// run runs the program to its end.
func (f *fleet) run(args ...string) (out string, code int) {
	f.m.t.Helper()
	data, err := f.command(f.m.t.Context(), args...).CombinedOutput()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		f.m.t.Fatal(err)
	}
	if err != nil {
		code = err.(*exec.ExitError).ExitCode()
	}
	return string(data), code
}

// must is run for what must succeed.
func (f *fleet) must(args ...string) string {
	f.m.t.Helper()
	out, code := f.run(args...)
	if code != 0 {
		f.m.t.Fatalf("pickerd-fleet %s: exit code %d, %s", strings.Join(args, " "), code, out)
	}
	return out
}

// start runs the program until the test ends, and returns its lines.
func (f *fleet) start(args ...string) <-chan string {
	t := f.m.t
	t.Helper()
	cmd := f.command(context.Background(), args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 1000)
	read := make(chan struct{})
	go func() {
		defer close(read)
		for s := bufio.NewScanner(out); s.Scan(); {
			lines <- s.Text()
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		for open := true; open; { // what nobody has awaited
			select {
			case <-lines:
			case <-read:
				open = false
			}
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("pickerd-fleet %s: %v", strings.Join(args, " "), err)
		}
	})
	return lines
}

// await returns the next line with a text.
func await(t *testing.T, lines <-chan string, text string) string {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		select {
		case line := <-lines:
			if strings.Contains(line, text) {
				return line
			}
		case <-deadline:
			t.Fatalf("no line with %q", text)
		}
	}
}

// key makes an operator's key.
func (f *fleet) key() (path string, public ed25519.PublicKey) {
	t := f.m.t
	t.Helper()
	path = filepath.Join(t.TempDir(), "key.pem")
	var text string
	if _, err := fmt.Sscanf(f.must("key", path), "operator_key = %q", &text); err != nil {
		t.Fatal(err)
	}
	public, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return path, public
}

// A bridged is a box of which only the bridge is there.
type bridged struct {
	board  display.Board[device.Status]
	called chan string         // requests to its control API
	groups chan map[string]any // settings of its group
}

// bridge connects a box that is in the group site=lobby.
func (m *mosquitto) bridge(id, name string, key ed25519.PublicKey) *bridged {
	b := &bridged{called: make(chan string, 10), groups: make(chan map[string]any, 10)}
	b.board.Set(device.Status{State: device.Showing, Since: time.Now().Add(-time.Hour), Name: name})
	bridge := mqtt.New(mqtt.Config{Broker: &url.URL{Scheme: "mqtts", Host: m.address, User: url.UserPassword(id, id)}, TLS: m.tls, Expiry: time.Hour, ID: id, Base: "pickerd/" + id,
		Version: "1.2.3", Groups: []string{"site=lobby"}, Operator: key, Discovery: "homeassistant", Statuses: &b.board,
		SetGroup: func(_ context.Context, _ string, all map[string]any) error { b.groups <- all; return nil },
		Orders:   &ids{seen: map[string]bool{}}, Now: time.Now, Log: slog.New(slog.NewTextHandler(m.t.Output(), nil)),
		API: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			b.called <- r.Method + " " + r.URL.Path + " " + string(body)
		})})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = bridge.Run(ctx) })
	m.t.Cleanup(func() { cancel(); wg.Wait() })
	return b
}

// TestFleet lists, shows, sets and commands a box and its group.
func TestFleet(t *testing.T) {
	m := newMosquitto(t)
	f := newFleet(t, m)
	key, public := f.key()
	lines := f.start("ls", "--watch", "online")
	box := m.bridge(boxID, "Hall", public)
	await(t, lines, boxID+"  Hall  site=lobby  showing  1h  1.2.3  -  0  online")

	if out := f.must("ls", "site=lobby", "state=showing"); strings.Count(out, "\n") != 2 || !strings.Contains(out, "Hall") {
		t.Errorf("%s", out)
	}
	if out := f.must("ls", "site=roof"); strings.Count(out, "\n") != 2 || !strings.Contains(out, "none of the 1 boxes matches") {
		t.Errorf("%s", out)
	}
	if out := f.must("show", "hall"); !strings.Contains(out, "showing for 1h") || !strings.Contains(out, "1.2.3") {
		t.Errorf("%s", out)
	}
	f.must("screen", "Hall", "off")
	if got := <-box.called; got != `PATCH /v1/screen {"on":false}` {
		t.Errorf("the box was asked for %s", got)
	}
	f.must("set", "Hall", "slideshow.interval=20s", "name=", "--sign", key)
	if got := <-box.called; got != `PATCH /v1/settings {"name":null,"slideshow.interval":"20s"}` {
		t.Errorf("the box was asked for %s", got)
	}
	other, _ := f.key()
	if out, code := f.run("unpair", "Hall", "--sign", other); code != 1 || !strings.Contains(out, "foreign_key") {
		t.Errorf("exit code %d, %s", code, out)
	}
	f.must("set", "site=lobby", "slideshow.interval=30s", "--sign", key)
	if got := <-box.groups; len(got) != 1 || got["slideshow.interval"] != "30s" {
		t.Errorf("the group has %v", got)
	}
	if out := f.must("show", "site=lobby"); !strings.Contains(out, "slideshow.interval  30s") {
		t.Errorf("%s", out)
	}
	f.must("set", "site=lobby", "--clear", "--sign", key)
	if got := <-box.groups; len(got) != 0 {
		t.Errorf("the group has %v", got)
	}
	box.board.Set(device.Status{State: device.Blocked, Since: time.Now(), Name: "Hall", Problem: &device.ProblemStatus{Code: "disk_full"}})
	await(t, lines, "1.2.3  disk_full")

	f.user = reader
	if out := f.must("ls", "state=blocked"); strings.Count(out, "\n") != 2 {
		t.Errorf("without rights to publish: %s", out)
	}
	f.user = "nobody"
	if out, code := f.run("ls"); code != 69 {
		t.Errorf("exit code %d, %s", code, out)
	}
}

// answering has a party be a box that answers each order.
func (m *mosquitto) answering(id string, answer func(command, call string) string) *party {
	m.t.Helper()
	p := m.party(id, "pickerd/"+id+"/command")
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case order := <-p.messages:
				var c struct {
					Command, ID string
					Payload     []byte
				}
				_ = json.Unmarshal(order.Payload, &c)
				_ = json.Unmarshal(c.Payload, &c)
				if err := p.publish("pickerd/"+id+"/reply", answer(c.Command, c.ID), false); err != nil {
					m.t.Error(err)
				}
			}
		}
	}()
	m.t.Cleanup(func() { close(done) })
	for topic, payload := range map[string]string{"status": `{"state":"showing","name":"Bar"}`, "health": `{"at":"2026-11-29T10:00:00Z","uptime":60}`, "settings": `{}`, "availability": "online"} {
		if err := p.publish("pickerd/"+id+"/"+topic, payload, true); err != nil {
			m.t.Fatal(err)
		}
	}
	return p
}

// TestFleetLogs prints the log of a box.
func TestFleetLogs(t *testing.T) {
	m := newMosquitto(t)
	f := newFleet(t, m)
	key, _ := f.key()
	long := strings.Repeat("x", 60<<10)
	m.answering(strange, func(command, call string) string {
		if command != "logs" {
			return `{"id":"` + call + `","ok":false,"problem":{"code":"unknown_command","detail":"No."}}`
		}
		return `{"id":"` + call + `","ok":true,"data":{"lines":["` + long + `","level=INFO \u001b[2J"]}}`
	})
	if out := f.must("logs", "Bar", "--sign", key); out != long+"\nlevel=INFO ?[2J\n" {
		t.Errorf("%.200q", out)
	}
	if out, code := f.run("pick", "Bar"); code != 1 || !strings.Contains(out, "No. (unknown_command)") {
		t.Errorf("exit code %d, %s", code, out)
	}
}

// TestFleetRemove removes a box that is gone from the broker, and for Home Assistant.
func TestFleetRemove(t *testing.T) {
	m := newMosquitto(t)
	f := newFleet(t, m)
	box := m.answering(strange, func(string, string) string { return "" })
	if err := box.publish("homeassistant/device/"+strange+"/config", `{}`, true); err != nil {
		t.Fatal(err)
	}
	if out, code := f.run("rm", "Bar"); code != 1 || !strings.Contains(out, "online") {
		t.Errorf("exit code %d, %s", code, out)
	}
	if err := box.publish("pickerd/"+strange+"/availability", "offline", true); err != nil {
		t.Fatal(err)
	}
	f.must("rm", "Bar")
	if out, code := f.run("show", "Bar"); code != 1 || !strings.Contains(out, "no box matches") {
		t.Errorf("exit code %d, %s", code, out)
	}
	// A broker delivers what it keeps before anything later.
	later := m.party(strange, "pickerd/"+strange+"/#", "homeassistant/device/"+strange+"/config")
	if err := later.publish("pickerd/"+strange+"/event", "later", false); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-later.messages:
		if string(got.Payload) != "later" {
			t.Errorf("the broker keeps %s: %s", got.Topic, got.Payload)
		}
	case <-time.After(time.Minute):
		t.Error("nothing comes")
	}
}

// mortal connects a box with a last will. The returned function cuts its connection.
func (m *mosquitto) mortal(id string) (die func()) {
	m.t.Helper()
	conn, err := tls.Dial("tcp", m.address, &tls.Config{RootCAs: m.roots})
	if err != nil {
		m.t.Fatal(err)
	}
	c := paho.NewClient(paho.ClientConfig{Conn: packets.NewThreadSafeConn(conn)})
	topic := "pickerd/" + id + "/availability"
	if _, err := c.Connect(m.t.Context(), &paho.Connect{ClientID: id, CleanStart: true, KeepAlive: 30, Username: id, UsernameFlag: true, Password: []byte(id), PasswordFlag: true,
		WillMessage: &paho.WillMessage{Topic: topic, Payload: []byte("offline"), QoS: 1, Retain: true}}); err != nil {
		m.t.Fatal(err)
	}
	if _, err := c.Publish(m.t.Context(), &paho.Publish{Topic: topic, Payload: []byte("online"), QoS: 1, Retain: true}); err != nil {
		m.t.Fatal(err)
	}
	return func() { conn.Close(); <-c.Done() }
}

// TestFleetWatch has a box die and come back. A broker that restarts interrupts ls --watch
// and watch only for a while.
func TestFleetWatch(t *testing.T) {
	m := newMosquitto(t)
	f := newFleet(t, m)
	posted := make(chan string, 100)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		posted <- string(body)
	}))
	t.Cleanup(hook.Close)
	f.start("watch", "--offline", "200ms", "--webhook", hook.URL+"/hook")
	lines := f.start("ls", "--watch", "--json")

	die := m.mortal(boxID)
	await(t, lines, `"id":"`+boxID+`","online":true`)
	die()
	await(t, lines, `"id":"`+boxID+`","online":false`)
	if got := await(t, posted, "offline"); !strings.Contains(got, `"ended":false`) || !strings.Contains(got, boxID) {
		t.Errorf("posted %s", got)
	}
	die = m.mortal(boxID)
	if got := await(t, posted, "offline"); !strings.Contains(got, `"ended":true`) {
		t.Errorf("posted %s", got)
	}

	m.kill()
	die()
	m.start()
	other := m.party(operator)
	for _, state := range []string{"online", "offline"} {
		if err := other.publish("pickerd/"+strange+"/availability", state, true); err != nil {
			t.Fatal(err)
		}
	}
	await(t, lines, `"id":"`+strange+`"`)
	await(t, posted, strange)
}

// TestFleetLarge reads ten thousand boxes, many more than the messages that Mosquitto
// queues for a client by default.
func TestFleetLarge(t *testing.T) {
	const boxes = 10_000
	m := newMosquitto(t)
	f := newFleet(t, m)
	p := m.party(operator)
	jobs := make(chan int)
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for i := range jobs {
				base := fmt.Sprintf("pickerd/%016x/", i)
				if err := errors.Join(p.publish(base+"availability", "online", true),
					p.publish(base+"status", fmt.Sprintf(`{"state":"showing","since":"2026-11-29T10:00:00Z","name":"Box %d","version":"1.2.3","labels":{"site":"lobby"}}`, i), true)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range boxes {
		jobs <- i
	}
	close(jobs)
	wg.Wait()
	for _, f.user = range []string{operator, reader} {
		var list []struct {
			Online bool
			Status *mqtt.Status
		}
		if err := json.Unmarshal([]byte(f.must("ls", "--json", "online", "site=lobby")), &list); err != nil {
			t.Fatal(err)
		}
		if len(list) != boxes {
			t.Errorf("as %s %d boxes are listed", f.user, len(list))
		}
	}
}
