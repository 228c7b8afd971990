package inet

import (
	"cmp"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"slices"
	"sort"
)

// A Kind says what an interface leads to.
type Kind int

// Kinds, from the likeliest to have phones to the unlikeliest.
const (
	Hardware Kind = iota // a network card, or a bridge, bond or VLAN over one
	Virtual              // one end of a virtual cable, as within a container
	Bridge               // between containers or virtual machines of this box
	Tunnel               // a VPN, a modem, or another line to one machine
)

// An Interface is a network interface that is up.
type Interface struct {
	Name    string
	Kind    Kind
	Down    bool // no cable or no radio network
	Metric4 int  // of the best default route by IPv4; 0 for none
	Metric6 int  // by IPv6
	Addrs   []Addr
}

// An Addr is an address of an Interface.
type Addr struct {
	netip.Addr
	Fleeting bool // is replaced within a day (RFC 8981), or not to be used any more
}

// LANAddress returns the address at which phones on the local network reach this
// machine, nil if it has none.
func LANAddress() (net.IP, error) {
	list, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("find this machine's address: %w", err)
	}
	a := ForPhones(Interfaces(os.DirFS("/"), list, func(i net.Interface) ([]net.Addr, error) { return i.Addrs() }))
	if !a.IsValid() {
		return nil, nil
	}
	return a.AsSlice(), nil
}

// ForPhones returns the address at which phones reach a machine with these
// interfaces. It is the zero Addr if there is none.
//
// A card with a network behind it goes before a container's bridge or a VPN, even
// if that is the default route: phones are on neither. Between cards the default
// route decides, as it leads to the network that has the Internet.
func ForPhones(list []Interface) netip.Addr {
	list = slices.Clone(list)
	sort.SliceStable(list, func(i, j int) bool {
		a, b := &list[i], &list[j]
		return cmp.Or(
			boolToInt(a.Down)-boolToInt(b.Down),
			cmp.Compare(a.Kind, b.Kind),
			compareMetrics(a.Metric4, b.Metric4),
			compareMetrics(a.Metric6, b.Metric6),
		) < 0
	})
	for _, i := range list {
		if len(i.Addrs) == 0 {
			continue
		}
		best := slices.MinFunc(i.Addrs, func(a, b Addr) int { return cmp.Compare(a.rank(), b.rank()) })
		if best.rank() < unusable {
			return best.Addr
		}
	}
	return netip.Addr{}
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// compareMetrics compares metrics of routes. Having none is worst.
func compareMetrics(a, b int) int {
	if (a == 0) != (b == 0) {
		return boolToInt(a == 0) - boolToInt(b == 0)
	}
	return cmp.Compare(a, b)
}

// unusable is the rank of addresses that phones can't use. Those of the link need
// the name of the phone's own interface, or a phone without DHCP.
const unusable = 8

// rank returns how good an address is for phones; less is better. Every phone
// speaks IPv4. Private addresses are what relay pages accept.
func (a Addr) rank() int {
	r := 0
	switch {
	case !a.IsGlobalUnicast() || a.IsLinkLocalUnicast() || a.IsLoopback():
		return unusable
	case a.Is4() && a.IsPrivate():
	case a.Is4():
		r = 2
	case a.IsPrivate(): // unique local, RFC 4193
		r = 4
	default:
		r = 6
	}
	return r + boolToInt(a.Fleeting)
}

// Interfaces returns the interfaces of list that are up. files has the kernel's sys
// and proc. What they do not say is guessed from the flags and the name.
func Interfaces(files fs.FS, list []net.Interface, addrs func(net.Interface) ([]net.Addr, error)) []Interface {
	metrics4 := routes4(read(files, "proc/self/net/route"))
	metrics6 := routes6(read(files, "proc/self/net/ipv6_route"))
	flags := flags6(read(files, "proc/self/net/if_inet6"))
	var out []Interface
	for _, i := range list {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagLoopback != 0 {
			continue
		}
		found, err := addrs(i)
		if err != nil {
			continue // it is gone
		}
		next := Interface{
			Name: i.Name, Kind: kindOf(files, i.Name, 0), Down: i.Flags&net.FlagRunning == 0,
			Metric4: metrics4[i.Name], Metric6: metrics6[i.Name],
		}
		if i.Flags&net.FlagPointToPoint != 0 {
			next.Kind = Tunnel
		}
		for _, a := range found {
			n, ok := a.(*net.IPNet)
			if !ok {
				continue
			}
			ip, ok := netip.AddrFromSlice(n.IP)
			if ip = ip.Unmap(); !ok || flags[ip]&(tentative|failed) != 0 {
				continue
			}
			next.Addrs = append(next.Addrs, Addr{ip, flags[ip]&(temporary|deprecated) != 0})
		}
		out = append(out, next)
	}
	return out
}
