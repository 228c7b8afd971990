package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// quiet is how long nothing must come until all that the broker keeps has come.
const quiet = 300 * time.Millisecond

// unmarked is quiet where the broker's access rules forbid a marker.
const unmarked = 2 * time.Second

// silence bounds the time without any message from the broker while one is expected.
const silence = 10 * time.Second

// read returns what the broker keeps of boxes, also of those that are offline. It
// subscribes to topics, which go on to be received.
func read(ctx context.Context, l link, base string, topics ...string) (fleet, error) {
	f := fleet{}
	r := reader{link: l, base: base, take: func(m message) bool { return f.take(base, m) != nil }}
	return f, r.read(ctx, topics)
}

// A reader takes what the broker keeps.
//
// MQTT does not say when the last retained message of a subscription has come. After each
// subscription the reader publishes a marker to itself, which Mosquitto delivers after
// them. Other brokers may send them later, so it also waits until the connection is quiet.
type reader struct {
	link
	base string
	take func(message) bool // reports whether the message was of use
}

func (r reader) read(ctx context.Context, topics []string) error {
	pause := quiet
	if r.subscribe(ctx, r.marker()) != nil {
		pause = unmarked
	}
	for _, topic := range topics {
		if err := r.subscribe(ctx, topic); err != nil {
			return err
		}
		if pause != unmarked {
			switch err := r.catchUp(ctx); {
			case errors.Is(err, errNoMarker):
				pause = unmarked
			case err != nil:
				return err
			}
		}
		if pause == unmarked {
			if err := r.settle(ctx, pause); err != nil {
				return err
			}
		}
	}
	return r.settle(ctx, quiet)
}

// topics returns the topics with some names of one box, or for the ID "+" of all.
func topics(base, id string, names ...string) []string {
	var list []string
	for _, name := range names {
		list = append(list, base+"/"+id+"/"+name)
	}
	return list
}

// marker is the topic of the program's own messages.
func (r reader) marker() string { return r.base + "/fleet/" + r.id() }

// errNoMarker means that the broker's access rules forbid a marker.
var errNoMarker = errors.New("no marker")

// catchUp takes messages until the broker has returned a marker. It publishes beside that,
// since an acknowledgement comes behind other messages.
func (r reader) catchUp(ctx context.Context) error {
	text, topic := rand.Text(), r.marker()
	ctx, cancel := context.WithCancel(ctx)
	published := make(chan error, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		published <- r.publish(ctx, message{topic: topic, payload: []byte(text)})
	}()
	defer func() { cancel(); <-ended }()
	idle := time.NewTimer(silence)
	defer idle.Stop()
	for {
		select {
		case m := <-r.received():
			if m.topic == topic && string(m.payload) == text {
				return nil
			}
			if r.take(m); m.retain {
				idle.Reset(silence)
			}
		case err := <-published:
			if err != nil {
				return errNoMarker
			}
			published = nil
		case <-idle.C:
			if published == nil {
				return errNoMarker // the broker does not let the program read it
			}
			return errors.New("the broker does not answer")
		case err := <-r.lost():
			return fmt.Errorf("connection lost: %w", err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// settle takes messages until none that the broker kept has come for a pause. Boxes go on
// to tell what is new meanwhile.
func (r reader) settle(ctx context.Context, pause time.Duration) error {
	t := time.NewTimer(pause)
	defer t.Stop()
	for {
		select {
		case m := <-r.received():
			if r.take(m) && m.retain {
				t.Reset(pause)
			}
		case <-t.C:
			if len(r.received()) == 0 {
				return nil
			}
			t.Reset(quiet / 10) // this program was slow
		case err := <-r.lost():
			return fmt.Errorf("connection lost: %w", err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
