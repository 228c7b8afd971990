package inet

import (
	"context"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// dialTimeout bounds the connecting to one server.
	dialTimeout = 10 * time.Second
	// minSilence is how long a server must be silent before its protocol is
	// blamed. It is shorter than the engine's shortest request.
	minSilence = 4 * time.Second
	// avoidFor is how long a silent protocol is avoided on a network.
	avoidFor = 24 * time.Hour
	// maxNetworks bounds the networks whose silent protocol is remembered.
	maxNetworks = 8
)

// A family is one of the two Internet protocols, as net.Dialer names it.
type family string

const (
	v4 family = "tcp4"
	v6 family = "tcp6"
)

func (f family) other() family {
	if f == v4 {
		return v6
	}
	return v4
}

// String returns the name for people.
func (f family) String() string {
	return map[family]string{v4: "IPv4", v6: "IPv6"}[f]
}

// A DialFunc connects to an address, as (*net.Dialer).DialContext does.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// A Dialer connects by IPv4 or IPv6, and avoids the one that is silent on this
// network. net.Dialer (RFC 8305) tries the other protocol if no connection is made.
// If connections are made and nothing comes back, as behind a tunnel or router that
// drops large packets, it would choose the silent protocol again each time.
//
// It must not be copied. A Dialer is safe for concurrent use.
type Dialer struct {
	dial    DialFunc
	network func() string // names the network that the box is on

	log      atomic.Pointer[slog.Logger] // nil for none
	silences atomic.Int64                // how often a protocol was found to be silent

	mu    sync.Mutex
	avoid map[string]Silence // by network
}

// A Silence is a protocol that was found to be silent on a network.
type Silence struct {
	Network string    `json:"network"`
	Family  family    `json:"family"`
	Since   time.Time `json:"since"`
}

// NewDialer returns a Dialer that connects with dial, or with a net.Dialer if it
// is nil. network names the network that the box is on; nil means by the addresses
// of the box.
func NewDialer(dial DialFunc, network func() string) *Dialer {
	if dial == nil {
		dial = (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext
	}
	if network == nil {
		network = currentNetwork
	}
	return &Dialer{dial: dial, network: network, avoid: map[string]Silence{}}
}

// DialContext connects to a TCP address.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if avoided := d.avoided(); err == nil && avoided != "" && network == "tcp" && net.ParseIP(host) == nil {
		c, err := d.dial(ctx, string(avoided.other()), address)
		if err == nil || ctx.Err() != nil {
			return d.watch(c), err
		}
		// The server or this network has only the one that was silent.
	}
	c, err := d.dial(ctx, network, address)
	return d.watch(c), err
}

// SetLog sets where the Dialer logs that it avoids a protocol.
func (d *Dialer) SetLog(log *slog.Logger) { d.log.Store(log) }

// Silences returns what the Dialer knows, for another process.
func (d *Dialer) Silences() []Silence {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Collect(maps.Values(d.avoid))
}

// Remember takes over what another process knew.
func (d *Dialer) Remember(known []Silence) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range known[:min(len(known), maxNetworks)] {
		if age := time.Since(s.Since); age >= 0 && age < avoidFor && (s.Family == v4 || s.Family == v6) {
			d.avoid[s.Network] = s
		}
	}
}

// Silent returns "IPv4" or "IPv6" if that protocol is avoided on this network, and
// otherwise "".
func (d *Dialer) Silent() string { return d.avoided().String() }

func (d *Dialer) avoided() family {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.avoid) == 0 {
		return ""
	}
	name := d.network()
	s, ok := d.avoid[name]
	if ok && time.Since(s.Since) >= avoidFor {
		delete(d.avoid, name)
		return ""
	}
	return s.Family
}

// noteSilence notes that a protocol was silent. If both are, neither is avoided.
func (d *Dialer) noteSilence(f family) {
	d.silences.Add(1)
	name := d.network()
	d.mu.Lock()
	defer d.mu.Unlock()
	old, known := d.avoid[name]
	if known && old.Family != f {
		delete(d.avoid, name)
		return
	}
	if !known && len(d.avoid) >= maxNetworks {
		oldest := slices.MinFunc(slices.Collect(maps.Values(d.avoid)), func(a, b Silence) int { return a.Since.Compare(b.Since) })
		delete(d.avoid, oldest.Network)
	}
	d.avoid[name] = Silence{name, f, time.Now()}
	if log := d.log.Load(); log != nil && !known {
		log.Warn("protocol silent", "protocol", f.String(), "avoided_for", avoidFor)
	}
}

// noteAnswer notes that a protocol works.
func (d *Dialer) noteAnswer(f family) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.avoid) == 0 {
		return
	}
	if name := d.network(); d.avoid[name].Family == f {
		delete(d.avoid, name)
	}
}

// watch returns a connection that notices if it is closed before anything came.
func (d *Dialer) watch(c net.Conn) net.Conn {
	if c == nil {
		return nil
	}
	a, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return c
	}
	f := v6
	if a.IP.To4() != nil {
		f = v4
	}
	return &conn{Conn: c, dialer: d, family: f}
}

// A conn is a connection of a Dialer.
type conn struct {
	net.Conn
	dialer   *Dialer
	family   family
	wrote    atomic.Pointer[time.Time] // when it was first written to
	read     atomic.Bool               // something came
	answered atomic.Bool               // a whole response's header came
	closed   atomic.Bool
}

// Read implements net.Conn.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.read.Store(true)
	}
	return n, err
}

// Write implements net.Conn.
func (c *conn) Write(b []byte) (int, error) {
	if c.wrote.Load() == nil {
		now := time.Now()
		c.wrote.CompareAndSwap(nil, &now)
	}
	return c.Conn.Write(b)
}

// Close implements net.Conn.
func (c *conn) Close() error {
	if at := c.wrote.Load(); !c.closed.Swap(true) && at != nil && !c.read.Load() && time.Since(*at) >= minSilence {
		c.dialer.noteSilence(c.family)
	}
	return c.Conn.Close()
}

// currentNetwork names the network that the box is on: by the prefixes of its
// addresses, because those of IPv6 change every day (RFC 8981).
func currentNetwork() string {
	addrs, _ := net.InterfaceAddrs()
	var prefixes []string
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if !ok || n.IP.IsLoopback() || n.IP.IsLinkLocalUnicast() {
			continue
		}
		mask := n.Mask
		if n.IP.To4() == nil {
			mask = net.CIDRMask(64, 128)
		}
		prefixes = append(prefixes, n.IP.Mask(mask).String())
	}
	slices.Sort(prefixes)
	return strings.Join(slices.Compact(prefixes), " ")
}

// Transport returns a RoundTripper over t that connects with d. A request that was
// not sent because the server was silent is sent once more, by the other protocol.
// The errors of proxies are *ProxyError.
func (d *Dialer) Transport(t *http.Transport) http.RoundTripper {
	t.DialContext = d.DialContext
	t.OnProxyConnectResponse = checkProxy
	return &transport{d, t}
}
