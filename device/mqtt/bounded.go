package mqtt

import (
	"errors"
	"net"
)

// maxPacketSize bounds a packet from the broker in bytes, without its fixed header. The
// broker is told so, and the client would reserve what a header claims.
const maxPacketSize = maxPayload + 1024

// errTooLarge means that a broker has sent a packet beyond maxPacketSize.
var errTooLarge = errors.New("packet from the broker is too large")

// A boundedConn fails at the header of a packet that is too large. It follows the fixed
// headers (MQTT 5.0 §2.1) in what is read.
type boundedConn struct {
	net.Conn
	left   int // of the packet's content
	length int // as far as it is read
	shift  int // of the next digit of the length, 0 before the first
	header bool
}

func (c *boundedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	for i := 0; i < n; {
		if c.left > 0 {
			skip := min(c.left, n-i)
			c.left -= skip
			i += skip
			continue
		}
		if !c.header { // type and flags
			c.header, c.length, c.shift = true, 0, 0
			i++
			continue
		}
		c.length |= int(p[i]&0x7f) << c.shift
		c.shift += 7
		if c.length > maxPacketSize || c.shift > 28 {
			return 0, errTooLarge
		}
		if p[i]&0x80 == 0 {
			c.left, c.header = c.length, false
		}
		i++
	}
	return n, err
}
