// Package pipelisten is a listener for connections within a process, for tests. A
// server on it runs in a bubble of testing/synctest, where a client that is slow takes
// no time.
package pipelisten

import (
	"net"
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
func (l *Listener) Dial() net.Conn {
	near, far := net.Pipe()
	select {
	case l.conns <- far:
	case <-l.closed:
		far.Close()
	}
	return near
}

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
