package device

import (
	"maps"
	"slices"
	"sync"
	"time"

	"pickerd/oauthdevice"
)

// A Tally is what a device has done since New, for who counts: each number only
// grows.
type Tally struct {
	Pairings  map[Attempt]int         // codes and links that were shown, and what became of them
	Picks     map[string]int          // by how they ended: "done", "time-out", "cancelled", …
	Deletions map[string]int          // sessions that are gone: "deleted", or "expired" before they could be
	Troubles  map[string]int          // failures that were tried again, by Problem.Code
	Items     map[string]int          // downloads: "fetched" and "failed"
	Bytes     int64                   // that downloads brought, also those that failed
	States    map[State]time.Duration // how long the device was in each
}

// An Attempt is one try to pair. Its outcome is "started", "paired",
// "scope_missing", what the server said (RFC 8628 §3.5, RFC 6749 §5.2), or "other".
type Attempt struct{ Method, Outcome string }

// A tally counts.
type tally struct {
	mu sync.Mutex
	t  Tally
}

func newTally() *tally {
	return &tally{t: Tally{Pairings: map[Attempt]int{}, Picks: map[string]int{}, Deletions: map[string]int{}, Troubles: map[string]int{}, Items: map[string]int{}}}
}

func (t *tally) count(change func(*Tally)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(&t.t)
}

// outcomes are those that are told apart: a server, or a phone, may say anything.
var outcomes = []string{"started", "paired", "scope_missing",
	oauthdevice.AccessDenied, oauthdevice.ExpiredToken, oauthdevice.InvalidGrant, oauthdevice.InvalidScope, oauthdevice.InvalidClient,
	oauthdevice.InvalidRequest, oauthdevice.UnauthorizedClient, oauthdevice.UnsupportedGrantType, oauthdevice.AdminPolicyEnforced,
	oauthdevice.OrgInternal, oauthdevice.RateLimitExceeded}

func (t *tally) pairing(method, outcome string) {
	if !slices.Contains(outcomes, outcome) {
		outcome = "other"
	}
	t.count(func(t *Tally) { t.Pairings[Attempt{method, outcome}]++ })
}

func (t *tally) pick(outcome string) { t.count(func(t *Tally) { t.Picks[outcome]++ }) }
func (t *tally) deletion(how string) { t.count(func(t *Tally) { t.Deletions[how]++ }) }
func (t *tally) trouble(code string) { t.count(func(t *Tally) { t.Troubles[code]++ }) }
func (t *tally) received(n int64)    { t.count(func(t *Tally) { t.Bytes += n }) }
func (t *tally) item(fetched bool) {
	t.count(func(t *Tally) {
		if fetched {
			t.Items["fetched"]++
		} else {
			t.Items["failed"]++
		}
	})
}

// Tally returns what was done until now.
func (d *Device) Tally() Tally {
	d.tally.mu.Lock()
	out := d.tally.t
	out.Pairings, out.Picks, out.Deletions = maps.Clone(out.Pairings), maps.Clone(out.Picks), maps.Clone(out.Deletions)
	out.Troubles, out.Items = maps.Clone(out.Troubles), maps.Clone(out.Items)
	d.tally.mu.Unlock()
	out.States = d.screen.timeInStates()
	return out
}

// timeInStates is how long each state has lasted in all.
func (s *screen) timeInStates() map[State]time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	spent := maps.Clone(s.view.spent)
	if spent == nil {
		spent = map[State]time.Duration{}
	}
	spent[s.view.state] += time.Since(s.view.since)
	return spent
}
