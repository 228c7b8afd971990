package phone

import (
	"net"
	"sync"

	"golang.org/x/time/rate"
)

const (
	perSecond = 2 // requests of one address, after a burst
	burst     = 20
	manyHosts = 256 // addresses that are told apart at a time
)

// limits bound what one address, and all together, may ask for.
type limits struct {
	mu     sync.Mutex
	hosts  map[string]*host
	atOnce int
}

// A host is one address.
type host struct {
	rate   *rate.Limiter
	atOnce int
}

func newLimits() *limits { return &limits{hosts: map[string]*host{}} }

// enter reports whether a request may go on; then leave has to be called.
func (l *limits) enter(remote string) (leave func(), ok bool) {
	name, _, err := net.SplitHostPort(remote)
	if err != nil {
		name = remote
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.hosts[name]
	if h == nil {
		if len(l.hosts) >= manyHosts {
			clear(l.hosts)
		}
		h = &host{rate: rate.NewLimiter(perSecond, burst)}
		l.hosts[name] = h
	}
	if l.atOnce >= atOnce || h.atOnce >= perHost || !h.rate.Allow() {
		return nil, false
	}
	l.atOnce++
	h.atOnce++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.atOnce--
		h.atOnce--
	}, true
}
