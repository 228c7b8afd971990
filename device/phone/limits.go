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
	hosts  map[string]*rate.Limiter
	atOnce int
}

func newLimits() *limits { return &limits{hosts: map[string]*rate.Limiter{}} }

// allow reports whether a request may go on; then done has to be called.
func (l *limits) allow(remote string) bool {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	of := l.hosts[host]
	if of == nil {
		if len(l.hosts) >= manyHosts {
			clear(l.hosts)
		}
		of = rate.NewLimiter(perSecond, burst)
		l.hosts[host] = of
	}
	if l.atOnce >= atOnce || !of.Allow() {
		return false
	}
	l.atOnce++
	return true
}

func (l *limits) done() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.atOnce--
}
