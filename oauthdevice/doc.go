// Package oauthdevice gets, keeps fresh and revokes one person's OAuth 2.0
// token on a device without a keyboard. It speaks RFC 8628 (device
// authorization grant), and RFC 6749 §4.1 with RFC 7636 where a server refuses
// that, through golang.org/x/oauth2, one exchange per call: it never retries
// and never waits, because only its caller knows whether a person is looking at
// the screen.
//
// Where RFC 8628 is met:
//
//	§3.1   device authorization request   Client.Authorize; a client authenticates where the server asks for it
//	§3.2   expires_in, interval           Authorization; 5 s where interval is absent, five minutes where expires_in is
//	§3.3   the person's part              the caller shows UserCode as given, and VerificationURI in full
//	§3.3.1 verification_uri_complete      Authorization.QRURI; the code stands beside the QR code, to be compared
//	§3.4   device access token request    Client.Poll
//	§3.5   authorization_pending          Error.Code; the caller goes on polling
//	§3.5   slow_down                      Error.Code; the caller adds 5 s for good, over restarts too
//	§3.5   access_denied, expired_token   Error.Code; the caller drops the code and shows another
//	§3.5   time-outs                      Error.Temporary; the caller backs off exponentially
//	§5.2   brute force                    the server's to bound; device_code is a Secret, in no error and no log line
//	§5.3   trustworthiness                the caller says which screen asks, and what for
//	§5.4   session spying                 a code is dropped at once when it was used or has ended; a new one replaces it
//	§5.5   non-confidential clients       a client secret is not relied upon; PKCE where there is a redirect
//	§6.1   user_code                      shown as given: no case folding, no dash taken away
//
// Where RFC 6749 §4.1 and RFC 7636 are met:
//
//	RFC 6749 §4.1.1, RFC 7636 §4.3  Client.AuthCodeURL
//	RFC 6749 §4.1.2, §10.12         the caller compares state, once
//	RFC 6749 §4.1.3, RFC 7636 §4.5  Client.Exchange
//	RFC 6749 §6                     Client.Refresh; a rotated refresh token is stored before it is used (TokenSource)
//	RFC 7009                        Client.Revoke; a token that is unknown counts as revoked
//
// Google's deviations (verification_url, 428 and 403 for "keep waiting",
// error_code instead of error) are accepted beside the standard's forms. One
// decides what is sent: the device authorization request goes without a secret
// in the form, as Google documents it, and once more with it where a server
// wants a confidential client to authenticate there (§3.1). With Client.BasicAuth
// the header carries it at every request.
package oauthdevice
