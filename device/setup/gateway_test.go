package setup_test

import (
	"log/slog"
	"strings"
	"testing"

	"pickerd/device/setup"
)

// The log says why a gateway did not answer.
func TestGatewayLog(t *testing.T) {
	var log strings.Builder
	b := newBench(t, func(c *setup.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	p, key := b.phone("192.168.1.5"), b.path()
	p.post(key)
	p.post(key+"/signin", "gateway", "silent.test")
	if !strings.Contains(log.String(), "no route") {
		t.Errorf("%s", &log)
	}
}
