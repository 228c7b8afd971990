package configs

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"syscall"

	"pickerd/store/regular"
)

// DefaultGatewayClient is the client_id at a gateway unless google.client_id says
// another one.
const DefaultGatewayClient = "pickerd"

// maxClientFile bounds how much of a client file is read to see whether it is
// there.
const maxClientFile = 64 << 10

// defaultMethods returns the pairing methods of a configuration that names none:
// "device" with a gateway, and otherwise each method whose client is there.
// credential returns where a file with a default name is.
func (c *Config) defaultMethods(credential func(name string) string) []string {
	if c.Google.Gateway != "" {
		return []string{"device"}
	}
	at := func(file, name string) bool {
		return file != "" && !isPlaceholder(file) || file == "" && HasClient(credential(name))
	}
	var methods []string
	if c.Google.ClientID != "" || at(c.Google.ClientFile, deviceClient) {
		methods = append(methods, "device")
	}
	web := at(c.Google.WebFile, relayClient)
	if web && c.Pairing.RelayURL != "" {
		methods = append(methods, "relay")
	}
	if at(c.Google.DesktopFile, pasteClient) {
		methods = append(methods, "paste")
	}
	switch {
	case len(methods) > 0:
		return methods
	case web:
		return []string{"relay"} // the check says what is missing
	case !c.IsGuest() && HasClient(credential("token")):
		return []string{"import"} // the token brings its client
	}
	// None is there. The complaint names the file that somebody has tried to fill.
	for _, f := range []struct{ file, name, method string }{
		{c.Google.ClientFile, deviceClient, "device"},
		{c.Google.DesktopFile, pasteClient, "paste"},
		{c.Google.WebFile, relayClient, "relay"},
	} {
		if f.file != "" && isPlaceholder(f.file) || f.file == "" && isEmpty(credential(f.name)) {
			return []string{f.method}
		}
	}
	return []string{"paste"} // Google refuses the scope to most clients of "device"
}

// HasClient reports whether there is a file with a client. Empty files and "{}"
// are none: that is what a unit provides for a missing file. A file that can't be
// read counts, so that its error is reported where it is used.
func HasClient(file string) bool {
	data, err := readSome(file)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR)
	}
	return !IsPlaceholder(data)
}

// isPlaceholder reports whether a file is readable and has no client in it.
func isPlaceholder(file string) bool {
	data, err := readSome(file)
	return err == nil && IsPlaceholder(data)
}

// isEmpty reports whether a file is readable and empty. Units provide no such file.
func isEmpty(file string) bool {
	data, err := readSome(file)
	return err == nil && len(bytes.TrimSpace(data)) == 0
}

// IsPlaceholder reports whether the contents of a client file stand for none.
func IsPlaceholder(data []byte) bool {
	text := string(bytes.TrimSpace(data))
	return text == "" || text == "{}"
}

func readSome(file string) ([]byte, error) {
	f, err := regular.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxClientFile))
}

// checkGateway checks google.gateway, which is the issuer of a server's metadata
// (RFC 8414 §2).
func (c *Config) checkGateway(bad func(key, format string, args ...any)) {
	if c.Google.Gateway == "" {
		return
	}
	switch u, err := url.Parse(c.Google.Gateway); {
	case err != nil || u.Hostname() == "" || u.Opaque != "" || u.Scheme != "https" && u.Scheme != "http":
		bad("google.gateway", "%q is not an address such as https://photos.example", c.Google.Gateway)
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		bad("google.gateway", "it has a user, a query or a fragment; write only https://HOST or https://HOST/PATH")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		bad("google.gateway", "it must begin with https://; http is for a gateway on this machine")
	}
}
