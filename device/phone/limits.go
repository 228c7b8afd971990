package phone

import (
	"net/netip"
	"sync"

	"golang.org/x/time/rate"

	"pickerd/display/httpserve"
)

// Limits of all visitors together, and of one host (httpserve.HostOf).
const (
	maxRequests        = 16 // being answered at a time
	maxRequestsPerHost = 4
	guessRate          = 2 // wrong links of one host per second, after a burst
	guessBurst         = 20
	maxHosts           = 256 // counted separately
)

// limits bound the requests of one host and of all together. Requests with a link
// that is on the screen have no limit per second: a link has 80 bits, and strangers in
// the same IPv6 network must not keep the phone of its reader out.
type limits struct {
	mu       sync.Mutex
	hosts    *httpserve.Hosts[*host]
	requests int // being answered
}

type host struct {
	guesses  *rate.Limiter
	requests int // being answered
}

func newLimits() *limits {
	return &limits{hosts: httpserve.NewHosts(maxHosts, func() *host {
		return &host{guesses: rate.NewLimiter(guessRate, guessBurst)}
	})}
}

// enter reports whether a request is within the limits. If so, leave must be called
// when it has been answered.
func (l *limits) enter(from netip.Addr) (leave func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.hosts.Get(from)
	if l.requests >= maxRequests || h.requests >= maxRequestsPerHost {
		return nil, false
	}
	l.requests++
	h.requests++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.requests--
		h.requests--
	}, true
}

// guess counts a wrong link. It reports whether that is within the limits.
func (l *limits) guess(from netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hosts.Get(from).guesses.Allow()
}
