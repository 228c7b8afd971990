package oauthdevice

import (
	"context"

	"golang.org/x/oauth2"
)

// OpAuthorization is the Op of errors that a browser brought back.
const OpAuthorization = "authorization"

// NewVerifier returns a new code_verifier (RFC 7636 §4.1). Only Exchange may
// send it.
func NewVerifier() Secret { return Secret(oauth2.GenerateVerifier()) }

// AuthCodeURL returns the address of the consent page for a person who signs in
// on another device or in another program (RFC 6749 §4.1.1), with the S256
// challenge for verifier (RFC 7636). It asks for consent again even if the
// person has given it before, because otherwise Google returns no refresh
// token.
func (c *Client) AuthCodeURL(redirectURI, state string, verifier Secret) string {
	cfg := c.config()
	cfg.RedirectURL = redirectURI
	return cfg.AuthCodeURL(state, oauth2.AccessTypeOffline, oauth2.SetAuthURLParam("prompt", "consent"),
		oauth2.S256ChallengeOption(string(verifier)))
}

// Exchange exchanges an authorization code for a token (RFC 6749 §4.1.3).
// redirectURI and verifier must be those passed to AuthCodeURL. Errors are of
// type *Error; ErrMalformedResponse means that the code may be used up.
func (c *Client) Exchange(ctx context.Context, code Secret, redirectURI string, verifier Secret) (*Token, error) {
	tr := &transport{}
	cfg := c.config()
	cfg.RedirectURL = redirectURI
	t, err := cfg.Exchange(tr.context(ctx, c.HTTP), string(code), oauth2.VerifierOption(string(verifier)))
	if err != nil {
		return nil, newError("exchange", err, tr, c.Secret, code, verifier)
	}
	return c.token(t), nil
}

// NewAuthorizationError returns the error for an authorization response that
// has an error code instead of an authorization code (RFC 6749 §4.1.2.1). The
// code was brought back by a browser and may be anything: an unknown one
// becomes InvalidRequest with the code as its Description.
func NewAuthorizationError(code string) *Error {
	switch code {
	case AccessDenied, InvalidScope, UnauthorizedClient, AdminPolicyEnforced, OrgInternal, serverError, temporarilyUnavailable:
		return &Error{Op: OpAuthorization, Code: code}
	}
	return &Error{Op: OpAuthorization, Code: InvalidRequest, Description: printable(code, nil)}
}
