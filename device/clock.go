package device

import (
	"net/http"
	"net/url"
	"sync"
	"time"

	"pickerd/store"
)

// A clock knows what time it is at the servers. A box without a battery believes
// in 1970 after each power cut, and later jumps: what is on disk is therefore
// stamped with the servers' time, and what this process waits for is counted
// from monotonic times.
type clock struct {
	mu   sync.Mutex
	date time.Time // what a server said last
	at   time.Time // when it said so, by the monotonic clock
}

// hear takes the time from an answer that has it (RFC 9110 §6.6.1).
func (c *clock) hear(h http.Header) {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.date, c.at = date, time.Now()
}

// now returns the servers' time; sure is false while none has answered, and this
// box's own has to do.
func (c *clock) now() (t time.Time, sure bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() {
		return time.Now().Round(0), false
	}
	return c.date.Add(time.Since(c.at)), true
}

// stamp is the time to be written to disk.
func (c *clock) stamp() time.Time {
	t, _ := c.now()
	return t
}

// stampOf makes of one of this process's times what is to be written to disk.
func (c *clock) stampOf(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return c.stamp().Add(time.Until(t))
}

// local makes of a server's time one of this process's.
func (c *clock) local(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return time.Now().Add(t.Sub(c.stamp()))
}

// listen returns a client whose answers are heard where they come from the host of
// an address; where media come from is not asked for the time.
func (c *clock) listen(hc *http.Client, addr string) *http.Client {
	if hc == nil {
		hc = http.DefaultClient
	}
	host := ""
	if u, err := url.Parse(addr); err == nil {
		host = u.Host
	}
	own := *hc
	own.Transport = &listener{c, host, hc.Transport}
	return &own
}

type listener struct {
	clock *clock
	host  string
	next  http.RoundTripper // nil means http.DefaultTransport
}

// RoundTrip implements http.RoundTripper.
func (l *listener) RoundTrip(r *http.Request) (*http.Response, error) {
	next := l.next
	if next == nil {
		next = http.DefaultTransport
	}
	resp, err := next.RoundTrip(r)
	if err == nil && r.URL.Host == l.host {
		l.clock.hear(resp.Header)
	}
	return resp, err
}

// A span is the life of a pairing in times of this process.
type span struct {
	start, end time.Time
	sure       bool
	stamped    time.Time // start as the disk has it
}

// spans remember them, by requestId. What is read from disk has lost the
// monotonic part of its times, and may come from a clock that was wrong.
type spans map[string]span

// begin notes the life of a pairing that begins in this process.
func (s spans) begin(p *store.Pairing) {
	s[p.RequestID] = span{start: p.StartedAt, end: p.ExpiresAt, sure: true}
}

// put gives a pairing that was read from disk, and the one before it, times that
// this process can count with. Between a clock that was wrong and one that is
// right, neither lives longer than it was to.
func (s spans) put(p *store.Pairing, c *clock) {
	if p == nil {
		return
	}
	here, known := s[p.RequestID]
	if !known {
		here.stamped = p.StartedAt
	}
	if now, sure := c.now(); !known || sure && !here.sure {
		whole := max(p.ExpiresAt.Sub(p.StartedAt), 0)
		gone := min(max(now.Sub(here.stamped), 0), whole)
		here.start, here.sure = time.Now().Add(-gone), sure
		here.end = here.start.Add(whole)
		s[p.RequestID] = here
	}
	p.StartedAt, p.ExpiresAt = here.start, here.end
	s.put(p.Previous, c)
}

// keep forgets all but a pairing and the one before it.
func (s spans) keep(p *store.Pairing) {
	for id := range s {
		if p == nil || id != p.RequestID && (p.Previous == nil || id != p.Previous.RequestID) {
			delete(s, id)
		}
	}
}
