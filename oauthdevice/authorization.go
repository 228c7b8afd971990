package oauthdevice

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

const (
	defaultInterval = 5 * time.Second // RFC 8628 §3.2
	maxInterval     = 5 * time.Minute
	// RFC 8628 requires expires_in. If a server leaves it out, assume a
	// lifetime that is not longer than that of any known server.
	defaultLifetime = 5 * time.Minute
	maxLifetime     = 24 * time.Hour
	maxUserCode     = 64
	grantDeviceCode = "urn:ietf:params:oauth:grant-type:device_code"
)

// ErrBadAuthorization means that a device authorization response lacks a value
// that the screen or the next request needs.
var ErrBadAuthorization = errors.New("unusable device authorization response")

// An Authorization is a device authorization response (RFC 8628 §3.2).
type Authorization struct {
	DeviceCode              Secret
	UserCode                string // shown unchanged: case and dashes matter
	VerificationURI         string // the address that the person types
	VerificationURIComplete string // the address with the code in it; optional
	ExpiresAt               time.Time
	Interval                time.Duration // the shortest time between two polls
}

// QRURI returns the address for the QR code: the complete address if the
// server sent one (RFC 8628 §3.3.1), otherwise VerificationURI with the query
// parameter user_code. Google's page reads that parameter, although Google
// documents no complete address.
func (a *Authorization) QRURI() string {
	if a.VerificationURIComplete != "" {
		return a.VerificationURIComplete
	}
	u, err := url.Parse(a.VerificationURI)
	if err != nil {
		return a.VerificationURI
	}
	q := u.Query()
	q.Set("user_code", a.UserCode)
	u.RawQuery = q.Encode()
	return u.String()
}

// Authorize requests a device_code and a user_code (RFC 8628 §3.1). Unless
// state is empty, it is sent as the form field "state", a Google extension.
// Errors are of type *Error.
func (c *Client) Authorize(ctx context.Context, state string) (*Authorization, error) {
	const op = "device authorization"
	var opts []oauth2.AuthCodeOption
	if state != "" {
		opts = append(opts, oauth2.SetAuthURLParam("state", state))
	}
	tr, r, err := c.deviceAuth(ctx, opts)
	if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok && e.ErrorCode == InvalidClient && c.Secret != "" && !c.BasicAuth {
		// Google documents this request without a secret. Servers that
		// treat the client as confidential require one (RFC 8628 §3.1).
		tr, r, err = c.deviceAuth(ctx, append(opts, oauth2.SetAuthURLParam("client_secret", string(c.Secret))))
	}
	if err != nil {
		return nil, newError(op, err, tr, c.Secret)
	}
	interval := min(max(r.Interval, 0), int64(maxInterval/time.Second)) // before it is multiplied
	a := &Authorization{
		DeviceCode:              Secret(r.DeviceCode),
		UserCode:                r.UserCode,
		VerificationURI:         r.VerificationURI,
		VerificationURIComplete: r.VerificationURIComplete,
		ExpiresAt:               expiry(r.Expiry),
		Interval:                time.Duration(interval) * time.Second,
	}
	if a.Interval <= 0 {
		a.Interval = defaultInterval
	}
	if err := a.check(); err != nil {
		return nil, &Error{Op: op, HTTPStatus: tr.status, Err: err}
	}
	return a, nil
}

func (c *Client) deviceAuth(ctx context.Context, opts []oauth2.AuthCodeOption) (*transport, *oauth2.DeviceAuthResponse, error) {
	tr := &transport{authorization: c.basicAuth()}
	r, err := c.config().DeviceAuth(tr.context(ctx, c.HTTP), opts...)
	return tr, r, err
}

// expiry replaces the library's wall-clock time by one with a monotonic clock
// reading, so that a code does not expire when NTP sets the clock.
func expiry(e time.Time) time.Time {
	d := defaultLifetime
	if !e.IsZero() {
		d = min(time.Until(e), maxLifetime)
	}
	return time.Now().Add(d)
}

// check validates a response and drops an unusable complete address, which is
// optional.
func (a *Authorization) check() error {
	switch {
	case a.DeviceCode == "":
		return fmt.Errorf("%w: no device_code", ErrBadAuthorization)
	case a.UserCode == "":
		return fmt.Errorf("%w: no user_code", ErrBadAuthorization)
	case len(a.UserCode) > maxUserCode || printable(a.UserCode, nil) != a.UserCode:
		return fmt.Errorf("%w: user_code is too long or not printable", ErrBadAuthorization)
	case !isWebURL(a.VerificationURI):
		return fmt.Errorf("%w: verification_uri is not an http(s) address", ErrBadAuthorization)
	}
	if !isWebURL(a.VerificationURIComplete) {
		a.VerificationURIComplete = ""
	}
	return nil
}

func isWebURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// Poll asks once whether the person has decided (RFC 8628 §3.4). Errors are of
// type *Error. Error.Code is one of those in RFC 8628 §3.5; any other one that is
// not temporary ends the code. ErrMalformedResponse means that the code may be
// used up.
func (c *Client) Poll(ctx context.Context, deviceCode Secret) (*Token, error) {
	tr := &transport{}
	// Config.DeviceAccessToken polls in a loop with a timer of its own, and
	// Config.Exchange adds an empty code. The client credentials grant sends one
	// request with these parameters, the grant_type included.
	cfg := c.config()
	grant := clientcredentials.Config{
		ClientID:     cfg.ClientID,
		ClientSecret: cfg.ClientSecret,
		TokenURL:     cfg.Endpoint.TokenURL,
		AuthStyle:    cfg.Endpoint.AuthStyle,
		EndpointParams: url.Values{
			"grant_type":  {grantDeviceCode},
			"device_code": {string(deviceCode)},
			"client_id":   {c.ID}, // also beside the Authorization header (RFC 8628 §3.4)
		},
	}
	t, err := grant.Token(tr.context(ctx, c.HTTP))
	if err != nil {
		return nil, newError("poll", err, tr, c.Secret, deviceCode)
	}
	return c.token(t), nil
}
