package gateway

import "net/http"

const (
	grantDeviceCode   = "urn:ietf:params:oauth:grant-type:device_code"
	grantRefreshToken = "refresh_token"
)

// metadata is the authorization server metadata (RFC 8414 §2).
type metadata struct {
	Issuer                        string   `json:"issuer"`
	DeviceAuthorizationEndpoint   string   `json:"device_authorization_endpoint"` // RFC 8628 §4
	TokenEndpoint                 string   `json:"token_endpoint"`
	RevocationEndpoint            string   `json:"revocation_endpoint,omitempty"`
	ScopesSupported               []string `json:"scopes_supported"`
	ResponseTypesSupported        []string `json:"response_types_supported"` // required, and none: there is no authorization endpoint
	GrantTypesSupported           []string `json:"grant_types_supported"`
	TokenEndpointAuthMethods      []string `json:"token_endpoint_auth_methods_supported"`
	RevocationEndpointAuthMethods []string `json:"revocation_endpoint_auth_methods_supported,omitempty"`

	// Extensions of pickerd.
	ContinueEndpoint string `json:"continue_endpoint,omitempty"`
	ReceivedEndpoint string `json:"received_endpoint"`
}

// metadata serves the metadata.
func (s *Server) metadata(w http.ResponseWriter, _ *http.Request) {
	authMethods := []string{"none", "client_secret_post", "client_secret_basic"}
	m := metadata{
		Issuer:                      s.issuer.String(),
		DeviceAuthorizationEndpoint: s.at(authorizationPath),
		TokenEndpoint:               s.at(tokenPath),
		ScopesSupported:             s.upstream.Client.Scopes,
		ResponseTypesSupported:      []string{},
		GrantTypesSupported:         []string{grantDeviceCode, grantRefreshToken},
		TokenEndpointAuthMethods:    authMethods,
		ReceivedEndpoint:            s.at(receivedPath),
	}
	if s.upstream.Client.RevokeURL != "" {
		m.RevocationEndpoint, m.RevocationEndpointAuthMethods = s.at(revocationPath), authMethods
	}
	if len(s.prefixes) > 0 {
		m.ContinueEndpoint = s.at(continuePath)
	}
	writeJSON(w, http.StatusOK, m)
}

// at returns the address of a path of the gateway.
func (s *Server) at(path string) string { return s.issuer.String() + path }
