package main

import (
	"crypto/tls"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
	"golang.org/x/net/netutil"

	"pickerd/cmd/command"
	"pickerd/display/httpserve"
)

// FileDescriptorName= in systemd/pickerd-gateway.socket.
const (
	httpsSocket = "https" // with [tls]
	httpSocket  = "http"  // with [tls], leads to https; without, what a proxy uses
)

// A site is a listener and what it serves.
type site struct {
	listener net.Listener
	handler  http.Handler
}

// A certificate says how the gateway gets its certificate. The zero value means none.
type certificate struct {
	config  *tls.Config
	manager *autocert.Manager // nil for files
}

// newCertificate reads the certificate's files, or prepares to get one by ACME.
func newCertificate(cfg *config, getenv func(string) string) (certificate, error) {
	switch t := cfg.TLS; {
	case t.CertFile != "":
		c, err := httpserve.NewCertificate(t.CertFile, t.KeyFile)
		if err != nil {
			return certificate{}, command.Hint(fmt.Errorf("tls.cert_file and tls.key_file: %w", err), "both files must be PEM and readable by the user that runs the gateway", command.Config)
		}
		return certificate{config: &tls.Config{GetCertificate: c.Get, NextProtos: []string{"h2", "http/1.1"}}}, nil
	case t.Domain != "":
		m := &autocert.Manager{
			Prompt:     autocert.AcceptTOS,
			Cache:      autocert.DirCache(filepath.Join(stateDir(getenv), "certificates")),
			HostPolicy: autocert.HostWhitelist(t.Domain),
			Client:     &acme.Client{DirectoryURL: t.ACMEURL, HTTPClient: httpClient(nil), UserAgent: program},
			Email:      t.ACMEEmail,
		}
		return certificate{m.TLSConfig(), m}, nil
	}
	return certificate{}, nil
}

// listen opens the addresses at which h and the metrics are served, or takes the
// sockets that the service manager has opened.
func (e env) listen(cfg *config, h, metrics http.Handler) (sites []site, err error) {
	defer func() {
		if err != nil {
			for _, s := range sites {
				s.listener.Close()
			}
			sites = nil
		}
	}()
	cert, err := newCertificate(cfg, e.getenv)
	if err != nil {
		return nil, err
	}
	name := httpSocket
	if cert.config != nil {
		name = httpsSocket
	} else if e.sockets[httpsSocket] != nil {
		return nil, command.Hint(fmt.Errorf("the service manager has opened the socket %q, but [tls] is not set", httpsSocket),
			"set tls.domain or tls.cert_file, or disable pickerd-gateway.socket", command.Config)
	}
	proxies, err := cfg.proxies()
	if err != nil {
		return nil, err
	}
	l, err := e.listener(name, cfg.Listen, proxies)
	if err != nil {
		return sites, command.Hint(fmt.Errorf("the gateway's address: %w", err), "set another address: listen in the configuration", command.Failed)
	}
	if cert.config != nil {
		l = tls.NewListener(l, cert.config)
	}
	sites = append(sites, site{l, h})
	if cert.config != nil && e.sockets[httpSocket] != nil {
		if l, err = e.listener(httpSocket, "", proxies); err != nil {
			return sites, err
		}
		sites = append(sites, site{l, redirect(cfg.Issuer, cert.manager)})
	}
	if cfg.MetricsListen == "" {
		return sites, nil
	}
	if l, err = net.Listen("tcp", cfg.MetricsListen); err != nil {
		return sites, command.Hint(fmt.Errorf("the address of the metrics: %w", err), "set another address: metrics_listen in the configuration", command.Failed)
	}
	return append(sites, site{netutil.LimitListener(l, maxScrapes), metrics}), nil
}

// maxScrapes bounds the connections to the metrics.
const maxScrapes = 16

// listener takes a socket of the service manager, or opens an address. It bounds the
// connections of all, and of each client but the proxies.
func (e env) listener(name, address string, proxies []netip.Prefix) (net.Listener, error) {
	l, err := e.sockets.Listen(name)
	if l == nil && err == nil {
		l, err = net.Listen("tcp", address)
	}
	if err != nil {
		return nil, err
	}
	return netutil.LimitListener(newFairListener(l, maxClientConns, proxies), maxConns), nil
}

// redirect leads browsers to the issuer, and answers the challenges of ACME.
func redirect(issuer string, m *autocert.Manager) http.Handler {
	var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, "Use HTTPS.", http.StatusBadRequest) // what was sent has been readable
			return
		}
		to := issuer + r.URL.EscapedPath()
		if r.URL.RawQuery != "" {
			to += "?" + r.URL.RawQuery
		}
		if !strings.HasPrefix(to, issuer+"/") {
			to = issuer + "/"
		}
		http.Redirect(w, r, to, http.StatusMovedPermanently)
	})
	if m != nil {
		h = m.HTTPHandler(h)
	}
	return h
}

// Timeouts and bounds of the server. A request may wait for the upstream server.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 20 * time.Second
	writeTimeout  = 60 * time.Second
	idleTimeout   = 2 * time.Minute // much longer than a box waits between polls
	maxHeader     = 16 << 10
	maxStreams    = 32 // of one HTTP/2 connection
)

// newServer returns a server with timeouts and bounds.
func newServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ErrorLog:          serverLog(log),
	}
}

// serverLog logs what net/http reports, except for failures of single connections:
// they are the clients', and name their addresses.
func serverLog(l *slog.Logger) *log.Logger { return log.New(serverWriter{l}, "", 0) }

type serverWriter struct{ log *slog.Logger }

// Write implements io.Writer.
func (w serverWriter) Write(line []byte) (int, error) {
	text := strings.TrimSpace(string(line))
	switch {
	case strings.HasPrefix(text, "http: panic serving"):
		// The value of the panic and the stack, without the client's address.
		_, rest, _ := strings.Cut(strings.TrimPrefix(text, "http: panic serving "), ": ")
		w.log.Error("request panicked", "why", rest)
	case strings.HasPrefix(text, "http: Accept error"):
		w.log.Error("accepting connections fails", "err", text)
	}
	return len(line), nil
}
