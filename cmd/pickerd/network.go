package main

import (
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"pickerd/cmd/command"
	"pickerd/configs"
	"pickerd/display/httpserve"
	"pickerd/display/web"
)

// displaySocket is the FileDescriptorName= of systemd/pickerd.socket.
const displaySocket = "http"

// controlSocket is the name of the control socket where one process leaves it to the
// next.
const controlSocket = "control"

// displayLimits bound the connections to the page. Those of this machine, and those of
// other machines, exceed the number of screens that are served, so that further
// screens get an error. That many may come at once from one host, such as a router that
// translates their addresses.
var displayLimits = httpserve.ConnLimits{Local: 1100, Others: 1100, Unknown: 768, PerHost: 512, Idle: maxUnknownIdle}

// maxUnknownIdle is how long a connection from another machine may be without a
// request until one on it has been authorized, TLS handshake included.
const maxUnknownIdle = 5 * time.Second

// listen opens the display's address, or takes the socket that the service manager
// has opened.
func (e env) listen(h configs.HTTP) (net.Listener, error) {
	l, err := e.sockets.Listen(displaySocket)
	if l == nil && err == nil {
		l, err = net.Listen("tcp", h.Listen)
	}
	if err == nil {
		e.renewal.keep(displaySocket, l)
		if _, ok := l.Addr().(*net.TCPAddr); !ok {
			l.Close()
			err = fmt.Errorf("%s is not a TCP socket", l.Addr())
		}
	}
	if err != nil {
		return nil, command.Hint(fmt.Errorf("the display's address: %w", err), "set another address: http.listen in the configuration, or --listen for the demo", exitFailed)
	}
	l = httpserve.NewConns(l, displayLimits)
	if h.CertFile == "" {
		return l, nil
	}
	c, err := httpserve.NewCertificate(h.CertFile, h.KeyFile)
	if err != nil {
		l.Close()
		return nil, badCertificate(err)
	}
	return tlsListener{l, &tls.Config{GetCertificate: c.Get, NextProtos: []string{"h2", "http/1.1"}}}, nil
}

// checkPage tries the certificate of the page, and its address where own is set: then it
// is for this program to open. Its error is *keyError.
func checkPage(h configs.HTTP, own bool) error {
	if h.CertFile != "" {
		if _, err := httpserve.NewCertificate(h.CertFile, h.KeyFile); err != nil {
			return badCertificate(err)
		}
	}
	if !own {
		return nil
	}
	l, err := net.Listen("tcp", h.Listen)
	if err != nil {
		return &keyError{"http.listen", command.Hint(fmt.Errorf("the display's address: %w", err), "set another address: http.listen in the configuration", exitConfig)}
	}
	return l.Close()
}

// badCertificate returns the error of a certificate that can't be used.
func badCertificate(err error) error {
	return &keyError{"http.cert_file", command.Hint(fmt.Errorf("http.cert_file: %w", err), "both files must be PEM and readable by the user that runs pickerd", exitConfig)}
}

// A tlsListener speaks TLS with other machines. Clients on this machine use plain
// HTTP, because no certificate covers the loopback address.
type tlsListener struct {
	net.Listener
	cfg *tls.Config
}

// Accept implements net.Listener.
func (l tlsListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil || httpserve.IsLocal(c) {
		return c, err
	}
	return tls.Server(c, l.cfg), nil
}

// newKey returns a new display key that is easy to type.
func newKey() string {
	text := strings.ToLower(rand.Text()[:16])
	return strings.Join([]string{text[:4], text[4:8], text[8:12], text[12:]}, "-")
}

// isOpen reports whether other machines reach a listener.
func isOpen(l net.Listener) bool { return !l.Addr().(*net.TCPAddr).IP.IsLoopback() }

// guarded requires the display key for requests from other machines. salt is the
// generated key of this box, for the cookies of a weak key. d may be nil: then nobody is
// let in without the key.
func guarded(cfg *configs.Config, key, salt string, d web.Displays, s *outputs, next http.Handler) http.Handler {
	host, _ := os.Hostname()
	guard := web.GuardConfig{Pages: s.pages, Key: key, Names: append([]string{host, host + ".local"}, cfg.HTTP.Names...), Secure: cfg.HTTP.CertFile != "",
		Framing: cfg.HTTP.FrameAncestors, Displays: d, Log: s.log}
	if cfg.HTTP.HasWeakKey() {
		guard.Weak, guard.Salt = true, salt
	}
	return web.NewGuard(guard).Handler(next)
}
