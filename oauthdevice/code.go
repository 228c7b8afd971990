package oauthdevice

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"golang.org/x/oauth2"

	"pickerd/httperror"
)

// NewVerifier returns a code_verifier (RFC 7636 §4.1). It must not leave the
// box but in Exchange.
func NewVerifier() Secret { return Secret(oauth2.GenerateVerifier()) }

// AuthCodeURL returns the address of the consent page for a person who signs in
// on another device or in another program (RFC 6749 §4.1.1), with a challenge
// for verifier (RFC 7636, S256). It asks for a refresh token even of somebody
// who has agreed before: Google then gives none unless consent is asked again.
func (c *Client) AuthCodeURL(redirectURI, state string, verifier Secret) string {
	cfg := c.config()
	cfg.RedirectURL = redirectURI
	return cfg.AuthCodeURL(state, oauth2.AccessTypeOffline, oauth2.SetAuthURLParam("prompt", "consent"),
		oauth2.S256ChallengeOption(string(verifier)))
}

// Exchange trades an authorization code for a token (RFC 6749 §4.1.3).
// redirectURI and verifier are those that AuthCodeURL was called with. The error
// is an *Error; with ErrMalformedResponse the code may be spent.
func (c *Client) Exchange(ctx context.Context, code Secret, redirectURI string, verifier Secret) (*Token, error) {
	w := &wire{}
	cfg := c.config()
	cfg.RedirectURL = redirectURI
	t, err := cfg.Exchange(w.bind(ctx, c.HTTP), string(code), oauth2.VerifierOption(string(verifier)))
	if err != nil {
		return nil, fail("exchange", err, w, c.Secret, code, verifier)
	}
	return c.token(t), nil
}

// account reads the e-mail address from an ID token. Its signature need not be
// checked where, as here, the token comes from the token endpoint itself
// (OpenID Connect Core §3.1.3.7); it is for show only.
func account(idToken string) string {
	parts := strings.Split(idToken, ".")
	if len(parts) != 3 {
		return ""
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	return email(data)
}

// email reads a set of claims (OpenID Connect Core §5.1).
func email(claims []byte) string {
	var c struct {
		Email string `json:"email"`
	}
	if json.Unmarshal(claims, &c) != nil {
		return ""
	}
	return printable(c.Email, nil)
}

// Account asks whose an access token is (OpenID Connect Core §5.3), for servers
// that leave the address out of the ID token. It is "" where they don't say.
func (c *Client) Account(ctx context.Context, access Secret) (string, error) {
	const op = "userinfo"
	w := &wire{}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.UserinfoURL, nil)
	if err != nil {
		return "", &Error{Op: op, Err: httperror.WithoutURL(err)}
	}
	req.Header.Set("Authorization", "Bearer "+string(access))
	_, err = w.send(req, c.HTTP)
	switch {
	case err != nil:
		return "", fail(op, err, w, access)
	case !w.ok():
		return "", &Error{Op: op, HTTPStatus: w.status, Code: printable(w.errorCode(), []Secret{access}), Err: ErrNotOAuth}
	}
	return email(w.body), nil
}

// NewAuthorizationError is the error that an authorization response carries instead of a code
// (RFC 6749 §4.1.2.1). code came by way of a browser and may be anything.
func NewAuthorizationError(code string) *Error {
	switch code {
	case AccessDenied, InvalidScope, UnauthorizedClient, AdminPolicyEnforced, OrgInternal, "server_error", "temporarily_unavailable":
		return &Error{Op: OpAuthorization, Code: code}
	}
	return &Error{Op: OpAuthorization, Code: InvalidRequest, Description: printable(code, nil)}
}

// OpAuthorization is the Op of errors that came by way of a browser.
const OpAuthorization = "authorization"
