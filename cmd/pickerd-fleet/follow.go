package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"pickerd/device/mqtt"
)

// steady is how long a connection must last for the pause to begin anew.
const steady = time.Minute

// An observer is told what happens in a fleet. Its methods are called one after another.
type observer interface {
	// snapshot is called after each connection with all boxes.
	snapshot(fleet)
	// changed is called when a box has changed, or has gone from the fleet.
	changed(f fleet, b *box)
	// lost is called when the connection has ended.
	lost()
	tick()
}

// An update is news for an observer.
type update struct {
	fleet   fleet // after a connection
	message message
	lost    bool
}

// observe tells an observer of the fleet until ctx ends, and calls its tick again and
// again. It connects anew whenever the connection is lost. It returns the error of the
// first connection.
func (e env) observe(ctx context.Context, a access, every time.Duration, o observer, names ...string) error {
	ctx, cancel := context.WithCancel(ctx)
	updates := make(chan update)
	var err error
	var wg sync.WaitGroup
	wg.Go(func() {
		defer cancel()
		err = e.follow(ctx, a, topics(a.base, "+", names...), updates)
	})
	t := time.NewTicker(every)
	defer t.Stop()
	f := fleet{}
	for ctx.Err() == nil {
		select {
		case u := <-updates:
			switch {
			case u.lost:
				o.lost()
			case u.fleet != nil:
				f = u.fleet
				o.snapshot(f)
			default:
				if b := f.take(a.base, u.message); b != nil {
					o.changed(f, b)
				}
			}
		case <-t.C:
			o.tick()
		case <-ctx.Done():
		}
	}
	wg.Wait()
	return err
}

// follow sends updates until ctx ends.
func (e env) follow(ctx context.Context, a access, topics []string, updates chan<- update) error {
	connected := false // ever
	for n := 0; ; n++ {
		began := time.Now()
		err := e.followOnce(ctx, a, topics, updates, &connected)
		if ctx.Err() != nil {
			return nil
		}
		if !connected {
			return err
		}
		if time.Since(began) > steady {
			n = 0
		}
		pause := mqtt.Backoff(n)
		fmt.Fprintf(e.stderr, "%s: %v; trying again in %s\n", program, err, pause.Round(time.Second))
		if !sent(ctx, updates, update{lost: true}) || !mqtt.Pause(ctx, pause) {
			return nil
		}
	}
}

// followOnce connects and sends updates until the connection ends.
func (e env) followOnce(ctx context.Context, a access, topics []string, updates chan<- update, connected *bool) error {
	l, err := e.dial(ctx, a)
	if err != nil {
		return err
	}
	defer l.close()
	f, err := read(ctx, l, a.base, topics...)
	if err != nil {
		return err
	}
	if *connected {
		fmt.Fprintf(e.stderr, "%s: connected again\n", program)
	}
	*connected = true
	if !sent(ctx, updates, update{fleet: f}) {
		return ctx.Err()
	}
	for {
		select {
		case m := <-l.received():
			if !sent(ctx, updates, update{message: m}) {
				return ctx.Err()
			}
		case err := <-l.lost():
			return fmt.Errorf("connection lost: %w", err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// sent sends an update. It reports whether that was before ctx ended.
func sent(ctx context.Context, updates chan<- update, u update) bool {
	select {
	case updates <- u:
		return true
	case <-ctx.Done():
		return false
	}
}
