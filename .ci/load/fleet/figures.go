package fleet

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"pickerd/.ci/load/usage"
)

// A Memory is what this process holds after a collection of garbage, in bytes.
type Memory struct {
	RSS        int64 `json:"rss"`
	Heap       int64 `json:"heap"`
	Stacks     int64 `json:"stacks"`
	Goroutines int64 `json:"goroutines"`
}

// Held returns the memory of this process.
func Held() Memory {
	runtime.GC() // what has finalizers goes with the second collection
	debug.FreeOSMemory()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return Memory{usage.Of(os.Getpid()).RSS, int64(s.HeapAlloc), int64(s.StackInuse), int64(runtime.NumGoroutine())}
}

// since returns what came to before, for each of n boxes.
func (m Memory) since(before Memory, n int) Memory {
	d := int64(n)
	return Memory{(m.RSS - before.RSS) / d, (m.Heap - before.Heap) / d, (m.Stacks - before.Stacks) / d, (m.Goroutines - before.Goroutines) / d}
}

// AtRest returns the memory that a connected bridge adds to a process: that of one bare
// box, after another one has come and gone.
func AtRest(ctx context.Context, cfg Config) (Memory, error) {
	cfg.Boxes, cfg.Whole = 1, false
	first := New(cfg)
	_, err := first.Start(ctx)
	first.Stop()
	if err != nil {
		return Memory{}, err
	}
	f := New(cfg)
	defer f.Stop()
	if err := f.open(ctx); err != nil {
		return Memory{}, err
	}
	before := Held()
	if _, err := f.begin(ctx); err != nil {
		return Memory{}, err
	}
	return Held().since(before, 1), nil
}

// A Traffic is what a box sends and receives while photos follow each other.
type Traffic struct {
	Window time.Duration `json:"window"`
	// The following are of a box in a day.
	Sent     float64 `json:"sent"` // bytes
	Received float64 `json:"received"`
	Writes   float64 `json:"writes"`
	Reads    float64 `json:"reads"`

	Cores       float64 `json:"cores"`        // that this process uses
	BrokerCores float64 `json:"broker_cores"` // 0 if the broker is not ours
}

// Listen counts the boxes' traffic for a while. m may be nil.
func (f *Fleet) Listen(ctx context.Context, window time.Duration, m *Mosquitto) (Traffic, error) {
	counts := func() [4]int64 {
		return [...]int64{f.Meter.out.Load(), f.Meter.in.Load(), f.Meter.writes.Load(), f.Meter.reads.Load()}
	}
	cpu := func() (own, broker time.Duration) {
		if m != nil {
			broker = m.Usage().CPU
		}
		return usage.Of(os.Getpid()).CPU, broker
	}
	before, began := counts(), time.Now()
	own, broker := cpu()
	select {
	case <-time.After(window):
	case <-ctx.Done():
		return Traffic{}, ctx.Err()
	}
	after, took := counts(), time.Since(began)
	ownAfter, brokerAfter := cpu()
	daily := func(k int) float64 {
		return float64(after[k]-before[k]) / float64(f.cfg.Boxes) * float64(24*time.Hour) / float64(took)
	}
	return Traffic{took, daily(0), daily(1), daily(2), daily(3), float64(ownAfter-own) / float64(took), float64(brokerAfter-broker) / float64(took)}, nil
}

// Figures are what Measure finds out.
type Figures struct {
	Boxes int  `json:"boxes"`
	Whole bool `json:"whole"`
	TLS   bool `json:"tls"`

	Bridge  Memory  `json:"bridge"` // see AtRest
	Start   Times   `json:"start"`  // until boxes were online; people choose photos at whole ones
	Memory  Memory  `json:"memory"` // of a box
	Broker  int64   `json:"broker"` // memory of Mosquitto for a box
	Traffic Traffic `json:"traffic"`
	Command Times   `json:"command"` // until the reply to a command to each box
	Order   Times   `json:"order"`   // the same, signed
	Group   Times   `json:"group"`   // until the settings of a group were in force
	Storm   *Storm  `json:"storm,omitempty"`
}

// Measure starts a fleet and takes all figures. m may be nil. progress is called with what
// is done next.
func Measure(ctx context.Context, cfg Config, m *Mosquitto, window time.Duration, progress func(string)) (r Figures, err error) {
	r = Figures{Boxes: cfg.Boxes, Whole: cfg.Whole, TLS: cfg.TLS != nil}
	progress("one bridge")
	if r.Bridge, err = AtRest(ctx, cfg); err != nil {
		return r, err
	}
	f := New(cfg)
	defer f.Stop()
	before, brokerBefore := Held(), brokerMemory(m)
	progress("start")
	if r.Start, err = f.Start(ctx); err != nil {
		return r, err
	}
	progress("traffic")
	if r.Traffic, err = f.Listen(ctx, window, m); err != nil {
		return r, err
	}
	r.Memory = Held().since(before, cfg.Boxes)
	r.Broker = (brokerMemory(m) - brokerBefore) / int64(cfg.Boxes)
	if m != nil {
		progress("restart of the broker")
		storms, err := Restart(ctx, m, f)
		if err != nil {
			return r, err
		}
		r.Storm = &storms[0]
	}
	progress("commands")
	if r.Command, err = f.Command(ctx); err != nil {
		return r, err
	}
	progress("settings of the group")
	if r.Group, err = f.SetGroup(ctx, 11*time.Second); err != nil {
		return r, err
	}
	progress("orders")
	if r.Order, err = f.Order(ctx, 12*time.Second); err != nil {
		return r, err
	}
	return r, nil
}

func brokerMemory(m *Mosquitto) int64 {
	if m == nil {
		return 0
	}
	return m.Usage().RSS
}
