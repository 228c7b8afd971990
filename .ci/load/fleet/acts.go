package fleet

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"pickerd/device/mqtt"
)

// intervalKey is the setting that the operator changes.
const intervalKey = "slideshow.interval"

// maxAsking is how many messages the operator sends before the broker has the first.
const maxAsking = 32

// Command has each box carry out a command that needs no signature, and returns the
// times until their replies.
func (f *Fleet) Command(ctx context.Context) (Times, error) {
	id := rand.Text()
	return f.ask(ctx, id, func(int) ([]byte, error) { return json.Marshal(map[string]string{"command": "next", "id": id}) })
}

// Order sets the interval of each box by an order of its own, and returns the times until
// their replies.
func (f *Fleet) Order(ctx context.Context, interval time.Duration) (Times, error) {
	id := rand.Text()
	f.serial++
	return f.ask(ctx, id, func(i int) ([]byte, error) {
		o := mqtt.Order{Target: f.id(i), Serial: f.serial, NotAfter: time.Now().Add(time.Hour), ID: id, Settings: map[string]any{intervalKey: interval.String()}}
		return o.Sign(f.cfg.Operator)
	})
}

func (f *Fleet) ask(ctx context.Context, id string, message func(i int) ([]byte, error)) (Times, error) {
	t := newTally(id, f.cfg.Boxes)
	f.replied.Store(t)
	err := each(ctx, f.cfg.Boxes, maxAsking, func(ctx context.Context, i int) error {
		payload, err := message(i)
		if err != nil {
			return err
		}
		return f.publish(ctx, "pickerd/"+f.id(i)+"/command", payload, false)
	})
	if err != nil {
		return Times{}, err
	}
	if err := t.wait(ctx, "reply"); err != nil {
		return Times{}, err
	}
	return t.summary(), nil
}

// SetGroup sets the interval of all boxes by one retained message, and returns the times
// until their settings have changed.
func (f *Fleet) SetGroup(ctx context.Context, interval time.Duration) (Times, error) {
	f.serial++
	o := mqtt.Order{Target: f.group(), Serial: f.serial, NotAfter: time.Now().Add(time.Hour), Settings: map[string]any{intervalKey: interval.String()}}
	payload, err := o.Sign(f.cfg.Operator)
	if err != nil {
		return Times{}, err
	}
	t := newTally("", f.cfg.Boxes)
	f.settled.Store(t)
	if err := f.publish(ctx, "pickerd/groups/"+f.group()+"/settings", payload, true); err != nil {
		return Times{}, err
	}
	if err := t.wait(ctx, "settings"); err != nil {
		return Times{}, err
	}
	for i, b := range f.boxes {
		if got := b.interval(); got != interval {
			return Times{}, fmt.Errorf("box %d has the interval %v", i, got)
		}
	}
	return t.summary(), nil
}

// A Storm is what follows a restart of the broker.
type Storm struct {
	Back  Times         `json:"back"`        // until boxes were online again
	Tries int           `json:"tries"`       // to connect, in all
	Made  int           `json:"connections"` // of them
	Peak  int           `json:"peak"`        // most of these in any second
	CPU   time.Duration `json:"broker_cpu"`
}

// Restart kills the broker of some fleets and starts it again. The times count from when
// their operators are connected again: before that no box gets through.
func Restart(ctx context.Context, m *Mosquitto, fleets ...*Fleet) ([]Storm, error) {
	for _, f := range fleets {
		f.Meter.shut.Store(true)
	}
	m.Kill()
	for _, f := range fleets {
		f.unwatch()
	}
	if err := m.Start(); err != nil {
		return nil, err
	}
	for _, f := range fleets {
		if err := f.watch(ctx); err != nil {
			return nil, err
		}
		f.Meter.restart()
		f.online.Store(newTally("", f.cfg.Boxes))
	}
	before := m.Usage()
	for _, f := range fleets {
		f.Meter.shut.Store(false)
	}
	var storms []Storm
	for _, f := range fleets {
		t := f.online.Load()
		if err := t.wait(ctx, "online again"); err != nil {
			return nil, err
		}
		s := Storm{Back: t.summary(), CPU: m.Usage().CPU - before.CPU}
		s.Tries, s.Made, s.Peak = f.Meter.peak()
		storms = append(storms, s)
	}
	return storms, nil
}
