package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"pickerd/cmd/command"
	"pickerd/configs"
	"pickerd/device"
	"pickerd/device/engine"
	"pickerd/device/inet"
	"pickerd/oauthdevice"
	"pickerd/store/regular"
)

// pasteRedirectURI is the redirect URI of the method "paste". Nothing answers there on
// a phone, so that the person can copy the address. Desktop clients need not register
// it.
const pasteRedirectURI = "http://127.0.0.1/"

// clientSteps says where the steps to a client are.
func clientSteps() string {
	return "see " + command.Document(program, "README.md") + `, "A client from the Google Cloud console"`
}

// clientError returns an error about an OAuth client.
func clientError(format string, args ...any) error {
	return command.Hint(fmt.Errorf(format, args...), clientSteps(), exitConfig)
}

// loadMethods returns the configured pairing methods, each with the client that it
// needs. With a gateway they are followed by the clients that only serve older
// grants.
func loadMethods(cfg *configs.Config) ([]engine.Method, error) {
	var methods []engine.Method
	for _, method := range cfg.Pairing.Methods {
		m, err := loadMethod(cfg, method)
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(methods, func(o engine.Method) bool { return o.ClientID == m.ClientID }); i >= 0 && isGoogle(cfg.Google) {
			return nil, clientError("pairing.methods: %q and %q use the same OAuth client; Google requires a client of a different type for each", methods[i].Name, method)
		}
		methods = append(methods, m)
	}
	return append(methods, formerMethods(cfg)...), nil
}

// formerMethods returns the clients of grants that were made before there was a
// gateway. Clients that can't be read are left out: nothing may need them.
func formerMethods(cfg *configs.Config) []engine.Method {
	if cfg.Google.Gateway == "" {
		return nil
	}
	direct := *cfg // as without a gateway
	direct.Google.Gateway, direct.Google.ClientID, direct.Google.ClientSecret = "", "", ""
	var former []engine.Method
	for _, name := range []string{device.ByDevice, device.ByRelay, device.ByPaste} {
		if name != device.ByDevice && slices.Contains(cfg.Pairing.Methods, name) {
			continue // loaded already
		}
		if m, err := loadMethod(&direct, name); err == nil {
			m.Former = true
			former = append(former, m)
		}
	}
	return former
}

func loadMethod(cfg *configs.Config, method string) (engine.Method, error) {
	m := engine.Method{Name: method}
	g := cfg.Google
	var f *oauthdevice.ClientFile
	var err error
	switch method {
	case device.ByDevice:
		m.Issuer = g.Gateway
		f, err = deviceClient(g)
	case device.ByRelay:
		m.RedirectURI = cfg.Pairing.RelayURL
		if err := checkRelayAddress(cfg); err != nil {
			return m, err
		}
		f, err = webClient(g, m.RedirectURI)
	case device.ByPaste:
		m.RedirectURI = pasteRedirectURI
		f, err = desktopClient(g)
	default:
		return m, nil // an imported token brings its client
	}
	if err != nil {
		return m, err
	}
	m.ClientID, m.Secret = f.ID, f.Secret
	return m, nil
}

// checkRelayAddress reports whether the relay page sends phones to the box.
func checkRelayAddress(cfg *configs.Config) error {
	if a := cfg.Pairing.Address; a != "auto" && !engine.IsPrivateBase(a) {
		return clientError(`pairing.address: the relay page sends phones only to private, link-local and .local addresses, not to %s`, a)
	}
	return nil
}

// deviceClient finds the client of the device flow. At a gateway it has no file.
func deviceClient(g configs.Google) (*oauthdevice.ClientFile, error) {
	switch {
	case g.Gateway != "":
		return &oauthdevice.ClientFile{ID: g.ClientID, Secret: oauthdevice.Secret(g.ClientSecret)}, nil
	case g.ClientID != "":
		if g.ClientSecret == "" && isGoogle(g) {
			return nil, clientError("google.client_secret is missing: Google requires it for every client, including type TVs and Limited Input devices")
		}
		return &oauthdevice.ClientFile{ID: g.ClientID, Secret: oauthdevice.Secret(g.ClientSecret)}, nil
	}
	return readClient(g, "google.client_file", g.ClientFile, "TVs and Limited Input devices", false)
}

// webClient finds the client of the method "relay".
func webClient(g configs.Google, redirect string) (*oauthdevice.ClientFile, error) {
	const key = "google.web_client_file"
	f, err := readClient(g, key, g.WebFile, "Web application", true)
	if err == nil && len(f.RedirectURIs) > 0 && !slices.Contains(f.RedirectURIs, redirect) {
		err = clientError("pairing.relay_url: %s is not among the authorized redirect URIs of the client in %s (%s); add it in the console and download the file again",
			redirect, key, strings.Join(f.RedirectURIs, ", "))
	}
	return f, err
}

// desktopClient finds the client of the method "paste" and of pickerd authorize.
func desktopClient(g configs.Google) (*oauthdevice.ClientFile, error) {
	const key = "google.desktop_client_file"
	if g.DesktopFile == "" {
		return nil, clientError(`the method "paste" needs %s, a client of type "Desktop app"`, key)
	}
	return readClient(g, key, g.DesktopFile, "Desktop app", false)
}

// A clientMistake says why a client file can't be used.
type clientMistake struct {
	key, file, kind string // the key that names the file, where it belongs, and its type
	none            bool   // there is no client
	err             error
}

func (m *clientMistake) Error() string { return m.err.Error() }
func (m *clientMistake) Unwrap() error { return m.err }

// maxClientFile bounds a client file in bytes. Real ones have less than 1 kB.
const maxClientFile = 64 << 10

// readClient reads a client file of a type. TV and Desktop clients have the same
// format: only the server's answers tell them apart.
func readClient(g configs.Google, key, path, kind string, web bool) (*oauthdevice.ClientFile, error) {
	wrong := func(none bool, format string, args ...any) error {
		return command.Hint(&clientMistake{key, installAt(path), kind, none, fmt.Errorf(format, args...)}, clientSteps(), exitConfig)
	}
	data, err := regular.ReadFile(path, maxClientFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, wrong(true, "there is no OAuth client: put a client file of type %q at %s, or set %s", kind, installAt(path), key)
	}
	if err != nil {
		return nil, wrong(false, "%s: %w", key, err)
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, wrong(false, "%s is empty: put a client file of type %q there", installAt(path), kind)
	}
	if configs.IsPlaceholder(data) { // the unit provides this if the file is missing
		return nil, wrong(true, "there is no OAuth client: put a client file of type %q at %s", kind, installAt(path))
	}
	f, err := oauthdevice.ParseClientFile(data)
	switch {
	case err != nil:
	case f.Web && !web:
		err = fmt.Errorf(`it is of type "Web application"; create one of type %q`, kind)
	case !f.Web && web:
		err = fmt.Errorf(`it is of type "TVs and Limited Input devices" or "Desktop app"; create one of type %q`, kind)
	case f.Secret == "" && isGoogle(g):
		err = errors.New("it has no client_secret")
	}
	if err != nil {
		return nil, wrong(false, "%s: %s: %w", key, path, err)
	}
	return f, nil
}

// installAt returns where an administrator puts a client file. The service manager's
// copy can't be changed.
func installAt(path string) string {
	if strings.HasPrefix(path, "/run/credentials/") {
		return configs.InstalledCredential(filepath.Base(path))
	}
	return path
}

// isGoogle reports whether the token endpoint is Google's, which requires a secret
// from every client. Other servers have public clients (RFC 6749 §2.1).
func isGoogle(g configs.Google) bool {
	return strings.HasPrefix(g.TokenURL, "https://oauth2.googleapis.com/")
}

// endpoints returns an OAuth client that has everything but ID and secret, and
// connects with d.
func endpoints(g configs.Google, d *inet.Dialer) oauthdevice.Client {
	return oauthdevice.Client{
		Scopes:        g.Scopes,
		DeviceAuthURL: g.DeviceAuthURL,
		AuthURL:       g.AuthURL,
		TokenURL:      g.TokenURL,
		RevokeURL:     g.RevokeURL,
		UserinfoURL:   g.UserinfoURL,
		BasicAuth:     g.ClientAuth == "basic",
		HTTP:          httpClient(d),
	}
}
