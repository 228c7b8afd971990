package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"pickerd/device/mqtt"
)

// Names of the retained topics of a box.
const (
	availability = "availability"
	status       = "status"
	settings     = "settings"
	health       = "health"
)

// Bounds of what strangers can have the program remember.
const (
	maxBoxes = 100_000
	maxID    = 64 // bytes
)

// A box is what the broker keeps of one.
type box struct {
	ID       string             `json:"id"`
	Online   bool               `json:"online"`
	LastSeen time.Time          `json:"last_seen,omitzero"` // the newest time in Health
	Status   *mqtt.Status       `json:"status,omitempty"`   // nil if there is none
	Health   *vitals            `json:"health,omitempty"`   // nil if there is none
	Settings map[string]setting `json:"settings,omitempty"`

	available bool // the broker keeps its availability
}

// Vitals are the payload of the topic health. Measures that a box cannot make are nil.
type vitals struct {
	At           time.Time `json:"at"`
	Uptime       float64   `json:"uptime"`                // seconds
	Temperature  *float64  `json:"temperature,omitempty"` // °C
	Undervoltage *bool     `json:"undervoltage,omitempty"`
	DiskFree     *int64    `json:"disk_free,omitempty"`   // bytes
	WiFiSignal   *float64  `json:"wifi_signal,omitempty"` // dBm
}

// A setting is a value in the payload of the topic settings.
type setting struct {
	Value  any    `json:"value"`
	Origin string `json:"origin"`
}

// A fleet is all boxes by their IDs.
type fleet map[string]*box

// take updates the fleet from a message. It returns the box that the message is about,
// nil if there is none or it says nothing. A box of which the broker keeps nothing more is
// taken out, and returned without an ID in the fleet.
func (f fleet) take(base string, m message) *box {
	id, name := topicOf(base, m.topic)
	if id == "" || len(m.payload) > maxPayload {
		return nil
	}
	b := f[id]
	if b == nil {
		if len(m.payload) == 0 || len(f) >= maxBoxes {
			return nil
		}
		b = &box{ID: id}
	}
	if !b.update(name, m.payload) {
		return nil
	}
	if b.available || b.Status != nil || b.Health != nil || b.Settings != nil {
		f[id] = b
	} else {
		delete(f, id)
	}
	return b
}

// topicOf returns the box and the name of a topic, "" for that of something else.
func topicOf(base, topic string) (id, name string) {
	rest, ok := strings.CutPrefix(topic, base+"/")
	id, name, found := strings.Cut(rest, "/")
	if !ok || !found || id == "" || len(id) > maxID || printable(id) != id {
		return "", ""
	}
	return id, name
}

// update takes the payload of a topic, none for one that was removed. It reports whether
// it was valid.
func (b *box) update(name string, payload []byte) bool {
	none := len(payload) == 0
	switch name {
	case availability:
		b.available, b.Online = !none, bytes.Equal(payload, []byte("online"))
		return true
	case status:
		return decode(payload, none, &b.Status)
	case health:
		if !decode(payload, none, &b.Health) {
			return false
		}
		if b.Health != nil && b.Health.At.After(b.LastSeen) {
			b.LastSeen = b.Health.At
		}
		return true
	case settings:
		return decode(payload, none, &b.Settings)
	}
	return false
}

// decode replaces what v points to by a payload, and leaves it alone if that is not valid.
func decode[T any](payload []byte, none bool, v *T) bool {
	var next T
	if !none && json.Unmarshal(payload, &next) != nil {
		return false
	}
	*v = next
	return true
}

// chosen returns the boxes that all filters match, by name.
func (f fleet) chosen(filters []filter) []*box {
	list := slices.DeleteFunc(slices.Collect(maps.Values(f)), func(b *box) bool { return !matchAll(filters, b) })
	slices.SortFunc(list, compareBoxes)
	return list
}

// compareBoxes orders boxes by name.
func compareBoxes(a, b *box) int {
	return cmp.Or(strings.Compare(a.name(), b.name()), strings.Compare(a.ID, b.ID))
}

func (b *box) name() string {
	if b.Status == nil {
		return ""
	}
	return b.Status.Name
}

func (b *box) labels() map[string]string {
	if b.Status == nil {
		return nil
	}
	return b.Status.Labels
}

// title names a box in messages.
func (b *box) title() string {
	if name := b.name(); name != "" {
		return short(name) + " (" + b.ID + ")"
	}
	return b.ID
}
