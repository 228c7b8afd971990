package gateway_test

import (
	"path/filepath"
	"testing"
	"time"

	"pickerd/oauthdevice/gateway"
	"pickerd/oauthdevice/gateway/boltstore"
)

// BenchmarkPoll measures what one poll costs the gateway, without the network.
func BenchmarkPoll(b *testing.B) {
	store, err := boltstore.Open(filepath.Join(b.TempDir(), "gateway.db"), boltstore.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	// Each poll is five seconds later, and codes live for 20 minutes.
	polls := 0
	start := time.Now()
	w := newWorld(b, func(c *gateway.Config) {
		c.Store = store
		c.Now = func() time.Time { return start.Add(time.Duration(polls%200) * 5 * time.Second) }
	})
	box := w.newBox()
	for b.Loop() {
		polls++
		if a := box.poll(); a.code() != "authorization_pending" && a.code() != "slow_down" {
			b.Fatalf("%v", a.body)
		}
	}
}
