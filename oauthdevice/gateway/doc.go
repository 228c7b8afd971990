// Package gateway is a device authorization server (RFC 8628) in front of an
// authorization server that offers only the authorization code flow, or that
// refuses a scope to devices, as Google does with the scope of the Photos Picker
// API.
//
// A box speaks RFC 8628 to the gateway. The phone of the person in front of it
// signs in upstream by RFC 6749 §4.1 with PKCE, as a client of the gateway's
// operator. The gateway hands the token over to the box, sealed in between, and
// keeps nothing. README.md in this directory has the threat model.
//
// Where RFC 8628 is implemented:
//
//	§3.1   device authorization request   POST /device/code; Google's field state names the screen
//	§3.2   device authorization response  expires_in 1200, interval 5
//	§3.3   user interaction               GET / asks for the code, whatever its case and punctuation
//	§3.3.1 verification_uri_complete      has a secret of its own instead of the code, and the page shows the code to be compared
//	§3.4   device access token request    POST /token; the answer may be fetched again until POST /received or POST /continue
//	§3.5   authorization_pending, slow_down, access_denied, expired_token
//	§4     metadata                       device_authorization_endpoint
//	§5.1   user code brute forcing        10 wrong codes a minute from an address, 500 an hour in all
//	§5.2   device code brute forcing      256 random bits
//	§5.4   remote phishing                the page asks whether the code is on the screen in front of the person
//	§6.1   user code recommendations      nine consonants
//
// Where other standards are implemented:
//
//	RFC 6749 §2.3.1                 clients authenticate with client_secret_basic, client_secret_post, or not at all
//	RFC 6749 §4.1.1, RFC 7636 §4.3  POST /confirm leads to the consent page, with S256
//	RFC 6749 §4.1.2, §10.12         GET /callback takes each state once, from the browser that has the cookie
//	RFC 6749 §5.1                   of an upstream token response only these members and id_token go to the box
//	RFC 6749 §5.2                   every error response to a box; 503 temporarily_unavailable while something is away
//	RFC 6749 §6                     POST /token with grant_type refresh_token
//	RFC 7009                        POST /revoke
//	RFC 8414                        GET /.well-known/oauth-authorization-server; response_types_supported is present and empty
//	RFC 9207, RFC 9700 §4.4         Upstream.Issuer
//	RFC 9180                        answers are sealed to an X25519 key that is derived from the device_code
//
// Two endpoints are extensions, announced in the metadata. A box posts its
// device_code to received_endpoint when it has stored the token, and with an
// address as uri to continue_endpoint, to send the phone there.
package gateway
