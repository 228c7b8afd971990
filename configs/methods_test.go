package configs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pickerd/configs"
)

// Without pairing.methods, each method whose client is there is used.
func TestDefaultMethods(t *testing.T) {
	const tv, web, desktop = "client_secret.json", "web_client_secret.json", "desktop_client_secret.json"
	const relay = "pairing.relay_url = 'https://you.test/p.html'\n"
	for name, tt := range map[string]struct {
		files map[string]string
		text  string
		want  string // methods, or what the error says
	}{
		"nothing":                   {nil, "", "paste"},
		"a TV client":               {map[string]string{tv: "{x}"}, "", "device"},
		"a Desktop client":          {map[string]string{desktop: "{x}"}, "", "paste"},
		"the unit's placeholder":    {map[string]string{tv: "{}", desktop: "{x}"}, "", "paste"},
		"an empty file":             {map[string]string{tv: " \n", desktop: "{x}"}, "", "paste"},
		"all":                       {map[string]string{tv: "{x}", web: "{x}", desktop: "{x}", "token": "t"}, relay, "device relay paste"},
		"relay without a page":      {map[string]string{web: "{x}", desktop: "{x}"}, "", "paste"},
		"only relay, no page":       {map[string]string{web: "{x}"}, "", "pickerd relay-page"},
		"a token":                   {map[string]string{"token": "t"}, "", "import"},
		"a token of nothing":        {map[string]string{"token": ""}, "", "paste"},
		"a token for guests":        {map[string]string{"token": "t"}, "mode = 'guest'\n", "paste"},
		"client_id":                 {nil, "google.client_id = 'x'\n", "device"},
		"client_id and a client":    {map[string]string{desktop: "{x}"}, "google.client_id = 'x'\n", "device paste"},
		"a file that is configured": {map[string]string{desktop: "{x}"}, "google.client_file = '/nothing/here.json'\n", "device paste"},
		"a gateway":                 {map[string]string{tv: "{x}", web: "{x}", desktop: "{x}"}, "google.gateway = 'https://g.test'\n" + relay, "device"},
		"an empty Desktop client":   {map[string]string{tv: "{}", desktop: " \n"}, "", "paste"},
		"an empty Web client":       {map[string]string{web: ""}, relay, "relay"},
		"placeholders":              {map[string]string{tv: "{}", web: "{}", desktop: "{}"}, "", "paste"},
		"an empty file, configured": {nil, "google.desktop_client_file = '/dev/null'\n", "paste"},
		"explicit":                  {map[string]string{tv: "{x}"}, "pairing.methods = ['paste']\n", "paste"},
		"explicit, gateway":         {nil, "google.gateway = 'https://g.test'\npairing.methods = ['device', 'paste']\n", "device paste"},
		"none":                      {nil, "pairing.methods = []\n", "no pairing methods"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range tt.files {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			c, err := configs.Load(configFile(t, tt.text), env("CREDENTIALS_DIRECTORY", dir))
			got := ""
			if err != nil {
				got = err.Error()
			} else {
				got = strings.Join(c.Pairing.Methods, " ")
			}
			if got != tt.want && (err == nil || !strings.Contains(got, tt.want)) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// A gateway needs no client file, and the files of older grants are still found.
func TestGatewayClient(t *testing.T) {
	for _, tt := range []struct{ text, id, secret, file string }{
		{"", "pickerd", "", "/creds/client_secret.json"},
		{"client_id = 'hall'\nclient_secret = 's'\n", "hall", "s", "/creds/client_secret.json"},
		{"client_secret = 's'\nclient_file = '/c.json'\n", "pickerd", "s", "/c.json"},
	} {
		c, err := configs.Load(configFile(t, "[google]\ngateway = 'https://g.test'\n"+tt.text), env("CREDENTIALS_DIRECTORY", "/creds"))
		if err != nil {
			t.Errorf("%q: %v", tt.text, err)
			continue
		}
		if g := c.Google; g.ClientID != tt.id || g.ClientSecret != tt.secret || g.ClientFile != tt.file || g.DesktopFile != "/creds/desktop_client_secret.json" {
			t.Errorf("%q: %q %q %q %q", tt.text, g.ClientID, g.ClientSecret, g.ClientFile, g.DesktopFile)
		}
	}
}

func TestGatewayAddress(t *testing.T) {
	for address, says := range map[string]string{
		"https://photos.example":          "",
		"https://photos.example/":         "", // an issuer may end with a slash
		"https://photos.example:8443/x":   "",
		"http://127.0.0.1:8080":           "",
		"http://localhost:8080":           "",
		"http://[::1]":                    "",
		"http://photos.example":           "must begin with https",
		"photos.example":                  "not an address",
		"https://":                        "not an address",
		"https://:443":                    "not an address",
		"ftp://photos.example":            "not an address",
		"https:photos.example":            "not an address",
		"https://u@photos.example":        "a user",
		"https://u:secret@photos.example": "a user",
		"https://photos.example?x=1":      "a query",
		"https://photos.example?":         "a query",
		"https://photos.example#x":        "a fragment",
		"https://photos.example\x00":      "not an address",
	} {
		_, err := configs.Load("", env("PICKERD_GOOGLE_GATEWAY", address))
		switch {
		case says == "" && err != nil:
			t.Errorf("%s: %v", address, err)
		case says != "" && (err == nil || !strings.Contains(err.Error(), "PICKERD_GOOGLE_GATEWAY: ") || !strings.Contains(err.Error(), says)):
			t.Errorf("%s: %v, want %q", address, err, says)
		case err != nil && strings.Contains(err.Error(), "secret"):
			t.Errorf("the error has a password: %v", err)
		}
	}
}
