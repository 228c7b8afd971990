// Package pipelisten is a listener for connections within a process, for tests. A
// server on it runs in a bubble of testing/synctest, where a client that is slow takes
// no time.
package pipelisten

import (
	"net"
	"net/netip"
	"sync"
)

// A Listener is a net.Listener. Its connections are those of Dial.
type Listener struct {
	conns  chan net.Conn
	closed chan struct{}
	close  func()
}

// New returns a listener.
func New() *Listener {
	l := &Listener{conns: make(chan net.Conn), closed: make(chan struct{})}
	l.close = sync.OnceFunc(func() { close(l.closed) })
	return l
}

// Dial returns the client's end of a new connection after the server has accepted it.
// The connection of a closed listener is closed.
func (l *Listener) Dial() net.Conn { return l.dial(net.Pipe()) }

// DialFrom is Dial for a client with the given address. The server's is LocalAddr.
func (l *Listener) DialFrom(client netip.AddrPort) net.Conn {
	near, far := net.Pipe()
	return l.dial(near, conn{far, net.TCPAddrFromAddrPort(client)})
}

func (l *Listener) dial(near, far net.Conn) net.Conn {
	select {
	case l.conns <- far:
	case <-l.closed:
		far.Close()
	}
	return near
}

// LocalAddr is the server's address on the connections of DialFrom.
var LocalAddr = netip.MustParseAddrPort("192.0.2.1:8420")

// A conn is the server's end of a connection with addresses.
type conn struct {
	net.Conn
	client net.Addr
}

// RemoteAddr implements net.Conn.
func (c conn) RemoteAddr() net.Addr { return c.client }

// LocalAddr implements net.Conn.
func (c conn) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(LocalAddr) }

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. It may be called more than once.
func (l *Listener) Close() error {
	l.close()
	return nil
}

// Addr implements net.Listener.
func (l *Listener) Addr() net.Addr { return &net.TCPAddr{} }
