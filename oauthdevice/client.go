package oauthdevice

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"pickerd/httperror"
)

const (
	defaultInterval = 5 * time.Second // RFC 8628 §3.2
	maxInterval     = 5 * time.Minute
	// RFC 8628 requires expires_in; a server that leaves it out gets a
	// lifetime that no known server undercuts.
	defaultLifetime = 5 * time.Minute
	maxLifetime     = 24 * time.Hour
	maxUserCode     = 64
	grantDeviceCode = "urn:ietf:params:oauth:grant-type:device_code"
)

// A Client is one OAuth client at one authorization server.
type Client struct {
	ID            string
	Secret        Secret   // Google requires it when polling, even of TV clients
	BasicAuth     bool     // show ID and Secret in the Authorization header, not in the form (RFC 6749 §2.3.1)
	Scopes        []string // what is asked for
	DeviceAuthURL string
	AuthURL       string // of the authorization code flow; unused by the device flow
	TokenURL      string
	RevokeURL     string
	UserinfoURL   string       // tells who has signed in, with the scopes openid and email; may be empty
	HTTP          *http.Client // nil means http.DefaultClient
}

// An Authorization is a device authorization response (RFC 8628 §3.2).
type Authorization struct {
	DeviceCode              Secret
	UserCode                string // as given: case and dashes matter
	VerificationURI         string // what a person types
	VerificationURIComplete string // optional, with the code in it
	ExpiresAt               time.Time
	Interval                time.Duration
}

// QRURI is what the QR code holds: the complete address when the server gave
// one (RFC 8628 §3.3.1), else the verification_uri with the code as a query,
// which Google's page reads although it documents no complete address.
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

// A Token is what an authorization server grants.
type Token struct {
	Access    Secret
	Refresh   Secret // empty when the answer had none
	ExpiresAt time.Time
	Scopes    []string // granted; as asked for when the answer doesn't say (RFC 6749 §5.1); nil after a Refresh that doesn't
	Account   string   // the person's e-mail address, where the scopes openid and email tell it
}

// identity are the scopes that only tell who somebody is. An app can do without,
// and people may leave them out; Google also echoes them by other names.
var identity = []string{"openid", "email", "profile"}

// MissingScopes returns the scopes of need that were not granted, but for those that only
// tell who the person is.
func (t *Token) MissingScopes(need []string) []string {
	var missing []string
	for _, s := range need {
		if !slices.Contains(t.Scopes, s) && !slices.Contains(identity, s) {
			missing = append(missing, s)
		}
	}
	return missing
}

func (c *Client) config() *oauth2.Config {
	// Unset, the library sends every failing request twice.
	style := oauth2.AuthStyleInParams
	if c.BasicAuth {
		style = oauth2.AuthStyleInHeader
	}
	return &oauth2.Config{
		ClientID:     c.ID,
		ClientSecret: string(c.Secret),
		Scopes:       c.Scopes,
		Endpoint: oauth2.Endpoint{
			DeviceAuthURL: c.DeviceAuthURL,
			AuthURL:       c.AuthURL,
			TokenURL:      c.TokenURL,
			AuthStyle:     style,
		},
	}
}

// basic returns the Authorization header for the requests that the library
// would send without one; "" where the form says who the client is.
func (c *Client) basic() string {
	if !c.BasicAuth {
		return ""
	}
	// Both are form-encoded first, so that neither may hold the colon.
	pair := url.QueryEscape(c.ID) + ":" + url.QueryEscape(string(c.Secret))
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair))
}

// Authorize asks for a device_code and a user_code (RFC 8628 §3.1). state goes
// along as Google's extra form field of that name unless it is empty.
// Errors are *Error.
func (c *Client) Authorize(ctx context.Context, state string) (*Authorization, error) {
	const op = "device authorization"
	var opts []oauth2.AuthCodeOption
	if state != "" {
		opts = append(opts, oauth2.SetAuthURLParam("state", state))
	}
	w, r, err := c.deviceAuth(ctx, opts)
	if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok && e.ErrorCode == InvalidClient && c.Secret != "" && !c.BasicAuth {
		// Google wants no secret here; servers to which this is a confidential
		// client want one (RFC 8628 §3.1).
		w, r, err = c.deviceAuth(ctx, append(opts, oauth2.SetAuthURLParam("client_secret", string(c.Secret))))
	}
	if err != nil {
		return nil, fail(op, err, w, c.Secret)
	}
	a := &Authorization{
		DeviceCode:              Secret(r.DeviceCode),
		UserCode:                r.UserCode,
		VerificationURI:         r.VerificationURI,
		VerificationURIComplete: r.VerificationURIComplete,
		ExpiresAt:               expiry(r.Expiry),
		Interval:                min(time.Duration(max(r.Interval, 0))*time.Second, maxInterval),
	}
	if a.Interval <= 0 {
		a.Interval = defaultInterval
	}
	if err := a.check(); err != nil {
		return nil, &Error{Op: op, HTTPStatus: w.status, Err: err}
	}
	return a, nil
}

func (c *Client) deviceAuth(ctx context.Context, opts []oauth2.AuthCodeOption) (*wire, *oauth2.DeviceAuthResponse, error) {
	w := &wire{basic: c.basic()}
	r, err := c.config().DeviceAuth(w.bind(ctx, c.HTTP), opts...)
	return w, r, err
}

// expiry re-bases what the library computed from the wall clock, so that a
// clock set by NTP while the code is shown doesn't end it.
func expiry(e time.Time) time.Time {
	d := defaultLifetime
	if !e.IsZero() {
		d = min(time.Until(e), maxLifetime)
	}
	return time.Now().Add(d)
}

// ErrBadAuthorization means that a device authorization response lacks
// something that a screen or the next request needs.
var ErrBadAuthorization = errors.New("unusable device authorization response")

func (a *Authorization) check() error {
	switch {
	case a.DeviceCode == "":
		return fmt.Errorf("%w: no device_code", ErrBadAuthorization)
	case a.UserCode == "":
		return fmt.Errorf("%w: no user_code", ErrBadAuthorization)
	case len(a.UserCode) > maxUserCode || printable(a.UserCode, nil) != a.UserCode:
		return fmt.Errorf("%w: the user_code can't be shown", ErrBadAuthorization)
	case !isWeb(a.VerificationURI):
		return fmt.Errorf("%w: the verification_uri is not an http(s) address", ErrBadAuthorization)
	}
	if !isWeb(a.VerificationURIComplete) {
		a.VerificationURIComplete = "" // optional: its absence loses nothing
	}
	return nil
}

func isWeb(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// Poll asks once whether the person has decided (RFC 8628 §3.4). The error is
// an *Error; its Code says what RFC 8628 §3.5 lists, and ErrMalformedResponse that
// the code may be spent.
func (c *Client) Poll(ctx context.Context, deviceCode Secret) (*Token, error) {
	w := &wire{}
	// Exchange is the library's one exchange with the token endpoint; the
	// grant's own parameters replace those of the authorization code.
	t, err := c.config().Exchange(w.bind(ctx, c.HTTP), "",
		oauth2.SetAuthURLParam("grant_type", grantDeviceCode),
		oauth2.SetAuthURLParam("device_code", string(deviceCode)))
	if err != nil {
		return nil, fail("poll", err, w, c.Secret, deviceCode)
	}
	return c.token(t), nil
}

// Refresh asks for a new access token (RFC 6749 §6). The result carries a
// refresh token in any case: a new one when the server rotates, else the old.
func (c *Client) Refresh(ctx context.Context, refresh Secret) (*Token, error) {
	if refresh == "" {
		// There never was one: the same as one that has died.
		return nil, &Error{Op: "refresh", Code: InvalidGrant, Description: "there is no refresh token"}
	}
	w := &wire{}
	old := &oauth2.Token{RefreshToken: string(refresh), Expiry: time.Unix(1, 0)}
	t, err := c.config().TokenSource(w.bind(ctx, c.HTTP), old).Token()
	if err != nil {
		return nil, fail("refresh", err, w, c.Secret, refresh)
	}
	n := c.token(t)
	if t.Extra("scope") == nil {
		n.Scopes = nil // as granted before, which may be less than asked for (RFC 6749 §6)
	}
	return n, nil
}

func (c *Client) token(t *oauth2.Token) *Token {
	n := &Token{
		Access:    Secret(t.AccessToken),
		Refresh:   Secret(t.RefreshToken),
		ExpiresAt: t.Expiry,
		Scopes:    c.Scopes,
	}
	if s, ok := t.Extra("scope").(string); ok {
		n.Scopes = strings.Fields(s) // empty: the person has left out everything
	}
	if s, ok := t.Extra("id_token").(string); ok {
		n.Account = account(s)
	}
	return n
}

// Revoke withdraws a token at the server (RFC 7009). At Google this covers the
// whole project: every device of that person on it is signed out. A token that
// the server no longer knows counts as revoked.
//
// RFC 7009 §2.1 wants the client's credentials, or a public client's id, with
// it. Google documents only the token.
func (c *Client) Revoke(ctx context.Context, token Secret) error {
	w := &wire{basic: c.basic()}
	form := url.Values{"token": {string(token)}}
	if !c.BasicAuth {
		form.Set("client_id", c.ID)
		if c.Secret != "" {
			form.Set("client_secret", string(c.Secret))
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.RevokeURL, strings.NewReader(form.Encode()))
	if err != nil {
		return &Error{Op: "revoke", Err: httperror.WithoutURL(err)}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := w.send(req, c.HTTP)
	if err != nil && !w.ok() {
		return fail("revoke", err, w, c.Secret, token)
	}
	if w.ok() {
		return nil
	}
	return judgeRevoke(resp, w, c.Secret, token)
}

// Reachable reports whether anything answers at the token endpoint's address.
func (c *Client) Reachable(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, c.TokenURL, nil)
	if err != nil {
		return false
	}
	w := &wire{}
	_, err = w.send(req, c.HTTP)
	return err == nil || w.status != 0
}

func judgeRevoke(resp *http.Response, w *wire, secrets ...Secret) error {
	e := &oauth2.RetrieveError{Response: resp, Body: w.body, ErrorCode: w.errorCode()}
	if e.ErrorCode == InvalidToken {
		return nil
	}
	return fail("revoke", e, w, secrets...)
}
