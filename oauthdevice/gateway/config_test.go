package gateway_test

import (
	"errors"
	"strings"
	"testing"

	"pickerd/oauthdevice/gateway"
)

func TestConfig(t *testing.T) {
	good := newWorld(t).cfg
	for _, tt := range []struct {
		field  string // of the error; "" for none
		change func(*gateway.Config)
	}{
		{"", func(c *gateway.Config) {}},
		{"", func(c *gateway.Config) { c.Issuer = "http://127.0.0.1:8421" }},
		{"", func(c *gateway.Config) { c.Issuer = "http://localhost:8421" }},
		{"", func(c *gateway.Config) { c.Issuer = "http://[::1]:8421" }},
		{"", func(c *gateway.Config) { c.Issuer = "https://photos.test:8443" }},
		{"", func(c *gateway.Config) { c.Upstream.Client.RevokeURL = "" }},
		{"", func(c *gateway.Config) { c.ContinuePrefixes = []string{"http://127.0.0.1:8420/picker/"} }},
		{"Issuer", func(c *gateway.Config) { c.Issuer = "" }},
		{"Issuer", func(c *gateway.Config) { c.Issuer = "photos.test" }},
		{"Issuer", func(c *gateway.Config) { c.Issuer = "http://photos.test" }},
		{"Issuer", func(c *gateway.Config) { c.Issuer = "http://127.0.0.1.attacker.test" }},
		{"Issuer", func(c *gateway.Config) { c.Issuer = "https://photos.test/" }},
		{"Issuer", func(c *gateway.Config) { c.Issuer = "https://photos.test/gateway" }},
		{"Issuer", func(c *gateway.Config) { c.Issuer = "https://photos.test?x=1" }},
		{"Issuer", func(c *gateway.Config) { c.Issuer = "https://photos.test#x" }},
		{"Issuer", func(c *gateway.Config) { c.Issuer = "https://user@photos.test" }},
		{"Issuer", func(c *gateway.Config) { c.Issuer = "https://Photos.test" }},
		{"Issuer", func(c *gateway.Config) { c.Issuer = "https://photos.test:443" }},
		{"Issuer", func(c *gateway.Config) { c.Issuer = "http://127.0.0.1:80" }},
		{"Issuer", func(c *gateway.Config) { c.Issuer = "https://" + strings.Repeat("x", 60) + ".test" }},
		{"Clients", func(c *gateway.Config) { c.Clients = nil }},
		{"Clients", func(c *gateway.Config) { c.Clients = []gateway.ClientConfig{{}} }},
		{"Clients", func(c *gateway.Config) { c.Clients = []gateway.ClientConfig{{ID: "a"}, {ID: "a"}} }},
		{"Clients", func(c *gateway.Config) { c.Clients = []gateway.ClientConfig{{ID: "a", SecretSHA256: "in clear"}} }},
		{"Clients", func(c *gateway.Config) { c.Clients = []gateway.ClientConfig{{ID: "a", MaxPending: -1}} }},
		{"ContinuePrefixes", func(c *gateway.Config) { c.ContinuePrefixes = []string{"https://photos.google.com"} }},
		{"ContinuePrefixes", func(c *gateway.Config) { c.ContinuePrefixes = []string{"http://photos.google.com/"} }},
		{"ContinuePrefixes", func(c *gateway.Config) { c.ContinuePrefixes = []string{"https://photos.google.com/picker"} }},
		{"ContinuePrefixes", func(c *gateway.Config) { c.ContinuePrefixes = []string{"https://photos.google.com:443/"} }},
		{"ContinuePrefixes", func(c *gateway.Config) { c.ContinuePrefixes = []string{"https://photos.google.com/a/../"} }},
		{"ContinuePrefixes", func(c *gateway.Config) { c.ContinuePrefixes = []string{"/picker/"} }},
		{"ContinuePrefixes", func(c *gateway.Config) { c.ContinuePrefixes = []string{"https://photos.google.com/?x/"} }},
		{"Upstream.Client.TokenURL", func(c *gateway.Config) { c.Upstream.Client.TokenURL = "http://accounts.test/token" }},
		{"Upstream.Client.AuthURL", func(c *gateway.Config) { c.Upstream.Client.AuthURL = "" }},
		{"Upstream.Client.RevokeURL", func(c *gateway.Config) { c.Upstream.Client.RevokeURL = "http://accounts.test/revoke" }},
		{"Upstream.Client.ID", func(c *gateway.Config) { c.Upstream.Client.ID = "" }},
		{"Upstream.Client.Scopes", func(c *gateway.Config) { c.Upstream.Client.Scopes = nil }},
		{"Upstream.Issuer", func(c *gateway.Config) { c.Upstream.Issuer, c.Upstream.IssuerRequired = "", true }},
		{"Store", func(c *gateway.Config) { c.Store = nil }},
		{"Texts", func(c *gateway.Config) { c.Texts = nil }},
	} {
		cfg := good
		tt.change(&cfg)
		_, err := gateway.New(cfg)
		e, _ := errors.AsType[*gateway.ConfigError](err)
		if tt.field == "" && err != nil || tt.field != "" && (e == nil || e.Field != tt.field || e.Problem == "") {
			t.Errorf("%s: %v; %+v", tt.field, err, cfg)
		}
	}
}
