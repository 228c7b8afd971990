package gateway

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Bounds of one address, in requests per second after a burst. Many boxes and
// phones can share one.
const (
	codeRate, codeBurst       = 2, 300 // POST /device/code
	refreshRate, refreshBurst = 20, 1000
	pageRate, pageBurst       = 10, 200

	clientRefreshRate, clientRefreshBurst = 200, 5000 // of the boxes of one client

	maxAddresses = 20_000  // counted separately
	maxPolled    = 200_000 // device codes whose polls are counted
)

// Bounds of wrong codes that people type.
const (
	guessesPerMinute = 10  // from one address
	guessesPerHour   = 500 // from all
)

// limits count requests in the memory of one gateway. They protect it and are
// approximate.
type limits struct {
	codes, refreshes, pages *buckets[netip.Prefix]
	clientRefreshes         *buckets[string]
	polls                   *polls
}

func newLimits() *limits {
	return &limits{
		codes:           newBuckets[netip.Prefix](codeRate, codeBurst),
		refreshes:       newBuckets[netip.Prefix](refreshRate, refreshBurst),
		pages:           newBuckets[netip.Prefix](pageRate, pageBurst),
		clientRefreshes: newBuckets[string](clientRefreshRate, clientRefreshBurst),
		polls:           &polls{recent: newRecent[string, poll](maxPolled)},
	}
}

// recent keeps a value for each of the keys used last. It is two generations of a
// map: when the younger is full, the older is dropped.
type recent[K comparable, V any] struct {
	max            int
	younger, older map[K]V
}

func newRecent[K comparable, V any](max int) *recent[K, V] {
	return &recent[K, V]{max: max, younger: map[K]V{}}
}

func (r *recent[K, V]) get(key K) (value V, ok bool) {
	if value, ok = r.younger[key]; !ok {
		value, ok = r.older[key]
	}
	return value, ok
}

func (r *recent[K, V]) set(key K, value V) {
	if len(r.younger) >= r.max/2 {
		r.older, r.younger = r.younger, map[K]V{}
	}
	r.younger[key] = value
}

// len returns an upper bound of the number of values.
func (r *recent[K, V]) len() int { return len(r.younger) + len(r.older) }

// buckets are token buckets by key.
type buckets[K comparable] struct {
	rate  rate.Limit
	burst int

	mu     sync.Mutex
	recent *recent[K, *rate.Limiter]
}

func newBuckets[K comparable](r rate.Limit, burst int) *buckets[K] {
	return &buckets[K]{rate: r, burst: burst, recent: newRecent[K, *rate.Limiter](maxAddresses)}
}

func (b *buckets[K]) allow(key K, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	l, ok := b.recent.get(key)
	if !ok {
		l = rate.NewLimiter(b.rate, b.burst)
	}
	b.recent.set(key, l)
	return l.AllowN(now, 1)
}

// polls notice boxes that poll too fast (RFC 8628 §3.5).
type polls struct {
	mu     sync.Mutex
	recent *recent[string, poll]
}

// A poll is the last one of a device_code.
type poll struct {
	at       time.Time
	interval time.Duration
	answered bool // with a token
}

const (
	maxPollInterval = time.Minute
	pollSlack       = time.Second // that the network may have taken from an interval
)

// tooFast records a poll and reports whether it came too early. If so, the interval
// is longer from now on.
func (p *polls) tooFast(device string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	last, known := p.recent.get(device)
	next := poll{at: now, interval: pollInterval, answered: last.answered}
	early := false
	if known {
		next.interval = last.interval
		if early = now.Sub(last.at) < last.interval-pollSlack; early {
			next.interval = min(last.interval+5*time.Second, maxPollInterval)
		}
	}
	p.recent.set(device, next)
	return early
}

// first reports whether this is the first token answer to a device_code.
func (p *polls) first(device string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	last, _ := p.recent.get(device)
	first := !last.answered
	last.answered = true
	p.recent.set(device, last)
	return first
}

// A guard counts a typed code as a guess until it proves right.
type guard struct {
	s            *Server
	address, all string // names of sets
	member       string
}

// guess returns a guard, or false if too many wrong codes were typed. Both bounds
// are kept by the store, so that they hold for all gateways on it together.
func (s *Server) guess(ctx context.Context, from netip.Prefix) (g *guard, ok bool, err error) {
	g = &guard{s: s, address: "guesses:" + mac(s.codeKey, from.String()), all: "guesses", member: newSecret(16)}
	if ok, err = s.store.Join(ctx, g.address, g.member, guessesPerMinute, time.Minute); err != nil || !ok {
		return nil, false, err
	}
	if ok, err = s.store.Join(ctx, g.all, g.member, guessesPerHour, time.Hour); err != nil || !ok {
		// Nothing is tried, so nothing counts.
		if leaveErr := s.store.Leave(ctx, g.address, g.member); err == nil {
			err = leaveErr
		}
		return nil, false, err
	}
	return g, true, nil
}

// right reports that the code was no wrong guess.
func (g *guard) right(ctx context.Context) error {
	if err := g.s.store.Leave(ctx, g.address, g.member); err != nil {
		return err
	}
	return g.s.store.Leave(ctx, g.all, g.member)
}

// clientPrefix returns the client of a request.
func (s *Server) clientPrefix(r *http.Request) netip.Prefix {
	addr, ignored := clientAddr(r, s.proxies)
	if ignored {
		s.untrusted.Do(func() {
			s.log.Warn("X-Forwarded-For is ignored because its sender is not a trusted proxy; behind a proxy all clients share the limits of one address then")
		})
	}
	return ClientPrefix(addr)
}

// ClientPrefix returns what limits take for one client: an IPv4 address, or a network
// of IPv6, within which a client chooses its address.
func ClientPrefix(addr netip.Addr) netip.Prefix {
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	p, _ := addr.Prefix(bits) // the zero Prefix for an address that is unknown
	return p
}

// clientAddr returns the address of a request's client. X-Forwarded-For counts only
// as far as it was written by trusted proxies, from the right. ignored means that the
// request has one, and that its sender is not a trusted proxy.
func clientAddr(r *http.Request, trusted []netip.Prefix) (addr netip.Addr, ignored bool) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false
	}
	addr = peer.Addr().Unmap().WithZone("")
	if !isTrusted(addr, trusted) {
		return addr, r.Header.Get("X-Forwarded-For") != ""
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for isTrusted(addr, trusted) && len(hops) > 0 {
		last := strings.TrimSpace(hops[len(hops)-1])
		hops = hops[:len(hops)-1]
		next, err := netip.ParseAddr(last)
		if err != nil {
			break
		}
		addr = next.Unmap().WithZone("")
	}
	return addr, false
}

func isTrusted(addr netip.Addr, trusted []netip.Prefix) bool {
	for _, p := range trusted {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
