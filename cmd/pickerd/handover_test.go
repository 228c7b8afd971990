package main

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"
)

// TestHandover checks when new credentials are a reason to restart the service.
func TestHandover(t *testing.T) {
	const (
		given  = "/run/credentials/pickerd.service/"
		client = `{"installed":{"client_id":"a","client_secret":"s"}}`
		other  = `{"installed":{"client_id":"b","client_secret":"s"}}`
		tv     = "client_secret.json"
		paste  = "desktop_client_secret.json"
	)
	for name, tt := range map[string]struct {
		files map[string]string
		want  bool
	}{
		"no service":              {map[string]string{"/etc/pickerd/" + tv: client}, false},
		"nothing":                 {map[string]string{given + tv: "{}"}, false},
		"the same":                {map[string]string{given + tv: client, "/etc/pickerd/" + tv: client}, false},
		"configuration alone":     {map[string]string{given + tv: client, "/etc/pickerd/" + tv: client, "/etc/pickerd/pickerd.toml": "x"}, false},
		"a first client":          {map[string]string{given + tv: "{}", "/etc/pickerd/" + tv: client}, true},
		"a client of paste":       {map[string]string{given + tv: "{}", "/etc/credstore/" + paste: client}, true},
		"another client":          {map[string]string{given + tv: client, "/etc/pickerd/" + tv: other}, true},
		"a client that is gone":   {map[string]string{given + tv: client}, false},
		"a client that got worse": {map[string]string{given + tv: client, "/etc/pickerd/" + tv: `{"installed":`}, false},
		"a first, wrong client":   {map[string]string{given + tv: "{}", "/etc/pickerd/" + tv: `{"installed":`}, true},
		"a token":                 {map[string]string{given + tv: client, "/etc/credstore/token": "t"}, true},
		"the same token":          {map[string]string{given + "token": "t", "/etc/credstore/token": "t"}, false},
		"a sealed key":            {map[string]string{given + tv: "{}", "/etc/credstore.encrypted/state.key": "sealed k"}, true},
		"another password":        {map[string]string{given + "mqtt_password": "a", "/etc/credstore/mqtt_password": "b"}, true},
		"the same sealed key":     {map[string]string{given + "state.key": "k", "/etc/credstore.encrypted/state.key": "sealed k"}, false},
		"a key of elsewhere":      {map[string]string{given + "state.key": "k", "/etc/credstore.encrypted/state.key": "damaged"}, false},
		"sealed instead":          {map[string]string{given + tv: client, "/etc/pickerd/" + tv: other, "/etc/credstore.encrypted/" + tv: "sealed " + client}, false},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			for path := range maps.Keys(tt.files) {
				if err := errors.Join(os.MkdirAll(filepath.Dir(root+path), 0o700), os.WriteFile(root+path, []byte(tt.files[path]), 0o600)); err != nil {
					t.Fatal(err)
				}
			}
			unseal := func(_, path string) ([]byte, error) {
				data, err := os.ReadFile(path)
				if err == nil && string(data[:7]) != "sealed " {
					err = errors.New("sealed elsewhere")
				}
				return data[min(7, len(data)):], err
			}
			if got := (handover{root, unseal}).isChanged(); got != tt.want {
				t.Errorf("%t", got)
			}
		})
	}
}
