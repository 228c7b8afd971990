package gateway

import (
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"pickerd/oauthdevice"
)

const (
	// maxIssuer keeps verification_uri_complete within 78 bytes, which fit into a
	// QR code of version 4-L.
	maxIssuer = 78 - len("/?c=") - linkLength
	// defaultMaxPending is the bound on pending codes of a client that names none.
	defaultMaxPending = 10_000
	maxClientID       = 255
)

// Config is what a Server needs.
type Config struct {
	// Issuer is the https address of the gateway, without a path. Every link and
	// every redirect URI is made from it. http is accepted for loopback.
	Issuer           string
	Upstream         Upstream
	Clients          []ClientConfig
	ContinuePrefixes []string       // addresses below which a box may send a phone
	TrustedProxies   []netip.Prefix // peers whose X-Forwarded-For is believed
	Store            Store
	// Texts returns the words of the pages in the language that a browser prefers, by
	// its Accept-Language header (RFC 9110 §12.5.4).
	Texts   func(acceptLanguage string) Text
	Log     *slog.Logger     // nil means slog.Default
	Metrics Metrics          // nil means none
	Now     func() time.Time // nil means time.Now
}

// Upstream is the authorization server at which people sign in.
type Upstream struct {
	// Client is registered for the authorization code flow with the redirect URI
	// Issuer + "/callback". Its Scopes are all that boxes may request.
	Client oauthdevice.Client
	// Issuer, if set, is what the parameter iss of an authorization response must
	// be (RFC 9207).
	Issuer string
	// IssuerRequired refuses authorization responses without iss. Set it if the
	// server's metadata has authorization_response_iss_parameter_supported.
	IssuerRequired bool
}

// ClientConfig is a client of the gateway: the boxes that share one client_id.
type ClientConfig struct {
	ID           string
	SecretSHA256 string // SHA-256 of the client's secret in hex; "" for a public client
	MaxPending   int    // the most codes that wait for a person at a time; 0 means 10,000
}

// A ConfigError says what is wrong with a Config.
type ConfigError struct {
	Field   string // the field of Config, such as "Issuer" or "Upstream.Client.TokenURL"
	Problem string
}

// Error implements error.
func (e *ConfigError) Error() string { return e.Field + ": " + e.Problem }

// check returns the first problem of a Config.
func (c *Config) check() error {
	if err := checkIssuer(c.Issuer); err != nil {
		return err
	}
	if err := c.Upstream.check(); err != nil {
		return err
	}
	switch {
	case len(c.Clients) == 0:
		return &ConfigError{"Clients", "no client is configured"}
	case c.Store == nil:
		return &ConfigError{"Store", "missing"}
	case c.Texts == nil:
		return &ConfigError{"Texts", "missing"}
	}
	return nil
}

func checkIssuer(issuer string) error {
	const field = "Issuer"
	u, err := url.Parse(issuer)
	switch {
	case err != nil || u.Host == "":
		return &ConfigError{field, "not an address"}
	case !isSecure(u):
		return &ConfigError{field, "must be https; http is accepted for loopback only"}
	case u.String() != u.Scheme+"://"+u.Host || u.Host != strings.ToLower(u.Host) || issuer != u.String():
		return &ConfigError{field, "must be a scheme and a host in lower case, without a path, a query or a final slash"}
	case u.Port() == "443" && u.Scheme == "https" || u.Port() == "80" && u.Scheme == "http":
		return &ConfigError{field, "must not have the default port, which browsers leave out"}
	case len(issuer) > maxIssuer:
		return &ConfigError{field, fmt.Sprintf("must not exceed %d bytes", maxIssuer)}
	}
	return nil
}

// isSecure reports whether an address is https, or http to this machine.
func isSecure(u *url.URL) bool {
	switch u.Scheme {
	case "https":
		return true
	case "http":
		host := u.Hostname()
		addr, err := netip.ParseAddr(host)
		return host == "localhost" || err == nil && addr.IsLoopback()
	}
	return false
}

func (u *Upstream) check() error {
	c := &u.Client
	for _, endpoint := range []struct {
		field, address string
		optional       bool
	}{
		{"AuthURL", c.AuthURL, false}, {"TokenURL", c.TokenURL, false}, {"RevokeURL", c.RevokeURL, true},
	} {
		if endpoint.optional && endpoint.address == "" {
			continue
		}
		a, err := url.Parse(endpoint.address)
		if err != nil || a.Host == "" || !isSecure(a) {
			return &ConfigError{"Upstream.Client." + endpoint.field, "must be https; http is accepted for loopback only"}
		}
	}
	switch {
	case c.ID == "":
		return &ConfigError{"Upstream.Client.ID", "missing"}
	case len(c.Scopes) == 0:
		return &ConfigError{"Upstream.Client.Scopes", "missing"}
	case u.IssuerRequired && u.Issuer == "":
		return &ConfigError{"Upstream.Issuer", "missing"}
	}
	return nil
}

// A client is a valid ClientConfig.
type client struct {
	id         string
	secret     []byte // SHA-256; nil for a public client
	maxPending int
}

func newClients(configs []ClientConfig) (map[string]*client, error) {
	const field = "Clients"
	clients := map[string]*client{}
	for _, c := range configs {
		var secret []byte
		if c.SecretSHA256 != "" {
			var err error
			if secret, err = hex.DecodeString(c.SecretSHA256); err != nil || len(secret) != 32 {
				return nil, &ConfigError{field, fmt.Sprintf("the secret of client %q must be the SHA-256 of it, in hex", c.ID)}
			}
		}
		switch {
		case c.ID == "" || len(c.ID) > maxClientID:
			return nil, &ConfigError{field, fmt.Sprintf("an id must have 1 to %d bytes", maxClientID)}
		case clients[c.ID] != nil:
			return nil, &ConfigError{field, fmt.Sprintf("client %q is configured twice", c.ID)}
		case c.MaxPending < 0:
			return nil, &ConfigError{field, fmt.Sprintf("the bound on pending codes of client %q is negative", c.ID)}
		}
		if c.MaxPending == 0 {
			c.MaxPending = defaultMaxPending
		}
		clients[c.ID] = &client{c.ID, secret, c.MaxPending}
	}
	return clients, nil
}

// parsePrefixes parses the addresses below which a box may send a phone.
func parsePrefixes(prefixes []string) ([]*url.URL, error) {
	var parsed []*url.URL
	for _, p := range prefixes {
		problem := func(text string) error {
			return &ConfigError{"ContinuePrefixes", fmt.Sprintf("%q %s", p, text)}
		}
		u, err := url.Parse(p)
		switch {
		case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
			return nil, problem("is not an address of a host and a path")
		case !isSecure(u):
			return nil, problem("must be https; http is accepted for loopback only")
		case u.Scheme == "https" && u.Port() != "":
			return nil, problem("must have no port")
		case !strings.HasSuffix(u.Path, "/"):
			return nil, problem("must end with a slash")
		case u.String() != p || !isPlainPath(u.Path):
			return nil, problem("must be in its shortest form")
		}
		parsed = append(parsed, u)
	}
	return parsed, nil
}

const maxContinueURI = 2048

// mayContinue reports whether a phone may be sent to an address: it must have the
// scheme, the host and the port of a prefix, no user, and a path below that of the
// prefix.
func mayContinue(prefixes []*url.URL, uri string) bool {
	if len(uri) > maxContinueURI {
		return false
	}
	u, err := url.Parse(uri)
	// What a browser reads differently from this parser does not survive its
	// String, or is not a plain path.
	if err != nil || u.String() != uri || u.User != nil || u.Fragment != "" || u.RawPath != "" || !isPlainPath(u.Path) || !isURI(uri) {
		return false
	}
	return slices.ContainsFunc(prefixes, func(p *url.URL) bool {
		return u.Scheme == p.Scheme && u.Host == p.Host && strings.HasPrefix(u.Path, p.Path)
	})
}

// isPlainPath reports whether a path has no segment that a browser removes, and
// nothing that a server or a browser could take for a separator.
func isPlainPath(p string) bool {
	if strings.ContainsAny(p, `\%`) || !strings.HasPrefix(p, "/") || strings.Contains(p, "//") {
		return false
	}
	for segment := range strings.SplitSeq(p, "/") {
		if segment == "." || segment == ".." {
			return false
		}
	}
	return true
}

// isURI reports whether s has only characters that an address may have (RFC 3986
// §2).
func isURI(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"<>\\^`{|}", r) })
}
