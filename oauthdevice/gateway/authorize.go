package gateway

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"pickerd/oauthdevice"
	"pickerd/oauthdevice/httperror"
)

const (
	maxDisplayName = 100 // characters, as at Google
	maxCodeTries   = 4   // until a user code is new
)

// An authorization is a device authorization response (RFC 8628 §3.2).
type authorization struct {
	DeviceCode              oauthdevice.Secret `json:"device_code"`
	UserCode                string             `json:"user_code"`
	VerificationURI         string             `json:"verification_uri"`
	VerificationURIComplete string             `json:"verification_uri_complete"`
	ExpiresIn               int                `json:"expires_in"`
	Interval                int                `json:"interval"`
}

// authorize serves the device authorization request (RFC 8628 §3.1).
func (s *Server) authorize(r *http.Request, f form) (any, error) {
	if !s.limits.codes.allow(s.clientPrefix(r), s.now()) {
		return nil, errBusy
	}
	c, err := s.authenticate(r, f)
	if err != nil {
		return nil, err
	}
	scopes, err := s.scopes(f["scope"])
	if err != nil {
		return nil, err
	}
	if len(scopes) == 0 {
		scopes = s.upstream.Client.Scopes // RFC 6749 §3.3
	}
	name, err := displayName(f["state"])
	if err != nil {
		return nil, err
	}
	deviceCode := newSecret(deviceCodeBytes)
	device := digest(deviceCode)
	joined, err := s.store.Join(r.Context(), pendingSet(c.id), device, c.maxPending, codeLife)
	switch {
	case err != nil:
		return nil, err
	case !joined:
		return nil, &refusal{status: http.StatusTooManyRequests, code: temporarilyUnavailable, description: "too many codes of this client are pending", retryAfter: time.Minute}
	}
	a, err := s.issue(r, c, deviceCode, scopes, name)
	if err != nil {
		_ = s.store.Leave(r.Context(), pendingSet(c.id), device) // or it expires
		return nil, err
	}
	s.metrics.Code("asked")
	return a, nil
}

// pendingSet is the set of a client's codes that wait for a person.
func pendingSet(client string) string { return "pending:" + digest(client) }

// issue stores a sign-in.
func (s *Server) issue(r *http.Request, c *client, deviceCode string, scopes []string, name string) (*authorization, error) {
	key, err := publicKey(deviceCode, forAnswer)
	if err != nil {
		return nil, err
	}
	record, err := json.Marshal(deviceRecord{Client: c.id, Scopes: scopes, Key: key, Created: s.now().Unix()})
	if err != nil {
		return nil, err
	}
	device := digest(deviceCode)
	for try := 1; ; try++ {
		code, link := newUserCode(), newSecret(linkBytes)
		l := label{Code: code, Name: name}
		byCode, err := newTicket(s.codeSecret(code), device, l)
		if err != nil {
			return nil, err
		}
		byLink, err := newTicket(link, device, l)
		if err != nil {
			return nil, err
		}
		err = s.store.Create(r.Context(), map[string][]byte{
			kindDevice + device:     record,
			s.codeKeyOf(code):       byCode,
			kindLink + digest(link): byLink,
		}, codeLife)
		if errors.Is(err, ErrExists) && try < maxCodeTries {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("create sign-in: %w", err)
		}
		return &authorization{
			DeviceCode:              oauthdevice.Secret(deviceCode),
			UserCode:                code,
			VerificationURI:         s.issuer.String(),
			VerificationURIComplete: s.at("/?c=" + link),
			ExpiresIn:               int(codeLife / time.Second),
			Interval:                int(pollInterval / time.Second),
		}, nil
	}
}

// codeSecret returns what the ticket of a user code is sealed with.
func (s *Server) codeSecret(code string) string { return mac(s.codeKey, code) }

// codeKeyOf returns the key of a user code in the store.
func (s *Server) codeKeyOf(code string) string { return kindCode + digest(s.codeSecret(code)) }

func newTicket(secret, device string, l label) ([]byte, error) {
	sealed, err := sealLabel(secret, device, l)
	if err != nil {
		return nil, err
	}
	return json.Marshal(ticket{Device: device, Label: sealed})
}

// displayName reads the name of a screen from the state field, a Google extension:
// JSON with requestId, which the gateway does not need, and displayName.
func displayName(state string) (string, error) {
	if state == "" {
		return "", nil
	}
	var v struct {
		RequestID   string `json:"requestId"`
		DisplayName string `json:"displayName"`
	}
	if !strings.HasPrefix(strings.TrimSpace(state), "{") || json.Unmarshal([]byte(state), &v) != nil {
		return "", refuse(oauthdevice.InvalidRequest, "state must be a JSON object with requestId and displayName")
	}
	return httperror.Printable(v.DisplayName, maxDisplayName), nil
}

// scopes reads a scope parameter (RFC 6749 §3.3). It may have nothing but what the
// gateway is configured for.
func (s *Server) scopes(scope string) ([]string, error) {
	scopes := strings.Fields(scope)
	for _, sc := range scopes {
		if !slices.Contains(s.upstream.Client.Scopes, sc) {
			return nil, refuse(oauthdevice.InvalidScope, "this gateway does not offer the scope")
		}
	}
	slices.Sort(scopes)
	return slices.Compact(scopes), nil
}

// authenticate returns the client of a request (RFC 6749 §2.3.1).
func (s *Server) authenticate(r *http.Request, f form) (*client, error) {
	id, secret := f["client_id"], f["client_secret"]
	if user, password, ok := r.BasicAuth(); ok {
		user, errUser := url.QueryUnescape(user)
		password, errPassword := url.QueryUnescape(password)
		switch {
		case errUser != nil || errPassword != nil:
			return nil, errInvalidClient
		case secret != "" || id != "" && id != user:
			return nil, refuse(oauthdevice.InvalidRequest, "the client authenticates in two ways")
		}
		id, secret = user, password
	}
	if id == "" {
		return nil, refuse(oauthdevice.InvalidRequest, "client_id is missing")
	}
	c := s.clients[id]
	if c == nil {
		return nil, errInvalidClient
	}
	// Google's clients of type TV send a secret, so a public client may, too.
	sum := sha256.Sum256([]byte(secret))
	if c.secret != nil && subtle.ConstantTimeCompare(sum[:], c.secret) != 1 {
		return nil, errInvalidClient
	}
	return c, nil
}

var errInvalidClient = &refusal{status: http.StatusUnauthorized, code: oauthdevice.InvalidClient, description: "unknown client or wrong secret"}
