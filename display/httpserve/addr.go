package httpserve

import (
	"net"
	"net/http"
	"net/netip"
)

// RemoteAddr returns the client's IP address without a zone, invalid if the request
// has none.
func RemoteAddr(r *http.Request) netip.Addr { return ParseAddr(r.RemoteAddr) }

// LocalAddr returns the address that a request was sent to, invalid if it has none.
func LocalAddr(r *http.Request) netip.Addr {
	a, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return AddrOf(a)
}

// ParseAddr is RemoteAddr for the text of an address and port.
func ParseAddr(hostPort string) netip.Addr {
	a, err := netip.ParseAddrPort(hostPort)
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr().Unmap().WithZone("")
}

// AddrOf returns the IP address of one end of a TCP connection, invalid without one.
func AddrOf(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

// HostOf returns what clients are told apart by: an IPv4 address, or the first 64
// bits of an IPv6 address, of which one machine can use as many as it likes (RFC
// 8981).
func HostOf(addr netip.Addr) netip.Addr {
	if !addr.Is6() {
		return addr
	}
	p, err := addr.Prefix(64)
	if err != nil {
		return addr
	}
	return p.Addr()
}

// FromThisMachine reports whether a request comes from this machine.
func FromThisMachine(r *http.Request) bool { return sameMachine(RemoteAddr(r), LocalAddr(r)) }

// IsLocal is FromThisMachine for a connection.
func IsLocal(c net.Conn) bool { return sameMachine(AddrOf(c.RemoteAddr()), AddrOf(c.LocalAddr())) }

func sameMachine(from, to netip.Addr) bool {
	return from.IsLoopback() || from.IsValid() && from == to
}
