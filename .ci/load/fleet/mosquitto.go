package fleet

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"pickerd/.ci/load/usage"
	"pickerd/display/httpserve/testcert"
)

// A Mosquitto is Debian's broker, in a process of its own, with what it stores in a
// folder.
type Mosquitto struct {
	dir     string
	address string
	roots   *x509.CertPool // nil without TLS
	process *exec.Cmd
	ended   chan struct{} // closed when the process has ended
}

// settings of the broker. One that watches ten thousand boxes is behind for a while
// when all come back: without max_queued_messages it would miss most of them.
const mosquittoConf = `user root
listener %s 127.0.0.1
allow_anonymous true
max_connections -1
max_queued_messages 0
max_inflight_messages 0
persistence true
persistence_location %s/
autosave_interval 60
`

// StartMosquitto starts a broker on a free port.
func StartMosquitto(dir string, secure bool) (*Mosquitto, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	m := &Mosquitto{dir: dir, address: l.Addr().String()}
	l.Close()
	_, port, err := net.SplitHostPort(m.address)
	if err != nil {
		return nil, err
	}
	conf := fmt.Sprintf(mosquittoConf, port, dir)
	if secure {
		if err := m.certify(); err != nil {
			return nil, err
		}
		conf += fmt.Sprintf("certfile %s\nkeyfile %s\n", m.path("cert"), m.path("key"))
	}
	if err := os.WriteFile(m.path("conf"), []byte(conf), 0o600); err != nil {
		return nil, err
	}
	return m, m.Start()
}

func (m *Mosquitto) path(name string) string { return filepath.Join(m.dir, name) }

// URL returns the broker's address.
func (m *Mosquitto) URL() *url.URL {
	if m.roots != nil {
		return &url.URL{Scheme: "mqtts", Host: m.address}
	}
	return &url.URL{Scheme: "mqtt", Host: m.address}
}

// TLS returns what clients need, nil without TLS.
func (m *Mosquitto) TLS() *tls.Config {
	if m.roots == nil {
		return nil
	}
	return &tls.Config{RootCAs: m.roots, MinVersion: tls.VersionTLS12}
}

// Usage returns what the broker has used since its start.
func (m *Mosquitto) Usage() usage.Usage { return usage.Of(m.process.Process.Pid) }

// startWait bounds the time until the broker listens.
const startWait = 30 * time.Second

// Start starts the broker and waits until it listens.
func (m *Mosquitto) Start() error {
	log, err := os.OpenFile(m.path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // the process has its own
	m.process = exec.Command("/usr/sbin/mosquitto", "-c", m.path("conf"))
	m.process.Stdout, m.process.Stderr = log, log
	if err := m.process.Start(); err != nil {
		return err
	}
	process, ended := m.process, make(chan struct{})
	m.ended = ended
	go func() {
		defer close(ended)
		_ = process.Wait() // it is killed
	}()
	ctx, cancel := context.WithTimeout(context.Background(), startWait)
	defer cancel()
	for tick := time.Tick(5 * time.Millisecond); ; {
		if c, err := net.Dial("tcp", m.address); err == nil {
			return c.Close()
		}
		select {
		case <-tick:
		case <-ctx.Done():
			m.Kill()
			return fmt.Errorf("mosquitto: %w", ctx.Err())
		case <-ended:
			text, _ := os.ReadFile(m.path("log"))
			return fmt.Errorf("mosquitto has ended: %s", text)
		}
	}
}

// Kill ends the broker at once, as a power cut does.
func (m *Mosquitto) Kill() {
	_ = m.process.Process.Kill() // it may have ended
	<-m.ended
}

// certify makes the broker's certificate.
func (m *Mosquitto) certify() error {
	cert, key, err := testcert.New(time.Now().Add(-time.Hour), time.Now().AddDate(0, 0, 7), "127.0.0.1")
	if err != nil {
		return err
	}
	m.roots = x509.NewCertPool()
	m.roots.AppendCertsFromPEM(cert)
	return errors.Join(os.WriteFile(m.path("cert"), cert, 0o600), os.WriteFile(m.path("key"), key, 0o600))
}
