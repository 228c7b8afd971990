package phone

import (
	"net/http"
	"net/netip"
	"sync"
	"time"

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

// Limits bound the requests of one host and of all together. Requests with a link
// that is on the screen have no limit per second: a link has 80 bits, and strangers in
// the same IPv6 network must not keep the phone of its reader out.
type Limits struct {
	mu       sync.Mutex
	hosts    *httpserve.Hosts[*host]
	requests int // being answered
}

type host struct {
	guesses  *rate.Limiter
	requests int // being answered
}

// NewLimits returns the limits of one listener.
func NewLimits() *Limits {
	return &Limits{hosts: httpserve.NewHosts(maxHosts, func() *host {
		return &host{guesses: rate.NewLimiter(guessRate, guessBurst)}
	})}
}

// enter reports whether a request is within the limits. If so, leave must be called
// when it has been answered.
func (l *Limits) enter(from netip.Addr) (leave func(), ok bool) {
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

// Guess counts a wrong link. It reports whether that is within the limits.
func (l *Limits) Guess(from netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hosts.Get(from).guesses.Allow()
}

// Handler limits the number and the duration of requests, and the size of their bodies
// in bytes. It answers those beyond the limits with busy.
func (l *Limits) Handler(maxBody int64, busy http.HandlerFunc, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leave, ok := l.enter(httpserve.RemoteAddr(r))
		if !ok {
			busy(w, r)
			return
		}
		defer leave()
		rc := http.NewResponseController(w)
		// Not every ResponseWriter supports deadlines.
		_ = rc.SetReadDeadline(time.Now().Add(maxAnswerTime))
		_ = rc.SetWriteDeadline(time.Now().Add(maxAnswerTime))
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}
