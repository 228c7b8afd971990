package engine

import (
	"testing"

	"pickerd/device"
)

// What a server or a phone says does not become a label.
func TestTallyOutcomes(t *testing.T) {
	c := newTally(nil)
	c.pairing(device.ByRelay, "<script>")
	c.pairing(device.ByRelay, "paired")
	got := c.copy().Pairings
	if got[device.Attempt{Method: device.ByRelay, Outcome: "other"}] != 1 || got[device.Attempt{Method: device.ByRelay, Outcome: "paired"}] != 1 || len(got) != 2 {
		t.Errorf("got %v", got)
	}
}
