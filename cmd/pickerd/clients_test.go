package main

import (
	"errors"
	"strings"
	"testing"

	"pickerd/cmd/command"
	"pickerd/configs"
	"pickerd/device/engine"
)

func TestLoadMethods(t *testing.T) {
	const relay = "https://relay.test/pickerd.html"
	tv := writeFile(t, "tv.json", `{"installed":{"client_id":"tv","client_secret":"s"}}`)
	desktop := writeFile(t, "desktop.json", `{"installed":{"client_id":"desktop","client_secret":"s","redirect_uris":["http://localhost"]}}`)
	web := writeFile(t, "web.json", `{"web":{"client_id":"web","client_secret":"s","redirect_uris":["`+relay+`"]}}`)
	elsewhere := writeFile(t, "web2.json", `{"web":{"client_id":"web","client_secret":"s","redirect_uris":["https://other.test/"]}}`)
	for _, tt := range []struct {
		name    string
		methods []string
		change  func(*configs.Config)
		want    string // ids, or what the error says
	}{
		{"device", []string{"device"}, nil, "tv"},
		{"all", []string{"device", "relay", "paste", "import"}, nil, "tv web desktop -"},
		{"import alone needs no client", []string{"import"}, func(c *configs.Config) { c.Google.ClientFile = "" }, "-"},
		{"relay without a client", []string{"relay"}, func(c *configs.Config) { c.Google.WebFile = "" }, "google.web_client_file"},
		{"paste without a client", []string{"paste"}, func(c *configs.Config) { c.Google.DesktopFile = "" }, "google.desktop_client_file"},
		{"web client for the device", []string{"device"}, func(c *configs.Config) { c.Google.ClientFile = web }, `create one of type "TVs and Limited Input devices"`},
		{"desktop client for relay", []string{"relay"}, func(c *configs.Config) { c.Google.WebFile = desktop }, `create one of type "Web application"`},
		{"web client for paste", []string{"paste"}, func(c *configs.Config) { c.Google.DesktopFile = web }, `create one of type "Desktop app"`},
		{"page not registered", []string{"relay"}, func(c *configs.Config) { c.Google.WebFile = elsewhere }, "is not among the authorized redirect URIs"},
		{"gateway", []string{"device"}, atGateway(""), "pickerd tv desktop"},
		{"gateway without any file", []string{"device"}, func(c *configs.Config) {
			atGateway("")(c)
			c.Google.ClientFile, c.Google.WebFile, c.Google.DesktopFile = "/nothing", "/nothing", "/nothing"
			c.Pairing.RelayURL = ""
		}, "pickerd"},
		{"gateway and paste", []string{"device", "paste"}, atGateway("secret"), "pickerd desktop tv"},
		{"one client for two ways", []string{"device", "paste"}, func(c *configs.Config) { c.Google.DesktopFile = tv }, "the same OAuth client"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg, err := configs.Load("", func(string) string { return "" })
			if err != nil {
				t.Fatal(err)
			}
			cfg.Google.ClientFile, cfg.Google.WebFile, cfg.Google.DesktopFile = tv, web, desktop
			cfg.Pairing.Methods, cfg.Pairing.RelayURL = tt.methods, relay
			if tt.change != nil {
				tt.change(cfg)
			}
			methods, err := loadMethods(cfg)
			got := ids(methods)
			if err != nil {
				h, ok := errors.AsType[*command.HintedError](err)
				if !ok || h.Code != exitConfig {
					t.Errorf("%T: %v", err, err)
				}
				got = err.Error()
			}
			if got != tt.want && (err == nil || !strings.Contains(got, tt.want)) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// gateway returns a change that configures a gateway.
func atGateway(secret string) func(*configs.Config) {
	return func(c *configs.Config) {
		c.Google.Gateway, c.Google.ClientID, c.Google.ClientSecret = "https://g.test", "pickerd", secret
		c.Google.WebFile = "/nothing"
	}
}

// With a gateway only the device flow goes there, and the other clients serve older
// grants.
func TestLoadMethodsGateway(t *testing.T) {
	cfg, err := configs.Load("", func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	atGateway("secret")(cfg)
	cfg.Google.ClientFile = writeFile(t, "tv.json", `{"installed":{"client_id":"tv","client_secret":"s"}}`)
	cfg.Google.DesktopFile = writeFile(t, "desktop.json", "{}")
	cfg.Pairing.Methods = []string{"device"}
	methods, err := loadMethods(cfg)
	if err != nil || len(methods) != 2 {
		t.Fatalf("%+v, %v", methods, err)
	}
	if m := methods[0]; m.Issuer != "https://g.test" || m.Former || m.Secret != "secret" {
		t.Errorf("by the gateway: %+v", m)
	}
	if m := methods[1]; m.Issuer != "" || !m.Former || m.ClientID != "tv" || m.Secret != "s" {
		t.Errorf("for older grants: %+v", m)
	}
}

func ids(methods []engine.Method) string {
	var list []string
	for _, w := range methods {
		list = append(list, orDash(w.ClientID))
	}
	return strings.Join(list, " ")
}
