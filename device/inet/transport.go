package inet

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"time"
)

// A transport tells its Dialer which connections are answered.
type transport struct {
	dialer *Dialer
	next   *http.Transport
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	silences := t.dialer.silences.Load()
	resp, sent, err := t.try(r)
	if err == nil || sent || r.Context().Err() != nil || t.dialer.silences.Load() == silences {
		return resp, err
	}
	again := r.Clone(r.Context())
	if r.Body != nil && r.Body != http.NoBody {
		if r.GetBody == nil {
			return resp, err
		}
		body, berr := r.GetBody()
		if berr != nil {
			return resp, err
		}
		again.Body = body
	}
	resp, _, err = t.try(again)
	return resp, err
}

// CloseIdleConnections is used by http.Client.
func (t *transport) CloseIdleConnections() { t.next.CloseIdleConnections() }

// try makes a request. sent means that a connection was there for it, so that the
// server may have it.
func (t *transport) try(r *http.Request) (resp *http.Response, sent bool, err error) {
	var use use
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { use.begin(info.Conn) }}
	resp, err = t.next.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
	return resp, use.end(err), err
}

// A use is that of a connection by a request. The Transport may change the
// connection if it repeats the request.
type use struct {
	mu    sync.Mutex
	conn  *conn
	sent  bool
	since time.Time
}

func (u *use) begin(c net.Conn) {
	if tc, ok := c.(*tls.Conn); ok {
		c = tc.NetConn()
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.conn, _ = c.(*conn)
	u.sent, u.since = true, time.Now()
}

// end notes how the server has answered, and reports whether the request was sent.
func (u *use) end(err error) (sent bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	c := u.conn
	switch {
	case c == nil:
	case err == nil:
		if !c.answered.Swap(true) {
			c.dialer.noteAnswer(c.family)
		}
	case !c.answered.Load() && c.read.Load() && !errors.Is(err, context.Canceled) && time.Since(u.since) >= minSilence:
		c.dialer.noteSilence(c.family) // without an answer to its first byte, Close notes it
	}
	return u.sent
}

// A ProxyError means that a proxy refuses to connect to a server (RFC 9110 §9.3.6).
type ProxyError struct {
	Proxy  string // host and port
	Status int    // 407 if it wants a user name and a password
}

// Error implements error.
func (e *ProxyError) Error() string {
	return fmt.Sprintf("proxy %s refuses to connect: HTTP %d %s", e.Proxy, e.Status, http.StatusText(e.Status))
}

func checkProxy(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return &ProxyError{Proxy: proxy.Host, Status: resp.StatusCode}
}

// IsProxyError reports whether a request failed at a proxy: it can't be reached or
// refuses.
func IsProxyError(err error) bool {
	if _, ok := errors.AsType[*ProxyError](err); ok {
		return true
	}
	for err != nil {
		if e, ok := errors.AsType[*net.OpError](err); !ok {
			return false
		} else if e.Op == "proxyconnect" {
			return true
		} else {
			err = e.Err
		}
	}
	return false
}
