package gateway

import (
	"errors"
	"net/http"
	"net/url"

	"pickerd/oauthdevice"
)

// received serves a box that has stored the token: the answer is erased. It may be
// repeated.
func (s *Server) received(r *http.Request, f form) (any, error) {
	in, err := s.handedOver(r, f)
	if err != nil {
		return nil, err
	}
	if in.Answer == nil {
		return struct{}{}, nil
	}
	in.Answer = nil
	return struct{}{}, s.change(r, in)
}

// continueAt serves a box that has an address for the phone on which the person
// signed in. It counts as received, too. The same address may be sent again.
func (s *Server) continueAt(r *http.Request, f form) (any, error) {
	uri := f["uri"]
	if uri == "" {
		return nil, refuse(oauthdevice.InvalidRequest, "uri is missing")
	}
	in, err := s.handedOver(r, f)
	if err != nil {
		return nil, err
	}
	if !mayContinue(s.prefixes, uri) {
		s.complaints.Do(func() {
			s.log.Warn("box sends the phone to an address that is not below a continue prefix", "host", hostOf(uri))
		})
		return nil, refuse(oauthdevice.InvalidRequest, "uri is not below a continue prefix of this gateway")
	}
	sum := mac([]byte(in.device), uri)
	switch in.Continued {
	case sum:
		return struct{}{}, nil
	case "":
	default:
		return nil, refuse(oauthdevice.InvalidGrant, "the phone was sent to another address before")
	}
	sealed, err := sealTo(in.Browser.Key, forContinue, in.device, []byte(uri))
	if err != nil {
		return nil, err
	}
	in.Answer, in.Continued, in.Continue = nil, sum, sealed
	return struct{}{}, s.change(r, in)
}

// hostOf returns the host of an address, whose path may be a secret.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

// handedOver returns the sign-in of a request that follows the token.
func (s *Server) handedOver(r *http.Request, f form) (*signIn, error) {
	c, deviceCode, err := s.deviceRequest(r, f)
	if err != nil {
		return nil, err
	}
	in, err := s.find(r.Context(), c, digest(deviceCode))
	if err != nil {
		return nil, err
	}
	if in.Status != approved || in.Browser == nil {
		return nil, refuse(oauthdevice.InvalidGrant, "no token was issued for the device_code")
	}
	return in, nil
}

// change saves a sign-in that follows the token.
func (s *Server) change(r *http.Request, in *signIn) error {
	err := s.save(r.Context(), in)
	if errors.Is(err, ErrChanged) || errors.Is(err, ErrNotFound) {
		return errBusy // another request was faster; the box asks again
	}
	return err
}
