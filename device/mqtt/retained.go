package mqtt

import (
	"bytes"
	"slices"

	"pickerd/device"
	"pickerd/device/health"
)

// retained is what the broker is to keep of the box, and what it has.
type retained struct {
	wanted, kept map[string][]byte // by topic
	// announced is what the announcement to Home Assistant was made of.
	announced []byte
}

// topics returns the topics under which the broker keeps something.
func (b *Bridge) topics() []string {
	list := []string{b.topic("availability"), b.topic("status")}
	if b.cfg.Settings != nil {
		list = append(list, b.topic("settings"))
	}
	if b.cfg.Health != nil {
		list = append(list, b.topic("health"))
	}
	if b.cfg.Discovery != "" {
		list = append(list, b.discoveryTopic())
	}
	return list
}

// describe sets what the broker is to keep while a status holds. settings and machine are
// nil if they are not told.
func (b *Bridge) describe(s device.Status, settings map[string]Setting, machine *health.Health) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := &b.retained
	r.wanted[b.topic("status")] = encode(b.status(s))
	if settings != nil {
		r.wanted[b.topic("settings")] = encode(settings)
	}
	if machine != nil {
		r.wanted[b.topic("health")] = encode(machine)
	}
	if b.cfg.Discovery != "" {
		made := encode([]any{s.Name, settings, machine.Known()})
		if !bytes.Equal(made, r.announced) {
			r.wanted[b.discoveryTopic()], r.announced = encode(b.discovery(s.Name, settings, machine)), made
		}
	}
	stir(b.wake)
}

// nextRetained returns what the broker has not got yet, under the topic that comes first:
// Home Assistant is told of entities before their states.
func (b *Bridge) nextRetained() (m message, done func(), ok bool) {
	r := &b.retained
	if len(b.stale) > 0 {
		return message{topic: b.stale[0], retain: true}, func() { b.stale = b.stale[1:] }, true
	}
	topics := b.topics()
	slices.Reverse(topics) // availability comes last
	for _, topic := range topics {
		payload, ok := r.wanted[topic]
		if !ok || bytes.Equal(payload, r.kept[topic]) {
			continue
		}
		return message{topic: topic, payload: payload, retain: true}, func() { r.kept[topic] = payload }, true
	}
	return message{}, nil, false
}

// health returns how the machine is, nil if that is not told.
func (b *Bridge) health() *health.Health {
	if b.cfg.Health == nil {
		return nil
	}
	h := b.cfg.Health()
	h.At = b.cfg.Now().UTC()
	return &h
}

// settle finds the topics under which the broker still keeps something of an earlier
// configuration. Topics are stored before anything is kept there, and until they are
// cleared.
func (b *Bridge) settle() {
	if b.cfg.Orders == nil || b.settled && len(b.stale) > 0 || b.tidy {
		return
	}
	now := b.topics()
	before, err := b.cfg.Orders.Topics()
	if err == nil && !b.settled {
		b.settled = true
		b.stale = slices.DeleteFunc(slices.Clone(before), func(topic string) bool { return slices.Contains(now, topic) })
	}
	all := append(now, b.stale...)
	if err == nil && !slices.Equal(before, all) {
		err = b.cfg.Orders.SetTopics(all)
	}
	if err != nil {
		b.cfg.Log.Warn("topics not stored: the broker may keep old ones", "err", err)
		return
	}
	b.tidy = len(b.stale) == 0
}
