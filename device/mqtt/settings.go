package mqtt

import (
	"strings"

	"pickerd/device"
)

// A Setting is a setting in force, on the topic settings.
type Setting struct {
	Value  any           `json:"value"`
	Origin device.Origin `json:"origin"`
	// Locked says that nobody but the operator's files or the environment can set it.
	Locked bool `json:"locked,omitempty"`
}

// settings returns the settings in force by key, nil if there are none.
func (b *Bridge) settings() map[string]Setting {
	if b.cfg.Settings == nil {
		return nil
	}
	all := map[string]Setting{}
	current := b.cfg.Settings()
	for key, s := range current {
		if b.cfg.Guests && strings.HasSuffix(key, ".collection") {
			continue // the name that a person gave it
		}
		all[key] = Setting{s.Value, s.Origin, s.Locked || s.Origin == device.FromEnvironment}
	}
	for _, c := range device.ChoicesOf(current) {
		if _, ok := c.Options[0].Set.(string); ok && c.Key == c.Sets {
			s := all[c.Key]
			s.Value = c.Value // as its options write it
			all[c.Key] = s
		}
	}
	return all
}
