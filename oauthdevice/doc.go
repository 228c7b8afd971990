// Package oauthdevice obtains, refreshes and revokes one person's OAuth 2.0
// token for a device without a keyboard.
//
// It implements the device authorization grant (RFC 8628) and, for servers
// that refuse it, the authorization code grant (RFC 6749 §4.1) with PKCE
// (RFC 7636), on top of golang.org/x/oauth2. It owns the requests to the
// authorization server, the classification of their errors, and the rule that
// a refreshed token is saved before it is used.
//
// Each method sends one request. The package never retries and never waits
// between requests: only the caller knows whether a person is looking at the
// screen. It stores nothing; the caller passes a function that does.
//
// Where RFC 8628 is implemented:
//
//	§3.1   device authorization request   Client.Authorize; the client authenticates where the server requires it
//	§3.2   expires_in, interval           Authorization; 5 s without an interval, 5 min without expires_in
//	§3.3   user interaction               the caller shows UserCode unchanged and VerificationURI in full
//	§3.3.1 verification_uri_complete      Authorization.QRURI; the caller shows the code beside the QR code, to be compared
//	§3.4   device access token request    Client.Poll
//	§3.5   authorization_pending          Error.Code; the caller polls again
//	§3.5   slow_down                      Error.Code; the caller adds 5 s to the interval for good, also after a restart
//	§3.5   access_denied, expired_token   Error.Code; the caller drops the code and requests another
//	§3.5   connection timeout             Error.Temporary; the caller backs off exponentially
//	§5.2   device code brute forcing      bounded by the server; device_code is a Secret, absent from errors and logs
//	§5.3   device trustworthiness         the caller says which screen asks and for what
//	§5.4   session spying                 the caller replaces a code as soon as it is used or has expired
//	§5.5   non-confidential clients       nothing relies on the client secret; PKCE wherever there is a redirect
//	§6.1   user code recommendations      shown as received: no case folding, no dash removed
//
// Where RFC 6749, RFC 7636 and RFC 7009 are implemented:
//
//	RFC 6749 §4.1.1, RFC 7636 §4.3  Client.AuthCodeURL
//	RFC 6749 §4.1.2, §10.12         the caller compares state and accepts it once
//	RFC 6749 §4.1.2.1               NewAuthorizationError
//	RFC 6749 §4.1.3, RFC 7636 §4.5  Client.Exchange
//	RFC 6749 §5.1                   TokenResponse, for a server that passes responses on
//	RFC 6749 §6                     Client.Refresh; TokenSource saves a rotated refresh token before it is used
//	RFC 7009                        Client.Revoke; an unknown token counts as revoked
//
// RFC 8414 §2, §3 and §3.3 are implemented by Discover and ParseMetadata. They are
// stricter than §3.3: each endpoint must be on the issuer's own server, so that
// metadata cannot send a token elsewhere.
//
// Google's deviations (verification_url, status 428 and 403 for pending,
// error_code instead of error) are accepted beside the standard forms. The
// device authorization request is sent without the client secret, as Google
// documents it, and repeated with it if the server answers invalid_client
// (RFC 8628 §3.1). With Client.BasicAuth every request carries the
// Authorization header.
package oauthdevice
