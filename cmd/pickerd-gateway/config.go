package main

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"pickerd/cmd/command"
	"pickerd/configs/strict"
	"pickerd/oauthdevice"
	"pickerd/store/regular"
	"pickerd/systemd"
)

const (
	defaultConfig = "/etc/pickerd-gateway/gateway.toml"
	envPrefix     = "PICKERD_GATEWAY_"
	// defaultMaxPending is a client's bound of pending codes without one in the
	// configuration.
	defaultMaxPending = 10_000
)

// defaultFile is the default configuration file, with comments.
//
//go:embed gateway.toml
var defaultFile string

// A config is a complete configuration. loadConfig returns valid ones only.
type config struct {
	Issuer           string   `toml:"issuer"`
	Listen           string   `toml:"listen"`
	MetricsListen    string   `toml:"metrics_listen"`
	TrustedProxies   []string `toml:"trusted_proxies"`
	ContinuePrefixes []string `toml:"continue_prefixes"`
	Clients          []client `toml:"clients"`
	Upstream         upstream `toml:"upstream"`
	Store            struct {
		URL string `toml:"url"`
	} `toml:"store"`
	TLS tlsConfig `toml:"tls"`
	Log struct {
		Level  string `toml:"level"`
		Format string `toml:"format"`
	} `toml:"log"`
}

// A client may ask for codes.
type client struct {
	ID           string `toml:"id"`
	SecretSHA256 string `toml:"secret_sha256"`
	MaxPending   int    `toml:"max_pending"`
}

// upstream configures the server at which people sign in, and the gateway's client
// there.
type upstream struct {
	ClientFile   string   `toml:"client_file"`
	ClientID     string   `toml:"client_id"`
	ClientSecret string   `toml:"client_secret"`
	ClientAuth   string   `toml:"client_auth"` // "form" or "basic" (RFC 6749 §2.3.1)
	Issuer       string   `toml:"issuer"`
	AuthURL      string   `toml:"auth_url"`
	TokenURL     string   `toml:"token_url"`
	RevokeURL    string   `toml:"revoke_url"`
	Scopes       []string `toml:"scopes"`
}

// tlsConfig configures where the certificate comes from. The zero value means plain
// HTTP.
type tlsConfig struct {
	Domain    string `toml:"domain"`
	ACMEURL   string `toml:"acme_url"`
	ACMEEmail string `toml:"acme_email"`
	CertFile  string `toml:"cert_file"`
	KeyFile   string `toml:"key_file"`
}

func (t tlsConfig) enabled() bool { return t.Domain != "" || t.CertFile != "" }

// maxFile bounds the configuration file and the client file in bytes.
const maxFile = 1 << 20

// loadConfig reads the defaults, then the file unless its name is empty, then the
// environment, and checks the result.
func loadConfig(file string, getenv func(string) string) (*config, error) {
	c := new(config)
	if err := toml.Unmarshal([]byte(defaultFile), c); err != nil {
		return nil, fmt.Errorf("built-in defaults: %w", err)
	}
	src := source(file, nil, getenv)
	if file != "" {
		var err error
		if src.Data, err = regular.ReadFile(file, maxFile); err != nil {
			return nil, command.Hint(fmt.Errorf("read configuration: %w", err), program+" config default prints a commented example", command.Config)
		}
	}
	err := src.Read(c)
	if err == nil {
		err = c.fillIn(getenv)
	}
	if err == nil {
		err = c.check(src)
	}
	if err != nil {
		return nil, command.Hint(err, program+" config default prints a commented example", command.Config)
	}
	return c, nil
}

// source returns where a configuration comes from.
func source(file string, data []byte, getenv func(string) string) *strict.Source {
	return &strict.Source{File: file, Data: data, Prefix: envPrefix, Getenv: getenv, Hint: "see the commented default file: " + program + " config default"}
}

// fillIn sets empty values from the environment that systemd provides.
func (c *config) fillIn(getenv func(string) string) error {
	if c.Upstream.ClientFile == "" && c.Upstream.ClientID == "" {
		c.Upstream.ClientFile = filepath.Join(cmp.Or(getenv("CREDENTIALS_DIRECTORY"), "/etc/pickerd-gateway"), "client_secret.json")
	}
	secret, err := systemd.Credential(getenv, "store_url")
	if err != nil {
		return err
	}
	if url := string(bytes.TrimSpace(secret)); url != "" {
		c.Store.URL = url
	}
	if c.Store.URL == "" {
		c.Store.URL = "bbolt://" + filepath.Join(stateDir(getenv), "gateway.db")
	}
	for i := range c.Clients {
		if c.Clients[i].MaxPending == 0 {
			c.Clients[i].MaxPending = defaultMaxPending
		}
	}
	return nil
}

func stateDir(getenv func(string) string) string {
	return cmp.Or(getenv("STATE_DIRECTORY"), "/var/lib/pickerd-gateway")
}

// check reports invalid values.
func (c *config) check(src *strict.Source) error {
	var all []error
	bad := func(key, format string, args ...any) { all = append(all, src.Bad(key, format, args...)) }
	oneOf := func(key, value string, allowed ...string) {
		if !slices.Contains(allowed, value) {
			bad(key, "%q is not one of %s", value, strings.Join(allowed, ", "))
		}
	}
	oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	oneOf("log.format", c.Log.Format, "auto", "text", "json")
	oneOf("upstream.client_auth", c.Upstream.ClientAuth, "form", "basic")
	c.checkAddresses(bad)
	c.checkClients(bad)
	c.checkUpstream(bad)
	c.checkTLS(bad)
	switch u, err := url.Parse(c.Store.URL); {
	case err != nil: // the text may have a password
		bad("store.url", "it is not an address")
	case u.Scheme == "bbolt" && (u.Host != "" || !filepath.IsAbs(u.Path)):
		bad("store.url", "%q does not name a file: write bbolt:///var/lib/pickerd-gateway/gateway.db", c.Store.URL)
	case u.Scheme == "redis" || u.Scheme == "rediss":
		if u.Host == "" {
			bad("store.url", "it names no host")
		}
	case u.Scheme != "bbolt":
		bad("store.url", "%q is not one of bbolt, redis, rediss", u.Scheme)
	}
	return errors.Join(all...)
}

// checkAddresses checks where the gateway is reached, and what it says about others.
func (c *config) checkAddresses(bad func(key, format string, args ...any)) {
	switch u, err := url.Parse(c.Issuer); {
	case c.Issuer == "":
		bad("issuer", "it is missing: the address that phones and boxes use, such as https://photos.example")
	case err != nil || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || strings.HasSuffix(c.Issuer, "?") || strings.HasSuffix(c.Issuer, "#"):
		bad("issuer", "%q is not an address without a path, such as https://photos.example", c.Issuer)
	case !isSecure(u):
		bad("issuer", "%q is not an https address", c.Issuer)
	case u.Scheme == "http" && c.TLS.enabled():
		bad("issuer", "%q is not an https address, but [tls] is set", c.Issuer)
	}
	for _, a := range []struct{ key, value string }{{"listen", c.Listen}, {"metrics_listen", c.MetricsListen}} {
		if _, _, err := net.SplitHostPort(a.value); err != nil && (a.value != "" || a.key == "listen") {
			bad(a.key, "%q is not an address such as 127.0.0.1:8430", a.value)
		}
	}
	if _, err := c.proxies(); err != nil {
		bad("trusted_proxies", "%v", err)
	}
	for _, p := range c.ContinuePrefixes {
		if u, err := url.Parse(p); err != nil || !isSecure(u) || u.Host == "" || !strings.HasSuffix(u.Path, "/") || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			bad("continue_prefixes", "%q is not an https address that ends in a slash", p)
		}
	}
}

// proxies returns the trusted proxies.
func (c *config) proxies() ([]netip.Prefix, error) {
	var list []netip.Prefix
	for _, text := range c.TrustedProxies {
		p, err := netip.ParsePrefix(text)
		if a, aerr := netip.ParseAddr(text); aerr == nil && a.Zone() == "" {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil || p != p.Masked() {
			return nil, fmt.Errorf("%q is not an address or a network such as 10.0.0.0/8", text)
		}
		list = append(list, p)
	}
	return list, nil
}

func (c *config) checkClients(bad func(key, format string, args ...any)) {
	if len(c.Clients) == 0 {
		bad("clients", `no clients: boxes use [{id = "pickerd"}]`)
	}
	ids := map[string]bool{}
	for _, cl := range c.Clients {
		if cl.ID == "" {
			bad("clients", "a client has no id")
		} else if ids[cl.ID] {
			bad("clients", "%q is listed twice", cl.ID)
		}
		ids[cl.ID] = true
		if sum, err := hex.DecodeString(cl.SecretSHA256); cl.SecretSHA256 != "" && (err != nil || len(sum) != 32) {
			bad("clients", "secret_sha256 of %q is not a SHA-256 of 64 hexadecimal digits", cl.ID)
		}
		if cl.MaxPending < 1 {
			bad("clients", "max_pending of %q is less than 1", cl.ID)
		}
	}
}

func (c *config) checkUpstream(bad func(key, format string, args ...any)) {
	up := c.Upstream
	for _, a := range []struct{ key, value string }{
		{"upstream.auth_url", up.AuthURL}, {"upstream.token_url", up.TokenURL}, {"upstream.revoke_url", up.RevokeURL}, {"upstream.issuer", up.Issuer},
	} {
		if a.value == "" && (a.key == "upstream.issuer" || a.key == "upstream.revoke_url") {
			continue // a server need not have them
		}
		if u, err := url.Parse(a.value); err != nil || u.Host == "" || !isSecure(u) {
			bad(a.key, "%q is not an https address", a.value)
		}
	}
	if len(up.Scopes) == 0 {
		bad("upstream.scopes", "no scopes")
	}
	if up.ClientSecret != "" && up.ClientID == "" {
		bad("upstream.client_secret", "upstream.client_id is missing")
	}
}

func (c *config) checkTLS(bad func(key, format string, args ...any)) {
	t := c.TLS
	if (t.CertFile == "") != (t.KeyFile == "") {
		bad("tls.cert_file", "set both tls.cert_file and tls.key_file, or neither")
	}
	if t.Domain == "" {
		return
	}
	if t.CertFile != "" {
		bad("tls.domain", "set tls.domain or tls.cert_file, not both")
	}
	if u, err := url.Parse(c.Issuer); err == nil && u.Hostname() != t.Domain {
		bad("tls.domain", "%q is not the host of issuer, %q", t.Domain, u.Hostname())
	}
	if u, err := url.Parse(t.ACMEURL); err != nil || u.Host == "" || !isSecure(u) {
		bad("tls.acme_url", "%q is not an https address", t.ACMEURL)
	}
}

// isSecure reports whether nobody on the way can read what is sent to an address.
func isSecure(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// callback is the redirect URI of the gateway's client.
func (c *config) callback() string { return c.Issuer + "/callback" }

// readme says where the document of the program is.
func readme() string {
	if installed := command.Document(program, "README.md"); filepath.IsAbs(installed) {
		return installed
	}
	return "cmd/" + program + "/README.md"
}

// client returns the gateway's client at the upstream server.
func (c *config) client() (*oauthdevice.ClientFile, error) {
	hint := "see " + readme() + " for how to get a client from the Google Cloud console"
	up := c.Upstream
	if up.ClientID != "" {
		return &oauthdevice.ClientFile{ID: up.ClientID, Secret: oauthdevice.Secret(up.ClientSecret), Web: true}, nil
	}
	const installed = "/etc/pickerd-gateway/client_secret.json"
	data, err := regular.ReadFile(up.ClientFile, maxFile)
	if err == nil && len(bytes.TrimSpace(data)) == 0 {
		at := up.ClientFile
		if strings.HasPrefix(at, "/run/credentials/") { // systemd's copy can't be changed
			at = installed
		}
		return nil, command.Hint(fmt.Errorf("upstream.client_file: %s is empty: put a client file of type %q there", at, "Web application"), hint, command.Config)
	}
	placeholder := string(bytes.TrimSpace(data)) == "{}" // the unit provides this if the file is missing
	if errors.Is(err, fs.ErrNotExist) || err == nil && placeholder {
		return nil, command.Hint(fmt.Errorf("there is no OAuth client: put a client file of type %q at %s, or set upstream.client_file", "Web application", installed), hint, command.Config)
	}
	if err != nil {
		return nil, command.Hint(fmt.Errorf("upstream.client_file: %w", err), hint, command.Config)
	}
	f, err := oauthdevice.ParseClientFile(data)
	switch {
	case err != nil:
	case !f.Web:
		err = errors.New(`it is of type "TVs and Limited Input devices" or "Desktop app"; create one of type "Web application"`)
	case f.Secret == "":
		err = errors.New("it has no client_secret")
	case len(f.RedirectURIs) > 0 && !slices.Contains(f.RedirectURIs, c.callback()):
		err = fmt.Errorf("%s is not among its authorized redirect URIs (%s); add it in the console and download the file again", c.callback(), strings.Join(f.RedirectURIs, ", "))
	}
	if err != nil {
		return nil, command.Hint(fmt.Errorf("upstream.client_file: %s: %w", up.ClientFile, err), hint, command.Config)
	}
	return f, nil
}
