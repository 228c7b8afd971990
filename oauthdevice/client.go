package oauthdevice

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"pickerd/oauthdevice/httperror"
)

// A Client is an OAuth client at one authorization server. Its methods may be
// called concurrently.
type Client struct {
	ID            string
	Secret        Secret   // Google requires it for polling, even from TV clients
	BasicAuth     bool     // send ID and Secret in the Authorization header instead of the form (RFC 6749 §2.3.1)
	Scopes        []string // the scopes to request
	DeviceAuthURL string
	AuthURL       string // for the authorization code flow; the device flow does not use it
	TokenURL      string
	RevokeURL     string       // "" if the server has no revocation endpoint
	UserinfoURL   string       // for Account; may be empty
	HTTP          *http.Client // nil means http.DefaultClient
}

func (c *Client) config() *oauth2.Config {
	// With the default style, the library sends every failing request twice.
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

// basicAuth returns the Authorization header for requests that the library
// would send without one. It is "" if the form identifies the client.
func (c *Client) basicAuth() string {
	if !c.BasicAuth {
		return ""
	}
	// Both parts are form-encoded first, so neither contains a colon.
	pair := url.QueryEscape(c.ID) + ":" + url.QueryEscape(string(c.Secret))
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair))
}

// Refresh requests a new access token (RFC 6749 §6). The result always has a
// refresh token: a new one if the server rotates them, otherwise the old one.
// Errors are of type *Error.
func (c *Client) Refresh(ctx context.Context, refresh Secret) (*Token, error) {
	if refresh == "" {
		// A missing refresh token has the same remedy as a revoked one.
		return nil, &Error{Op: "refresh", Code: InvalidGrant, Description: "no refresh token"}
	}
	tr := &transport{}
	old := &oauth2.Token{RefreshToken: string(refresh), Expiry: time.Unix(1, 0)}
	t, err := c.config().TokenSource(tr.context(ctx, c.HTTP), old).Token()
	if err != nil {
		return nil, newError("refresh", err, tr, c.Secret, refresh)
	}
	n := c.token(t)
	if t.Extra("scope") == nil {
		n.Scopes = nil // unchanged, which may be fewer than requested (RFC 6749 §6)
	}
	return n, nil
}

// Revoke revokes a token at the server (RFC 7009). Google revokes all tokens of
// the person in the same project, which signs out all of their devices. A token
// that the server does not know counts as revoked. Errors are of type *Error.
//
// RFC 7009 §2.1 requires the client's credentials, or the id of a public
// client. Google documents only the token.
func (c *Client) Revoke(ctx context.Context, token Secret) error {
	const op = "revoke"
	if c.RevokeURL == "" {
		return &Error{Op: op, Err: ErrNoEndpoint}
	}
	tr := &transport{authorization: c.basicAuth()}
	form := url.Values{"token": {string(token)}}
	if !c.BasicAuth {
		form.Set("client_id", c.ID)
		if c.Secret != "" {
			form.Set("client_secret", string(c.Secret))
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.RevokeURL, strings.NewReader(form.Encode()))
	if err != nil {
		return &Error{Op: op, Err: httperror.WithoutURL(err)}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := tr.send(req, c.HTTP)
	switch code := tr.errorCode(); {
	case tr.ok():
		return nil // a body that is cut off does not matter
	case err != nil:
		return newError(op, err, tr, c.Secret, token)
	case code == InvalidToken:
		return nil
	default:
		refusal := &oauth2.RetrieveError{Response: resp, Body: tr.body, ErrorCode: code}
		return newError(op, refusal, tr, c.Secret, token)
	}
}

// Reachable reports whether the token endpoint answers a request, whatever the
// answer is.
func (c *Client) Reachable(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, c.TokenURL, nil)
	if err != nil {
		return false
	}
	tr := &transport{}
	_, err = tr.send(req, c.HTTP)
	return err == nil || tr.status != 0
}
