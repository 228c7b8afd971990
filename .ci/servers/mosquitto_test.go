package servers

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"

	"pickerd/device"
	"pickerd/device/mqtt"
	"pickerd/display"
	"pickerd/display/httpserve/testcert"
)

// A mosquitto is Debian's broker with TLS, users and the access rules of the documents.
type mosquitto struct {
	t       *testing.T
	dir     string
	address string
	roots   *x509.CertPool
	process *exec.Cmd
	ended   chan struct{} // closed when the process has ended
}

// Users of the broker. Passwords are their names.
const (
	boxID    = "0123456789abcdef"
	strange  = "fedcba9876543210"
	operator = "operator"
	reader   = "homeassistant" // publishes nothing but commands
)

func newMosquitto(t *testing.T) *mosquitto {
	t.Helper()
	m := &mosquitto{t: t, dir: t.TempDir()}
	if err := os.Chmod(m.dir, 0o755); err != nil { // it gives up root's rights
		t.Fatal(err)
	}
	m.certify()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.address = l.Addr().String()
	l.Close()
	rules, err := os.ReadFile("../../device/mqtt/examples/mosquitto.acl")
	if err != nil {
		t.Fatal(err)
	}
	m.write("acl", rules)
	for i, user := range []string{boxID, strange, operator, reader} {
		args := []string{"-b", m.path("passwords"), user, user}
		if i == 0 {
			args = append([]string{"-c"}, args...)
		}
		if out, err := exec.CommandContext(t.Context(), "mosquitto_passwd", args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	if err := os.Chmod(m.path("passwords"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(m.address)
	m.write("conf", fmt.Appendf(nil, "user root\nlistener %s 127.0.0.1\ncertfile %s\nkeyfile %s\npassword_file %s\nacl_file %s\n",
		port, m.path("cert"), m.path("key"), m.path("passwords"), m.path("acl")))
	m.start()
	return m
}

func (m *mosquitto) path(name string) string { return filepath.Join(m.dir, name) }

func (m *mosquitto) write(name string, data []byte) {
	m.t.Helper()
	if err := os.WriteFile(m.path(name), data, 0o644); err != nil {
		m.t.Fatal(err)
	}
}

// certify makes the broker's certificate.
func (m *mosquitto) certify() {
	m.t.Helper()
	cert, key, err := testcert.New(time.Now().Add(-time.Hour), time.Now().Add(time.Hour), "127.0.0.1")
	if err != nil {
		m.t.Fatal(err)
	}
	m.write("cert", cert)
	m.write("key", key)
	m.roots = x509.NewCertPool()
	m.roots.AppendCertsFromPEM(cert)
}

// start starts the broker, and waits until it listens.
func (m *mosquitto) start() {
	m.t.Helper()
	log, err := os.Create(m.path("log"))
	if err != nil {
		m.t.Fatal(err)
	}
	defer log.Close()
	m.process = exec.Command("/usr/sbin/mosquitto", "-c", m.path("conf"))
	m.process.Stdout, m.process.Stderr = log, log
	if err := m.process.Start(); err != nil {
		m.t.Fatal(err)
	}
	process, ended := m.process, make(chan struct{})
	m.ended = ended
	go func() { defer close(ended); process.Wait() }()
	m.t.Cleanup(func() { process.Process.Kill(); <-ended })
	for tick := time.Tick(20 * time.Millisecond); ; {
		if c, err := net.Dial("tcp", m.address); err == nil {
			c.Close()
			return
		}
		select {
		case <-tick:
		case <-ended:
			text, _ := os.ReadFile(m.path("log"))
			m.t.Fatalf("the broker does not listen: %s", text)
		}
	}
}

// kill ends the broker at once.
func (m *mosquitto) kill() {
	m.process.Process.Kill()
	<-m.ended
}

func (m *mosquitto) tls() (*tls.Config, error) { return &tls.Config{RootCAs: m.roots}, nil }

// A party is another client of the broker.
type party struct {
	t        *testing.T
	client   *paho.Client
	messages chan *paho.Publish
}

func (m *mosquitto) party(user string, topics ...string) *party {
	m.t.Helper()
	conn, err := tls.Dial("tcp", m.address, &tls.Config{RootCAs: m.roots})
	if err != nil {
		m.t.Fatal(err)
	}
	p := &party{t: m.t, messages: make(chan *paho.Publish, 1000)}
	p.client = paho.NewClient(paho.ClientConfig{Conn: packets.NewThreadSafeConn(conn), OnPublishReceived: []func(paho.PublishReceived) (bool, error){
		func(r paho.PublishReceived) (bool, error) { p.messages <- r.Packet; return true, nil }}})
	if _, err := p.client.Connect(m.t.Context(), &paho.Connect{ClientID: "party-" + user, CleanStart: true, KeepAlive: 30, Username: user, UsernameFlag: true, Password: []byte(user), PasswordFlag: true}); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { p.client.Disconnect(&paho.Disconnect{}) })
	for _, topic := range topics {
		if _, err := p.client.Subscribe(m.t.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: topic, QoS: 1}}}); err != nil {
			m.t.Fatal(err)
		}
	}
	return p
}

func (p *party) publish(topic, payload string, retain bool) error {
	_, err := p.client.Publish(p.t.Context(), &paho.Publish{Topic: topic, Payload: []byte(payload), QoS: 1, Retain: retain})
	return err
}

// until returns the next message under a topic that has a text.
func (p *party) until(topic, text string) *paho.Publish {
	p.t.Helper()
	for {
		select {
		case m := <-p.messages:
			if m.Topic == topic && strings.Contains(string(m.Payload), text) {
				return m
			}
		case <-time.After(time.Minute):
			p.t.Fatalf("no message with %s under %s", text, topic)
		}
	}
}

// ids is memory of a box without a disk.
type ids struct {
	mu      sync.Mutex
	seen    map[string]bool
	serials map[string]uint64
}

func (s *ids) Seen(id string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen[id]
	s.seen[id] = true
	return seen, nil
}

func (s *ids) Advance(target string, serial uint64) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if serial <= s.serials[target] {
		return false, nil
	}
	if s.serials == nil {
		s.serials = map[string]uint64{}
	}
	s.serials[target] = serial
	return true, nil
}

func (s *ids) Highest(target string) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.serials[target], nil
}

func (s *ids) Topics() ([]string, error) { return nil, nil }
func (s *ids) SetTopics([]string) error  { return nil }

// TestMosquitto connects a box to Mosquitto by TLS: what is kept there, a command and
// its reply, what a restart of the broker and a lost box leave, and access rules.
func TestMosquitto(t *testing.T) {
	m := newMosquitto(t)
	base := "pickerd/" + boxID
	other := m.party(operator, "pickerd/#")
	if err := other.publish(base+"/command", `{"command":"next","id":"before"}`, true); err != nil {
		t.Fatal(err)
	}
	var board display.Board[device.Status]
	board.Set(device.Status{State: device.Pairing, Name: "Hall"})
	called := make(chan string, 10)
	broker := &url.URL{Scheme: "mqtts", Host: m.address, User: url.UserPassword(boxID, boxID)}
	b := mqtt.New(mqtt.Config{Broker: broker, TLS: m.tls, Expiry: time.Hour, ID: boxID, Base: base, Statuses: &board,
		Orders: &ids{seen: map[string]bool{}}, Now: time.Now, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		API: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			called <- r.Method + " " + r.URL.Path + " " + string(body)
		})})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()

	other.until(base+"/availability", "online")
	other.until(base+"/status", `"state":"pairing"`)
	board.Set(device.Status{State: device.Showing, Name: "Hall"})
	other.until(base+"/event", `"event":"state"`)
	other.until(base+"/status", `"state":"showing"`)
	if err := other.publish(base+"/command", `{"command":"screen","id":"1","args":{"on":false}}`, false); err != nil {
		t.Fatal(err)
	}
	var reply struct {
		ID string
		OK bool
	}
	if err := json.Unmarshal(other.until(base+"/reply", "").Payload, &reply); err != nil || reply.ID != "1" || !reply.OK {
		t.Errorf("reply %+v, %v", reply, err)
	}
	if got := <-called; got != `PATCH /v1/screen {"on":false}` {
		t.Errorf("the box was asked for %s", got)
	}

	// A command that the broker keeps is not carried out, also while the box is there.
	if err := other.publish(base+"/command", `{"command":"next","id":"kept"}`, true); err != nil {
		t.Fatal(err)
	}

	// Another box can neither read nor command this one.
	stranger := m.party(strange, base+"/#", "pickerd/#")
	_ = stranger.publish(base+"/command", `{"command":"next","id":"2"}`, false)
	_ = stranger.publish(base+"/status", `{"state":"setup"}`, true)
	// A broker drops what it forbids, so something allowed must follow it.
	if err := other.publish(base+"/command", `{"command":"cancel","id":"3"}`, false); err != nil {
		t.Fatal(err)
	}
	if got := <-called; got != "DELETE /v1/picks/current " {
		t.Errorf("the box was asked for %s", got)
	}
	other.until(base+"/reply", `"id":"3"`)
	if n := len(stranger.messages); n > 0 {
		t.Errorf("another box reads %+v", <-stranger.messages)
	}

	// A broker that restarts has forgotten what it kept.
	m.kill()
	m.start()
	other = m.party(operator, "pickerd/#")
	other.until(base+"/status", `"state":"showing"`)

	cancel()
	if err := <-ended; err != context.Canceled {
		t.Error(err)
	}
	other.until(base+"/availability", "offline")
}
