package mqtt

import (
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"pickerd/device"
	"pickerd/device/health"
)

// known are the options of Home Assistant's platforms (homeassistant/components/mqtt) as
// far as they are used, beside those that all have.
var known = map[string][]string{
	"sensor":        {"device_class", "options", "state_class", "value_template"},
	"binary_sensor": {"device_class", "value_template"},
	"button":        {"command_topic", "command_template"},
	"switch":        {"command_topic", "command_template", "value_template"},
	"select":        {"command_topic", "command_template", "value_template", "options"},
	"number":        {"command_topic", "command_template", "value_template", "min", "max", "mode"},
	"text":          {"command_topic", "command_template", "value_template"},
	"image":         {"image_topic", "content_type"},
}

// common are options of every platform.
var common = []string{"platform", "name", "unique_id", "entity_category", "device_class", "state_class", "unit_of_measurement", "state_topic", "json_attributes_topic", "json_attributes_template"}

// current are the settings of a box as package settings returns them.
func current() map[string]device.Setting {
	return map[string]device.Setting{
		"name": {Value: "Hall"}, "slideshow.interval": {Value: "1m30s"}, "slideshow.order": {Value: "picked"}, "slideshow.zoom": {Value: true},
		"slideshow.volume": {Value: 30}, "slideshow.clock": {Value: "24"}, "slideshow.night": {Value: "22:00-06:00"}, "slideshow.something_new": {Value: int64(7)},
	}
}

// An announcement is what Home Assistant reads.
type announcement struct {
	Device struct {
		Identifiers []string
		Name        string
	}
	Origin     struct{ Name string }
	Components map[string]map[string]any
}

func announce(t *testing.T, cfg Config) (a announcement) {
	t.Helper()
	cfg.Broker, cfg.ID, cfg.Base, cfg.Version, cfg.Discovery = &url.URL{}, "0123456789abcdef", "pickerd/0123456789abcdef", "1.2.3", "homeassistant"
	b := New(cfg)
	payload := encode(b.discovery(`Anna's "hall"`, b.settings(), &health.Health{Temperature: new(50.5), Undervoltage: new(false)}))
	if len(payload) > maxPayload {
		t.Errorf("%d bytes", len(payload))
	}
	if err := json.Unmarshal(payload, &a); err != nil {
		t.Fatal(err)
	}
	if len(a.Device.Identifiers) != 1 || a.Device.Name != `Anna's "hall"` || a.Origin.Name == "" {
		t.Errorf("device %+v, origin %+v", a.Device, a.Origin)
	}
	return a
}

// TestDiscovery checks the announcement against the rules of Home Assistant, and that each
// command that it makes is one that the box takes.
func TestDiscovery(t *testing.T) {
	for name, cfg := range map[string]Config{
		"home":     {Settings: current, UnsignedSettings: true, Picture: http.NotFoundHandler()},
		"operator": {Settings: current, Operator: operator.Public().(ed25519.PublicKey)},
		"guests":   {Settings: current, Guests: true},
	} {
		cfg.Broker = &url.URL{}
		b := New(cfg)
		got := announce(t, cfg)
		if c := got.Components["photos"]; (len(c) == 1) != cfg.Guests {
			t.Errorf("%s: the number of photos is announced as %v", name, c)
		}
		for key, c := range got.Components {
			platform, _ := c["platform"].(string)
			if known[platform] == nil {
				t.Errorf("%s: %s: %v", name, key, c)
			}
			if len(c) == 1 {
				continue // is to disappear
			}
			if c["name"] == "" || c["unique_id"] != "0123456789abcdef_"+strings.ReplaceAll(key, ".", "_") {
				t.Errorf("%s: %s: %v", name, key, c)
			}
			for option := range c {
				if !slices.Contains(common, option) && !slices.Contains(known[platform], option) {
					t.Errorf("%s: a %s has no option %s", key, platform, option)
				}
			}
			if template, ok := c["command_template"].(string); ok {
				mustTake(t, b, key, template)
			}
		}
	}
}

// mustTake checks that a box takes what a template makes.
func mustTake(t *testing.T, b *Bridge, key, template string) {
	t.Helper()
	for _, on := range []string{"true", "false"} {
		text := strings.NewReplacer("{{ now().timestamp() }}", "1764435000.25", "{{ 'false' if value == 'ON' else 'true' }}", on, "{{ 'true' if value == 'ON' else 'false' }}", on,
			"{{ value | tojson }}", `"20s"`, "{{ ('' if value == 'off' else value) | tojson }}", `""`, "{{ value }}", "30").Replace(template)
		cmd, err := parse([]byte(text))
		if err != nil {
			t.Errorf("%s: %s: %v", key, text, err)
		}
		if o, ok := operations[cmd.Command]; !ok || b.mustBeSigned(o) {
			t.Errorf("%s: the box refuses %s", key, text)
		} else if _, err := o.request(cmd.Args); err != nil {
			t.Errorf("%s: %s: %v", key, text, err)
		}
	}
}

// Each setting is the entity that fits its values, and none where settings must be signed.
func TestDiscoveredSettings(t *testing.T) {
	platforms := map[string]string{"name": "text", "slideshow.interval": "select", "slideshow.order": "select", "slideshow.zoom": "switch",
		"slideshow.volume": "number", "slideshow.clock": "select", "slideshow.night": "select", "slideshow.something_new": "number"}
	got := announce(t, Config{Settings: current, UnsignedSettings: true})
	for key, want := range platforms {
		c := got.Components[key]
		if c["platform"] != want || len(c) < 5 {
			t.Errorf("%s is %v, want a %s", key, c, want)
		}
	}
	for key, c := range got.Components {
		if strings.Contains(key, ".") && platforms[key] == "" {
			t.Errorf("there is no setting %s: %v", key, c)
		}
	}
	if c := got.Components["slideshow.interval"]; !slices.Contains(c["options"].([]any), any("1m30s")) || c["name"] != "Time per photo" {
		t.Errorf("the interval in force is not offered: %v", c)
	}
	if c := got.Components["slideshow.night"]; slices.Contains(c["options"].([]any), any("")) || !slices.Contains(c["options"].([]any), any("off")) {
		t.Errorf("nights: %v", c)
	}
	if c := got.Components["slideshow.clock"]; strings.Contains(c["command_template"].(string), "''") {
		t.Errorf("the clock can't be switched off: %v", c)
	}
	if c := got.Components["slideshow.volume"]; c["min"] != 0.0 || c["max"] != 100.0 {
		t.Errorf("volume: %v", c)
	}
	for key, c := range announce(t, Config{Settings: current}).Components {
		if _, ok := platforms[key]; ok && len(c) != 1 {
			t.Errorf("%s would be refused: %v", key, c)
		}
	}
}

// What the machine does not tell is no entity, nor what can't be set.
func TestDiscoveredHealth(t *testing.T) {
	got := announce(t, Config{}).Components
	for key, want := range map[string]bool{"uptime": true, "temperature": true, "undervoltage": true, "wifi_signal": false, "disk_free": false} {
		if c := got[key]; len(c) > 1 != want || len(c) == 0 {
			t.Errorf("%s: %v, want %v", key, c, want)
		}
	}
	locked := func() map[string]device.Setting {
		return map[string]device.Setting{"slideshow.zoom": {Value: true, Locked: true}, "slideshow.pairs": {Value: true, Origin: device.FromEnvironment}, "slideshow.captions": {Value: true}}
	}
	got = announce(t, Config{Settings: locked, UnsignedSettings: true}).Components
	for key, want := range map[string]bool{"slideshow.zoom": false, "slideshow.pairs": false, "slideshow.captions": true} {
		if c := got[key]; len(c) > 1 != want || len(c) == 0 {
			t.Errorf("%s: %v, want %v", key, c, want)
		}
	}
}

// The box is announced with each connection, and when it has another name.
func TestDiscoveryAnew(t *testing.T) {
	inBubble(t, func(c *Config) { c.Discovery = "homeassistant" }, func(r *rig) {
		announced := func() (names []string) {
			r.published("")
			for _, m := range r.all {
				if strings.HasPrefix(m.topic, "homeassistant/") {
					names = append(names, string(m.payload))
				}
			}
			r.all = nil
			return names
		}
		r.b.connected()
		if got := announced(); len(got) != 1 || !strings.Contains(got[0], `"name":"Hall"`) {
			t.Errorf("connected: %q", got)
		}
		r.board.Set(device.Status{State: device.Idle, Name: "Hall"})
		if got := announced(); len(got) != 0 {
			t.Errorf("another status: %q", got)
		}
		r.board.Set(device.Status{State: device.Idle, Name: "Kitchen"})
		if got := announced(); len(got) != 1 || !strings.Contains(got[0], `"name":"Kitchen"`) {
			t.Errorf("another name: %q", got)
		}
	})
}
