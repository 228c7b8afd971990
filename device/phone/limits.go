package phone

import (
	"net/netip"
	"sync"

	"golang.org/x/time/rate"

	"pickerd/display/httpserve"
)

// Limits of all visitors together, and of one address.
const (
	maxRequests        = 16 // being answered at a time
	maxRequestsPerHost = 4
	requestRate        = 2 // of one address per second, after a burst
	requestBurst       = 20
	maxHosts           = 256 // addresses counted separately
)

// limits bound the requests of one address and of all together.
type limits struct {
	mu       sync.Mutex
	hosts    *httpserve.Hosts[*host]
	requests int // being answered
}

// A host is one address.
type host struct {
	rate     *rate.Limiter
	requests int // being answered
}

func newLimits() *limits {
	return &limits{hosts: httpserve.NewHosts(maxHosts, func() *host {
		return &host{rate: rate.NewLimiter(requestRate, requestBurst)}
	})}
}

// enter reports whether a request is within the limits. If so, leave must be called
// when it has been answered.
func (l *limits) enter(from netip.Addr) (leave func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.hosts.Get(from)
	if l.requests >= maxRequests || h.requests >= maxRequestsPerHost || !h.rate.Allow() {
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
