package main

import (
	"errors"
	"net"
	"net/netip"
	"testing"
)

// A knock is a connection from an address.
type knock struct {
	net.Conn
	from   net.Addr
	closed bool
}

func (k *knock) RemoteAddr() net.Addr { return k.from }
func (k *knock) Close() error         { k.closed = true; return nil }

// A queue is a listener with connections that wait.
type queue []*knock

func (q *queue) Accept() (net.Conn, error) {
	if len(*q) == 0 {
		return nil, net.ErrClosed
	}
	k := (*q)[0]
	*q = (*q)[1:]
	return k, nil
}
func (q *queue) Addr() net.Addr { return &net.TCPAddr{} }
func (q *queue) Close() error   { return nil }

// One client can't take the connections of all, wherever in its network it is.
func TestClientConns(t *testing.T) {
	tcp := func(address string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(address)) }
	for name, tt := range map[string]struct {
		from    []string
		refused int
	}{
		"one address":              {[]string{"192.0.2.1:1", "192.0.2.1:2", "192.0.2.1:3", "192.0.2.1:4"}, 2},
		"mapped to IPv6":           {[]string{"192.0.2.1:1", "[::ffff:192.0.2.1]:2", "[::ffff:192.0.2.1]:3"}, 1},
		"one network of IPv6":      {[]string{"[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8:0:0:ffff::]:1"}, 1},
		"several networks of IPv6": {[]string{"[2001:db8::1]:1", "[2001:db8:0:1::1]:1", "[2001:db8:0:2::1]:1"}, 0},
		"several addresses":        {[]string{"192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1"}, 0},
		"a proxy":                  {[]string{"10.0.0.1:1", "10.0.0.1:2", "10.0.0.1:3"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var all queue
			for _, a := range tt.from {
				all = append(all, &knock{from: tcp(a)})
			}
			waiting := all
			l := newFairListener(&waiting, 2, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")})
			var let []net.Conn
			for {
				c, err := l.Accept()
				if errors.Is(err, net.ErrClosed) {
					break
				}
				let = append(let, c)
			}
			refused := 0
			for _, k := range all {
				if k.closed {
					refused++
				}
			}
			if refused != tt.refused || len(let) != len(all)-refused {
				t.Errorf("%d of %d refused, %d let in", refused, len(all), len(let))
			}
			for _, c := range let {
				c.Close()
				c.Close() // counts once
			}
			if len(l.open) != 0 {
				t.Errorf("closed connections still count: %v", l.open)
			}
			waiting = queue{{from: tcp(tt.from[0])}}
			if c, err := l.Accept(); err != nil || c.Close() != nil {
				t.Errorf("refused after the others have left: %v", err)
			}
		})
	}
}

// A socket without addresses of clients, as a proxy on this machine uses it, has no
// bound for each.
func TestUnixConns(t *testing.T) {
	waiting := queue{{from: &net.UnixAddr{}}, {from: &net.UnixAddr{}}}
	l := newFairListener(&waiting, 1, nil)
	for range 2 {
		if _, err := l.Accept(); err != nil {
			t.Error(err)
		}
	}
}
