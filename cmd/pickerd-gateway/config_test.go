package main

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"pickerd/configs/strict"
)

func noEnv(string) string { return "" }

func TestConfigDefault(t *testing.T) {
	c, err := loadConfig(writeFile(t, "m.toml", minimal), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:8430" || c.MetricsListen != "127.0.0.1:9430" || c.Store.URL != "bbolt:///var/lib/pickerd-gateway/gateway.db" ||
		c.Upstream.ClientFile != "/etc/pickerd-gateway/client_secret.json" || c.Clients[0].MaxPending != defaultMaxPending || c.TLS.enabled() {
		t.Errorf("%+v", c)
	}
	// What the default file shows as examples must be keys too.
	examples := regexp.MustCompile(`(?m)^# ([a-z_]+ *= )`).ReplaceAllString(defaultFile, "$1")
	examples = strings.Replace(examples, `url = "rediss`, `# url = "rediss`, 1)
	var read config
	if err := source("default.toml", []byte(examples), noEnv).Read(&read); err != nil || read.TLS.Domain != "photos.example" || read.Clients[0].ID != "pickerd" {
		t.Errorf("%+v, %v", read, err)
	}
}

// Every key can be set in the environment.
func TestConfigEnvironment(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "store_url"), []byte("rediss://u:p@redis.example:6379/0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"PICKERD_GATEWAY_ISSUER":             "https://photos.example",
		"PICKERD_GATEWAY_CLIENTS":            `[{id = "a", max_pending = 5}, {id = "b"}]`,
		"PICKERD_GATEWAY_TRUSTED_PROXIES":    "10.0.0.0/8, ::1",
		"PICKERD_GATEWAY_UPSTREAM_CLIENT_ID": "i",
		"PICKERD_GATEWAY_TLS_DOMAIN":         "photos.example",
		"PICKERD_GATEWAY_LOG_LEVEL":          "debug",
		"CREDENTIALS_DIRECTORY":              dir,
		"STATE_DIRECTORY":                    "/state",
	}
	c, err := loadConfig("", func(k string) string { return env[k] })
	if err != nil {
		t.Fatal(err)
	}
	proxies, err := c.proxies()
	if err != nil || len(proxies) != 2 || proxies[1].String() != "::1/128" {
		t.Errorf("proxies %v, %v", proxies, err)
	}
	if c.Store.URL != "rediss://u:p@redis.example:6379/0" || c.Upstream.ClientFile != "" || c.TLS.Domain != "photos.example" ||
		!reflect.DeepEqual(c.Clients, []client{{"a", "", 5}, {"b", "", defaultMaxPending}}) {
		t.Errorf("%+v", c)
	}
	delete(env, "PICKERD_GATEWAY_UPSTREAM_CLIENT_ID")
	if c, err = loadConfig("", func(k string) string { return env[k] }); err != nil || c.Upstream.ClientFile != filepath.Join(dir, "client_secret.json") {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestConfigErrors(t *testing.T) {
	for _, tt := range []struct{ name, text, line, want string }{
		{"no issuer", "", "", "issuer: it is missing"},
		{"issuer with a path", "issuer = 'https://a.example/x'", ":1:", "without a path"},
		{"issuer with a slash", "issuer = 'https://a.example/'", ":1:", "without a path"},
		{"issuer without TLS", "issuer = 'http://a.example'", ":1:", "not an https address"},
		{"issuer with a user", "issuer = 'https://u@a.example'", ":1:", "without a path"},
		{"TLS for http", "issuer = 'http://127.0.0.1:80'\n[tls]\ndomain = '127.0.0.1'", ":1:", "[tls] is set"},
		{"no clients", minimal + "[log]\nlevel = 'x'", ":4:", "not one of debug"},
		{"clients empty", "issuer = 'https://a.example'\nclients = []", ":2:", `[{id = "pickerd"}]`},
		{"client without an ID", "issuer = 'https://a.example'\nclients = [{}]", ":2:", "has no id"},
		{"client twice", "issuer = 'https://a.example'\nclients = [{id='a'}, {id='a'}]", ":2:", "listed twice"},
		{"bad secret", "issuer = 'https://a.example'\n[[clients]]\nid='a'\nsecret_sha256='abc'", ":2:", "SHA-256"},
		{"no codes", "issuer = 'https://a.example'\n[[clients]]\nid='a'\nmax_pending=-1", ":2:", "max_pending"},
		{"bad listen", "listen = '443'\n" + minimal, ":1:", "not an address"},
		{"bad metrics", "metrics_listen = '9'\n" + minimal, ":1:", "not an address"},
		{"bad proxy", "trusted_proxies = ['10.0.0.1/8']\n" + minimal, ":1:", "10.0.0.0/8"},
		{"prefix without TLS", "continue_prefixes = ['http://a.example/']\n" + minimal, ":1:", "ends in a slash"},
		{"prefix without a slash", "continue_prefixes = ['https://a.example']\n" + minimal, ":1:", "ends in a slash"},
		{"upstream without TLS", minimal + "[upstream]\ntoken_url = 'http://a.example/token'", ":4:", "not an https address"},
		{"no scopes", minimal + "[upstream]\nscopes = []", ":4:", "no scopes"},
		{"secret alone", minimal + "[upstream]\nclient_secret = 'x'", ":4:", "client_id is missing"},
		{"half a certificate", minimal + "[tls]\ncert_file = '/c.pem'", ":4:", "both"},
		{"two certificates", minimal + "[tls]\ndomain = 'photos.example'\ncert_file = '/c.pem'\nkey_file = '/k.pem'", ":4:", "not both"},
		{"another domain", minimal + "[tls]\ndomain = 'other.example'", ":4:", "not the host of issuer"},
		{"unknown store", minimal + "[store]\nurl = 'mysql://u:top-s3cr3t@h/'", ":4:", "bbolt, redis, rediss"},
		{"relative store", minimal + "[store]\nurl = 'bbolt://gateway.db'", ":4:", "does not name a file"},
		{"store without a host", minimal + "[store]\nurl = 'redis:///0'", ":4:", "names no host"},
		{"store that is no address", minimal + "[store]\nurl = 'redis://u:top-s3cr3t@h:x/'", ":4:", "not an address"},
		{"unknown key of a client", "clients = [{id = 'a', secret = 'b'}]", ":1:", "secret: unknown key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := writeFile(t, "gateway.toml", tt.text+"\n")
			_, err := loadConfig(file, noEnv)
			if _, ok := errors.AsType[*strict.Error](err); !ok {
				t.Fatalf("%v", err)
			}
			if text := err.Error(); !strings.Contains(text, file+tt.line) || !strings.Contains(text, tt.want) || strings.Contains(text, "top-s3cr3t") {
				t.Errorf("got %q, want line %s and %q", text, tt.line, tt.want)
			}
		})
	}
}

func FuzzConfig(f *testing.F) {
	f.Add(defaultFile)
	f.Add(minimal + "[tls]\ndomain = 'x'\n")
	f.Add("issuer = 'http://[::1'\nclients = [{id = '', max_pending = -9}]\nstore.url = '::'\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, src := new(config), source("f.toml", []byte(text), noEnv)
		if src.Read(c) != nil || c.fillIn(noEnv) != nil {
			return
		}
		if c.check(src) == nil && !strings.HasPrefix(c.Issuer, "http") {
			t.Errorf("issuer %q", c.Issuer)
		}
	})
}
