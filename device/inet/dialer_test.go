package inet_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device/inet"
	"pickerd/display/httpserve/pipelisten"
	"pickerd/display/httpserve/testcert"
)

// A fakeNet has servers by the family of their address. It prefers IPv6, as
// net.Dialer does.
type fakeNet struct {
	mu      sync.Mutex
	dialled []string // families of the connections
	name    string
	servers map[string]func() (net.Conn, error) // by "tcp4", "tcp6"
}

func (f *fakeNet) dial(ctx context.Context, family, address string) (net.Conn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, try := range []string{"tcp6", "tcp4"} {
		server := f.servers[try]
		if server == nil || family != "tcp" && family != try {
			continue
		}
		f.dialled = append(f.dialled, try)
		c, err := server()
		if err != nil {
			return nil, err
		}
		ip := net.ParseIP("192.0.2.1")
		if try == "tcp6" {
			ip = net.ParseIP("2001:db8::1")
		}
		return &addressed{c, &net.TCPAddr{IP: ip, Port: 443}}, nil
	}
	return nil, &net.OpError{Op: "dial", Net: family, Err: errors.New("no suitable address found")}
}

func (f *fakeNet) network() string { return f.name }

// took returns the families of the connections since it was called last.
func (f *fakeNet) took() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := strings.Join(f.dialled, " ")
	f.dialled = nil
	return all
}

type addressed struct {
	net.Conn
	at net.Addr
}

func (a *addressed) RemoteAddr() net.Addr { return a.at }

// site is a server with TLS or without.
type site struct {
	good, stuck *pipelisten.Listener // stuck never answers a request
	roots       *x509.CertPool
}

func newSite(t *testing.T, secure bool) *site {
	t.Helper()
	s := &site{good: pipelisten.New(), stuck: pipelisten.New(), roots: x509.NewCertPool()}
	cert, key, err := testcert.New(time.Now().Add(-time.Hour), time.Now().Add(1000*time.Hour), "dual.test")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil || !s.roots.AppendCertsFromPEM(cert) {
		t.Fatal(err)
	}
	serve := func(l net.Listener, h http.HandlerFunc) {
		if secure {
			l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{pair}})
		}
		srv := &http.Server{Handler: h}
		var wg sync.WaitGroup
		wg.Go(func() { _ = srv.Serve(l) })
		t.Cleanup(func() { srv.Close(); wg.Wait(); time.Sleep(time.Minute) }) // a TLS connection is closed within seconds
	}
	serve(s.good, func(http.ResponseWriter, *http.Request) {})
	serve(s.stuck, func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // or the end of the connection is not noticed
		<-r.Context().Done()
	})
	return s
}

func answers(l *pipelisten.Listener) func() (net.Conn, error) {
	return func() (net.Conn, error) { return l.Dial(), nil }
}

func refuses() (net.Conn, error) {
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
}

// silent takes a connection and what is written to it, and never answers.
func silent() (net.Conn, error) {
	near, far := net.Pipe()
	go func() {
		b := make([]byte, 1000)
		for {
			if _, err := far.Read(b); err != nil {
				return
			}
		}
	}()
	return near, nil
}

// TestDialer has servers that connect by IPv6 and are silent then, at the handshake
// or after it, and expects the answer by IPv4.
func TestDialer(t *testing.T) {
	type servers = func(*site) map[string]func() (net.Conn, error)
	silentV6 := func(s *site) map[string]func() (net.Conn, error) {
		return map[string]func() (net.Conn, error){"tcp6": silent, "tcp4": answers(s.good)}
	}
	for name, tt := range map[string]struct {
		secure  bool
		servers servers
		tries   string // the families of each request's connections; a request that fails ends with !
		silent  string
	}{
		"both work": {true, func(s *site) map[string]func() (net.Conn, error) {
			return map[string]func() (net.Conn, error){"tcp6": answers(s.good), "tcp4": answers(s.good)}
		}, "tcp6|tcp6", ""},
		"silent at the handshake": {true, silentV6, "tcp6 tcp4|tcp4|tcp4", "IPv6"},
		"silent without TLS":      {false, silentV6, "tcp6!|tcp4|tcp4", "IPv6"},
		"silent after a handshake": {true, func(s *site) map[string]func() (net.Conn, error) {
			return map[string]func() (net.Conn, error){"tcp6": answers(s.stuck), "tcp4": answers(s.good)}
		}, "tcp6!|tcp4", "IPv6"},
		"both silent": {true, func(*site) map[string]func() (net.Conn, error) {
			return map[string]func() (net.Conn, error){"tcp6": silent, "tcp4": silent}
		}, "tcp6 tcp4!|tcp6 tcp4!", ""},
		"only IPv6, silent": {true, func(*site) map[string]func() (net.Conn, error) {
			return map[string]func() (net.Conn, error){"tcp6": silent}
		}, "tcp6 tcp6!", "IPv6"},
		"refused by IPv4": {true, func(*site) map[string]func() (net.Conn, error) {
			return map[string]func() (net.Conn, error){"tcp6": silent, "tcp4": refuses}
		}, "tcp6 tcp4 tcp6!", "IPv6"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, tt.secure)
				f := &fakeNet{name: "home", servers: tt.servers(s)}
				d := inet.NewDialer(f.dial, f.network)
				c := newClient(d, s.roots)
				for i, want := range strings.Split(tt.tries, "|") {
					if got := request(t, c, f, tt.secure); got != want {
						t.Errorf("request %d: connections %q, want %q", i+1, got, want)
					}
				}
				if got := d.Silent(); got != tt.silent {
					t.Errorf("Silent() = %q, want %q", got, tt.silent)
				}
			})
		})
	}
}

func newClient(d *inet.Dialer, roots *x509.CertPool) *http.Client {
	return &http.Client{Timeout: 25 * time.Second, Transport: d.Transport(&http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots}, TLSHandshakeTimeout: 10 * time.Second, DisableKeepAlives: true,
	})}
}

// request makes a request and returns the families of its connections, with ! if it
// failed.
func request(t *testing.T, c *http.Client, f *fakeNet, secure bool) string {
	t.Helper()
	address := "http://dual.test/"
	if secure {
		address = "https://dual.test/"
	}
	resp, err := c.Post(address, "text/plain", strings.NewReader("body"))
	if err != nil {
		return f.took() + "!"
	}
	resp.Body.Close()
	return f.took()
}

// TestDialerMemory checks that a silent protocol is remembered for one network and
// for a day.
func TestDialerMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, true)
		f := &fakeNet{name: "home", servers: map[string]func() (net.Conn, error){"tcp6": silent, "tcp4": answers(s.good)}}
		d := inet.NewDialer(f.dial, f.network)
		c := newClient(d, s.roots)
		step := func(what, want string) {
			t.Helper()
			if got := request(t, c, f, true); got != want {
				t.Errorf("%s: connections %q, want %q", what, got, want)
			}
		}
		step("first request", "tcp6 tcp4")
		time.Sleep(23 * time.Hour)
		step("a day later", "tcp4")
		f.name = "office"
		step("another network", "tcp6 tcp4")
		f.name = "home"
		step("back", "tcp4")
		time.Sleep(time.Hour)
		step("when it is forgotten", "tcp6 tcp4")
		for i := range 20 {
			f.name = "network " + string(rune('a'+i))
			step("one of many networks", "tcp6 tcp4")
		}
		f.name = "home"
		step("forgotten behind newer ones", "tcp6 tcp4")

		// Another process knows it too.
		next := inet.NewDialer(f.dial, f.network)
		data, err := json.Marshal(d.Silences())
		var known []inet.Silence
		if err == nil {
			err = json.Unmarshal(data, &known)
		}
		if err != nil || len(known) != 8 {
			t.Fatalf("%d networks, %v", len(known), err)
		}
		next.Remember(append(known, inet.Silence{}))
		if next.Silent() != "IPv6" {
			t.Error("another process does not avoid IPv6")
		}
		future := inet.NewDialer(f.dial, f.network)
		future.Remember([]inet.Silence{{Network: "home", Family: "tcp6", Since: time.Now().Add(time.Hour)}, {Network: "home", Family: "udp", Since: time.Now()}})
		if got := future.Silent(); got != "" {
			t.Errorf("%q is avoided for a time that is to come, or it is no protocol", got)
		}

		f.servers["tcp6"], f.servers["tcp4"] = answers(s.good), refuses
		step("mended, without IPv4", "tcp4 tcp6")
		if d.Silent() != "" {
			t.Error("IPv6 is avoided although it answers")
		}
		step("mended", "tcp6")
	})
}

// TestProxyError checks the errors of a request through a proxy.
func TestProxyError(t *testing.T) {
	for name, tt := range map[string]struct {
		answer string // to CONNECT; "" means that the proxy refuses connections
		status int    // in the ProxyError; 0 means another error
		proxy  bool
	}{
		"no proxy there":   {"", 0, true},
		"refuses the host": {"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", 403, true},
		"wants a password": {"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", 407, true},
		"server is away":   {"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", 502, true},
		"connects":         {"HTTP/1.1 200 OK\r\n\r\n", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fakeNet{servers: map[string]func() (net.Conn, error){"tcp4": func() (net.Conn, error) {
					if tt.answer == "" {
						return refuses()
					}
					near, far := net.Pipe()
					go func() {
						b := make([]byte, 10000)
						far.Read(b)
						far.Write([]byte(tt.answer))
						far.Read(b)
						far.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
						for {
							if _, err := far.Read(b); err != nil {
								return
							}
						}
					}()
					return near, nil
				}}}
				base := &http.Transport{Proxy: http.ProxyURL(mustParse("http://user:s3cr3t@proxy.test:3128")), TLSHandshakeTimeout: 10 * time.Second}
				c := &http.Client{Transport: inet.NewDialer(f.dial, f.network).Transport(base)}
				_, err := c.Get("https://dual.test/")
				if got := inet.IsProxyError(err); got != tt.proxy {
					t.Errorf("IsProxyError(%v) = %v", err, got)
				}
				e, ok := errors.AsType[*inet.ProxyError](err)
				if ok != (tt.status != 0) || ok && e.Status != tt.status {
					t.Errorf("error %#v of %v", e, err)
				}
				if strings.Contains(err.Error(), "s3cr3t") {
					t.Errorf("the password is in %v", err)
				}
			})
		})
	}
	if inet.IsProxyError(nil) || inet.IsProxyError(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}) {
		t.Error("an error of a server is said to be a proxy's")
	}
}

func mustParse(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil {
		panic(err)
	}
	return u
}
