package e2e

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image/jpeg"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"pickerd/device"
)

// A mosquitto is a broker, and what it was told.
type mosquitto struct {
	t       *testing.T
	port    string
	process *exec.Cmd

	mu  sync.Mutex
	got []published
}

// A published is a message at the broker.
type published struct {
	topic   string
	payload []byte
	retain  bool
}

func newMosquitto(t *testing.T) *mosquitto {
	t.Helper()
	_, port, _ := net.SplitHostPort(freeAddress(t))
	m := &mosquitto{t: t, port: port}
	m.start()
	return m
}

// start starts the broker, which has kept nothing, and a client that is told everything.
func (m *mosquitto) start() {
	m.t.Helper()
	conf := filepath.Join(m.t.TempDir(), "conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, "user root\nlistener %s 127.0.0.1\nallow_anonymous true\n", m.port), 0o600); err != nil {
		m.t.Fatal(err)
	}
	m.process = exec.Command("mosquitto", "-c", conf)
	log, sub := &logBuffer{}, exec.Command("mosquitto_sub", "-p", m.port, "-V", "5", "--retain-as-published", "-t", "#", "-F", "%r %t %x")
	m.process.Stderr = log
	if err := m.process.Start(); err != nil {
		m.t.Fatal(err)
	}
	ended, process := make(chan error, 1), m.process
	go func() { ended <- process.Wait() }()
	m.t.Cleanup(func() { process.Process.Kill() })
	until(m.t, "the broker listens", func() bool { return strings.Contains(log.String(), "running") }, ended, log)
	out, err := sub.StdoutPipe()
	if err == nil {
		err = sub.Start()
	}
	if err != nil {
		m.t.Fatal(err)
	}
	go func() {
		m.read(bufio.NewReader(out))
		sub.Wait()
	}()
	m.t.Cleanup(func() { sub.Process.Kill() })
}

func (m *mosquitto) read(lines *bufio.Reader) {
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		fields := strings.Split(strings.TrimSuffix(line, "\n"), " ")
		payload, err := hex.DecodeString(fields[2])
		if err != nil {
			m.t.Errorf("mosquitto_sub says %.100q", line)
			return
		}
		m.mu.Lock()
		m.got = append(m.got, published{fields[1], payload, fields[0] == "1"})
		m.mu.Unlock()
	}
}

// find returns the first message from a number on that is as is says.
func (m *mosquitto) find(from int, is func(published) bool) (found published, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.got[from:], is)
	if i < 0 {
		return published{}, false
	}
	return m.got[from+i], true
}

// await waits for a message from a number on that is as is says.
func (m *mosquitto) await(b *box, from int, what string, is func(published) bool) (found published) {
	m.t.Helper()
	b.until(what, func() (ok bool) {
		found, ok = m.find(from, is)
		return ok
	})
	return found
}

// count returns the number of messages.
func (m *mosquitto) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.got)
}

// publish publishes a message.
func (m *mosquitto) publish(topic, payload string) {
	m.t.Helper()
	if out, err := exec.CommandContext(m.t.Context(), "mosquitto_pub", "-p", m.port, "-V", "5", "-t", topic, "-m", payload).CombinedOutput(); err != nil {
		m.t.Fatalf("%v: %s", err, out)
	}
}

// hasTexts returns whether a message is under a topic that ends so and has some texts.
func hasTexts(topic string, texts ...string) func(published) bool {
	return func(p published) bool {
		for _, text := range texts {
			if !bytes.Contains(p.payload, []byte(text)) {
				return false
			}
		}
		return strings.HasSuffix(p.topic, topic)
	}
}

// TestMQTT lets a home control a box through Mosquitto as Home Assistant does: by the
// entities that the box has announced.
func TestMQTT(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	m := newMosquitto(t)
	b := configured(t, g, t.TempDir())
	config, err := os.ReadFile(b.args[2])
	if err != nil {
		t.Fatal(err)
	}
	config = fmt.Appendf(config, "[mqtt]\nurl = \"mqtt://127.0.0.1:%s\"\nimage = true\nunsigned_settings = true\n", m.port)
	if err := os.WriteFile(b.args[2], config, 0o600); err != nil {
		t.Fatal(err)
	}
	b.start()
	at := 0
	see := func(what string, is func(published) bool) published {
		t.Helper()
		return m.await(b, at, what, is)
	}
	var box struct {
		Components map[string]struct {
			CommandTopic    string `json:"command_topic"`
			CommandTemplate string `json:"command_template"`
		}
	}
	if err := json.Unmarshal(see("the announcement", hasTexts("/config", `"Living room"`)).payload, &box); err != nil {
		t.Fatal(err)
	}
	calls := 0
	// use does what a person does with an entity. The reply must say ok.
	use := func(entity, value string) {
		t.Helper()
		calls++
		c := box.Components[entity]
		id := fmt.Sprint("1764435000.", calls)
		at = m.count()
		m.publish(c.CommandTopic, strings.NewReplacer("{{ now().timestamp() }}", id, "{{ value | tojson }}", value, "{{ 'true' if value == 'ON' else 'false' }}", value).Replace(c.CommandTemplate))
		see("a reply to "+entity, hasTexts("/reply", id, `"ok":true`))
	}
	code := b.untilStatus("a code", func(s *device.Status) bool { return s.Pairing != nil }).Pairing.UserCode
	g.auth.Approve(code)
	s := b.untilStatus("a session", func(s *device.Status) bool { return s.State == device.Picking && s.Pick.PickerURI != "" })
	if err := g.photos.Choose(s.Pick.SessionID, "sample-sunset", "sample-harbour"); err != nil {
		t.Fatal(err)
	}
	for _, event := range []string{"paired", "pick_started", "pick_finished", "photo_shown"} {
		see(event, hasTexts("/event", `"event":"`+event+`"`))
	}
	picture := see("a picture", func(p published) bool {
		if !strings.HasSuffix(p.topic, "/image") || p.retain {
			return false
		}
		img, err := jpeg.Decode(bytes.NewReader(p.payload))
		return err == nil && mean(img, 0.5)[0] > 2*mean(img, 0.5)[2] // red is the sunset's color
	})
	if len(picture.payload) > 64<<10 {
		t.Errorf("a picture of %d bytes", len(picture.payload))
	}
	use("next", "")
	use("pick", "")
	see("another pick", hasTexts("/status", `"picking"`))
	use("cancel", "")
	use("slideshow.interval", `"20s"`)
	see("another interval", hasTexts("/settings", `"slideshow.interval":{"value":"20s","origin":"phone"}`))
	use("name", `"Hall"`)
	see("another name", hasTexts("/config", `"name":"Hall"`))
	use("screen", "false")
	see("a dark screen", hasTexts("/status", `"screen_on":false`))
	testBrokerGone(t, b, m, &at, see)
	m.mu.Lock()
	for _, p := range m.got {
		if text := string(p.payload); !strings.HasSuffix(p.topic, "/image") && (strings.Contains(text, code) || strings.Contains(text, "picker/") || strings.Contains(text, "sunset.webp")) {
			t.Errorf("the broker is told too much: %s %s", p.topic, text)
		}
	}
	m.mu.Unlock()
}

// TestMQTTSetUp has a box that is not set up tell a broker so, refuse commands, and go on
// as a box when its file is complete. The box tells of a mistake in its settings, and
// leaves nothing with a broker that is not its own any more.
func TestMQTTSetUp(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	m := newMosquitto(t)
	b := configured(t, g, t.TempDir())
	whole, err := os.ReadFile(b.args[2])
	if err != nil {
		t.Fatal(err)
	}
	whole = fmt.Appendf(whole, "[mqtt]\nurl = \"mqtt://127.0.0.1:%s\"\n", m.port)
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(b.args[2], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(strings.ReplaceAll(string(whole), "client_", "# client_"))
	b.start()
	see := func(what string, is func(published) bool) published {
		t.Helper()
		return m.await(b, 0, what, is)
	}
	status := see("the state of the box", hasTexts("/status", `"state":"setup"`, `"not_set_up"`, `"remedy"`))
	m.publish(strings.TrimSuffix(status.topic, "status")+"command", `{"command":"pick","id":"early"}`)
	see("a refusal", hasTexts("/reply", `"early"`, `"ok":false`, `"unready"`))
	write(string(whole))
	see("the state of the whole box", hasTexts("/status", `"state":"pairing"`))
	write(strings.Replace(string(whole), "mqtt:", "mqtts:", 1) + "ca_file = \"/nowhere/ca.pem\"\n")
	b.untilStatus("the mistake", func(s *device.Status) bool {
		return s.Broker != nil && strings.Contains(s.Broker.Error, "/nowhere/ca.pem")
	})
	see("an empty status at the broker that was left", func(p published) bool { return strings.HasSuffix(p.topic, "/status") && len(p.payload) == 0 })
	at := m.count()
	write(string(whole))
	m.await(b, at, "the state of the box again", hasTexts("/status", `"state":"pairing"`))
	b.untilStatus("the connection", func(s *device.Status) bool { return s.Broker != nil && !s.Broker.Since.IsZero() })
	at = m.count()
	b.stop()
	m.await(b, at, "that it is off", hasTexts("/availability", "offline"))
}

// testBrokerGone lets the broker and the box die, and the box be erased.
func testBrokerGone(t *testing.T, b *box, m *mosquitto, at *int, see func(string, func(published) bool) published) {
	t.Helper()
	*at = m.count()
	m.process.Process.Kill()
	b.untilStatus("the loss", func(s *device.Status) bool { return s.Broker.Error != "" && s.Broker.Since.IsZero() })
	m.start()
	see("the box again", hasTexts("/availability", "online"))
	b.untilStatus("the connection", func(s *device.Status) bool { return s.Broker.Error == "" && !s.Broker.Since.IsZero() })
	see("its status again", hasTexts("/status", `"Hall"`))
	*at = m.count()
	b.tell("reset", "--yes")
	for _, topic := range []string{"/availability", "/status", "/settings", "/health", "/config"} {
		see("an empty "+topic, func(p published) bool { return strings.HasSuffix(p.topic, topic) && len(p.payload) == 0 && p.retain })
	}
	see("the erased box", hasTexts("/status", `"pairing"`, `"Living room"`))
	*at = m.count()
	b.kill()
	see("the last will", hasTexts("/availability", "offline"))
}
