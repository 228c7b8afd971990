package main

import (
	"log/slog"
	"net"
	"net/http"
	"time"

	"pickerd/device/inet"
)

// httpClient returns the client for requests to other servers. log may be nil.
func httpClient(log *slog.Logger) *http.Client { return newClient(redial{transport(log)}) }

// newClient returns a client that follows no redirects: a token must not be sent to
// another address than the configured.
func newClient(t http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     t,
		Timeout:       20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func transport(log *slog.Logger) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	d := inet.NewDialer((&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext, nil)
	d.SetLog(log)
	t.DialContext = d.DialContext
	t.TLSHandshakeTimeout = 5 * time.Second
	t.ResponseHeaderTimeout = 15 * time.Second
	t.MaxIdleConnsPerHost = 64
	t.MaxResponseHeaderBytes = 64 << 10
	t.IdleConnTimeout = 90 * time.Second
	return t
}
