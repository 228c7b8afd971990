// Package gateway is a device authorization server (RFC 8628) in front of an
// authorization server that offers only the authorization code flow.
package gateway
