// Package fleet runs many boxes in one process, against a real MQTT broker. Whole boxes
// are what cmd/pickerd composes, without outputs; Google and the people are simulated.
// Bare boxes are the bridge to MQTT alone.
package fleet

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"pickerd/device/health"
	"pickerd/device/mqtt"
)

// Interval is how long a photo stays.
const Interval = 10 * time.Second

// label is the one that all boxes have. Its value tells fleets at one broker apart.
const label = "fleet"

// group is the one that all boxes are in.
func (f *Fleet) group() string { return fmt.Sprintf("%s=%d", label, f.cfg.First) }

// Config is what a Fleet needs.
type Config struct {
	Broker   *url.URL
	TLS      *tls.Config // for mqtts:
	User     string
	Password []byte
	Boxes    int
	First    int    // number of the first box; IDs are numbers
	Whole    bool   // with engine, store and screen
	Dir      string // for the state of whole boxes
	Operator ed25519.PrivateKey
	Log      *slog.Logger // of the boxes
}

// A box is one of a fleet.
type box interface {
	// run runs the box until ctx ends.
	run(ctx context.Context) error
	// ready waits until it shows photos.
	ready(ctx context.Context) error
	// fill sets what a bridge needs of the box.
	fill(c *mqtt.Config)
	// interval returns that of its slideshow.
	interval() time.Duration
}

// A Fleet is many boxes, and an operator. Its methods may be called one at a time.
type Fleet struct {
	Meter  *Meter
	cfg    Config
	index  map[string]int // boxes by ID
	boxes  []box
	client *paho.Client // of the operator

	googles []*google // of perGoogle boxes each

	online, replied, settled atomic.Pointer[tally]

	serial uint64
	stop   context.CancelCauseFunc
	ended  sync.WaitGroup
}

// New returns a Fleet without boxes.
func New(cfg Config) *Fleet {
	f := &Fleet{Meter: &Meter{}, cfg: cfg, index: map[string]int{}, serial: uint64(time.Now().UnixMilli())}
	f.online.Store(newTally("", cfg.Boxes))
	return f
}

// maxStarting is how many boxes are started at a time. People choose photos that slowly.
const maxStarting = 64

// Start starts the boxes and waits until each of them is online and shows photos.
func (f *Fleet) Start(ctx context.Context) (Times, error) {
	if err := f.open(ctx); err != nil {
		return Times{}, err
	}
	return f.begin(ctx)
}

// open prepares for the boxes.
func (f *Fleet) open(ctx context.Context) error {
	for i := range f.cfg.Boxes {
		f.index[f.id(i)] = i
	}
	f.boxes = make([]box, f.cfg.Boxes)
	for range (f.cfg.Boxes + perGoogle - 1) / perGoogle {
		f.googles = append(f.googles, newGoogle())
	}
	return f.watch(ctx)
}

// begin starts the boxes.
func (f *Fleet) begin(ctx context.Context) (Times, error) {
	running, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	f.stop = stop
	online := newTally("", f.cfg.Boxes)
	f.online.Store(online)
	err := each(ctx, f.cfg.Boxes, maxStarting, func(ctx context.Context, i int) error {
		return f.start(ctx, running, i)
	})
	if err != nil {
		return Times{}, err
	}
	if !f.cfg.Whole {
		f.ended.Go(func() { f.turn(running) })
	}
	if err := online.wait(ctx, "online"); err != nil {
		return Times{}, err
	}
	return online.summary(), nil
}

// start starts a box, which runs until running ends, and waits until it shows photos.
func (f *Fleet) start(ctx, running context.Context, i int) error {
	var bridge *mqtt.Bridge
	set := func() {
		bridge.SettingsChanged()
		f.settled.Load().mark(i)
	}
	var b box = newBare(i, set)
	if f.cfg.Whole {
		whole, err := f.newWhole(i, set)
		if err != nil {
			return err
		}
		b = whole
	}
	f.boxes[i] = b
	bridge = mqtt.New(f.bridge(i))
	for _, run := range []func(context.Context) error{b.run, bridge.Run} {
		f.ended.Go(func() {
			if err := run(running); err != nil && running.Err() == nil {
				f.cfg.Log.Error("box has ended", "box", i, "err", err)
			}
		})
	}
	return b.ready(ctx)
}

func (f *Fleet) id(i int) string { return fmt.Sprintf("%016x", f.cfg.First+i) }

// bridge returns the configuration of a box's connection.
func (f *Fleet) bridge(i int) mqtt.Config {
	id := f.id(i)
	broker := *f.cfg.Broker
	broker.User = url.UserPassword(f.cfg.User, string(f.cfg.Password))
	machine := health.Machine{Root: os.DirFS("/"), Dir: "/"}
	c := mqtt.Config{Broker: &broker, TLS: func() (*tls.Config, error) { return f.cfg.TLS, nil }, Dial: f.Meter.dial, Expiry: time.Hour,
		ID: id, Base: "pickerd/" + id, Discovery: "homeassistant", Version: "simulated", Health: machine.Read,
		Operator: f.cfg.Operator.Public().(ed25519.PublicKey), Groups: []string{f.group()}, Now: time.Now, Log: f.cfg.Log}
	f.boxes[i].fill(&c)
	set := c.SetGroup
	c.SetGroup = func(ctx context.Context, group string, all map[string]any) error {
		err := set(ctx, group, all)
		if err != nil {
			f.settled.Load().fail(fmt.Errorf("box %d: %w", i, err))
		}
		return err
	}
	return c
}

// errStopped is why the boxes end.
var errStopped = errors.New("stopped")

// Stop ends the boxes and the operator's connection.
func (f *Fleet) Stop() {
	if f.stop != nil {
		f.stop(errStopped)
		f.ended.Wait()
	}
	f.unwatch()
}

// each calls do for the numbers below n, some at a time. It returns the first error.
func each(ctx context.Context, n, atATime int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var all sync.WaitGroup
	for range min(n, atATime) {
		all.Go(func() {
			for i := range next {
				if err := do(ctx, i); err != nil {
					cancel(fmt.Errorf("box %d: %w", i, err))
				}
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		next <- i
	}
	close(next)
	all.Wait()
	return context.Cause(ctx)
}
