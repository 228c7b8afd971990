package oauthdevice

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"pickerd/oauthdevice/httperror"
)

// A Token is the result of a grant or a refresh.
type Token struct {
	Access    Secret
	Refresh   Secret    // empty if the response has none
	ExpiresAt time.Time // of the access token; zero if the response does not say
	// Scopes are the granted scopes. They are those requested if the response
	// does not say (RFC 6749 §5.1), and nil after a Refresh that does not say.
	Scopes  []string
	Account string // the person's e-mail address, if the scopes openid and email are granted
}

// identityScopes only identify the person. A caller can do without them, a
// person may refuse them, and Google returns them under other names.
var identityScopes = []string{"openid", "email", "profile"}

// MissingScopes returns the scopes of want that were not granted, except those
// that only identify the person.
func (t *Token) MissingScopes(want []string) []string {
	var missing []string
	for _, s := range want {
		if !slices.Contains(t.Scopes, s) && !slices.Contains(identityScopes, s) {
			missing = append(missing, s)
		}
	}
	return missing
}

func (c *Client) token(t *oauth2.Token) *Token {
	n := &Token{
		Access:    Secret(t.AccessToken),
		Refresh:   Secret(t.RefreshToken),
		ExpiresAt: t.Expiry,
		Scopes:    c.Scopes,
	}
	if s, ok := t.Extra("scope").(string); ok {
		n.Scopes = strings.Fields(s) // empty if the person refused every scope
	}
	if s, ok := t.Extra("id_token").(string); ok {
		n.Account = idTokenEmail(s)
	}
	return n
}

// idTokenEmail returns the e-mail address in an ID token, or "". It does not
// verify the signature, which is optional for a token that comes directly from
// the token endpoint (OpenID Connect Core §3.1.3.7). The address is only shown.
func idTokenEmail(idToken string) string {
	parts := strings.Split(idToken, ".")
	if len(parts) != 3 {
		return ""
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	return claimedEmail(data)
}

// claimedEmail returns the e-mail address in a set of claims (OpenID Connect
// Core §5.1), or "".
func claimedEmail(claims []byte) string {
	var c struct {
		Email string `json:"email"`
	}
	if json.Unmarshal(claims, &c) != nil {
		return ""
	}
	return printable(c.Email, nil)
}

// Account returns the e-mail address of an access token's owner from the
// userinfo endpoint (OpenID Connect Core §5.3), for servers that leave it out
// of the ID token. It is "" if the response has none. Errors are of type
// *Error.
func (c *Client) Account(ctx context.Context, access Secret) (string, error) {
	const op = "userinfo"
	tr := &transport{}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.UserinfoURL, nil)
	if err != nil {
		return "", &Error{Op: op, Err: httperror.WithoutURL(err)}
	}
	req.Header.Set("Authorization", "Bearer "+string(access))
	_, err = tr.send(req, c.HTTP)
	switch {
	case err != nil:
		return "", newError(op, err, tr, access)
	case !tr.ok():
		return "", &Error{Op: op, HTTPStatus: tr.status, Code: printable(tr.member("error"), []Secret{access}), Err: ErrNotOAuth}
	}
	return claimedEmail(tr.body), nil
}
