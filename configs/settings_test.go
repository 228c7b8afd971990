package configs_test

import (
	"reflect"
	"strings"
	"testing"

	"pickerd/configs"
)

// Every key has one line in the table of settings, and only those that are harmless may
// be set by anyone.
func TestSettings(t *testing.T) {
	known := keys("", reflect.ValueOf(configs.Config{}))
	listed := map[string]bool{}
	for _, s := range configs.Settings() {
		if _, ok := known[s.Key]; !ok || listed[s.Key] {
			t.Errorf("%s is no key, or is listed twice", s.Key)
		}
		listed[s.Key] = true
		harmless := strings.HasPrefix(s.Key, "slideshow.") || s.Key == "display.language" || s.Key == "name" || s.Key == "time_zone" || s.Key == "pick.collection" || s.Key == "pick.video"
		if harmless != (s.By == configs.Anyone) {
			t.Errorf("%s may be set by %d", s.Key, s.By)
		}
		if s.By == configs.SetUp && s.Key != "google.gateway" && !strings.HasSuffix(s.Key, "client_file") {
			t.Errorf("%s may be set by the set-up page", s.Key)
		}
		if s.By == configs.Anyone && (!s.Tolerant || !s.Live) {
			t.Errorf("a wrong %s costs the screen, or a right one takes no effect at once", s.Key)
		}
		if secret := s.Key == "http.key" || strings.HasSuffix(s.Key, "_secret") || s.Key == "mqtt.password" || s.Key == "remote.pin"; secret != s.Secret || secret && s.By == configs.Anyone {
			t.Errorf("%s: secret %t", s.Key, s.Secret)
		}
		for _, dangerous := range []string{"http.", "google.", "control.", "hooks.on", "mode", "lock", "store.dir", "mqtt.url", "mqtt.personal", "mqtt.image", "mqtt.unsigned_settings", "mqtt.operator_key", "mqtt.labels"} {
			if s.Tolerant && strings.HasPrefix(s.Key, dangerous) {
				t.Errorf("a wrong %s is tolerated", s.Key)
			}
		}
	}
	for key := range known {
		if !listed[key] {
			t.Errorf("%s is not in the table", key)
		}
	}
}

// A value is written as it is read.
func TestValuesAsText(t *testing.T) {
	for key, texts := range map[string][]string{
		"slideshow.interval":   {"20s", "1m30s", "15m", "1h", "1h0m5s", "24h"},
		"slideshow.fade":       {"0s", "1.2s"},
		"slideshow.night":      {"22:30-06:05", "", "sun-thu 22:30-06:30, fri-sat 23:30-08:00"},
		"store.forget_after":   {"never", "30d", "36h"},
		"store.max_bytes":      {"8GB", "500MB", "512KiB", "1025B", "0B"},
		"framebuffer.overscan": {"2.5%", "0%"},
	} {
		for _, text := range texts {
			table, name, _ := strings.Cut(key, ".")
			file := configFile(t, "[google]\nclient_id = 'i'\n["+table+"]\n"+name+" = '"+text+"'\n")
			c, err := configs.Load(file, env())
			if err != nil {
				t.Errorf("%s = %s: %v", key, text, err)
				continue
			}
			want := text
			if text == "24h" {
				want = "1d"
			}
			if got := c.Value(key); got != want {
				t.Errorf("%s = %s: %v", key, text, got)
			}
		}
	}
}
