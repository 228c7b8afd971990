package inet

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"io"
	"io/fs"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
)

const (
	// maxKernelFile bounds what is read of a file of the kernel.
	maxKernelFile = 1 << 20
	// maxDepth bounds how many interfaces are stacked, as a VLAN of a bridge of a
	// bond of cards is.
	maxDepth = 4
)

// Flags of IPv6 addresses (linux/if_addr.h).
const (
	temporary  = 0x01
	failed     = 0x08
	deprecated = 0x20
	tentative  = 0x40
)

// read returns the beginning of a file, nil if there is none.
func read(files fs.FS, name string) []byte {
	f, err := files.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	data, _ := io.ReadAll(io.LimitReader(f, maxKernelFile))
	return data
}

// exists reports whether there is a file or folder.
func exists(files fs.FS, name string) bool {
	_, err := fs.Stat(files, name)
	return err == nil
}

// ethernet is the type of interfaces with cards of Ethernet or Wi-Fi under them
// (linux/if_arp.h). Tunnels and modems have others.
const ethernet = "1"

// bridgeNames begin the names of bridges without hardware, for a system that hides
// /sys.
var bridgeNames = []string{"docker", "br-", "veth", "virbr", "lxc", "lxd", "cni", "podman", "flannel", "cali", "vnet"}

// tunnelNames begin the names of tunnels and modems.
var tunnelNames = []string{"tun", "tap", "wg", "ppp", "tailscale", "zt", "wwan", "nebula"}

func hasPrefix(name string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// kindOf returns the kind of an interface that is depth interfaces below another.
func kindOf(files fs.FS, name string, depth int) Kind {
	dir := path.Join("sys/class/net", name)
	entries, err := fs.ReadDir(files, dir)
	switch {
	case err != nil && hasPrefix(name, tunnelNames):
		return Tunnel
	case err != nil && hasPrefix(name, bridgeNames):
		return Bridge
	case err != nil:
		return Hardware
	case strings.TrimSpace(string(read(files, dir+"/type"))) != ethernet, exists(files, dir+"/tun_flags"),
		bytes.Contains(read(files, dir+"/uevent"), []byte("DEVTYPE=wwan")):
		return Tunnel
	case exists(files, dir+"/device"):
		return Hardware
	}
	for _, e := range entries {
		if lower, ok := strings.CutPrefix(e.Name(), "lower_"); ok && depth < maxDepth && kindOf(files, lower, depth+1) == Hardware {
			return Hardware
		}
	}
	if exists(files, dir+"/bridge") {
		return Bridge
	}
	return Virtual
}

// lines returns the lines of a table of the kernel, split into at least min fields.
func lines(table []byte, min int) (out [][]string) {
	for s := bufio.NewScanner(bytes.NewReader(table)); s.Scan(); {
		if f := strings.Fields(s.Text()); len(f) >= min {
			out = append(out, f)
		}
	}
	return out
}

// Flags of routes (linux/route.h).
const (
	routeUp     = 0x1
	routeReject = 0x200

	maxMetric = 1 << 30 // larger ones are alike
)

// addRoute notes a default route. flags and metric are in the given bases. The
// metrics are one more than the kernel's, so that 0 means no route.
func addRoute(metrics map[string]int, name, flags, metric string, base int) {
	set, err := strconv.ParseUint(flags, 16, 32)
	if err != nil || set&routeUp == 0 || set&routeReject != 0 {
		return
	}
	m, err := strconv.ParseUint(metric, base, 32)
	if err != nil {
		return
	}
	next := int(min(m, maxMetric)) + 1
	if old := metrics[name]; old == 0 || next < old {
		metrics[name] = next
	}
}

// routes4 returns the default routes' metrics by interface from /proc/net/route.
func routes4(table []byte) map[string]int {
	metrics := map[string]int{}
	for _, f := range lines(table, 8) { // Iface Destination Gateway Flags RefCnt Use Metric Mask
		if f[1] == "00000000" && f[7] == "00000000" {
			addRoute(metrics, f[0], f[3], f[6], 10)
		}
	}
	return metrics
}

// routes6 returns the default routes' metrics by interface from
// /proc/net/ipv6_route.
func routes6(table []byte) map[string]int {
	metrics := map[string]int{}
	for _, f := range lines(table, 10) { // destination length source length gateway metric references use flags interface
		if strings.Trim(f[0], "0") == "" && f[1] == "00" {
			addRoute(metrics, f[9], f[8], f[5], 16)
		}
	}
	return metrics
}

// flags6 returns the flags of addresses from /proc/net/if_inet6.
func flags6(table []byte) map[netip.Addr]uint64 {
	flags := map[netip.Addr]uint64{}
	for _, f := range lines(table, 6) { // address index length scope flags interface
		b, err := hex.DecodeString(f[0])
		ip, ok := netip.AddrFromSlice(b)
		if set, ferr := strconv.ParseUint(f[4], 16, 32); err == nil && ferr == nil && ok {
			flags[ip] = set
		}
	}
	return flags
}
