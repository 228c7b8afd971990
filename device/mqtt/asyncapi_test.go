package mqtt

import (
	_ "embed"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pickerd/device"
	"pickerd/device/control"
	"pickerd/device/health"
)

//go:embed asyncapi.json
var asyncAPI []byte

// A schema is as much of a JSON Schema as is compared.
type schema struct {
	Properties map[string]schema
	Enum       []string
}

// TestAsyncAPI compares the description with the code: topics, commands, events, and the
// members of each payload.
func TestAsyncAPI(t *testing.T) {
	var api struct {
		Channels   map[string]struct{ Address string }
		Components struct{ Schemas map[string]schema }
	}
	if err := json.Unmarshal(asyncAPI, &api); err != nil {
		t.Fatal(err)
	}
	var topics []string
	for name, c := range api.Channels {
		if c.Address != "{base}/"+name && c.Address != groupTopic("{group}") {
			t.Errorf("the address of %s is %s", name, c.Address)
		}
		topics = append(topics, name)
	}
	slices.Sort(topics)
	if want := []string{"availability", "command", "event", "group", "health", "image", "reply", "settings", "status"}; !slices.Equal(topics, want) {
		t.Errorf("topics %v, want %v", topics, want)
	}
	s := api.Components.Schemas
	if got := s["Command"].Properties["command"].Enum; !slices.Equal(got, names()) {
		t.Errorf("commands %v, want %v", got, names())
	}
	if got, want := s["Event"].Properties["event"].Enum, device.EventNames(); !slices.Equal(got, want) {
		t.Errorf("events %v, want %v", got, want)
	}
	for name, v := range map[string]any{"Status": Status{}, "Event": device.Event{}, "Command": command{}, "Envelope": envelope{}, "Order": Order{}, "Reply": reply{}, "Setting": Setting{}, "Health": health.Health{}} {
		sameMembers(t, name, s[name], reflect.TypeOf(v))
	}
	sameMembers(t, "Event.data", s["Event"].Properties["data"], reflect.TypeFor[device.EventData]())
	sameMembers(t, "Status.problem", s["Status"].Properties["problem"], reflect.TypeFor[Problem]())
	sameMembers(t, "Status.sessions", s["Status"].Properties["sessions"], reflect.TypeFor[device.Sessions]())
	sameMembers(t, "Reply.data", s["Reply"].Properties["data"], reflect.TypeFor[data]())
	sameMembers(t, "Reply.problem", s["Reply"].Properties["problem"], reflect.TypeFor[control.Problem]())
}

// sameMembers compares the properties of a schema with the members of a type.
func sameMembers(t *testing.T, name string, s schema, of reflect.Type) {
	t.Helper()
	var members, properties []string
	for i := range of.NumField() {
		member, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
		members = append(members, member)
	}
	for p := range s.Properties {
		properties = append(properties, p)
	}
	slices.Sort(members)
	slices.Sort(properties)
	if !slices.Equal(members, properties) {
		t.Errorf("%s has %v, described are %v", name, members, properties)
	}
}
