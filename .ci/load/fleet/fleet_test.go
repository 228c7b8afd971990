package fleet

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"sync"
	"testing"
	"time"
)

// patience bounds a test. It is many times what the test takes.
const patience = 2 * time.Minute

func startMosquitto(t *testing.T) *Mosquitto {
	t.Helper()
	m, err := StartMosquitto(t.TempDir(), true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Kill)
	return m
}

func config(t *testing.T, m *Mosquitto) Config {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return Config{Broker: m.URL(), TLS: m.TLS(), Dir: t.TempDir(), Operator: key,
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))}
}

// TestFleet runs whole and bare boxes against Mosquitto: all come online, carry out what
// the operator wants, and come back when the broker has restarted.
func TestFleet(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	m := startMosquitto(t)
	cfg := config(t, m)
	cfg.Boxes = 100
	bare := New(cfg)
	cfg.First, cfg.Boxes, cfg.Whole = 100, 10, true
	whole := New(cfg)
	fleets := []*Fleet{bare, whole}
	for _, f := range fleets {
		t.Cleanup(f.Stop)
	}
	both := func(what string, do func(f *Fleet) (Times, error)) {
		t.Helper()
		var all sync.WaitGroup
		for _, f := range fleets {
			all.Go(func() {
				times, err := do(f)
				if err != nil {
					t.Errorf("%s: %v", what, err)
				}
				t.Logf("%s: %d boxes, %v", what, f.cfg.Boxes, times)
			})
		}
		all.Wait()
		if t.Failed() {
			t.FailNow()
		}
	}
	both("start", func(f *Fleet) (Times, error) { return f.Start(ctx) })
	both("command", func(f *Fleet) (Times, error) { return f.Command(ctx) })
	both("group", func(f *Fleet) (Times, error) { return f.SetGroup(ctx, 11*time.Second) })
	both("order", func(f *Fleet) (Times, error) { return f.Order(ctx, 12*time.Second) })
	storms, err := Restart(ctx, m, fleets...)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("restart: %+v", storms)
	both("command after the restart", func(f *Fleet) (Times, error) { return f.Command(ctx) })
}

// TestAtRest bounds the memory and the goroutines that a connected bridge adds to a box.
func TestAtRest(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	got, err := AtRest(ctx, config(t, startMosquitto(t)))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%v", got)
	if sum := got.Heap + got.Stacks; sum > 1_000_000 || got.Goroutines > 12 {
		t.Errorf("a bridge has %d bytes and %d goroutines, want at most 1,000,000 and 12", sum, got.Goroutines)
	}
}
