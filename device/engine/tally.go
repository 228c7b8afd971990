package engine

import (
	"maps"
	"slices"
	"sync"

	"pickerd/device"
	"pickerd/oauthdevice"
)

// A tally counts.
type tally struct {
	mu sync.Mutex
	t  device.Tally
}

// newTally returns a tally that goes on where c ended, nil for a new start.
func newTally(c *device.Carryover) *tally {
	t := device.Tally{Pairings: map[device.Attempt]int{}, Picks: map[string]int{}, Deletions: map[string]int{}, Troubles: map[string]int{}, Items: map[string]int{}}
	if c != nil {
		maps.Copy(t.Pairings, c.Tally.Pairings)
		maps.Copy(t.Picks, c.Tally.Picks)
		maps.Copy(t.Deletions, c.Tally.Deletions)
		maps.Copy(t.Troubles, c.Tally.Troubles)
		maps.Copy(t.Items, c.Tally.Items)
		t.Bytes = c.Tally.Bytes
	}
	return &tally{t: t}
}

func (t *tally) count(change func(*device.Tally)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(&t.t)
}

// outcomes are those that are told apart. A server or a phone may say anything.
var outcomes = []string{"started", "paired", "scope_missing",
	oauthdevice.AccessDenied, oauthdevice.ExpiredToken, oauthdevice.InvalidGrant, oauthdevice.InvalidScope, oauthdevice.InvalidClient,
	oauthdevice.InvalidRequest, oauthdevice.UnauthorizedClient, oauthdevice.UnsupportedGrantType, oauthdevice.AdminPolicyEnforced,
	oauthdevice.OrgInternal, oauthdevice.RateLimitExceeded}

func (t *tally) pairing(method, outcome string) {
	if !slices.Contains(outcomes, outcome) {
		outcome = "other"
	}
	t.count(func(t *device.Tally) { t.Pairings[device.Attempt{Method: method, Outcome: outcome}]++ })
}

func (t *tally) pick(outcome string) { t.count(func(t *device.Tally) { t.Picks[outcome]++ }) }
func (t *tally) deletion(how string) { t.count(func(t *device.Tally) { t.Deletions[how]++ }) }
func (t *tally) trouble(code string) { t.count(func(t *device.Tally) { t.Troubles[code]++ }) }
func (t *tally) received(n int64)    { t.count(func(t *device.Tally) { t.Bytes += n }) }
func (t *tally) item(fetched bool) {
	t.count(func(t *device.Tally) {
		if fetched {
			t.Items["fetched"]++
		} else {
			t.Items["failed"]++
		}
	})
}

// copy returns the counts until now.
func (t *tally) copy() device.Tally {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := t.t
	out.Pairings, out.Picks, out.Deletions = maps.Clone(out.Pairings), maps.Clone(out.Picks), maps.Clone(out.Deletions)
	out.Troubles, out.Items = maps.Clone(out.Troubles), maps.Clone(out.Items)
	return out
}
