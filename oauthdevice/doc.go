// Package oauthdevice gets, keeps fresh and revokes one person's OAuth 2.0
// token on a device without a keyboard. It speaks RFC 8628 (device
// authorization grant) through golang.org/x/oauth2, one exchange per call: it
// never retries and never waits, because only its caller knows whether a
// person is looking at the screen.
//
// Where RFC 8628 is met:
//
//	§3.1   device authorization request   Client.Authorize
//	§3.2   response, optional interval    Authorization (5 s when absent)
//	§3.3.1 verification_uri_complete      Authorization.QRURI
//	§3.4   device access token request    Client.Poll
//	§3.5   errors while polling           Error.Code; the caller waits and slows down
//	§5.2   brute force, §5.4 spying       codes are Secret and in no error or log line
//
// Google's deviations (verification_url, 428 and 403 for "keep waiting",
// error_code instead of error) are accepted beside the standard's forms.
package oauthdevice
