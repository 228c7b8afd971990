package main

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"pickerd/device"
	"pickerd/device/setup"
)

// TestSetUpCheck checks that a phone can't close a box with something that the box
// can't run with. What is accepted is carried out, and the box can run with it.
func TestSetUpCheck(t *testing.T) {
	desktop := &setup.Client{File: "desktop_client_secret.json", Data: []byte(`{"installed":{"client_id":"d","client_secret":"s","redirect_uris":["http://localhost"]}}`)}
	tv := &setup.Client{File: "client_secret.json", Data: []byte(`{"installed":{"client_id":"t","client_secret":"s"}}`)}
	web := &setup.Client{File: "web_client_secret.json", Data: []byte(`{"web":{"client_id":"w","client_secret":"s","redirect_uris":["https://relay.test/"]}}`)}
	const relay = "[pairing]\nrelay_url = 'https://relay.test/'\n"
	empty := writeFile(t, "empty.json", "{}")
	for name, tt := range map[string]struct {
		text   string
		client *setup.Client // nil means a gateway
		key    string        // that is in the way
	}{
		"gateway":                         {"", nil, ""},
		"gateway, import":                 {"[pairing]\nmethods = ['import']\n", nil, ""},
		"gateway, paste":                  {"[pairing]\nmethods = ['paste']\n", nil, "pairing.methods"},
		"gateway, device or paste":        {"[pairing]\nmethods = ['device', 'paste']\n", nil, "pairing.methods"},
		"gateway, no desktop client":      {"google.desktop_client_file = '/none.json'\n", nil, ""},
		"gateway, which is locked":        {"lock = ['google']\n", nil, "google.gateway"},
		"desktop, locked":                 {"lock = ['google']\n", desktop, ""},
		"desktop":                         {"", desktop, ""},
		"desktop, paste":                  {"[pairing]\nmethods = ['paste', 'import']\n", desktop, ""},
		"desktop, device":                 {"[pairing]\nmethods = ['device']\n", desktop, "pairing.methods"},
		"desktop, paste or device":        {"[pairing]\nmethods = ['paste', 'device']\n", desktop, "pairing.methods"},
		"desktop, import":                 {"[pairing]\nmethods = ['import']\n", desktop, "pairing.methods"},
		"desktop, which is elsewhere":     {"google.desktop_client_file = '/none.json'\n", desktop, "google.desktop_client_file"},
		"desktop, which is empty":         {"google.desktop_client_file = '" + empty + "'\n", desktop, "google.desktop_client_file"},
		"desktop, unnamed":                {"google.desktop_client_file = ''\n", desktop, ""},
		"desktop, another is elsewhere":   {"google.client_file = '/none.json'\n", desktop, "google.client_file"},
		"desktop, another is empty":       {"google.client_file = '" + empty + "'\n", desktop, ""},
		"TV, device":                      {"[pairing]\nmethods = ['device']\n", tv, ""},
		"web":                             {relay, web, ""},
		"web, relay":                      {relay + "methods = ['relay']\n", web, ""},
		"web, an address on the internet": {relay + "address = 'https://box.example'\n", web, "pairing.address"},
	} {
		t.Run(name, func(t *testing.T) {
			vars := map[string]string{"STATE_DIRECTORY": filepath.Join(t.TempDir(), "state"), "CREDENTIALS_DIRECTORY": t.TempDir(), "PICKERD_HTTP_LISTEN": "127.0.0.1:0"}
			e := env{getenv: func(k string) string { return vars[k] }}
			file := writeFile(t, "c.toml", tt.text)
			layers, err := e.readConfig(file)
			if err != nil {
				t.Fatal(err)
			}
			log := slog.New(slog.DiscardHandler)
			if may, err := maySetUp(layers.Config, e.getenv); !may || err != nil {
				t.Fatalf("phones may not set up the box: %v", err)
			}
			plan := setup.Plan{Settings: map[string]string{"name": "Hall"}, Client: tt.client}
			if tt.client == nil {
				plan.Settings["google.gateway"] = "https://photos.test"
			}
			c := phoneSetUpConfig{Config: layers.Config, Sources: e.sources(file), Keeper: e.newKeeper(e.sources(file), layers, log)}
			err = c.commit(t.Context(), plan)
			if refused, ok := errors.AsType[*device.SettingError](err); ok != (tt.key != "") || ok && refused.Key != tt.key || !ok && err != nil {
				t.Errorf("%v, want one about %q", err, tt.key)
			}
			if done, derr := setUpRecord(layers.Config).Done(); done != (err == nil) || derr != nil {
				t.Errorf("closed: %v, %v", done, derr)
			}
			if _, _, uerr := e.usable(file); err == nil && uerr != nil {
				t.Errorf("accepted, but %v", uerr)
			}
		})
	}
}

// While the operator's files can't be used, a phone can't finish.
func TestSetUpCheckBroken(t *testing.T) {
	vars := map[string]string{"STATE_DIRECTORY": filepath.Join(t.TempDir(), "state"), "CREDENTIALS_DIRECTORY": t.TempDir()}
	e := env{getenv: func(k string) string { return vars[k] }}
	file := writeFile(t, "c.toml", "")
	layers, err := e.readConfig(file)
	if err != nil {
		t.Fatal(err)
	}
	c := phoneSetUpConfig{Config: layers.Config, Sources: e.sources(file), Keeper: e.newKeeper(e.sources(file), layers, slog.New(slog.DiscardHandler))}
	plan := setup.Plan{Settings: map[string]string{"name": "Hall", "google.gateway": "https://photos.test"}}
	for text, key := range map[string]string{"mode = 'x'\n": "mode", "mode = 'x": ""} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := c.commit(t.Context(), plan)
		if refused, ok := errors.AsType[*device.SettingError](err); !ok || refused.Key != key {
			t.Errorf("%q: %v", text, err)
		}
	}
	if done, err := setUpRecord(layers.Config).Done(); done || err != nil {
		t.Errorf("closed: %v, %v", done, err)
	}
}
