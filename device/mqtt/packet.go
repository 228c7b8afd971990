package mqtt

import (
	"net"
	"sync"
	"time"
)

// writeWait bounds the time until the system has taken a packet.
const writeWait = 5 * time.Second

// A packetConn sends each packet in one piece. The client locks it, writes the parts of a
// packet one by one, and unlocks it: a message would be four segments, or three TLS records.
type packetConn struct {
	net.Conn
	mu     sync.Mutex
	packet []byte // as far as it is written
}

// Lock implements sync.Locker.
func (c *packetConn) Lock() { c.mu.Lock() }

// Write keeps a part of a packet until Unlock.
func (c *packetConn) Write(p []byte) (int, error) {
	c.packet = append(c.packet, p...)
	return len(p), nil
}

// Unlock sends the packet. A connection that does not take it is closed, which the reader
// notices.
func (c *packetConn) Unlock() {
	defer c.mu.Unlock()
	_ = c.Conn.SetWriteDeadline(time.Now().Add(writeWait)) // a connection without one is fine too
	if _, err := c.Conn.Write(c.packet); err != nil {
		c.Conn.Close()
	}
	c.packet = nil // it may have been long
}
