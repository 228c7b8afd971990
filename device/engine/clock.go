package engine

import (
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"pickerd/store"
)

// A clock knows the servers' time. The clock of a box without a battery is in
// 1970 after each power cut, and later jumps: what is on disk is therefore
// stamped with the servers' time, and this process waits by monotonic times.
type clock struct {
	log *slog.Logger

	mu      sync.Mutex
	date    time.Time // from the last answer
	at      time.Time // when that came, by the monotonic clock
	reached time.Time // the newest build or mark on disk; zero if any time is believed
	refused bool      // and logged
}

// maxYearsOff is how far a server's time may be from the newest build or mark on
// disk. A year of five digits can't be written, and a wrong one would end every code
// and session.
const maxYearsOff = 10

// markInterval is how often the time is marked on disk.
const markInterval = 30 * 24 * time.Hour

// newClock returns a clock that believes the servers within maxYearsOff of when the
// program was built, or of the mark on disk. If built is zero, it believes any time.
func newClock(built time.Time, st *store.Store, log *slog.Logger) *clock {
	c := &clock{reached: built, log: log}
	if built.IsZero() {
		return c
	}
	mark, err := st.Mark()
	if err != nil {
		log.Warn("time mark unreadable", "err", err)
	}
	if mark.After(built) {
		c.reached = mark
	}
	return c
}

// set takes the time from an answer (Date, RFC 9110 §6.6.1).
func (c *clock) set(h http.Header) {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.reached; !r.IsZero() && (date.Before(r.AddDate(-maxYearsOff, 0, 0)) || date.After(r.AddDate(maxYearsOff, 0, 0))) {
		if !c.refused {
			c.log.Warn("server time refused", "date", h.Get("Date"), "reached", r.Format(time.DateOnly))
		}
		c.refused = true
		return
	}
	c.date, c.at = date, time.Now()
}

// mark stores the servers' time now and then, so that it is believed in later years.
func (c *clock) mark(st *store.Store) error {
	now, sure := c.now()
	c.mu.Lock()
	due := sure && !c.reached.IsZero() && now.Sub(c.reached) >= markInterval
	c.mu.Unlock()
	if !due {
		return nil
	}
	if err := st.SaveMark(now); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reached = now
	return nil
}

// now returns the servers' time. While none has answered, it returns the box's
// own, and sure is false.
func (c *clock) now() (t time.Time, sure bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() {
		return time.Now().Round(0), false
	}
	return c.date.Add(time.Since(c.at)), true
}

// stamp returns the time to be written to disk.
func (c *clock) stamp() time.Time {
	t, _ := c.now()
	return t
}

// stampOf converts a time of this process to one to be written to disk.
func (c *clock) stampOf(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return c.stamp().Add(time.Until(t))
}

// local converts a server's time to one of this process.
func (c *clock) local(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return time.Now().Add(t.Sub(c.stamp()))
}

// observe returns a client that sets the clock by the answers from the hosts of
// some addresses. Hosts of media are not asked for the time.
func (c *clock) observe(hc *http.Client, addrs ...string) *http.Client {
	if hc == nil {
		hc = http.DefaultClient
	}
	var hosts []string
	for _, addr := range addrs {
		if u, err := url.Parse(addr); err == nil && u.Host != "" {
			hosts = append(hosts, u.Host)
		}
	}
	own := *hc
	own.Transport = &observer{c, hosts, hc.Transport}
	return &own
}

type observer struct {
	clock *clock
	hosts []string
	next  http.RoundTripper // nil means http.DefaultTransport
}

// RoundTrip implements http.RoundTripper.
func (o *observer) RoundTrip(r *http.Request) (*http.Response, error) {
	next := o.next
	if next == nil {
		next = http.DefaultTransport
	}
	resp, err := next.RoundTrip(r)
	if err == nil && slices.Contains(o.hosts, r.URL.Host) {
		o.clock.set(resp.Header)
	}
	return resp, err
}

// A span is the lifetime of a pairing in times of this process.
type span struct {
	start, end time.Time
	sure       bool
	stamped    time.Time // start as the disk has it
}

// spans holds them by requestId. Times that are read from disk have lost their
// monotonic part, and may come from a clock that was wrong.
type spans map[string]span

// begin notes the lifetime of a pairing that begins in this process.
func (s spans) begin(p *store.Pairing) {
	s[p.RequestID] = span{start: p.StartedAt, end: p.ExpiresAt, sure: true}
}

// put gives a pairing that was read from disk, and the one that it replaced, times
// of this process. Neither lives longer than intended when a wrong clock is set
// right.
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
		passed := min(max(now.Sub(here.stamped), 0), whole)
		here.start, here.sure = time.Now().Add(-passed), sure
		here.end = here.start.Add(whole)
		s[p.RequestID] = here
	}
	p.StartedAt, p.ExpiresAt = here.start, here.end
	s.put(p.Previous, c)
}

// keep forgets all but a pairing and the one that it replaced.
func (s spans) keep(p *store.Pairing) {
	for id := range s {
		if p == nil || id != p.RequestID && (p.Previous == nil || id != p.Previous.RequestID) {
			delete(s, id)
		}
	}
}
