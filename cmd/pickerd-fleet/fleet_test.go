package main

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// afternoon is the time of tests.
var afternoon = time.Date(2026, 11, 29, 13, 0, 0, 0, time.UTC)

func TestFleet(t *testing.T) {
	f := fleet{}
	for topic, payload := range map[string]string{
		"pickerd/0a/status":                  `{"state":"showing","since":"2026-11-29T10:00:00Z","name":"Hall","version":"1.2.3","labels":{"site":"lobby"},"sessions":{"open":1,"pending_deletion":1,"oldest":"2026-11-28T11:00:00Z"}}`,
		"pickerd/0b/status":                  `{"state":"blocked","name":"Bar \u001b[2J","problem":{"code":"disk_full"}}`,
		"pickerd/0b/availability":            "offline",
		"pickerd/0b/health":                  `{"at":"2026-11-29T12:55:00Z","uptime":5}`,
		"pickerd/0a/availability":            "online",
		"pickerd/0c/availability":            "online",
		"pickerd/0d/event":                   `{}`,
		"pickerd/0e/status":                  `nonsense`,
		"other/0f/status":                    `{}`,
		"pickerd/groups/site=lobby/settings": `{}`,
	} {
		f.take("pickerd", message{topic: topic, payload: []byte(payload)})
	}
	for _, tt := range []struct {
		filters []filter
		want    string
	}{
		{nil, "0c 0b 0a"},
		{[]filter{"online"}, "0c 0a"},
		{[]filter{"offline"}, "0b"},
		{[]filter{"site=lobby"}, "0a"},
		{[]filter{"state=blocked"}, "0b"},
		{[]filter{"problem=disk_full"}, "0b"},
		{[]filter{"problem=disk_empty"}, ""},
		{[]filter{"version=1.2.*"}, "0a"},
		{[]filter{"site=L?bby"}, "0a"},
		{[]filter{"wing=*"}, ""},
		{[]filter{"ha*"}, "0a"},
		{[]filter{"bar*"}, "0b"},
		{[]filter{"0*", "online", "state=showing"}, "0a"},
		{[]filter{"Hall", "0b"}, "0b 0a"},
		{[]filter{"Hall", "0b", "online"}, "0a"},
		{[]filter{"[x"}, ""},
	} {
		var ids []string
		for _, b := range f.chosen(tt.filters) {
			ids = append(ids, b.ID)
		}
		if got := strings.Join(ids, " "); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.filters, got, tt.want)
		}
	}
	for _, tt := range []struct {
		id   string
		want []string
	}{
		{"0a", []string{"0a", "Hall", "site=lobby", "showing", "3h", "1.2.3", "", "2 (26h)", "online"}},
		{"0b", []string{"0b", "Bar ?[2J", "", "blocked", "", "", "disk_full", "0", "5m ago"}},
		{"0c", []string{"0c", "", "", "", "", "", "", "", "online"}},
	} {
		if got := f[tt.id].row(afternoon); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

// A message can add nothing that is not bounded, and a removed box is gone.
func TestTakeBounds(t *testing.T) {
	f := fleet{}
	take := func(topic, payload string) *box {
		return f.take("pickerd", message{topic: topic, payload: []byte(payload)})
	}
	for _, topic := range []string{"pickerd/" + strings.Repeat("a", maxID+1) + "/availability", "pickerd/a\x1b[2J/availability", "pickerd//availability", "pickerd/a/b/availability"} {
		if take(topic, "online") != nil {
			t.Errorf("%q is a box", topic)
		}
	}
	if take("pickerd/0a/status", `{"name":"`+strings.Repeat("x", maxPayload)+`"}`) != nil || len(f) > 0 {
		t.Error("a payload beyond the bound is taken")
	}
	take("pickerd/0a/availability", "offline")
	take("pickerd/0a/health", `{"at":"2026-11-29T10:00:00Z","uptime":5}`)
	if b := take("pickerd/0a/health", `{"at":"2026-11-29T09:00:00Z","uptime":5}`); b == nil || b.LastSeen.Hour() != 10 {
		t.Errorf("the newest time is not kept: %+v", b)
	}
	take("pickerd/0a/health", "")
	if b := take("pickerd/0a/availability", ""); b == nil || len(f) > 0 {
		t.Errorf("a removed box stays: %v", f)
	}
	for i := range maxBoxes + 1 {
		take(fmt.Sprintf("pickerd/%x/availability", i), "online")
	}
	if len(f) != maxBoxes {
		t.Errorf("%d boxes", len(f))
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{"Küche 📺 東": "Küche 📺 東", "a\x1b[2J\nb": "a?[2J?b", "a\u202eb\u200fc\u2028d": "a?b?c?d", "\x9b\xff": "\ufffd\ufffd"} {
		if got := printable(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := short(strings.Repeat("é", maxShown+1)); utf8.RuneCountInString(got) != maxShown {
		t.Errorf("%d characters", utf8.RuneCountInString(got))
	}
	if got := string(harmless([]byte("{\"n\":\"a\u0085\u202e\U000E0001é\"}\n"))); got != "{\"n\":\"a\\u0085\\u202e\\udb40\\udc01é\"}\n" {
		t.Errorf("%s", got)
	}
}

// No message of a box can make the program fail or move the cursor.
func FuzzBox(f *testing.F) {
	f.Add("0a", `{"state":"blocked","name":"Hall","problem":{"code":"x"},"sessions":{"oldest":"2026-11-29T10:00:00Z"},"library":{},"last_pick":{}}`,
		`{"at":"2026-11-29T10:00:00Z","uptime":1e300,"temperature":-1e300,"disk_free":-1}`, `{"a":{"value":["\u001b"],"origin":"\u001b"}}`)
	f.Fuzz(func(t *testing.T, id, s, h, all string) {
		boxes := fleet{}
		for name, payload := range map[string]string{availability: "offline", status: s, health: h, settings: all} {
			boxes.take("pickerd", message{topic: "pickerd/" + id + "/" + name, payload: []byte(payload)})
		}
		for _, b := range boxes.chosen([]filter{"*", "offline"}) {
			rows := append(append(b.details(afternoon), b.settingRows()...), b.row(afternoon), []string{b.title()})
			for _, row := range rows {
				for _, cell := range row {
					if cell != printable(cell) {
						t.Errorf("%q", cell)
					}
				}
			}
			var out strings.Builder
			if err := writeJSON(&out, b); err != nil {
				t.Error(err)
			}
		}
	})
}
