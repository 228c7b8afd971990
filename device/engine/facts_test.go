package engine

import (
	"testing"

	"pickerd/device"
	"pickerd/store"
)

func TestNext(t *testing.T) {
	grant, code := &store.Grant{ID: "g"}, &store.Pairing{}
	intent, open, done := &store.Pick{}, &store.Pick{SessionID: "s"}, &store.Pick{SessionID: "s", Done: true}
	tests := []struct {
		situation string
		f         facts
		want      device.State
	}{
		{"out of the box", facts{}, device.Pairing},
		{"a code is out", facts{pairing: code}, device.Pairing},
		{"paired, first pick intended", facts{grant: grant, pick: intent}, device.Opening},
		{"session made", facts{grant: grant, pick: open}, device.Picking},
		{"Done seen", facts{grant: grant, pick: done}, device.Fetching},
		{"Done seen, some photos here", facts{grant: grant, pick: done, photos: 3}, device.Fetching},
		{"photos here", facts{grant: grant, photos: 3}, device.Showing},
		{"paired, nothing here", facts{grant: grant}, device.Idle},
		{"paired, nothing here, a wish", facts{grant: grant, pickRequested: true}, device.Opening},
		{"photos here, grant lost", facts{photos: 3}, device.Showing},
		{"photos here, grant lost, a wish", facts{photos: 3, pickRequested: true}, device.Pairing},
		{"photos here, a code is out", facts{photos: 3, pairing: code}, device.Pairing},
		{"photos here, picking again", facts{grant: grant, photos: 3, pick: open}, device.Picking},
	}
	for _, tt := range tests {
		if got := next(tt.f); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.situation, got, tt.want)
		}
	}
}

func TestVisible(t *testing.T) {
	offline, operator, other := &device.Problem{Offline: true}, &device.Problem{Operator: true}, &device.Problem{}
	tests := []struct {
		situation string
		s         device.State
		f         facts
		p         *device.Problem
		online    bool
		want      device.State
	}{
		{"no trouble", device.Opening, facts{}, nil, false, device.Opening},
		{"no network since boot", device.Opening, facts{}, offline, false, device.Waiting},
		{"no network since boot, no code", device.Pairing, facts{}, offline, false, device.Waiting},
		{"no network since boot, a code is out", device.Pairing, facts{pairing: &store.Pairing{}}, offline, false, device.Pairing},
		{"network lost later", device.Opening, facts{}, offline, true, device.Opening},
		{"no network, photos here", device.Opening, facts{photos: 1}, offline, false, device.Opening},
		{"misconfigured", device.Pairing, facts{}, operator, true, device.Blocked},
		{"misconfigured, photos here", device.Opening, facts{photos: 1}, operator, true, device.Opening},
		{"something else", device.Picking, facts{}, other, true, device.Picking},
	}
	for _, tt := range tests {
		if got := tt.f.visible(tt.s, tt.p, tt.online); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.situation, got, tt.want)
		}
	}
}
