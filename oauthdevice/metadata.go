package oauthdevice

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"pickerd/oauthdevice/httperror"
)

const (
	// wellKnown is where a server publishes its metadata (RFC 8414 §3).
	wellKnown = "/.well-known/oauth-authorization-server"
	// maxMetadataTime bounds a request for metadata.
	maxMetadataTime = 20 * time.Second
)

// OpMetadata is the Op of errors of Discover and ParseMetadata.
const OpMetadata = "metadata"

// ErrMetadata means that a server publishes no metadata, or metadata that must
// not be used: of another issuer, with an endpoint elsewhere, or without one
// that the device flow needs.
var ErrMetadata = errors.New("unusable authorization server metadata")

// Metadata is what a client of the device flow needs of a server's metadata
// (RFC 8414 §2, RFC 8628 §4).
type Metadata struct {
	Issuer        string `json:"issuer"`
	DeviceAuthURL string `json:"device_authorization_endpoint"`
	TokenURL      string `json:"token_endpoint"`
	RevokeURL     string `json:"revocation_endpoint,omitempty"`

	// The endpoints of Client.Received and Client.Continue are not part of a
	// standard. Servers without them leave them out.
	ReceivedURL string `json:"received_endpoint,omitempty"`
	ContinueURL string `json:"continue_endpoint,omitempty"`
}

// MetadataURL returns the address of an issuer's metadata (RFC 8414 §3.1), "" if
// the issuer is not an http(s) address.
func MetadataURL(issuer string) string {
	u, err := url.Parse(issuer)
	if err != nil || !isWebURL(issuer) {
		return ""
	}
	at := url.URL{Scheme: u.Scheme, Host: u.Host, Path: wellKnown + strings.TrimSuffix(u.Path, "/")}
	return at.String()
}

// Discover requests the metadata of an issuer (RFC 8414 §3) and checks it as
// ParseMetadata does. It follows no redirects. hc may be nil. Errors are of type
// *Error; ErrMetadata means that the same request will fail again.
func Discover(ctx context.Context, hc *http.Client, issuer string) (*Metadata, error) {
	at := MetadataURL(issuer)
	if at == "" {
		return nil, &Error{Op: OpMetadata, Err: fmt.Errorf("%w: the issuer is not an http(s) address", ErrMetadata)}
	}
	ctx, cancel := context.WithTimeout(ctx, maxMetadataTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, &Error{Op: OpMetadata, Err: httperror.WithoutURL(err)}
	}
	req.Header.Set("Accept", "application/json")
	tr := &transport{}
	_, err = tr.send(req, hc)
	refused := &Error{Op: OpMetadata, HTTPStatus: tr.status, RetryAfter: tr.retryAfter}
	switch {
	case err != nil:
		refused.Err = httperror.WithoutURL(err)
	case tr.status == http.StatusNotFound:
		refused.Err = fmt.Errorf("%w: the server publishes none", ErrMetadata)
	case !tr.ok():
		refused.Code, refused.Err = printable(tr.errorCode(), nil), ErrNotOAuth
	case httperror.IsHTML(tr.body):
		refused.Err = ErrNotOAuth
	default:
		return ParseMetadata(tr.body, issuer)
	}
	return nil, refused
}

// ParseMetadata parses and checks the metadata of an issuer: it must be the
// issuer's to the letter (RFC 8414 §3.3), and every endpoint must have the
// issuer's scheme, host and port. Errors are of type *Error.
func ParseMetadata(data []byte, issuer string) (*Metadata, error) {
	m := new(Metadata)
	err := json.Unmarshal(data, m)
	if err != nil {
		err = errors.New("it is not a JSON object of strings")
	} else {
		err = m.check(issuer)
	}
	if err != nil {
		return nil, &Error{Op: OpMetadata, HTTPStatus: http.StatusOK, Err: fmt.Errorf("%w: %w", ErrMetadata, err)}
	}
	return m, nil
}

func (m *Metadata) check(issuer string) error {
	if m.Issuer != issuer {
		return fmt.Errorf("its issuer is %q, not %q", printable(m.Issuer, nil), printable(issuer, nil))
	}
	home, err := url.Parse(issuer)
	if err != nil || !isWebURL(issuer) {
		return errors.New("the issuer is not an http(s) address")
	}
	for _, e := range []struct {
		name, at string
		required bool
	}{
		{"device_authorization_endpoint", m.DeviceAuthURL, true}, {"token_endpoint", m.TokenURL, true},
		{"revocation_endpoint", m.RevokeURL, false}, {"received_endpoint", m.ReceivedURL, false}, {"continue_endpoint", m.ContinueURL, false},
	} {
		switch {
		case e.at == "" && e.required:
			return errors.New("it has no " + e.name)
		case e.at != "" && !sameServer(home, e.at):
			return errors.New(e.name + " is not on the issuer's server")
		}
	}
	return nil
}

// sameServer reports whether an address has the scheme, host and port of home.
func sameServer(home *url.URL, address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == home.Scheme && strings.EqualFold(u.Hostname(), home.Hostname()) && portOf(u) == portOf(home) &&
		u.User == nil && u.Opaque == "" && u.Fragment == ""
}

func portOf(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}
