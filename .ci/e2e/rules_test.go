package e2e

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"pickerd/picker/pickertest"
)

// noLeaks fails the test if a session is open, or a rule was broken, when it ends.
func (g *google) noLeaks(t testing.TB) {
	t.Helper()
	t.Cleanup(func() {
		if open := g.photos.Open(); len(open) > 0 {
			t.Errorf("%d sessions were left open", len(open))
		}
		g.checkRules(t)
	})
}

// checkRules reports rules of the Picker API that a box has broken. Requests that
// the machine delays arrive at uneven intervals, so a poll counts as early only if
// it is earlier than the delays measured at the time explain.
func (g *google) checkRules(t testing.TB) {
	t.Helper()
	early := false
	for _, v := range g.photos.Violations() {
		if strings.HasPrefix(v, "session polled after ") {
			early = true
			continue
		}
		t.Errorf("rule broken: %s", v)
	}
	if !early {
		return
	}
	last := map[string]time.Time{}
	for _, c := range g.photos.Calls() {
		if c.Op == pickertest.OpCreate {
			last[c.ID] = c.At
		}
		if c.Op != pickertest.OpGet || c.Status != http.StatusOK {
			continue
		}
		before, polled := last[c.ID]
		last[c.ID] = c.At
		gap := c.At.Sub(before)
		if !polled || gap >= g.interval-g.interval/10 {
			continue
		}
		// Both the client and the server may have delayed the poll before.
		delay := delays.longest(before.Add(-2*maxDelay), c.At)
		if g.interval-gap > 2*delay {
			t.Errorf("session polled after %v, less than %v; requests were delayed by up to %v", gap, g.interval, delay)
		} else {
			t.Logf("session polled after %v, less than %v; requests were delayed by up to %v", gap, g.interval, delay)
		}
	}
}

// maxDelay is the longest delay of a request that checkRules allows for.
const maxDelay = time.Second

// delays is how long requests to this process are under way.
var delays delayLog

// A delayLog measures the delay of requests on the loopback interface.
type delayLog struct {
	once    sync.Once
	mu      sync.Mutex
	samples []delaySample
}

// A delaySample is one request: when it was to be sent, and when it was handled.
type delaySample struct{ due, at time.Time }

// measure begins to measure, until the process ends.
func (l *delayLog) measure() {
	l.once.Do(func() {
		handled := make(chan time.Time, 1)
		srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { handled <- time.Now() }))
		go func() {
			for tick := time.Tick(20 * time.Millisecond); ; {
				due := <-tick
				resp, err := http.Get(srv.URL)
				if err != nil {
					continue
				}
				resp.Body.Close()
				at := <-handled
				l.mu.Lock()
				l.samples = append(l.samples, delaySample{due, at})
				l.mu.Unlock()
			}
		}()
	})
}

// longest returns the longest delay between two times, maxDelay at most. A request
// that was handled later counts too: while a machine stands still, none is.
func (l *delayLog) longest(from, to time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	var longest time.Duration
	for _, s := range l.samples {
		if !s.at.Before(from) && !s.due.After(to) {
			longest = max(longest, s.at.Sub(s.due))
		}
	}
	return min(longest, maxDelay)
}

func TestDelays(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	var l delayLog
	l.samples = []delaySample{{at(1), at(1)}, {at(2), at(2).Add(time.Millisecond)}, {at(3), at(9)}}
	for _, tt := range []struct {
		from, to int
		want     time.Duration
	}{{0, 1, 0}, {0, 2, time.Millisecond}, {4, 5, maxDelay}, {10, 11, 0}} {
		if got := l.longest(at(tt.from), at(tt.to)); got != tt.want {
			t.Errorf("from %d to %d: %v, want %v", tt.from, tt.to, got, tt.want)
		}
	}
}
