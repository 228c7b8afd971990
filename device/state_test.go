package device

import (
	"testing"

	"pickerd/store"
)

func TestNext(t *testing.T) {
	grant, code := &store.Grant{ID: "g"}, &store.Pairing{}
	intent, open, done := &store.Pick{}, &store.Pick{SessionID: "s"}, &store.Pick{SessionID: "s", Done: true}
	tests := []struct {
		situation string
		f         facts
		want      State
	}{
		{"out of the box", facts{}, Pairing},
		{"a code is out", facts{pairing: code}, Pairing},
		{"paired, first pick intended", facts{grant: grant, pick: intent}, Opening},
		{"session made", facts{grant: grant, pick: open}, Picking},
		{"Done seen", facts{grant: grant, pick: done}, Fetching},
		{"Done seen, some photos here", facts{grant: grant, pick: done, photos: 3}, Fetching},
		{"photos here", facts{grant: grant, photos: 3}, Showing},
		{"paired, nothing here", facts{grant: grant}, Idle},
		{"paired, nothing here, a wish", facts{grant: grant, wanted: true}, Opening},
		{"photos here, grant lost", facts{photos: 3}, Showing},
		{"photos here, grant lost, a wish", facts{photos: 3, wanted: true}, Pairing},
		{"photos here, a code is out", facts{photos: 3, pairing: code}, Pairing},
		{"photos here, picking again", facts{grant: grant, photos: 3, pick: open}, Picking},
	}
	for _, tt := range tests {
		if got := next(tt.f); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.situation, got, tt.want)
		}
	}
}

func TestVisible(t *testing.T) {
	offline, operator, other := &Problem{offline: true}, &Problem{operator: true}, &Problem{}
	tests := []struct {
		situation string
		s         State
		f         facts
		p         *Problem
		reached   bool
		want      State
	}{
		{"no trouble", Opening, facts{}, nil, false, Opening},
		{"no network since boot", Opening, facts{}, offline, false, Waiting},
		{"no network since boot, no code", Pairing, facts{}, offline, false, Waiting},
		{"no network since boot, a code is out", Pairing, facts{pairing: &store.Pairing{}}, offline, false, Pairing},
		{"network lost later", Opening, facts{}, offline, true, Opening},
		{"no network, photos here", Opening, facts{photos: 1}, offline, false, Opening},
		{"misconfigured", Pairing, facts{}, operator, true, Blocked},
		{"misconfigured, photos here", Opening, facts{photos: 1}, operator, true, Opening},
		{"something else", Picking, facts{}, other, true, Picking},
	}
	for _, tt := range tests {
		if got := visible(tt.s, tt.f, tt.p, tt.reached); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.situation, got, tt.want)
		}
	}
}
