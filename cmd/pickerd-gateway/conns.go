package main

import (
	"net"
	"net/netip"
	"slices"
	"sync"

	"pickerd/oauthdevice/gateway"
)

const (
	// maxConns bounds the connections to each listener. Each box that shows a code
	// keeps one.
	maxConns = 20_000
	// maxClientConns bounds those of one client that is no trusted proxy. All boxes
	// and phones of a hotel may have one address.
	maxClientConns = 2_000
)

// A fairListener closes connections of clients that have too many.
type fairListener struct {
	net.Listener
	max    int
	exempt []netip.Prefix

	mu   sync.Mutex
	open map[netip.Prefix]int
}

func newFairListener(l net.Listener, max int, exempt []netip.Prefix) *fairListener {
	return &fairListener{Listener: l, max: max, exempt: exempt, open: map[netip.Prefix]int{}}
}

// Accept implements net.Listener.
func (l *fairListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		peer, ok := c.RemoteAddr().(*net.TCPAddr)
		if !ok {
			return c, nil
		}
		addr := peer.AddrPort().Addr().Unmap().WithZone("")
		if slices.ContainsFunc(l.exempt, func(p netip.Prefix) bool { return p.Contains(addr) }) {
			return c, nil
		}
		from := gateway.ClientPrefix(addr)
		if l.enter(from) {
			return &fairConn{Conn: c, listener: l, from: from}, nil
		}
		c.Close()
	}
}

// enter counts a connection, unless its client has too many.
func (l *fairListener) enter(from netip.Prefix) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[from] >= l.max {
		return false
	}
	l.open[from]++
	return true
}

func (l *fairListener) leave(from netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[from]--; l.open[from] == 0 {
		delete(l.open, from)
	}
}

// A fairConn is counted until it is closed.
type fairConn struct {
	net.Conn
	listener *fairListener
	from     netip.Prefix
	once     sync.Once
}

// Close implements net.Conn.
func (c *fairConn) Close() error {
	c.once.Do(func() { c.listener.leave(c.from) })
	return c.Conn.Close()
}
