package configs

import (
	"slices"

	"pickerd/configs/strict"
)

// A Setter says who may set a key.
type Setter int

// The setters, each may set what those before it may.
const (
	FilesOnly Setter = iota // the operator, in files under /etc and in the environment
	SetUp                   // also the page that sets a new box up
	Anyone                  // also menus, phones, pickerd set and the control API
)

// A Setting says how a key of the configuration is treated.
type Setting struct {
	Key string
	By  Setter
	// Live says that a running box takes a new value. For another key the program
	// re-executes itself.
	Live bool
	// Tolerant says that a wrong value costs this setting alone: the value of the next
	// weaker layer holds. It is false where privacy or access depends on the key.
	Tolerant bool
	// Secret says that the value is never shown.
	Secret bool
}

// settings is the one table of all keys. TestSettings compares it with Config.
var settings = []Setting{
	{Key: "name", By: Anyone, Live: true, Tolerant: true},
	{Key: "time_zone", By: Anyone, Live: true, Tolerant: true},
	{Key: "mode"},
	{Key: "accounts_max", Tolerant: true},
	{Key: "lock"},

	{Key: "google.gateway", By: SetUp},
	{Key: "google.client_file"},
	{Key: "google.client_id"},
	{Key: "google.client_secret", Secret: true},
	{Key: "google.web_client_file"},
	{Key: "google.desktop_client_file"},
	{Key: "google.client_auth"},
	{Key: "google.scopes"},
	{Key: "google.device_auth_url"},
	{Key: "google.token_url"},
	{Key: "google.revoke_url"},
	{Key: "google.auth_url"},
	{Key: "google.userinfo_url"},
	{Key: "google.picker_url"},

	{Key: "pairing.methods"},
	{Key: "pairing.relay_url"},
	{Key: "pairing.address"},

	{Key: "pick.max_items", Tolerant: true},
	{Key: "pick.collection", By: Anyone, Live: true, Tolerant: true},
	{Key: "pick.video", By: Anyone, Live: true, Tolerant: true},

	{Key: "store.dir"},
	{Key: "store.max_bytes", Tolerant: true},
	{Key: "store.forget_after"}, // its default keeps photos that are to be erased
	{Key: "control.socket"},

	{Key: "display.outputs"},
	{Key: "display.language", By: Anyone, Live: true, Tolerant: true},

	{Key: "http.listen"},
	{Key: "http.key", Secret: true},
	{Key: "http.names"},
	{Key: "http.frame_ancestors"},
	{Key: "http.cert_file"},
	{Key: "http.key_file"},

	{Key: "framebuffer.device", Tolerant: true},
	{Key: "framebuffer.rotate", Tolerant: true},
	{Key: "framebuffer.overscan", Tolerant: true},
	{Key: "terminal.device", Tolerant: true},
	{Key: "cec.device", Tolerant: true},
	{Key: "cec.standby", Tolerant: true},

	{Key: "slideshow.interval", By: Anyone, Live: true, Tolerant: true},
	{Key: "slideshow.order", By: Anyone, Live: true, Tolerant: true},
	{Key: "slideshow.collection", By: Anyone, Live: true, Tolerant: true},
	{Key: "slideshow.fade", By: Anyone, Live: true, Tolerant: true},
	{Key: "slideshow.backing", By: Anyone, Live: true, Tolerant: true},
	{Key: "slideshow.pairs", By: Anyone, Live: true, Tolerant: true},
	{Key: "slideshow.zoom", By: Anyone, Live: true, Tolerant: true},
	{Key: "slideshow.fit", By: Anyone, Live: true, Tolerant: true},
	{Key: "slideshow.date", By: Anyone, Live: true, Tolerant: true},
	{Key: "slideshow.date_format", By: Anyone, Live: true, Tolerant: true},
	{Key: "slideshow.clock", By: Anyone, Live: true, Tolerant: true},
	{Key: "slideshow.captions", By: Anyone, Live: true, Tolerant: true},
	{Key: "slideshow.volume", By: Anyone, Live: true, Tolerant: true},
	{Key: "slideshow.night", By: Anyone, Live: true, Tolerant: true},
	{Key: "slideshow.sleep_after", By: Anyone, Live: true, Tolerant: true},

	{Key: "remote.ok", Tolerant: true},
	{Key: "remote.menu", Tolerant: true},
	{Key: "remote.back", Tolerant: true},
	{Key: "remote.left", Tolerant: true},
	{Key: "remote.right", Tolerant: true},
	{Key: "remote.up", Tolerant: true},
	{Key: "remote.down", Tolerant: true},
	{Key: "remote.play", Tolerant: true},
	{Key: "remote.next", Tolerant: true},
	{Key: "remote.previous", Tolerant: true},
	{Key: "remote.volume_up", Tolerant: true},
	{Key: "remote.volume_down", Tolerant: true},
	{Key: "remote.mute", Tolerant: true},
	{Key: "remote.hold", Tolerant: true},
	{Key: "remote.phone"},
	{Key: "remote.pin", Secret: true},

	{Key: "setup.phone"},

	{Key: "guest.forget_after"},

	{Key: "hooks.on_photos"},
	{Key: "hooks.on_photo"},
	{Key: "hooks.on_state"},
	{Key: "hooks.on_problem"},
	{Key: "hooks.timeout", Tolerant: true},

	{Key: "mqtt.url"},
	{Key: "mqtt.base"},
	{Key: "mqtt.username"},
	{Key: "mqtt.password", Secret: true},
	{Key: "mqtt.cert_file"},
	{Key: "mqtt.key_file"},
	{Key: "mqtt.ca_file"},
	{Key: "mqtt.session_expiry", Tolerant: true},
	{Key: "mqtt.discovery", Tolerant: true},
	{Key: "mqtt.personal"},
	{Key: "mqtt.image"},
	{Key: "mqtt.unsigned_settings"},
	{Key: "mqtt.operator_key"},
	{Key: "mqtt.labels"},

	{Key: "unpair.photos"},

	{Key: "log.level", Tolerant: true},
	{Key: "log.format", Tolerant: true},
}

// Settings returns the table of all keys.
func Settings() []Setting { return slices.Clone(settings) }

// SettingOf returns the line of the table for a key.
func SettingOf(key string) (Setting, bool) {
	i := slices.IndexFunc(settings, func(s Setting) bool { return s.Key == key })
	if i < 0 {
		return Setting{}, false
	}
	return settings[i], true
}

// NearestKey returns the known key that an unknown one most likely means, "" if none
// is near.
func NearestKey(key string) string { return strict.Nearest(key, strict.Keys(new(Config))) }

// isTolerant reports whether a wrong value of a key costs that setting alone.
func isTolerant(key string) bool {
	s, _ := SettingOf(key)
	return s.Tolerant
}
