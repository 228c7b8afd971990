package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pickerd/cmd/command"
)

// A fakeBroker keeps retained messages and delivers to its links, without sockets. Boxes
// are functions.
type fakeBroker struct {
	mu       sync.Mutex
	down     bool
	readOnly bool // refuses messages
	retained map[string][]byte
	links    []*fakeLink
	boxes    map[string]func(message) string // the reply to a command, "" for none
	dials    int
}

type fakeLink struct {
	b        *fakeBroker
	name     string
	mu       sync.Mutex
	topics   []string
	messages chan message
	failure  chan error
}

func newFakeBroker() *fakeBroker {
	return &fakeBroker{retained: map[string][]byte{}, boxes: map[string]func(message) string{}}
}

func (b *fakeBroker) dial(_ context.Context, a access) (link, error) {
	if _, err := a.check(); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dials++
	if b.down {
		return nil, command.Hint(errors.New("broker down"), "", command.Unreachable)
	}
	l := &fakeLink{b: b, name: fmt.Sprint("client-", b.dials), messages: make(chan message, 10_000), failure: make(chan error, 1)}
	b.links = append(b.links, l)
	return l, nil
}

// put has a message published by somebody.
func (b *fakeBroker) put(topic, payload string, retain bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if retain && payload == "" {
		delete(b.retained, topic)
	} else if retain {
		b.retained[topic] = []byte(payload)
	}
	for _, l := range b.links {
		if l.wants(topic) {
			l.messages <- message{topic: topic, payload: []byte(payload)}
		}
	}
}

// cut ends all connections, and keeps the broker down or not.
func (b *fakeBroker) cut(down bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = down
	for _, l := range b.links {
		l.failure <- errors.New("cut")
	}
	b.links = nil
}

func (l *fakeLink) wants(topic string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.topics, func(f string) bool {
		have, want := strings.Split(topic, "/"), strings.Split(f, "/")
		return len(have) == len(want) && !slices.ContainsFunc(want, func(level string) bool {
			if level == "+" || level == have[0] {
				have = have[1:]
				return false
			}
			return true
		})
	})
}

func (l *fakeLink) id() string { return l.name }

func (l *fakeLink) subscribe(_ context.Context, topic string) error {
	l.mu.Lock()
	l.topics = append(l.topics, topic)
	l.mu.Unlock()
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	one := &fakeLink{topics: []string{topic}}
	for _, t := range slices.Sorted(maps.Keys(l.b.retained)) {
		if one.wants(t) {
			l.messages <- message{topic: t, payload: l.b.retained[t], retain: true}
		}
	}
	return nil
}

func (l *fakeLink) publish(_ context.Context, m message) error {
	if l.b.readOnly {
		return errors.New("not authorized")
	}
	l.b.put(m.topic, string(m.payload), m.retain)
	rest, _ := strings.CutPrefix(m.topic, "pickerd/")
	id, name, _ := strings.Cut(rest, "/")
	if answer := l.b.boxes[id]; name == "command" && answer != nil {
		if text := answer(m); text != "" {
			l.b.put("pickerd/"+id+"/reply", text, false)
		}
	}
	return nil
}

func (l *fakeLink) received() <-chan message { return l.messages }
func (l *fakeLink) lost() <-chan error       { return l.failure }
func (l *fakeLink) close() {
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	l.b.links = slices.DeleteFunc(l.b.links, func(other *fakeLink) bool { return other == l })
}

// box has a box in the fleet, with what it replies.
func (b *fakeBroker) box(id, name, availability string, answer func(message) string) {
	b.put("pickerd/"+id+"/availability", availability, true)
	b.put("pickerd/"+id+"/status", `{"state":"showing","since":"2026-11-29T10:00:00Z","name":"`+name+`","labels":{"site":"lobby"}}`, true)
	b.boxes[id] = answer
}

// callOf returns a command, which may be in an envelope.
func callOf(t *testing.T, m message) (call struct {
	Command, ID, Target string
	Args, Settings      json.RawMessage
	Serial              uint64
}) {
	t.Helper()
	var e struct{ Payload []byte }
	if json.Unmarshal(m.payload, &e) == nil && e.Payload != nil {
		m.payload = e.Payload
	}
	if err := json.Unmarshal(m.payload, &call); err != nil {
		t.Error(err)
	}
	return call
}

// A buffer may be written to and read by several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// take returns what was written since the last call.
func (b *buffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.b.Reset()
	return b.b.String()
}

// A shell runs the program with a broker.
type shell struct {
	env
	out, errs *buffer
}

func newShell(b *fakeBroker) *shell {
	s := &shell{out: new(buffer), errs: new(buffer)}
	s.env = env{getenv: func(name string) string {
		return map[string]string{"PICKERD_FLEET_BROKER": "mqtt://broker.test"}[name]
	}, stdout: s.out, stderr: s.errs, now: time.Now, dial: b.dial}
	return s
}
