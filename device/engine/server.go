package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"time"

	"pickerd/device"
	"pickerd/oauthdevice"
	"pickerd/picker"
	"pickerd/store"
)

// This file knows which server a method, a pairing or a grant belongs to. Codes
// and tokens go to no other server, whatever is configured now.

// clientFor returns the OAuth client of a pairing's method, at the server that the
// pairing began with.
func (ms *methods) clientFor(m *Method, p *store.Pairing) *oauthdevice.Client {
	c := ms.client(m)
	if p.TokenURL != "" { // not if adoptAddresses failed
		c.TokenURL, c.RevokeURL = p.TokenURL, p.RevokeURL
	}
	return c
}

// clientOf returns the OAuth client that a grant was issued to, at the server that
// issued it. No other client can use it.
func (ms *methods) clientOf(g *store.Grant) *oauthdevice.Client {
	c := ms.oauth
	c.ID, c.Secret = g.ClientID, oauthdevice.Secret(g.ClientSecret)
	if m := ms.issuedTo(g); m != nil {
		c.ID, c.Secret = m.ClientID, m.Secret // with the secret that is configured now
	}
	c.DeviceAuthURL, c.AuthURL = "", ""
	if g.TokenURL != "" { // not if adoptAddresses failed
		c.TokenURL, c.RevokeURL = g.TokenURL, g.RevokeURL
	}
	if !ms.isConfigured(g) {
		c.UserinfoURL = ""
	}
	return &c
}

// issuedTo returns the method with the client that a grant was issued to, nil if
// that is no longer configured.
func (ms *methods) issuedTo(g *store.Grant) *Method {
	for _, list := range [][]Method{ms.list, ms.former} {
		for i := range list {
			if m := &list[i]; m.Issuer == g.Issuer && m.hasClient(g.ClientID) && ms.isConfigured(g) {
				return m
			}
		}
	}
	return nil
}

// isConfigured reports whether a grant is from a server that is configured now.
func (ms *methods) isConfigured(g *store.Grant) bool {
	if g.Issuer == "" {
		return g.TokenURL == "" || g.TokenURL == ms.oauth.TokenURL
	}
	for _, m := range ms.list {
		if m.Issuer == g.Issuer {
			return true
		}
	}
	return false
}

// began reports whether a pairing began by a method as it is configured now.
func (ms *methods) began(m *Method, p *store.Pairing) bool {
	return p.Method == m.Name && p.ClientID == m.ClientID && p.Issuer == m.Issuer &&
		(p.Issuer != "" || p.TokenURL == "" || p.TokenURL == ms.oauth.TokenURL)
}

// server returns the OAuth client of a method with the addresses of its server,
// and the server's metadata, which it requests if the method has an issuer.
func (ms *methods) server(ctx context.Context, m *Method) (*oauthdevice.Client, *oauthdevice.Metadata, error) {
	c := ms.client(m)
	if m.Issuer == "" {
		return c, &oauthdevice.Metadata{DeviceAuthURL: c.DeviceAuthURL, TokenURL: c.TokenURL, RevokeURL: c.RevokeURL}, nil
	}
	md, err := ms.metadata.of(ctx, m.Issuer)
	if err != nil {
		return nil, nil, err
	}
	c.DeviceAuthURL, c.TokenURL, c.RevokeURL = md.DeviceAuthURL, md.TokenURL, md.RevokeURL
	return c, md, nil
}

// metadata holds the metadata of the gateway. The loop's step owns it.
type metadata struct {
	methods *methods
	known   *oauthdevice.Metadata
	at      time.Time // when it was requested
}

// of returns the metadata of an issuer. During an outage it returns what was
// stored last.
func (d *metadata) of(ctx context.Context, issuer string) (*oauthdevice.Metadata, error) {
	if d.known != nil && d.known.Issuer == issuer && time.Since(d.at) < maxMetadataAge {
		return d.known, nil
	}
	md, err := oauthdevice.Discover(ctx, d.methods.oauth.HTTP, issuer)
	if err != nil && !isTemporary(err) {
		return nil, err
	}
	stored := d.stored(issuer)
	if err != nil {
		if stored == nil {
			return nil, err
		}
		return stored, nil
	}
	d.known, d.at = md, time.Now()
	if stored != nil && *stored == *md {
		return md, nil
	}
	data, err := json.Marshal(md)
	if err == nil {
		err = d.methods.store.Pairings.SaveMetadata(data)
	}
	if err != nil {
		return nil, storeError(err)
	}
	return md, nil
}

// stored returns the last good metadata of an issuer, nil if there is none.
func (d *metadata) stored(issuer string) *oauthdevice.Metadata {
	data, err := d.methods.store.Pairings.Metadata()
	if err != nil || data == nil {
		return nil
	}
	md, err := oauthdevice.ParseMetadata(data, issuer)
	if err != nil {
		return nil // of another issuer
	}
	return md
}

// expire has the metadata requested again the next time.
func (d *metadata) expire() { d.known = nil }

// A gatewayError is a failure of a request that went to the gateway.
type gatewayError struct {
	Err    error
	Online bool // other servers can be reached
}

func (e *gatewayError) Error() string { return "gateway: " + e.Err.Error() }
func (e *gatewayError) Unwrap() error { return e.Err }

// code returns the code of the notice for the error.
func (e *gatewayError) code() string {
	switch code := codeFor(e.Err); code {
	case "server_trouble", "rate_limited", "bad_answer":
		return "gateway_down"
	case "client_refused", "scope_refused", "refused":
		return "gateway_refused"
	case "no_network", "not_google", "clock":
		// Without an answer the last two are about a certificate: the gateway's, if
		// Google's is good.
		oe, ok := errors.AsType[*oauthdevice.Error](e.Err)
		if e.Online && (code == "no_network" || ok && oe.HTTPStatus == 0) {
			return "gateway_down"
		}
		return code
	case "code_spent":
		if errors.Is(e.Err, oauthdevice.ErrMalformedResponse) {
			return "gateway_down" // the answer can be fetched again
		}
		return code
	default:
		return code
	}
}

// throughGateway marks the errors of a step that are about the gateway. grant is
// the current one.
func (a *accounts) throughGateway(grant *store.Grant, step func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		err := step(ctx)
		oe, ok := errors.AsType[*oauthdevice.Error](err)
		if !ok || ctx.Err() != nil || !a.methods.isGateways(oe, grant) {
			return err
		}
		return &gatewayError{Err: err, Online: oe.HTTPStatus != 0 || a.reachesGoogle(ctx)}
	}
}

// isGateways reports whether an error is about a request to a gateway. grant is the
// current one.
func (ms *methods) isGateways(e *oauthdevice.Error, grant *store.Grant) bool {
	switch e.Op {
	case oauthdevice.OpMetadata:
		return true
	case "refresh":
		return grant != nil && grant.Issuer != ""
	case "device authorization", "poll":
		for _, m := range ms.list {
			if m.Name == device.ByDevice {
				return m.Issuer != ""
			}
		}
	}
	return false
}

// reachesGoogle reports whether the server of the Picker API answers.
func (a *accounts) reachesGoogle(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	c := oauthdevice.Client{TokenURL: cmp.Or(a.picker.BaseURL, picker.DefaultBaseURL), HTTP: a.picker.HTTP}
	return c.Reachable(ctx)
}

// adoptAddresses gives the addresses that are configured to the records of versions
// that stored none. It must precede every use of a token.
func (u *upkeep) adoptAddresses(configured *oauthdevice.Client) {
	adopt := func() error { return u.store.AdoptAddresses(configured.TokenURL, configured.RevokeURL) }
	if err := adopt(); err != nil {
		u.log.Error("addresses of old grants not stored", "err", err)
		u.onceWritable(func(context.Context) error { return adopt() })
	}
}
