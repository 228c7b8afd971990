package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
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

	"pickerd/oauthdevice"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
)

// A daemon is a process that boxes depend on. After it was killed it can be started
// again at the same address.
type daemon struct {
	t      testing.TB
	name   string
	path   string
	args   []string
	env    []string
	answer func(context.Context) error // nil once it serves
	cmd    *exec.Cmd
	log    *logBuffer
	ended  chan error
}

// start starts the process and waits until it serves.
func (d *daemon) start() {
	d.t.Helper()
	d.log = &logBuffer{}
	d.cmd = exec.Command(d.path, d.args...)
	d.cmd.Env = append(os.Environ(), d.env...)
	d.cmd.Stdout, d.cmd.Stderr = d.log, d.log
	if err := d.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	ended, cmd, log := make(chan error, 1), d.cmd, d.log
	d.ended = ended
	go func() { ended <- cmd.Wait() }()
	d.t.Cleanup(func() {
		cmd.Process.Kill()
		if d.t.Failed() {
			d.t.Logf("log of %s:\n%s", d.name, log)
		}
	})
	ctx, cancel := context.WithTimeout(d.t.Context(), maxWait)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := d.answer(ctx)
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case ended := <-ended:
			d.t.Fatalf("%s ended: %v\n%s", d.name, ended, log)
		case <-ctx.Done():
			d.t.Fatalf("%s does not serve: %v\n%s", d.name, err, log)
		}
	}
}

// kill kills the process, as a power cut does.
func (d *daemon) kill() {
	d.t.Helper()
	if err := d.cmd.Process.Kill(); err != nil {
		d.t.Fatal(err)
	}
	<-d.ended
}

// stop ends the process as systemd does.
func (d *daemon) stop() {
	d.t.Helper()
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		d.t.Fatal(err)
	}
	if err := <-d.ended; err != nil {
		d.t.Errorf("%s after SIGTERM: %v\n%s", d.name, err, d.log)
	}
}

// newRedis starts Redis without any files: what it knows is lost with it.
func newRedis(t testing.TB) (d *daemon, address string) {
	t.Helper()
	path := program(t, "redis-server")
	address = freeAddress(t)
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	ping := func(ctx context.Context) error {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := io.WriteString(c, "PING\r\n"); err != nil {
			return err
		}
		pong := make([]byte, len("+PONG"))
		if _, err := io.ReadFull(c, pong); err != nil || string(pong) != "+PONG" {
			return fmt.Errorf("%q, %v", pong, err)
		}
		return nil
	}
	d = &daemon{t: t, name: "redis", path: path, answer: ping,
		args: []string{"--bind", host, "--port", port, "--dir", t.TempDir(), "--save", "", "--appendonly", "no"}}
	d.start()
	return d, address
}

// gatewaySettings are the settings of an instance of the gateway.
type gatewaySettings struct {
	issuer, listen, store string
	google                string // the address of the simulators
	more                  string // further settings, in TOML
	env                   []string
}

// newGateway starts an instance of the gateway.
func newGateway(t testing.TB, g *google, s gatewaySettings) *daemon {
	t.Helper()
	path, err := gatewayBinary()
	if err != nil {
		t.Fatal(err)
	}
	id, secret := g.auth.Client(oauthtest.Web)
	config := filepath.Join(t.TempDir(), "gateway.toml")
	text := fmt.Sprintf(`issuer = %q
listen = %q
metrics_listen = ""
trusted_proxies = ["127.0.0.1"]
continue_prefixes = ["%[3]s/photos/"]
clients = [{id = "pickerd"}]
[upstream]
client_id = %[4]q
client_secret = %[5]q
issuer = ""
auth_url = "%[3]s/auth/auth"
token_url = "%[3]s/auth/token"
revoke_url = "%[3]s/auth/revoke"
[store]
url = %[6]q
%[7]s`, s.issuer, s.listen, s.google, id, secret, s.store, s.more)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	d := &daemon{t: t, name: "pickerd-gateway at " + s.listen, path: path, args: []string{"run", "--config", config}, env: s.env}
	d.answer = func(ctx context.Context) error {
		if !strings.Contains(d.log.String(), "msg=ready") {
			return fmt.Errorf("not ready")
		}
		return nil
	}
	d.start()
	return d
}

// A barrier keeps requests to some paths from being served.
type barrier struct {
	mu   sync.Mutex
	held []*held
}

type held struct {
	prefix   string        // of the path
	empty    bool          // answered with 204, after which a browser stays where it is
	arrived  chan struct{} // closed by the first request
	once     sync.Once
	released chan struct{}
}

// hold holds requests whose path has a prefix until release is called. arrived is
// closed when there is one.
func (b *barrier) hold(prefix string) (arrived <-chan struct{}, release func()) {
	return b.add(&held{prefix: prefix})
}

// stay is like hold, but a browser stays on the page that leads there.
func (b *barrier) stay(prefix string) (arrived <-chan struct{}, release func()) {
	return b.add(&held{prefix: prefix, empty: true})
}

func (b *barrier) add(h *held) (arrived <-chan struct{}, release func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h.arrived, h.released = make(chan struct{}), make(chan struct{})
	b.held = append(b.held, h)
	return h.arrived, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.held = slices.DeleteFunc(b.held, func(other *held) bool { return other == h })
		close(h.released)
	}
}

// find returns what holds a request, nil if nothing does.
func (b *barrier) find(path string) *held {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.held, func(h *held) bool { return strings.HasPrefix(path, h.prefix) })
	if i < 0 {
		return nil
	}
	return b.held[i]
}

func (b *barrier) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := b.find(r.URL.Path); h != nil {
			h.once.Do(func() { close(h.arrived) })
			if h.empty {
				w.WriteHeader(http.StatusNoContent)
				return
			}
			select {
			case <-h.released:
			case <-r.Context().Done():
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// newFront returns a reverse proxy without stickiness. Requests go to the instances
// in turn, and to the next one if one does not accept the connection.
func newFront(instances ...string) http.Handler {
	var turn atomic.Uint64
	dial := func(ctx context.Context, network, _ string) (c net.Conn, err error) {
		first := turn.Add(1)
		for i := range instances {
			var d net.Dialer
			if c, err = d.DialContext(ctx, network, instances[(int(first)+i)%len(instances)]); err == nil {
				return c, nil
			}
		}
		return nil, err
	}
	return &httputil.ReverseProxy{
		Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: "gateway"})
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		},
		ErrorLog: log.New(io.Discard, "", 0),
	}
}

// A cluster is two instances of the gateway on one Redis, behind a proxy.
type cluster struct {
	t      *testing.T
	g      *google
	issuer string
	roots  *x509.CertPool // nil for a cluster without TLS
	redis  *daemon
	one    *daemon
	two    *daemon
	front  *barrier // before the gateway, nil with HAProxy
	google *barrier // before the simulators
	url    string   // of the simulators, behind the barrier
}

// newCluster starts a cluster in front of a Google that refuses the scope to devices.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c, instances := startCluster(t, "http://"+l.Addr().String())
	c.front = &barrier{}
	srv := &http.Server{Handler: c.front.wrap(newFront(instances...)), ReadHeaderTimeout: maxWait}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	return c
}

// startCluster starts what is behind the proxy. It returns the addresses of the
// instances.
func startCluster(t *testing.T, issuer string) (c *cluster, instances []string) {
	t.Helper()
	c = &cluster{t: t, issuer: issuer, google: &barrier{}}
	c.g = googleLike(t, oauthtest.Options{Interval: time.Second, RefuseScope: true, WebRedirects: []string{c.issuer + "/callback"}})
	google := httptest.NewServer(c.google.wrap(c.g.handler))
	t.Cleanup(google.Close)
	c.url = google.URL
	c.g.photos.Change(func(o *pickertest.Options) { o.PublicURL = c.url + "/photos" })
	instances = []string{freeAddress(t), freeAddress(t)}
	var address string
	c.redis, address = newRedis(t)
	s := gatewaySettings{issuer: c.issuer, google: c.url, store: "redis://" + address + "/0"}
	s.listen = instances[0]
	c.one = newGateway(t, c.g, s)
	s.listen = instances[1]
	c.two = newGateway(t, c.g, s)
	return c, instances
}

// newHAProxyCluster starts a cluster behind HAProxy, whose configuration is the one
// that is shipped but for the addresses.
func newHAProxyCluster(t *testing.T) *cluster {
	t.Helper()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	roots := writeCertificate(t, cert, key, "127.0.0.1")
	web := freeAddress(t)
	c, instances := startCluster(t, "https://"+web)
	c.roots = roots
	read := func(name string) string {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	site, config := filepath.Join(dir, "site.pem"), filepath.Join(dir, "haproxy.cfg")
	text := read("../../cmd/pickerd-gateway/deploy/haproxy.cfg")
	for old, new := range map[string]string{
		":8080": freeAddress(t), ":8443": web, "/usr/local/etc/haproxy/site.pem": site,
		"gateway1:8430": instances[0], "gateway2:8430": instances[1],
		"maxconn 40000": "maxconn 2000", // as many as a test may open
	} {
		if strings.Count(text, old) != 1 {
			t.Fatalf("%s is not in haproxy.cfg exactly once", old)
		}
		text = strings.Replace(text, old, new, 1)
	}
	for name, text := range map[string]string{site: read(cert) + read(key), config: text} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
	d := &daemon{t: t, name: "haproxy", path: program(t, "haproxy"), args: []string{"-f", config}}
	d.answer = func(ctx context.Context) error {
		_, err := oauthdevice.Discover(ctx, client, c.issuer)
		return err
	}
	d.start()
	return c
}

// program returns the path of a program that a test needs.
func program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("needs %s", name)
	}
	return path
}

// client returns an HTTP client of the cluster with an address of this machine, such
// as 127.0.5.1.
func (c *cluster) client(address string) *http.Client {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	tr := &http.Transport{DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{RootCAs: c.roots}, ForceAttemptHTTP2: true}
	c.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: maxWait}
}

// throughGateway configures a box with a gateway and nothing else of Google: the
// simulator of the Picker API takes the place of the real one by the environment.
func throughGateway(t testing.TB, google, issuer string) *box {
	t.Helper()
	dir, listen := t.TempDir(), freeAddress(t)
	config := filepath.Join(dir, "pickerd.toml")
	text := fmt.Sprintf(`name = "Living room"
google.gateway = %q
store.dir = %q
control.socket = %q
http.listen = %q
slideshow.interval = "3s"
`, issuer, filepath.Join(dir, "state"), filepath.Join(dir, "c.sock"), listen)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return &box{t: t, args: []string{"run", "--config", config}, env: []string{"PICKERD_GOOGLE_PICKER_URL=" + google + "/photos"},
		socket: filepath.Join(dir, "c.sock"), screen: "http://" + listen + "/"}
}
