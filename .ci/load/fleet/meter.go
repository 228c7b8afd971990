package fleet

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Meter opens the boxes' connections. It counts them, and the bytes and calls that
// cross them below TLS.
type Meter struct {
	in, out       atomic.Int64 // bytes
	reads, writes atomic.Int64
	open          atomic.Int64 // connections
	shut          atomic.Bool  // no connection is opened

	mu    sync.Mutex
	tries int
	made  []time.Time // when connections were made
}

// errShut means that the broker is taken to be away.
var errShut = errors.New("connection refused by the simulator")

// dial opens a connection.
func (m *Meter) dial(ctx context.Context, network, address string) (net.Conn, error) {
	m.mu.Lock()
	m.tries++
	m.mu.Unlock()
	if m.shut.Load() {
		return nil, errShut
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	m.made = append(m.made, time.Now())
	m.mu.Unlock()
	m.open.Add(1)
	return &meteredConn{Conn: conn, m: m}, nil
}

// restart forgets the connections that were made.
func (m *Meter) restart() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.made, m.tries = nil, 0
}

// peak returns the number of tries to connect, that of connections made, and the most of
// these in any second.
func (m *Meter) peak() (tries, made, most int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	slices.SortFunc(m.made, time.Time.Compare)
	first := 0
	for i, at := range m.made {
		for at.Sub(m.made[first]) >= time.Second {
			first++
		}
		most = max(most, i-first+1)
	}
	return m.tries, len(m.made), most
}

type meteredConn struct {
	net.Conn
	m    *Meter
	once sync.Once
}

func (c *meteredConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.m.in.Add(int64(n))
	c.m.reads.Add(1)
	return n, err
}

func (c *meteredConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.m.out.Add(int64(n))
	c.m.writes.Add(1)
	return n, err
}

func (c *meteredConn) Close() error {
	c.once.Do(func() { c.m.open.Add(-1) })
	return c.Conn.Close()
}
