package mqtt

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"pickerd/device"
	"pickerd/device/health"
	"pickerd/display/words"
)

// A component is an entity of Home Assistant, by the names of its options.
type component map[string]any

// discoveryTopic is where Home Assistant looks for the box.
func (b *Bridge) discoveryTopic() string { return b.cfg.Discovery + "/device/" + b.cfg.ID + "/config" }

// discovery returns the message by which Home Assistant learns of the box and its
// entities (https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload).
// It has no setting that would be refused from there.
func (b *Bridge) discovery(name string, settings map[string]Setting, h *health.Health) component {
	components := map[string]component{
		"state": {"platform": "sensor", "name": "State", "device_class": "enum", "options": device.States(), "value_template": "{{ value_json.state }}"},
		"problem": {"platform": "binary_sensor", "name": "Problem", "device_class": "problem",
			"value_template":           "{{ 'ON' if value_json.problem is defined else 'OFF' }}",
			"json_attributes_topic":    b.topic("status"),
			"json_attributes_template": "{{ value_json.problem | default({}) | tojson }}"},
		"sessions": {"platform": "sensor", "name": "Open sessions", "entity_category": "diagnostic", "state_class": "measurement",
			"value_template": "{{ value_json.sessions.open + value_json.sessions.pending_deletion }}"},
		"slideshow": b.toggle("Slideshow", "{{ 'OFF' if value_json.paused else 'ON' }}", "pause", `{"on":{{ 'false' if value == 'ON' else 'true' }}}`),
		"screen":    b.toggle("Screen", "{{ 'ON' if value_json.screen_on else 'OFF' }}", "screen", `{"on":{{ 'true' if value == 'ON' else 'false' }}}`),
		"pick":      b.button("Choose photos", "pick"),
		"cancel":    b.button("Cancel", "cancel"),
		"next":      b.button("Next photo", "next"),
		"previous":  b.button("Previous photo", "previous"),
	}
	components["photos"] = removed("sensor")
	if !b.cfg.Guests {
		components["photos"] = component{"platform": "sensor", "name": "Photos", "state_class": "measurement", "value_template": "{{ value_json.library['items'] }}"}
	}
	b.addPicture(components)
	b.addHealth(components, h)
	b.addSettings(components, settings)
	for key, c := range components {
		if len(c) > 1 {
			c["unique_id"] = b.cfg.ID + "_" + strings.ReplaceAll(key, ".", "_")
		}
	}
	return component{
		"device":                component{"identifiers": []string{b.cfg.ID}, "name": name, "manufacturer": "pickerd", "model": "Photo screen", "sw_version": b.cfg.Version},
		"origin":                component{"name": "pickerd", "sw_version": b.cfg.Version},
		"components":            components,
		"state_topic":           b.topic("status"),
		"availability_topic":    b.topic("availability"),
		"payload_available":     online,
		"payload_not_available": offline,
		"qos":                   1,
	}
}

// removed is a component that Home Assistant forgets if it knows it.
func removed(platform string) component { return component{"platform": platform} }

func (b *Bridge) addPicture(to map[string]component) {
	if b.cfg.Picture == nil {
		to["picture"] = removed("image")
		return
	}
	to["picture"] = component{"platform": "image", "name": "Picture", "image_topic": b.topic("image"), "content_type": "image/jpeg"}
}

// addHealth adds what is known of the machine.
func (b *Bridge) addHealth(to map[string]component, h *health.Health) {
	if h == nil {
		return
	}
	all := map[string]component{
		"uptime":       {"platform": "sensor", "name": "Uptime", "device_class": "duration", "unit_of_measurement": "s", "state_class": "measurement"},
		"temperature":  {"platform": "sensor", "name": "Temperature", "device_class": "temperature", "unit_of_measurement": "°C", "state_class": "measurement"},
		"undervoltage": {"platform": "binary_sensor", "name": "Undervoltage", "device_class": "problem", "value_template": "{{ 'ON' if value_json.undervoltage else 'OFF' }}"},
		"disk_free":    {"platform": "sensor", "name": "Free storage", "device_class": "data_size", "unit_of_measurement": "B", "state_class": "measurement"},
		"wifi_signal":  {"platform": "sensor", "name": "Wi-Fi signal", "device_class": "signal_strength", "unit_of_measurement": "dBm", "state_class": "measurement"},
	}
	known := append(h.Known(), "uptime")
	for name, c := range all {
		if !slices.Contains(known, name) {
			to[name] = removed(c["platform"].(string))
			continue
		}
		c["entity_category"], c["state_topic"] = "diagnostic", b.topic("health")
		if c["value_template"] == nil {
			c["value_template"] = "{{ value_json." + name + " }}"
		}
		to[name] = c
	}
}

// addSettings adds the settings, each as the entity that fits its values. Where they must
// be signed, Home Assistant has none.
func (b *Bridge) addSettings(to map[string]component, settings map[string]Setting) {
	choices := map[string]device.Choice{}
	if b.cfg.Settings != nil {
		for _, c := range device.ChoicesOf(b.cfg.Settings()) {
			choices[c.Key] = c
		}
	}
	for key, s := range settings {
		c := settingComponent(s.Value, choices[key])
		if s.Locked || b.mustBeSigned(operations["settings"]) {
			to[key] = removed(c["platform"].(string))
			continue
		}
		value := "value_json['" + key + "'].value"
		maps.Copy(c, component{"name": settingName(key), "entity_category": "config", "state_topic": b.topic("settings"), "command_topic": b.topic("command")})
		args := "{{ value | tojson }}"
		switch c["platform"] {
		case "switch":
			value = "'ON' if " + value + " else 'OFF'"
			args = "{{ 'true' if value == 'ON' else 'false' }}"
		case "number":
			args = "{{ value }}"
		case "select":
			if choice := choices[key]; choice.Option("") != nil {
				value += " or '" + off + "'"
				args = "{{ ('' if value == '" + off + "' else value) | tojson }}"
			}
		}
		c["value_template"] = "{{ " + value + " }}"
		c["command_template"] = commandTemplate("settings", `{"`+key+`":`+args+`}`)
		to[key] = c
	}
}

// off stands for an empty value, which Home Assistant does not offer.
const off = "off"

// maxNumber bounds a number without options.
const maxNumber = 1_000_000

// settingComponent returns the entity for a setting with a value and what is offered for
// it.
func settingComponent(value any, c device.Choice) component {
	switch value.(type) {
	case bool:
		return component{"platform": "switch"}
	case int, int64, float64:
		n := component{"platform": "number", "min": -maxNumber, "max": maxNumber, "mode": "box"}
		if len(c.Options) > 1 {
			n["min"], n["max"], n["mode"] = c.Options[0].Set, c.Options[len(c.Options)-1].Set, "slider"
		}
		return n
	}
	if _, ok := value.(string); !ok || len(c.Options) == 0 {
		return component{"platform": "text"}
	}
	var options []string
	for _, o := range c.Options {
		options = append(options, cmp.Or(o.Value, off))
	}
	return component{"platform": "select", "options": options}
}

// settingName returns the name of a setting in English, or its key.
func settingName(key string) string {
	if w, name := words.English(), device.SettingWords(key); w.Has(name) {
		return w.Say(name)
	}
	return key
}

// commandTemplate is a template of Home Assistant for a command. Its ID is another one
// each time.
func commandTemplate(command, args string) string {
	if args != "" {
		args = `,"args":` + args
	}
	return `{"command":"` + command + `","id":"ha-{{ now().timestamp() }}"` + args + `}`
}

func (b *Bridge) button(name, command string) component {
	return component{"platform": "button", "name": name, "command_topic": b.topic("command"), "command_template": commandTemplate(command, "")}
}

// toggle is a switch whose state is in the status. Templates are of Home Assistant.
func (b *Bridge) toggle(name, state, command, args string) component {
	return component{"platform": "switch", "name": name, "command_topic": b.topic("command"), "value_template": state, "command_template": commandTemplate(command, args)}
}
