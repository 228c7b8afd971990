package inet_test

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"

	"pickerd/device/inet"
)

func addrs(list ...string) (out []inet.Addr) {
	for _, s := range list {
		s, fleeting := strings.CutSuffix(s, " fleeting")
		out = append(out, inet.Addr{Addr: netip.MustParseAddr(s), Fleeting: fleeting})
	}
	return out
}

// TestForPhones has boxes with several interfaces, and expects the address where
// phones are.
func TestForPhones(t *testing.T) {
	eth0 := inet.Interface{Name: "eth0", Metric4: 101, Metric6: 101, Addrs: addrs("fe80::1", "2001:db8::5", "192.168.1.20")}
	wlan0 := inet.Interface{Name: "wlan0", Metric4: 601, Addrs: addrs("192.168.7.9")}
	docker0 := inet.Interface{Name: "docker0", Kind: inet.Bridge, Addrs: addrs("172.17.0.1")}
	wg0 := inet.Interface{Name: "wg0", Kind: inet.Tunnel, Metric4: 1, Addrs: addrs("10.8.0.2")}
	without := func(i inet.Interface) inet.Interface { i.Metric4, i.Metric6 = 0, 0; return i }
	down := func(i inet.Interface) inet.Interface { i.Down = true; return i }
	with := func(i inet.Interface, list ...string) inet.Interface { i.Addrs = addrs(list...); return i }
	for name, tt := range map[string]struct {
		list []inet.Interface
		want string // "" for none
	}{
		"nothing":                             {nil, ""},
		"one card":                            {[]inet.Interface{eth0}, "192.168.1.20"},
		"only IPv6":                           {[]inet.Interface{with(eth0, "fe80::1", "2001:db8::5")}, "2001:db8::5"},
		"IPv6, stable and fleeting":           {[]inet.Interface{with(eth0, "2001:db8::77 fleeting", "2001:db8::5")}, "2001:db8::5"},
		"IPv6, unique local":                  {[]inet.Interface{with(eth0, "2001:db8::5", "fd00::5")}, "fd00::5"},
		"IPv6, only fleeting":                 {[]inet.Interface{with(eth0, "2001:db8::77 fleeting")}, "2001:db8::77"},
		"only IPv6, beside a bridge":          {[]inet.Interface{docker0, with(eth0, "2001:db8::5")}, "2001:db8::5"},
		"only of the link":                    {[]inet.Interface{with(eth0, "fe80::1", "169.254.3.4")}, ""},
		"card without a lease, Wi-Fi":         {[]inet.Interface{with(without(eth0), "169.254.3.4"), wlan0}, "192.168.7.9"},
		"public and private":                  {[]inet.Interface{with(eth0, "203.0.113.5", "192.168.1.20")}, "192.168.1.20"},
		"public":                              {[]inet.Interface{with(eth0, "203.0.113.5", "fd00::5")}, "203.0.113.5"},
		"cable and Wi-Fi":                     {[]inet.Interface{wlan0, eth0}, "192.168.1.20"},
		"cable without route, Wi-Fi":          {[]inet.Interface{without(eth0), wlan0}, "192.168.7.9"},
		"cable unplugged":                     {[]inet.Interface{down(eth0), wlan0}, "192.168.7.9"},
		"VPN as default route":                {[]inet.Interface{wg0, without(eth0)}, "192.168.1.20"},
		"VPN and cable, both routes":          {[]inet.Interface{wg0, eth0}, "192.168.1.20"},
		"VPN alone":                           {[]inet.Interface{wg0}, "10.8.0.2"},
		"bridge of containers before a card":  {[]inet.Interface{docker0, without(eth0)}, "192.168.1.20"},
		"bridge of containers, default route": {[]inet.Interface{{Name: "docker0", Kind: inet.Bridge, Metric4: 1, Addrs: addrs("172.17.0.1")}, without(eth0)}, "192.168.1.20"},
		"within a container":                  {[]inet.Interface{{Name: "eth1", Kind: inet.Virtual, Addrs: addrs("10.1.0.2")}, {Name: "eth0", Kind: inet.Virtual, Metric4: 1, Addrs: addrs("172.17.0.2")}}, "172.17.0.2"},
		"containers within a container":       {[]inet.Interface{{Name: "docker0", Kind: inet.Bridge, Metric4: 1, Addrs: addrs("172.18.0.1")}, {Name: "eth0", Kind: inet.Virtual, Addrs: addrs("172.17.0.2")}}, "172.17.0.2"},
		"route by IPv4 and route by IPv6":     {[]inet.Interface{{Name: "eth1", Metric6: 1, Addrs: addrs("2001:db8::5")}, eth0}, "192.168.1.20"},
		"route by IPv6 only":                  {[]inet.Interface{without(wlan0), {Name: "eth1", Metric6: 1, Addrs: addrs("2001:db8::5")}}, "2001:db8::5"},
		"metric 0 of the kernel":              {[]inet.Interface{wlan0, {Name: "eth1", Metric4: 1, Addrs: addrs("10.0.0.5")}}, "10.0.0.5"},
	} {
		t.Run(name, func(t *testing.T) {
			got := inet.ForPhones(tt.list)
			if want, _ := netip.ParseAddr(tt.want); got != want {
				t.Errorf("%v, want %q", got, tt.want)
			}
		})
	}
}

// sys returns the kernel's files of some interfaces. Each is a name and what its
// folder has, after a colon; type is 1 unless it is named.
func sys(interfaces ...string) fstest.MapFS {
	files := fstest.MapFS{}
	for _, i := range interfaces {
		name, rest, _ := strings.Cut(i, ":")
		dir := "sys/class/net/" + name + "/"
		files[dir+"type"] = &fstest.MapFile{Data: []byte("1\n")}
		for _, entry := range strings.Fields(rest) {
			file, data, _ := strings.Cut(entry, "=")
			files[dir+file] = &fstest.MapFile{Data: []byte(data + "\n")}
		}
	}
	return files
}

const up = net.FlagUp | net.FlagRunning

func ports(names ...string) (list []net.Interface) {
	for i, name := range names {
		list = append(list, net.Interface{Index: i + 1, Name: name, Flags: up})
	}
	return list
}

func noAddrs(net.Interface) ([]net.Addr, error) { return nil, nil }

// TestKinds reads what the kernel says of interfaces.
func TestKinds(t *testing.T) {
	files := sys("eth0:device", "wlan0:device", "docker0:bridge", "veth1:", "br0:bridge lower_eth0 lower_vnet1", "virbr0:bridge lower_vnet1", "vnet1:tun_flags", "bond0:lower_eth1",
		"eth1:device", "bond0.5:lower_bond0", "tun0:type=65534 tun_flags", "wg0:type=65534", "wwan0:device uevent=DEVTYPE=wwan", "ppp0:type=512", "sit0:type=776", "loop0:lower_loop0", "br-1:bridge lower_veth1")
	want := map[string]inet.Kind{"eth0": inet.Hardware, "wlan0": inet.Hardware, "docker0": inet.Bridge, "veth1": inet.Virtual, "br0": inet.Hardware, "virbr0": inet.Bridge,
		"vnet1": inet.Tunnel, "bond0": inet.Hardware, "bond0.5": inet.Hardware, "tun0": inet.Tunnel, "wg0": inet.Tunnel, "wwan0": inet.Tunnel, "ppp0": inet.Tunnel, "sit0": inet.Tunnel, "loop0": inet.Virtual, "br-1": inet.Bridge}
	for name, kind := range want {
		if got := inet.Interfaces(files, ports(name), noAddrs); len(got) != 1 || got[0].Kind != kind {
			t.Errorf("%s: %+v, want kind %d", name, got, kind)
		}
	}
	// A sandbox may hide /sys.
	for name, kind := range map[string]inet.Kind{"eth0": inet.Hardware, "wlp2s0": inet.Hardware, "docker0": inet.Bridge, "br-1f": inet.Bridge, "wg0": inet.Tunnel, "tailscale0": inet.Tunnel} {
		if got := inet.Interfaces(fstest.MapFS{}, ports(name), noAddrs); len(got) != 1 || got[0].Kind != kind {
			t.Errorf("%s without /sys: %+v, want kind %d", name, got, kind)
		}
	}
}

// Tables of a kernel, of a box with a card and a VPN.
const (
	route = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
tun0	00000000	0100080A	0003	0	0	50	00000000	0	0	0
eth0	00000000	010200C0	0003	0	0	100	00000000	0	0	0
eth0	00000000	010200C0	0003	0	0	20	00000000	0	0	0
eth0	000200C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
eth1	00000000	00000000	0200	0	0	0	00000000	0	0	0
`
	ipv6Route = `fd000000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fd000000000000000000000000000001 00000400 00000003 00000000 00000003     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
`
	ifInet6 = `fe8000000000000000fc00fffe000001 04 40 20 80     eth0
20010db8000000000000000000000077 04 40 00 01     eth0
20010db8000000000000000000000066 04 40 00 20     eth0
20010db8000000000000000000000055 04 40 00 40     eth0
20010db8000000000000000000000044 04 40 00 08     eth0
20010db8000000000000000000000005 04 40 00 80     eth0
`
)

func tables(files fstest.MapFS, route, ipv6Route, ifInet6 string) fstest.MapFS {
	for name, text := range map[string]string{"route": route, "ipv6_route": ipv6Route, "if_inet6": ifInet6} {
		files["proc/self/net/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

func TestInterfaces(t *testing.T) {
	list := ports("lo", "eth0", "tun0", "eth1", "eth2", "eth3")
	list[0].Flags |= net.FlagLoopback
	list[2].Flags |= net.FlagPointToPoint
	list[3].Flags = net.FlagUp // no cable
	list[4].Flags = 0
	got := inet.Interfaces(tables(sys("eth0:device", "tun0:", "eth1:device", "eth3:device"), route, ipv6Route, ifInet6), list, func(i net.Interface) ([]net.Addr, error) {
		switch i.Name {
		case "eth0":
			var out []net.Addr
			for _, s := range []string{"192.168.1.20/24", "2001:db8::77/64", "2001:db8::66/64", "2001:db8::55/64", "2001:db8::44/64", "2001:db8::5/64"} {
				ip, n, _ := net.ParseCIDR(s)
				out = append(out, &net.IPNet{IP: ip, Mask: n.Mask})
			}
			return append(out, &net.IPAddr{}), nil
		case "eth3":
			return nil, errors.New("no such network interface")
		}
		return nil, nil
	})
	want := []inet.Interface{
		{Name: "eth0", Kind: inet.Hardware, Metric4: 21, Metric6: 0x401, Addrs: addrs("192.168.1.20", "2001:db8::77 fleeting", "2001:db8::66 fleeting", "2001:db8::5")},
		{Name: "tun0", Kind: inet.Tunnel, Metric4: 51},
		{Name: "eth1", Kind: inet.Hardware, Down: true},
	}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i, w := range want {
		g := got[i]
		if g.Name != w.Name || g.Kind != w.Kind || g.Down != w.Down || g.Metric4 != w.Metric4 || g.Metric6 != w.Metric6 || len(g.Addrs) != len(w.Addrs) {
			t.Errorf("%+v, want %+v", g, w)
			continue
		}
		for j := range w.Addrs {
			if g.Addrs[j] != w.Addrs[j] {
				t.Errorf("%s: %+v, want %+v", w.Name, g.Addrs[j], w.Addrs[j])
			}
		}
	}
}

// TestLANAddress asks this machine, which may have any network.
func TestLANAddress(t *testing.T) {
	ip, err := inet.LANAddress()
	if err != nil || ip != nil && (ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsUnspecified()) {
		t.Errorf("%v, %v", ip, err)
	}
}

func FuzzInterfaces(f *testing.F) {
	f.Add(route, ipv6Route, ifInet6, "1", "DEVTYPE=wlan")
	f.Add("\x00\n00000000", strings.Repeat("0", 70000), "zz 04 40 00 80 eth0", "", "")
	f.Fuzz(func(t *testing.T, route, ipv6Route, ifInet6, kind, uevent string) {
		files := tables(sys("eth0:lower_eth0"), route, ipv6Route, ifInet6)
		files["sys/class/net/eth0/type"].Data = []byte(kind)
		files["sys/class/net/eth0/uevent"] = &fstest.MapFile{Data: []byte(uevent)}
		list := inet.Interfaces(files, ports("eth0"), func(net.Interface) ([]net.Addr, error) {
			return []net.Addr{&net.IPNet{IP: net.ParseIP("192.168.1.20"), Mask: net.CIDRMask(24, 32)}}, nil
		})
		if len(list) != 1 || list[0].Metric4 < 0 || list[0].Metric6 < 0 || inet.ForPhones(list) != netip.MustParseAddr("192.168.1.20") {
			t.Errorf("%+v", list)
		}
	})
}
